//! Flags and subcommands.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{AuditOptions, ServeOptions, ServiceOptions},
    credentials::Cause,
};

/// Gives an AI assistant eyes and hands in your team chat, over MCP.
///
/// Without a subcommand it is an MCP server on standard input and output, for the accounts in provider-config.yaml.
/// Sign in once per account with `switchboard --provider NAME --local-auth`; every MCP client on this machine then shares
/// that sign-in.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, max_term_width = 100)]
pub struct Cli {
    /// What every mode takes.
    #[command(flatten)]
    pub flags: Flags,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command line without a command.
#[derive(Parser)]
struct Commandless {
    #[command(flatten)]
    flags: Flags,
}

// No words here, or on what it holds: they would be shown in place of the program's.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// List the configured accounts and end.
    #[arg(long)]
    pub list_providers: bool,

    #[command(flatten)]
    pub options: Options,

    #[command(flatten)]
    pub sign_in: SignInOptions,
}

/// What is served, and how.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What is served, and how")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Options {
    /// Account to serve; repeat it or separate names by commas. Without it, every configured account but the sandbox.
    #[arg(long, global = true, value_name = "NAME", value_delimiter = ',')]
    pub provider: Vec<String>,

    /// Configuration to use instead of the user's own or the one built in.
    #[arg(long, global = true, value_name = "FILE", env = "SWITCHBOARD_CONFIG")]
    pub config: Option<PathBuf>,

    /// Offer the tools that write, for accounts whose configuration does not say `access`.
    #[arg(long, global = true, conflicts_with = "read_only")]
    pub allow_write: bool,

    /// Offer no tool that writes, whatever the configuration says.
    #[arg(long, global = true)]
    pub read_only: bool,

    /// Ask before every write, whatever the configuration says.
    #[arg(long, global = true)]
    pub confirm_writes: bool,

    /// Withhold what outsiders, bots and webhooks wrote, in every account.
    #[arg(long, global = true)]
    pub lockdown: bool,

    /// Folder whose files may be sent; repeat it for more.
    #[arg(long, global = true, value_name = "DIR")]
    pub upload_root: Vec<PathBuf>,

    /// Folder that fetched files are saved in.
    #[arg(long, global = true, value_name = "DIR")]
    pub download_root: Option<PathBuf>,

    /// Log each call to standard error; without contents.
    #[arg(long, global = true)]
    pub debug: bool,
}

/// Signing in.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Signing in")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct SignInOptions {
    /// Sign in to the account named by --provider, and end.
    #[arg(long)]
    pub local_auth: bool,

    /// Address to listen on while signing in.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", requires = "local_auth")]
    pub host: String,

    /// Port to listen on while signing in; beats the configuration's.
    #[arg(long, value_name = "PORT", requires = "local_auth")]
    pub port: Option<u16>,

    /// Do not open a browser; print the address to open.
    #[arg(long, requires = "local_auth")]
    pub no_browser: bool,

    /// Sign in by a code on another device, where the platform can.
    #[arg(long, requires = "local_auth")]
    pub device: bool,

    /// Keep listening after the sign-in, until Ctrl-C.
    #[arg(long, requires = "local_auth")]
    pub keep_running: bool,

    /// Let another person's sign-in replace the one that is stored.
    #[arg(long, requires = "local_auth")]
    pub replace: bool,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
