//! Writing messages: post, edit, delete, react.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::Value;

use super::messages::{self, Place, Within};
use super::request::{Body, Parameters, Viewer, Writer, stamp};
use super::{Refusal, conversations, id};
use crate::sandbox::Sandbox;

const LONGEST_TEXT: usize = 8000;

#[derive(Deserialize)]
pub(super) struct Draft {
    #[serde(default)]
    text: String,
    thread: Option<String>,
    quote: Option<String>,
    #[serde(default)]
    files: Vec<String>,
    /// The sender's name for this message: posting it again gives the same message.
    key: Option<String>,
}

/// `POST /api/conversations/{id}/messages`: 201, or 200 if the key says that it was posted before.
pub(super) async fn post(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Path(name): Path<String>,
    Body(draft): Body<Draft>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let conversation = id::conversation(&name)?;
    sandbox
        .store
        .write(move |state| {
            conversations::find(state, viewer, conversation)?;
            if let Some(message) = posted_before(state, viewer, conversation, &draft)? {
                return Ok((StatusCode::OK, Json(messages::find(state, viewer, message)?)));
            }
            let message = add(state, viewer, conversation, &draft)?;
            Ok((StatusCode::CREATED, Json(messages::find(state, viewer, message)?)))
        })
        .await
}

fn posted_before(state: &Connection, viewer: Viewer, conversation: i64, draft: &Draft) -> Result<Option<i64>, Refusal> {
    let Some(key) = &draft.key else {
        return Ok(None);
    };
    let found = state
        .prepare_cached("SELECT id, conversation FROM messages WHERE author = ?1 AND key = ?2")?
        .query_row((viewer.person, key), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    match found {
        Some((_, elsewhere)) if elsewhere != conversation => {
            let reason = format!("`key` belongs to a message in `C{elsewhere}`");
            Err(Refusal::new(StatusCode::CONFLICT, "key_in_use", reason))
        }
        found => Ok(found.map(|(id, _)| id)),
    }
}

fn add(state: &Connection, viewer: Viewer, conversation: i64, draft: &Draft) -> Result<i64, Refusal> {
    check_text(&draft.text, draft.files.is_empty())?;
    let thread = match id::optional(draft.thread.as_deref(), id::message)? {
        Some(message) => Some(Place::find(state, viewer, message)?),
        None => None,
    };
    if thread.as_ref().is_some_and(|place| place.conversation != conversation) {
        return Err(Refusal::invalid(format!("`thread` is not in `C{conversation}`")));
    }
    let quote = id::optional(draft.quote.as_deref(), id::message)?;
    if let Some(quote) = quote {
        Place::find(state, viewer, quote)?;
    }
    state
        .prepare_cached("INSERT OR IGNORE INTO members (conversation, person) VALUES (?1, ?2)")?
        .execute((conversation, viewer.person))?;
    let message = state
        .prepare_cached(
            "INSERT INTO messages (conversation, author, thread, quote, text, posted_at, key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .insert((
            conversation,
            viewer.person,
            thread.map(|place| place.root()),
            quote,
            &draft.text,
            stamp(Timestamp::now()),
            &draft.key,
        ))?;
    for file in &draft.files {
        let attached = state
            .prepare_cached("UPDATE files SET message = ?3 WHERE id = ?1 AND owner = ?2 AND message IS NULL")?
            .execute((id::file(file)?, viewer.person, message))?;
        if attached == 0 {
            return Err(Refusal::invalid(format!("`{file}` is not a file that you uploaded and have yet to post")));
        }
    }
    Ok(message)
}

fn check_text(text: &str, required: bool) -> Result<(), Refusal> {
    if required && text.trim().is_empty() {
        return Err(Refusal::invalid("`text` is empty"));
    }
    let length = text.chars().count();
    if length > LONGEST_TEXT {
        return Err(Refusal::invalid(format!("`text` has {length} characters, at most {LONGEST_TEXT} fit")));
    }
    Ok(())
}

