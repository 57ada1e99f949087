//! Reading messages: a page of a conversation or thread, one message, and the read marker.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rusqlite::{Connection, named_params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::messages::{self, MESSAGE, Place, Within};
use super::request::{Body, Parameters, Reader, Viewer, Writer, instant, page_size};
use super::{Refusal, conversations, id};
use crate::sandbox::{ISSUER, Sandbox};

/// Which messages to show. `before` and `after` leave out the message they name, `since` includes its instant,
/// and `around` gives the first page only.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Range {
    before: Option<String>,
    after: Option<String>,
    since: Option<String>,
    until: Option<String>,
    thread: Option<String>,
    around: Option<String>,
    limit: Option<i64>,
    order: Order,
}

/// Which end a page begins at.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Newest,
    Oldest,
}

/// The messages that a listing moves over: those at the root of a conversation, or one thread with its root.
struct Timeline<'a> {
    connection: &'a Connection,
    viewer: Viewer,
    conversation: i64,
    thread: Option<i64>,
    since: Option<String>,
    until: Option<String>,
}

type Entry = (i64, Value);

impl Timeline<'_> {
    const PART: &'static str = "m.conversation = :conversation
        AND iif(:thread IS NULL, m.thread IS NULL, m.id = :thread OR m.thread = :thread)
        AND (:since IS NULL OR m.posted_at >= :since) AND (:until IS NULL OR m.posted_at < :until)
        AND m.id > coalesce(:after, 0) AND (:before IS NULL OR m.id < :before)";

    /// Returns up to `limit` entries strictly between two messages, from the end that `order` names.
    fn between(
        &self,
        after: Option<i64>,
        before: Option<i64>,
        order: Order,
        limit: i64,
    ) -> Result<Vec<Entry>, Refusal> {
        let direction = if order == Order::Newest { "DESC" } else { "ASC" };
        let query = format!("{MESSAGE} WHERE {} ORDER BY m.id {direction} LIMIT :limit", Self::PART);
        let mut statement = self.connection.prepare_cached(&query)?;
        let rows = statement.query_map(
            named_params! {
                "?1": self.viewer.person, "?2": ISSUER, ":conversation": self.conversation,
                ":thread": self.thread, ":since": self.since, ":until": self.until,
                ":after": after, ":before": before, ":limit": limit,
            },
            messages::id_and_json,
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn page(&self, range: &Range) -> Result<Vec<Entry>, Refusal> {
        let limit = page_size(range.limit);
        let after = id::optional(range.after.as_deref(), id::message)?;
        let before = id::optional(range.before.as_deref(), id::message)?;
        let centre = id::optional(range.around.as_deref(), id::message)?;
        let Some(centre) = centre.filter(|_| after.is_none() && before.is_none()) else {
            return self.between(after, before, range.order, limit);
        };
        let centre = Place::find(self.connection, self.viewer, centre)?;
        let centre = if self.thread.is_none() { centre.root() } else { centre.id };
        let older = self.between(None, Some(centre), Order::Newest, limit / 2)?;
        let newer = self.between(Some(centre - 1), None, Order::Oldest, limit - limit / 2)?;
        let mut entries: Vec<_> = older.into_iter().rev().chain(newer).collect();
        if range.order == Order::Newest {
            entries.reverse();
        }
        Ok(entries)
    }
}

/// `GET /api/conversations/{id}/messages`. `older` goes into `before`, `newer` into `after`; `null` means the end.
pub(super) async fn list(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Path(name): Path<String>,
    Parameters(range): Parameters<Range>,
) -> Result<Json<Value>, Refusal> {
    let conversation = id::conversation(&name)?;
    let since = instant("since", range.since.as_deref())?;
    let until = instant("until", range.until.as_deref())?;
    sandbox
        .store
        .read(move |state| {
            conversations::find(state, viewer, conversation)?;
            let thread = match id::optional(range.thread.as_deref(), id::message)? {
                Some(message) => Some(Place::find(state, viewer, message)?.root()),
                None => None,
            };
            let timeline = Timeline { connection: state, viewer, conversation, thread, since, until };
            let entries = timeline.page(&range)?;
            let oldest = entries.iter().map(|(id, _)| *id).min();
            let newest = entries.iter().map(|(id, _)| *id).max();
            let older = !timeline.between(None, oldest, Order::Newest, 1)?.is_empty();
            let newer = !timeline.between(newest, None, Order::Oldest, 1)?.is_empty();
            Ok(Json(json!({
                "messages": entries.into_iter().map(|(_, message)| message).collect::<Vec<_>>(),
                "older": oldest.filter(|_| older).map(|id| format!("M{id}")),
                "newer": newest.filter(|_| newer).map(|id| format!("M{id}")),
            })))
        })
        .await
}

/// `GET /api/messages/{id}`.
pub(super) async fn one(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Path(name): Path<String>,
    Parameters(within): Parameters<Within>,
) -> Result<Json<Value>, Refusal> {
    let message = id::message(&name)?;
    sandbox
        .store
        .read(move |state| messages::find(state, viewer, within.find(state, viewer, message)?.id))
        .await
        .map(Json)
}

#[derive(Deserialize)]
pub(super) struct UpTo {
    message: String,
}

/// `PUT /api/conversations/{id}/read`: everything up to a message is read; the marker never moves back.
pub(super) async fn mark_read(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Path(name): Path<String>,
    Body(up_to): Body<UpTo>,
) -> Result<StatusCode, Refusal> {
    let (conversation, message) = (id::conversation(&name)?, id::message(&up_to.message)?);
    sandbox
        .store
        .write(move |state| {
            let place = Place::find(state, viewer, message)?;
            if place.conversation != conversation {
                return Err(Refusal::invalid(format!("`M{message}` is not in `C{conversation}`")));
            }
            let marked = state
                .prepare_cached(
                    "UPDATE members SET read_up_to = max(read_up_to, ?3) WHERE conversation = ?1 AND person = ?2",
                )?
                .execute((conversation, viewer.person, message))?;
            if marked == 0 {
                let reason = format!("you are not a member of `C{conversation}`; post there to join");
                return Err(Refusal::new(StatusCode::CONFLICT, "not_a_member", reason));
            }
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}
