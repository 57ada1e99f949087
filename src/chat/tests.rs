//! The verbs against the sandbox, served in this process, as an assistant calls them.

mod answers;
mod names;
mod budget;
mod forgery;
mod hostile;
mod reader;
mod reading;
mod sending;
mod several;
mod workspace;
mod writing;