/// Finds a message that the viewer wrote.
fn own(state: &Connection, viewer: Viewer, within: &Within, message: i64) -> Result<Place, Refusal> {
    let place = within.find(state, viewer, message)?;
    if place.author != viewer.person {
        let reason = format!("`M{message}` was written by someone else");
        return Err(Refusal::new(StatusCode::FORBIDDEN, "not_the_author", reason));
    }
    Ok(place)
}

fn not_deleted(place: &Place) -> Result<(), Refusal> {
    if place.deleted {
        return Err(Refusal::new(StatusCode::CONFLICT, "deleted", format!("`M{}` is deleted", place.id)));
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Edit {
    text: String,
}

/// `PATCH /api/messages/{id}`.
pub(super) async fn edit(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Path(name): Path<String>,
    Parameters(within): Parameters<Within>,
    Body(edit): Body<Edit>,
) -> Result<Json<Value>, Refusal> {
    let message = id::message(&name)?;
    sandbox
        .store
        .write(move |state| {
            not_deleted(&own(state, viewer, &within, message)?)?;
            check_text(&edit.text, true)?;
            state.prepare_cached("UPDATE messages SET text = ?2, edited_at = ?3 WHERE id = ?1")?.execute((
                message,
                edit.text,
                stamp(Timestamp::now()),
            ))?;
            messages::find(state, viewer, message).map(Json)
        })
        .await
}

/// `DELETE /api/messages/{id}`: what it said is gone, that it was there remains.
pub(super) async fn delete(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Path(name): Path<String>,
    Parameters(within): Parameters<Within>,
) -> Result<Json<Value>, Refusal> {
    let message = id::message(&name)?;
    sandbox
        .store
        .write(move |state| {
            if !own(state, viewer, &within, message)?.deleted {
                clear(state, message)?;
            }
            messages::find(state, viewer, message).map(Json)
        })
        .await
}

/// Turns a message into a tombstone.
fn clear(state: &Connection, message: i64) -> rusqlite::Result<()> {
    state
        .prepare_cached("UPDATE messages SET text = '', quote = NULL, deleted_at = ?2 WHERE id = ?1")?
        .execute((message, stamp(Timestamp::now())))?;
    state.prepare_cached("DELETE FROM reactions WHERE message = ?1")?.execute([message])?;
    state.prepare_cached("DELETE FROM files WHERE message = ?1")?.execute([message]).map(drop)
}

/// `PUT /api/messages/{id}/reactions/{emoji}`.
pub(super) async fn react(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Path(path): Path<(String, String)>,
    Parameters(within): Parameters<Within>,
) -> Result<Json<Value>, Refusal> {
    let query = "INSERT OR IGNORE INTO reactions (message, emoji, person) VALUES (?1, ?2, ?3)";
    change_reaction(&sandbox, viewer, within, path, query).await
}

/// `DELETE /api/messages/{id}/reactions/{emoji}`.
pub(super) async fn unreact(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Path(path): Path<(String, String)>,
    Parameters(within): Parameters<Within>,
) -> Result<Json<Value>, Refusal> {
    let query = "DELETE FROM reactions WHERE message = ?1 AND emoji = ?2 AND person = ?3";
    change_reaction(&sandbox, viewer, within, path, query).await
}

async fn change_reaction(
    sandbox: &Sandbox,
    viewer: Viewer,
    within: Within,
    (name, emoji): (String, String),
    query: &'static str,
) -> Result<Json<Value>, Refusal> {
    let message = id::message(&name)?;
    if emoji.is_empty()
        || emoji.len() > 64
        || emoji.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    {
        return Err(Refusal::invalid("a reaction is one emoji, such as 👍, or its name"));
    }
    sandbox
        .store
        .write(move |state| {
            not_deleted(&within.find(state, viewer, message)?)?;
            state.prepare_cached(query)?.execute((message, emoji, viewer.person))?;
            messages::find(state, viewer, message).map(Json)
        })
        .await
}
