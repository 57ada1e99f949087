//! `GET /api/search`: messages that contain every word of a query, newest first.

use axum::Json;
use axum::extract::State;
use rusqlite::named_params;
use serde::Deserialize;
use serde_json::{Value, json};

use super::messages::{self, MESSAGE};
use super::request::{Parameters, Reader, cut, instant, page_size};
use super::{Refusal, id, people};
use crate::sandbox::{ISSUER, Sandbox};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    query: String,
    r#in: Option<String>,
    from: Option<String>,
    since: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// The index knows parts of three letters and more; shorter words are looked for in the text itself.
const SEARCH: &str = "
    m.deleted_at IS NULL
    AND (:long = '' OR m.id IN (SELECT rowid FROM message_text WHERE message_text MATCH :long))
    AND NOT EXISTS (SELECT 1 FROM json_each(:short) WHERE instr(lower(m.text), value) = 0)
    AND (:conversation IS NULL OR m.conversation = :conversation) AND (:author IS NULL OR m.author = :author)
    AND (:since IS NULL OR m.posted_at >= :since) AND (:until IS NULL OR m.posted_at < :until)
    AND (:before IS NULL OR m.id < :before)
    ORDER BY m.id DESC LIMIT :limit";

pub(super) async fn search(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Parameters(search): Parameters<Search>,
) -> Result<Json<Value>, Refusal> {
    let (long, short): (Vec<_>, Vec<_>) =
        search.query.split_whitespace().map(str::to_lowercase).partition(|word| word.chars().count() >= 3);
    if long.is_empty() && short.is_empty() {
        return Err(Refusal::invalid("`query` is empty"));
    }
    let long: Vec<_> = long.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    let (long, short) = (long.join(" "), json!(short).to_string());
    let conversation = id::optional(search.r#in.as_deref(), id::conversation)?;
    let since = instant("since", search.since.as_deref())?;
    let until = instant("until", search.until.as_deref())?;
    let before = id::optional(search.cursor.as_deref(), id::message)?;
    let limit = page_size(search.limit);
    let found = sandbox
        .store
        .read(move |state| {
            let author = search.from.map(|name| people::named(state, &name)).transpose()?.map(|person| person.id);
            let query = format!("{MESSAGE} WHERE {SEARCH}");
            let mut statement = state.prepare_cached(&query)?;
            let rows = statement.query_map(
                named_params! {
                    "?1": viewer.person, "?2": ISSUER, ":long": long, ":short": short,
                    ":conversation": conversation, ":author": author, ":since": since, ":until": until,
                    ":before": before, ":limit": limit + 1,
                },
                messages::id_and_json,
            )?;
            Ok::<_, Refusal>(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })
        .await?;
    let (found, cursor) = cut(found, limit, |(id, _)| format!("M{id}"));
    let messages: Vec<_> = found.into_iter().map(|(_, message)| message).collect();
    Ok(Json(json!({ "messages": messages, "cursor": cursor })))
}
