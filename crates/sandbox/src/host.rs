//! Answers only requests that are addressed to this machine, so that no web page reaches the sandbox by DNS rebinding.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

use crate::sandbox::{ISSUER, Sandbox};

pub(crate) async fn check(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| is_own(host, sandbox.issuer())) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "the `Host` of the request is not this machine").into_response()
    }
}

/// Whether a `Host` header names the loopback interface, the constant issuer or the declared origin, on any port.
fn is_own(host: &str, declared: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else {
        return false;
    };
    let is_origin = |origin: &str| Url::parse(origin).is_ok_and(|origin| origin.host() == url.host());
    is_loopback(&url) || is_origin(ISSUER) || is_origin(declared)
}

/// Whether the URL leads to this very machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for host in ["127.0.0.1:4000", "[::1]:4000", "localhost", "sandbox.switchboard.invalid", "chat.test:80"] {
            assert!(is_own(host, "https://chat.test"), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "evil.example@localhost.evil.example", ""] {
            assert!(!is_own(host, "https://chat.test"), "{host}");
        }
    }
}
