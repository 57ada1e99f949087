//! `switchboard sandbox`: the sandbox as a service of its own.

use std::{net::Ipv4Addr, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use switchboard_kit::{Error, Result};
use switchboard_sandbox::{Faults, Options, Rotation};
use tokio::net::TcpListener;

use crate::{
    sandbox::{no_port, open},
    signals::stopped,
};

// No words here: they would be shown in place of the command's.
#[derive(Args, Debug)]
pub struct ServiceOptions {
    /// Port to listen on; any free one if 0.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// File that holds the workspace; a temporary one without it.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// What becomes of a refresh token once it is used.
    #[arg(long, value_enum, default_value_t = RotationName::Strict)]
    rotation: RotationName,

    /// How long an access token is good, such as `1s` or `1h`.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    token_lifetime: Lifetime,

    /// Approve every sign-in without a page.
    #[arg(long)]
    approve: bool,

    /// Fill the workspace with made-up people until there are so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    people: u32,

    /// Fill the workspace with made-up conversations until there are so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    conversations: u32,

    /// Look no names up, as platforms do that only list them.
    #[arg(long)]
    no_lookup: bool,

    /// Let anyone on this machine set faults, revoke tokens and read counters below `/control/`.
    #[arg(long)]
    control: bool,
}

/// `Rotation`, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RotationName {
    /// It stays.
    None,
    /// It is replaced, and stays good.
    Benign,
    /// It is replaced, and stays good for ten seconds.
    Grace,
    /// It is replaced, and using it again ends the sign-in.
    Strict,
}

#[derive(Clone, Copy, Debug)]
struct Lifetime(u64);

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no duration in whole seconds, such as `90s` or `1h`");
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        let seconds = u64::try_from(span.as_secs()).ok().filter(|seconds| *seconds > 0);
        seconds.map(Self).ok_or_else(wrong)
    }
}

/// Serves the sandbox until it is stopped. The first line on standard output says where, as JSON.
pub(super) async fn serve(options: &ServiceOptions) -> Result<()> {
    let folder =
        tempfile::tempdir().map_err(|error| Error::unexpected("no temporary folder can be made").caused_by(error))?;
    let state = options.state.clone().unwrap_or_else(|| folder.path().join("sandbox.db"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| no_port(&error))?;
    let url = format!("http://{}", listener.local_addr().map_err(|error| no_port(&error))?);
    let faults = Faults {
        access_lifetime: options.token_lifetime.0,
        rotation: match options.rotation {
            RotationName::None => Rotation::None,
            RotationName::Benign => Rotation::Benign,
            RotationName::Grace => Rotation::Grace(10),
            RotationName::Strict => Rotation::Strict,
        },
        ..Faults::default()
    };
    let sandbox = open(state).await?;
    let sandbox = sandbox.crowded(options.people, options.conversations);
    let sandbox = sandbox.map_err(|error| Error::unexpected("the sandbox cannot be filled").caused_by(error))?;
    let sandbox = sandbox.with(Options {
        public_url: Some(url.clone()),
        auto_approve: options.approve,
        control: options.control,
        no_lookup: options.no_lookup,
        faults,
    });
    super::print(&serde_json::json!({ "url": url, "pid": std::process::id() }).to_string())?;
    sandbox.serve(listener, stopped()).await.map_err(|error| Error::unexpected("the sandbox ended").caused_by(error))
}
