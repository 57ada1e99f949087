//! The verbs against the sandbox, served in this process, as an assistant calls them.

mod altered;
mod answers;
mod names;
mod budget;
mod forgery;
mod hostile;
mod reader;
mod news;
mod reading;
mod sending;
mod several;
mod workspace;
mod writing;
