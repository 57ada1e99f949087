//! A client of either era talks to the server through its real transport, and reads every line.

mod asking;
mod coming_and_going;
mod ending;
mod news;
mod world;
