//! What is answered without asking the protocol library.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};

/// What clients get.
pub(super) type Answer = Response<Body>;

/// A request that is not JSON.
pub(super) const PARSE_ERROR: i32 = -32700;
/// A request that is JSON but none of ours.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// A failure that is not the request's fault.
pub(super) const INTERNAL_ERROR: i32 = -32603;

/// Refuses a message whose id is not known.
pub(super) fn refusal(status: StatusCode, code: i32, message: &str) -> Answer {
    json(status, &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } }))
}

/// Refuses what is JSON but no message.
pub(super) fn no_message() -> Answer {
    refusal(StatusCode::BAD_REQUEST, INVALID_REQUEST, "the message is not one JSON-RPC message")
}

/// Refuses for now.
pub(super) fn busy(message: &str) -> Answer {
    let answer = refusal(StatusCode::SERVICE_UNAVAILABLE, INTERNAL_ERROR, message);
    with(answer, header::RETRY_AFTER, "1")
}

/// Answers with JSON.
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    with(answer, header::CONTENT_TYPE, "application/json")
}

/// Refuses what is no message at all.
pub(super) fn text(status: StatusCode, sentence: &'static str) -> Answer {
    let mut answer = Response::new(Body::from(sentence));
    *answer.status_mut() = status;
    answer
}

/// Adds a header.
pub(super) fn with(mut answer: Answer, name: header::HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

/// Adds what every answer bears, unless it says otherwise by itself.
pub(super) fn dressed(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if !answer.status().is_success() {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        answer.headers_mut().entry(header::CONTENT_TYPE).or_insert(plain);
    }
    answer
}
