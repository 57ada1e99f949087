//! `GET /api/changes`: what is new, edited or deleted since a cursor; waits for it when asked to.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Refusal;
use super::messages;
use super::request::{Parameters, Reader, Viewer};
use crate::sandbox::Sandbox;

const LONGEST_WAIT: u64 = 25;
const PAGE: i64 = 100;
/// Writers are other processes as well, so waiting is looking again.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
pub(super) struct Since {
    /// Where the last answer ended; without one, the answer only says where now is.
    cursor: Option<i64>,
    /// Seconds to wait for a change.
    #[serde(default)]
    wait: u64,
}

pub(super) async fn since(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Parameters(since): Parameters<Since>,
) -> Result<Json<Value>, Refusal> {
    let deadline = Instant::now() + Duration::from_secs(since.wait.min(LONGEST_WAIT));
    let mut cursor = since.cursor;
    loop {
        let (changes, reached) = sandbox.store.read(move |state| after(state, viewer, cursor)).await?;
        if !changes.is_empty() || since.cursor.is_none() || Instant::now() >= deadline {
            return Ok(Json(json!({ "changes": changes, "cursor": reached.to_string() })));
        }
        cursor = Some(reached);
        sleep(PAUSE).await;
    }
}

/// Returns the changes after `cursor` that the viewer can see, and how far it looked.
fn after(state: &Connection, viewer: Viewer, cursor: Option<i64>) -> Result<(Vec<Value>, i64), Refusal> {
    let newest: i64 =
        state.prepare_cached("SELECT coalesce(max(id), 0) FROM changes")?.query_row([], |row| row.get(0))?;
    let Some(cursor) = cursor.filter(|cursor| *cursor < newest) else {
        return Ok((vec![], newest));
    };
    let mut statement = state.prepare_cached(
        "SELECT changes.id, message, kind FROM changes JOIN messages AS m ON m.id = message
         JOIN visible ON visible.conversation = m.conversation AND visible.person = ?1
         WHERE changes.id > ?2 ORDER BY changes.id LIMIT ?3",
    )?;
    let rows = statement.query_map((viewer.person, cursor, PAGE), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
    })?;
    let found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == PAGE);
    let reached = found.last().filter(|_| full).map_or(newest, |(id, ..)| *id);
    let mut changes = Vec::with_capacity(found.len());
    for (_, message, kind) in found {
        changes.push(json!({ "kind": kind, "message": messages::find(state, viewer, message)? }));
    }
    Ok((changes, reached))
}
