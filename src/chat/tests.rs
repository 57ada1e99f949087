//! The verbs against the sandbox, served in this process, as an assistant calls them.

mod altered;
mod answers;
mod archive;
mod budget;
mod compromised;
mod confirming;
mod egress;
mod forgery;
mod hostile;
mod injections;
mod lockdown;
mod names;
mod news;
mod noting;
mod picks;
mod reader;
mod reading;
mod search;
mod sending;
mod several;
mod taint;
mod walls;
mod watching;
mod workspace;
mod writing;
