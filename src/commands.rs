//! The modes of the program, as a person or an MCP client starts them.

mod audit;
mod call;
mod doctor;
mod list;
mod logout;
mod refresh;
mod renew;
mod sandbox;
mod serve;
mod sign_in;
mod standing;
mod status;
mod tools;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use switchboard_kit::{Error, ErrorKind, Result};

use crate::{
    accounts::Accounts,
    chat::{Served, sanitise},
    cli::{Cli, Command},
    logs,
    server::{Aggregate, Filtered, Linked},
};

pub(crate) use audit::AuditOptions;
pub(crate) use sandbox::ServiceOptions;
pub(crate) use serve::ServeOptions;

/// Runs one mode. 0 is success, 1 failure, 2 a mistake in the command line or the configuration.
pub fn run(cli: Cli) -> ExitCode {
    logs::start(cli.flags.options.debug);
    // One thread answers an MCP client six times faster than several do: there is no hand-over between them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime
        .map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the asynchronous runtime could not be started").caused_by(error)
        })
        .and_then(|runtime| {
            let result = runtime.block_on(mode(cli));
            // A reader of standard input may be stuck in a read that nobody ends.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(if error.kind() == ErrorKind::Config { 2 } else { 1 })
        }
    }
}

fn complain(error: &Error) {
    eprintln!("error: {}", sanitise::text(error.message()));
    if let Some(hint) = error.hint_text() {
        eprintln!("hint: {}", sanitise::text(hint));
    }
}

/// Prints what was done for each account; those where it failed come last, and fail the whole.
fn report(outcomes: Vec<Result<String>>) -> Result<()> {
    let mut failures = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(line) => print(&line)?,
            Err(error) => failures.push(error),
        }
    }
    let last = failures.pop();
    failures.iter().for_each(complain);
    last.map_or(Ok(()), Err)
}

async fn mode(cli: Cli) -> Result<()> {
    let accounts = || Accounts::load(&cli.flags.options);
    match cli.command {
        Some(Command::Sandbox(options)) => sandbox::serve(&options).await,
        Some(_) if cli.flags.list_providers || cli.flags.sign_in.local_auth => {
            let message = "`--local-auth` and `--list-providers` take no command besides";
            Err(Error::new(ErrorKind::Config, message).hint("run one after the other"))
        }
        Some(Command::Serve(options)) => serve::serve(&accounts()?, &options).await,
        Some(Command::Doctor { json }) => doctor::doctor(&cli.flags.options, json).await,
        Some(Command::Status { json }) => status::status(&accounts()?, json).await,
        Some(Command::Refresh) => refresh::refresh(&accounts()?).await,
        Some(Command::Logout { all }) => logout::logout(&accounts()?, all).await,
        Some(Command::Tools { cost, json }) => tools::tools(&accounts()?, cost, json).await,
        Some(Command::Call { tool, arguments }) => call::call(&accounts()?, &tool, &arguments).await,
        Some(Command::Audit(options)) => audit::audit(&accounts()?, &options),
        Some(Command::Renew { cause }) => renew::renew(&accounts()?, &cause).await,
        None if cli.flags.list_providers => list::list(&accounts()?),
        None if cli.flags.sign_in.local_auth => sign_in::sign_in(&accounts()?, &cli.flags.sign_in).await,
        None => serve::serve(&accounts()?, &ServeOptions::default()).await,
    }
}

/// Puts together what clients are offered.
fn offered(accounts: &Accounts, served: Arc<Served>) -> Result<Aggregate> {
    let tools = &accounts.config().tools;
    let linked = Arc::new(Linked::new(served, &accounts.toolsets())?.showing(tools.clone()));
    Ok(Aggregate::new([Arc::new(Filtered::new(linked).tools(tools.clone())) as _]))
}

/// Prints for a person, or for a pipe that may have closed.
pub(crate) fn print(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{}", text.trim_end_matches('\n')) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Unexpected, "standard output cannot be written to").caused_by(error))
        }
        _ => Ok(()),
    }
}

/// Prints for a program.
fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}"))
}
