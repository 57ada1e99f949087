//! One client over standard input and output.

use std::{io::IsTerminal as _, time::Duration};

use rmcp::ServiceExt as _;
use switchboard_kit::{Error, ErrorKind, Result};
use tracing::info;

use super::{Handler, Provider};
use crate::signals::stopped;

/// How long what is under way may take to end once the client has gone.
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves until the client closes our input.
pub async fn serve_stdio(handler: Handler, provider: &dyn Provider) -> Result<()> {
    if std::io::stdin().is_terminal() {
        info!("Waiting for an MCP client on standard input");
        eprintln!(
            "switchboard is an MCP server and waits for a client on standard input.\n\
             Add it to your client as in the README, try `switchboard call whoami`, or end it with Ctrl-D."
        );
    }
    provider.start().await?;
    let failed = |error: String| Error::new(ErrorKind::Unexpected, format!("the MCP session failed: {error}"));
    let (input, output) = rmcp::transport::stdio_pipes();
    // A client that hangs up before it has said anything has simply changed its mind.
    let served = match handler.serve((input, output)).await {
        Ok(session) => tokio::select! {
            ended = session.waiting() => ended.map(drop).map_err(|error| failed(error.to_string())),
            () = stopped() => Ok(()),
        },
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(failed(error.to_string())),
    };
    drop(tokio::time::timeout(FAREWELL, provider.stop()).await);
    served
}
