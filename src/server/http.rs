//! Many clients over Streamable HTTP, in both eras of the protocol.

mod address;
mod answer;
mod bearer;
mod body;
mod cors;
mod gate;
mod held;
mod impatient;
mod named;
mod newcomer;
mod sessions;
mod site;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::ServerHandler;
use switchboard_kit::{Error, Result};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tracing::info;

pub use address::HttpAddress;
pub use bearer::BearerToken;

use self::{gate::Gate, impatient::Impatient, newcomer::Newcomer, site::Site};
use crate::{connections, signals::stopped};

/// How long a request's headers may take, and a connection may be idle.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of headers, and of what is read or written at a time.
const BUFFER: usize = 32 << 10;
/// How long answers under way may take once the server is told to end.
const LAST_ANSWERS: Duration = Duration::from_secs(9);
/// How long connections may then take to close.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Where and to whom MCP is served over HTTP.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The address to listen on.
    pub address: HttpAddress,
    /// What every caller must show.
    pub token: Option<BearerToken>,
    /// Names that this server has besides those of this machine, each with a port or for any.
    pub hosts: Vec<String>,
    /// Web pages that may ask besides those of this machine.
    pub origins: Vec<String>,
}

/// Serves until the process is told to end, and returns when that was.
pub async fn serve_http<H>(handler: H, options: HttpOptions) -> Result<Instant>
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let listener = options.address.listen(options.token.is_some())?;
    let bound =
        listener.local_addr().map_err(|error| Error::unexpected("the address is not known").caused_by(error))?;
    let gate = Gate::new(bound, &options.hosts, &options.origins, options.token)?;
    let site = Arc::new(Site::new(handler, gate));
    let stop = stopped();
    eprintln!("Listening on http://{bound}/mcp");
    let open = connections::accept(listener, &site.room, stop, |stream| converse(stream, site.clone())).await;
    let told = Instant::now();
    info!(answers = site.calls.len(), "Ending");
    site.closing.cancel();
    site.calls.close();
    drop(timeout(LAST_ANSWERS, site.calls.wait()).await);
    site.ended.cancel();
    connections::farewell(open, LAST_WORDS).await;
    Ok(told)
}

/// Answers the requests of one connection.
async fn converse<H>(stream: TcpStream, site: Arc<Site<H>>)
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    // Else each event of a stream waits 40 ms for the client's acknowledgement of the one before.
    drop(stream.set_nodelay(true));
    let local = stream.local_addr().ok().map(|address| address.ip().to_canonical());
    let (closing, room, newcomer) = (site.closing.clone(), site.room.clone(), Newcomer::default());
    let of = newcomer.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let site = site.clone();
        request.extensions_mut().insert(of.clone());
        async move { Ok::<_, Infallible>(site.answer(request, local).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Impatient::new(stream)), service);
    let mut connection = pin!(connection);
    // What breaks a connection is the client's business.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = newcomer.keeps_out(&room) => return,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
