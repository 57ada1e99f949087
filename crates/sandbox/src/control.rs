//! `/control/`: lets a test set the faults, read the counters, revoke and expire while the sandbox runs.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chat::Refusal;
use crate::chat::people;
use crate::oauth::{self, Faults, Misstep};
use crate::sandbox::Sandbox;

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/control/faults", get(faults).put(set_faults))
        .route("/control/counters", get(counters))
        .route("/control/revoke", post(revoke))
        .route("/control/expire", post(expire))
}

impl Sandbox {
    /// Returns the faults in force.
    pub(crate) fn faults(&self) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the faults in force, and takes the next misstep off their queue.
    pub(crate) fn faults_and_next(&self) -> (Faults, Option<Misstep>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let next = faults.next.pop_front();
        (faults.clone(), next)
    }
}

async fn faults(State(sandbox): State<Sandbox>) -> Json<Faults> {
    Json(sandbox.faults())
}

/// Replaces all faults; what the request leaves out is as it is by default.
async fn set_faults(
    State(sandbox): State<Sandbox>,
    faults: Result<Json<Faults>, JsonRejection>,
) -> Result<Json<Faults>, Refusal> {
    let Json(faults) = faults.map_err(|rejection| Refusal::invalid(rejection.body_text()))?;
    *sandbox.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults.clone();
    Ok(Json(faults))
}

/// Counts of the whole state file, but for the API calls, which are this process's.
async fn counters(State(sandbox): State<Sandbox>) -> Result<Json<Value>, Refusal> {
    let (events, most) = sandbox
        .store
        .read(|state| {
            let mut statement = state.prepare("SELECT kind, count(*) FROM token_events GROUP BY kind")?;
            let events = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let events = events.collect::<rusqlite::Result<BTreeMap<String, i64>>>()?;
            let most: i64 = state.query_row(
                "SELECT coalesce(max(uses), 0) FROM
                 (SELECT count(*) AS uses FROM token_events WHERE kind IN ('refreshed', 'reuse_accepted', 'reuse_refused') GROUP BY hash)",
                [],
                |row| row.get(0),
            )?;
            Ok::<_, Refusal>((events, most))
        })
        .await?;
    let count = |kind: &str| events.get(kind).copied().unwrap_or(0);
    Ok(Json(json!({
        "code_exchanges": count("code_exchanged"),
        "code_replays": count("code_replayed"),
        "device_exchanges": count("device_exchanged"),
        "refreshes": count("refreshed") + count("reuse_accepted"),
        "reuses": count("reuse_accepted") + count("reuse_refused"),
        "unknown_refresh_tokens": count("unknown"),
        "most_uses_of_one_refresh_token": most,
        "api_calls": sandbox.calls.accepted.load(Ordering::Relaxed),
        "api_writes": sandbox.calls.writes.load(Ordering::Relaxed),
        "api_calls_under_way": sandbox.calls.under_way.load(Ordering::Relaxed),
        "most_api_calls_at_once": sandbox.calls.most_at_once.load(Ordering::Relaxed),
        "refused_api_calls": sandbox.calls.refused.load(Ordering::Relaxed),
    })))
}

/// Whose tokens are meant: everybody's unless it names a person.
#[derive(Deserialize)]
struct Whose {
    person: Option<String>,
}

async fn revoke(State(sandbox): State<Sandbox>, Query(whose): Query<Whose>) -> Result<StatusCode, Refusal> {
    let revoke = move |state: &rusqlite::Transaction<'_>| {
        let person = whose.person.map(|name| people::named(state, &name)).transpose()?;
        Ok::<_, Refusal>(oauth::revoke_all(state, person.map(|person| person.id))?)
    };
    sandbox.store.write(revoke).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn expire(State(sandbox): State<Sandbox>, Query(whose): Query<Whose>) -> Result<StatusCode, Refusal> {
    let expire = move |state: &rusqlite::Transaction<'_>| {
        let person = whose.person.map(|name| people::named(state, &name)).transpose()?;
        Ok::<_, Refusal>(oauth::expire_all(state, person.map(|person| person.id))?)
    };
    sandbox.store.write(expire).await?;
    Ok(StatusCode::NO_CONTENT)
}