#[command(defer = true)] // a server never needs their arguments
pub enum Command {
    /// Serve MCP clients: one over standard input and output, or many over HTTP.
    ///
    /// With `--http` the endpoint is `/mcp` at the address, in both eras of the protocol, and `/health` tells that the server
    /// runs. Every client acts for you, with your sign-ins. So only this machine is listened to, unless the callers have to show a
    /// bearer token: it is in `SWITCHBOARD_HTTP_TOKEN` or in the file that `--bearer-file` names, never on the command line.
    /// Ctrl-C or SIGTERM ends it once the answers under way are out.
    Serve(ServeOptions),
    /// Say who is signed in where, and for how long.
    ///
    /// For each account: how it stands and what to do about it, who signed in, what the sign-in allows and what is missing,
    /// when its tokens expire, where they are kept, and which process is changing them right now. It asks no platform,
    /// starts nothing and shows no secret.
    Status {
        /// Print it as JSON, an object for each account.
        #[arg(long)]
        json: bool,
    },
    /// Renew the tokens now, whatever the clock says.
    ///
    /// Tokens are renewed by themselves when a call needs them: this is to try it, or to have fresh ones before the
    /// platform goes away. It takes its turn with every process that shares the sign-in, and takes over what another has
    /// just renewed. A token that was pasted is not renewed.
    Refresh,
    /// End the sign-in to the accounts named by --provider.
    ///
    /// The platform is asked to accept the tokens no longer, where it can be, and their file is removed. If the platform
    /// cannot be reached, the file is removed all the same, and you are told to end the session by hand. Programs that
    /// are running notice on their next call.
    Logout {
        /// End the sign-ins to every configured account.
        #[arg(long)]
        all: bool,
    },
    /// Find out what is wrong, and what to do about it.
    ///
    /// Checks the configuration and, for each account, the OAuth client, the port for signing in, whether the platform
    /// and its authorization server answer, this machine's clock, who else may read the tokens, whether their file can be locked
    /// and written, and how the sign-in stands. One line for each check, with what to do where it is not `ok`. It sends no
    /// secret and waits 5 s for an answer at most. Ends with exit code 1 if a check failed; a warning is no failure.
    Doctor {
        /// Print it as JSON, an object for each check.
        #[arg(long)]
        json: bool,
    },
    /// List the tools that a client would see.
    ///
    /// A model reads the whole list at the start of every session. `--cost` shows what that takes: for each tool the bytes of
    /// its name, title and description (`words`), of its schema and of its annotations (`hints`), all its bytes as MCP lists it,
    /// and the tokens, at four bytes for one. To pay for fewer, name those that you want under `tools:` in
    /// provider-config.yaml.
    Tools {
        /// Show what the list costs a model.
        #[arg(long)]
        cost: bool,
        /// Print them as JSON: as MCP lists them, or with `--cost` what each costs.
        #[arg(long)]
        json: bool,
    },
    /// Call one tool and print its answer.
    Call {
        /// The tool's name, such as `read_messages`.
        tool: String,
        /// Its arguments, such as `target='#general' limit=5`; repeat a name for a list.
        #[arg(value_name = "KEY=VALUE")]
        arguments: Vec<String>,
    },
    /// Show what was written, refused, signed in to and signed out of.
    ///
    /// Every write is noted twice: when it passes, as `allowed` by the rules or `confirmed` by you, and when it is `done` or has
    /// `failed`; what may not be is `refused`, with the reason. Sign-ins and logouts are noted too. A line has the time, the
    /// account, the tool, the target and the messages by their ids, and a SHA-256 of what was to be written: never a text, a file or
    /// a secret. What is read is not noted. A write that cannot be noted is not done.
    ///
    /// The lines are in `audit.jsonl` in the state directory (`~/.local/state/switchboard` on Linux) or where `audit:` in
    /// provider-config.yaml says, one JSON object each; only you may read them. No program but yours removes any: move the file away
    /// to begin another, which servers that run take up with their next line.
    Audit(AuditOptions),
    /// Renew a token for a server that may end meanwhile.
    #[command(hide = true)]
    Renew {
        /// Why.
        cause: Cause,
    },
    /// Run the sandbox as a service of its own, for tests and benchmarks.
    Sandbox(ServiceOptions),
}

impl Cli {
    /// Reads the command line. `-local-auth`, which the program this one succeeds took, is `--local-auth`.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = arguments.into_iter().map(|argument| match argument.to_str() {
            Some("-local-auth") => "--local-auth".into(),
            _ => argument,
        });
        let arguments: Vec<_> = arguments.collect();
        // Clients start servers all the time, and to describe every command costs more than all else about their line.
        match Commandless::try_parse_from(&arguments) {
            Ok(Commandless { flags }) => Ok(Self { flags, command: None }),
            Err(_) => Self::try_parse_from(arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for command in Cli::command().get_subcommands_mut() {
            let listed = command.get_about().map(ToString::to_string).unwrap_or_default();
            let shown = command.render_help().to_string();
            assert!(!listed.is_empty() && shown.starts_with(&listed), "{}: {shown}", command.get_name());
        }
    }

    #[test]
    fn both_spellings_of_local_auth_are_taken() {
        for flag in ["--local-auth", "-local-auth"] {
            assert!(read(&format!("switchboard --provider matrix {flag}")).unwrap().flags.sign_in.local_auth);
        }
    }

    #[test]
    fn providers_repeat_or_take_commas() {
        let cli = read("switchboard --provider a,b --provider c status").unwrap();
        assert_eq!(cli.flags.options.provider, ["a", "b", "c"]);
    }

    #[test]
    fn writing_cannot_be_both_on_and_off() {
        assert!(read("switchboard --allow-write --read-only").is_err());
    }
}
