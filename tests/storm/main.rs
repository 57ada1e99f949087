//! No sign-in is ever lost: real processes that are killed, stopped and lied to, over one token file.
//!
//! As a part of `cargo test` every scenario runs once and small. With `--duration 1h` the two that count to a number
//! get most of the time, the others take turns for the rest of it. Either form ends with a table, and fails if a law
//! was broken or if something that should have happened never did.
#![cfg(test)]

mod arguments;
mod harness;
mod observer;
mod scenarios;
mod signals;
mod trial;
mod worker;
mod world;

#[path = "../service.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod service;
#[path = "../switchboard.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod switchboard;

use std::{env, process::ExitCode};

use arguments::Options;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some("worker") {
        worker::run(&arguments.next().unwrap());
        return ExitCode::SUCCESS;
    }
    match Options::read(env::args().skip(1)) {
        Some(options) => harness::run(&options),
        None => ExitCode::SUCCESS,
    }
}
