//! Parses the command line, runs one mode, prints an error and its hint.

use std::{env, process::ExitCode};

use switchboard::{Cli, run};

fn main() -> ExitCode {
    match Cli::read(env::args_os()) {
        Ok(cli) => run(cli),
        Err(error) => {
            // `--help` and `--version` come here too, and belong on standard output.
            drop(error.print());
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
    }
}
