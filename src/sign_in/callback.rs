//! The web server on this machine that browsers are sent back to: small, slow requests cut off, gone after the sign-in.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use axum::http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::site::Site;
use crate::connections;

const MOST_CONNECTIONS: usize = 32;
const MOST_HEADER_BYTES: usize = 8 << 10;
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// A code exchange happens while the browser waits.
const PATIENCE: Duration = Duration::from_secs(90);
const FAREWELL: Duration = Duration::from_secs(1);

/// Reads an address to listen on: one of this machine's own.
pub(super) fn loopback(host: &str) -> Result<IpAddr> {
    let name = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
    name.parse().ok().filter(IpAddr::is_loopback).ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("`{host}` is not an address of this machine alone"))
            .hint("leave out `--host`, or set it to 127.0.0.1 or ::1")
    })
}

/// Listens on the first of `ports` that is free; 0 stands for any.
pub(super) async fn listen(address: IpAddr, ports: &[u16]) -> Result<TcpListener> {
    let mut last = None;
    for port in ports {
        match TcpListener::bind((address, *port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    let tried: Vec<_> = ports.iter().map(|port| format!("`{port}`")).collect();
    let (noun, verb) = if tried.len() == 1 { ("port", "is") } else { ("ports", "are") };
    let message = format!("{noun} {} {verb} taken on {address}", tried.join(", "));
    let error = Error::new(ErrorKind::Config, message).hint("end what listens there, or choose another with `--port`");
    Err(match last {
        Some(cause) => error.caused_by(cause),
        None => error,
    })
}

/// Serves until `stop`, then lets answers under way go out.
pub(super) async fn serve(listener: TcpListener, site: Arc<Site>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let open = connections::accept(listener, &room, stop.cancelled(), |stream| converse(stream, site.clone())).await;
    connections::farewell(open, FAREWELL).await;
}

/// Answers one request: without keep-alive nobody occupies a place for long.
async fn converse(stream: TcpStream, site: Arc<Site>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let site = site.clone();
        // The work goes on when the browser hangs up: a code is good only once.
        let answer = tokio::spawn(async move { site.answer(&request.into_parts().0).await });
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_default()) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(MOST_HEADER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What breaks a connection is the browser's business.
    let _ = tokio::time::timeout(PATIENCE, connection).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_on() {
        for good in ["127.0.0.1", "localhost", "::1", "[::1]", "127.0.0.2"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0", "192.168.1.5", "::", "chat.example.com", ""] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn taken_ports_are_all_named() {
        let address = loopback("127.0.0.1").unwrap();
        let held = [listen(address, &[0]).await.unwrap(), listen(address, &[0]).await.unwrap()];
        let [one, two] = held.each_ref().map(|listener| listener.local_addr().unwrap().port());
        let error = listen(address, &[one, two]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("ports `{one}`, `{two}` are taken on 127.0.0.1"));
    }
}
