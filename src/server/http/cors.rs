//! What browsers ask and are told before a page of another origin may use the server
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use super::answer::{self, Answer};

/// Headers of requests that pages may set, besides those of the protocol.
const HEADERS: [&str; 4] = ["authorization", "content-type", "accept", "last-event-id"];
/// What headers of the protocol begin with.
const PROTOCOL: &str = "mcp-";

/// What a page is told. Whether its origin may ask at all, the gate has decided.
pub(super) struct Page {
    origin: HeaderValue,
}

impl Page {
    /// Returns the page that sends a request, if one does.
    pub(super) fn of(request: &Parts) -> Option<Self> {
        Some(Self { origin: request.headers.get(header::ORIGIN)?.clone() })
    }

    /// Whether it is the question that a browser asks before it sends what a page wants sent, and cannot show a token with.
    pub(super) fn asks_first(request: &Parts) -> bool {
        request.method == Method::OPTIONS && request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Answers it.
    pub(super) fn may(self, request: &Parts) -> Answer {
        let mut answer = answer::text(StatusCode::NO_CONTENT, "");
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
        if let Some(allowed) = allowed(&request.headers) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        if request.headers.contains_key("access-control-request-private-network") {
            let allow = HeaderName::from_static("access-control-allow-private-network");
            headers.insert(allow, HeaderValue::from_static("true"));
        }
        self.told(answer)
    }

    /// Lets the page read an answer.
    pub(super) fn told(self, mut answer: Answer) -> Answer {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let exposed = HeaderValue::from_static("mcp-session-id, www-authenticate");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        answer
    }
}

/// Returns those of the headers that a page wants to set which it may.
fn allowed(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS)?.to_str().ok()?;
    let may = |name: &&str| {
        HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))
            || name.get(..PROTOCOL.len()).is_some_and(|start| start.eq_ignore_ascii_case(PROTOCOL))
    };
    let allowed: Vec<_> = wanted.split(',').map(str::trim).filter(may).collect();
    HeaderValue::from_str(&allowed.join(", ")).ok()
}
