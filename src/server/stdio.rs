//! One client over standard input and output.

mod farewell;

use std::{io::IsTerminal as _, time::Duration};

use rmcp::{ServerHandler, ServiceExt as _, transport::async_rw::AsyncRwTransport};
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep},
};
use tracing::{info, warn};

use crate::signals::stopped;
use farewell::Farewell;

/// How long what is under way may take to end once the client has gone. The rest of ten seconds is for tokens on their way to
/// disk.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long after that all is given up, whatever still waits for whatever.
const MOST_PATIENCE: Duration = Duration::from_secs(8);

/// Serves until the client closes our input or the process is asked to end; what is under way is answered first. Returns when
/// the end began.
pub async fn serve_stdio(handler: impl ServerHandler) -> Result<Instant> {
    if std::io::stdin().is_terminal() {
        info!("Waiting for an MCP client on standard input");
        eprintln!(
            "switchboard is an MCP server and waits for a client on standard input.\n\
             Add it to your client as in the README, try `switchboard call whoami`, or end it with Ctrl-D."
        );
    }
    let (input, output) = rmcp::transport::stdio_pipes();
    serve(handler, input, output, stopped()).await
}

/// Serves a client at the other end of two pipes.
pub(super) async fn serve(
    handler: impl ServerHandler,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<Instant> {
    let failed = |error: String| Error::new(ErrorKind::Unexpected, format!("the MCP session failed: {error}"));
    let transport = Farewell::new(AsyncRwTransport::new_server(input, output), stopped, PATIENCE);
    let mut end = transport.end();
    match handler.serve(transport).await {
        Ok(session) => {
            let mut ending = end.clone();
            let too_late = async {
                drop(ending.wait_for(Option::is_some).await);
                sleep(MOST_PATIENCE).await;
            };
            tokio::select! {
                ended = session.waiting() => drop(ended.map_err(|error| failed(error.to_string()))?),
                () = too_late => warn!("The client does not read what was answered"),
            }
        }
        // A client that hangs up before it has said anything has simply changed its mind.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => {}
        Err(error) => return Err(failed(error.to_string())),
    }
    Ok(end.borrow_and_update().unwrap_or_else(Instant::now))
}
