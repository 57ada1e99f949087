//! What a request brings: who asks, its parameters and its JSON body, each refused in the API's own words.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::Refusal;
use crate::oauth::{self, Scope};
use crate::sandbox::Sandbox;

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) struct Viewer {
    pub(crate) person: i64,
}

/// A caller whose token may read.
pub(crate) struct Reader(pub(crate) Viewer);

/// A caller whose token may write.
pub(crate) struct Writer(pub(crate) Viewer);

impl FromRequestParts<Sandbox> for Reader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, sandbox: &Sandbox) -> Result<Self, Refusal> {
        viewer(parts, sandbox, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<Sandbox> for Writer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, sandbox: &Sandbox) -> Result<Self, Refusal> {
        viewer(parts, sandbox, Scope::Write).await.map(Self)
    }
}

async fn viewer(parts: &Parts, sandbox: &Sandbox, scope: Scope) -> Result<Viewer, Refusal> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    let token =
        header.and_then(|header| header.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let bearer = match token.map(|(_, token)| token.to_owned()) {
        Some(token) => sandbox.store.read(move |state| oauth::bearer(state, &token)).await?,
        None => None,
    };
    let outcome = match bearer {
        None => Err(Refusal::invalid_token()),
        Some(bearer) if !scope.is_in(&bearer.scope) => Err(Refusal::insufficient_scope(scope)),
        Some(bearer) => Ok(Viewer { person: bearer.person }),
    };
    let count = if outcome.is_ok() { &sandbox.calls.accepted } else { &sandbox.calls.refused };
    count.fetch_add(1, Ordering::Relaxed);
    outcome
}

/// The query parameters.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Sandbox> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, sandbox: &Sandbox) -> Result<Self, Refusal> {
        match Query::from_request_parts(parts, sandbox).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Refusal::invalid(rejection.body_text())),
        }
    }
}

/// The JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Sandbox> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, sandbox: &Sandbox) -> Result<Self, Refusal> {
        match Json::from_request(request, sandbox).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Refusal::invalid(rejection.body_text())),
        }
    }
}

/// How many messages a page has, where 50 is usual and 100 the most.
pub(super) fn page_size(limit: Option<i64>) -> i64 {
    limit.unwrap_or(50).clamp(1, 100)
}

/// How many names a page has, where 50 is usual and 1,000 the most.
pub(super) fn names_page_size(limit: Option<i64>) -> i64 {
    limit.unwrap_or(50).clamp(1, 1000)
}

/// Cuts off the entry too many that tells whether more follow, and returns the cursor to them.
pub(super) fn cut<T>(mut found: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let cursor = found.last().filter(|_| more).map(cursor);
    (found, cursor)
}

/// Writes a time the way the state file keeps it, so that the two compare as text.
pub(crate) fn stamp(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Reads a time parameter.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    let expected = |_| Refusal::invalid(format!("`{name}` is not an RFC 3339 time such as `2026-01-31T09:30:00Z`"));
    text.map(|text| text.parse().map(stamp).map_err(expected)).transpose()
}
