//! `/api/conversations`: channels, direct conversations and groups.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Body, Parameters, Reader, Viewer, Writer, cut, names_page_size};
use super::{Refusal, id, messages, people};
use crate::sandbox::{ISSUER, Sandbox};

const CONVERSATION: &str = include_str!("conversations.sql");

/// Those that viewer `?1` calls `?5`: channels by their name, the others by the people in them. Unlike a condition on every
/// conversation, this begins with what the indexes know.
const CALLED: &str = "c.id IN (
    SELECT id FROM conversations WHERE name = lower(?5)
    UNION SELECT k.id FROM members AS mine JOIN conversations AS k ON k.id = mine.conversation
    WHERE mine.person = ?1 AND k.kind <> 'channel' AND EXISTS (
        SELECT 1 FROM (
            SELECT group_concat(name, ', ') AS names, group_concat(handle, ', ') AS handles FROM (
                SELECT p.name, p.handle FROM members JOIN people AS p ON p.id = members.person
                WHERE members.conversation = k.id AND p.id <> ?1 ORDER BY p.id))
        WHERE names = ?5 COLLATE NOCASE OR handles = ?5 COLLATE NOCASE))";

/// Those with a part of their name or topic, or of the names of the people in them, in common with `?5`.
const ABOUT: &str = "(instr(lower(coalesce(c.name, '') || ' ' || c.topic), ?5) > 0 OR c.kind <> 'channel' AND EXISTS (
    SELECT 1 FROM members JOIN people AS p ON p.id = members.person
    WHERE members.conversation = c.id AND p.id <> ?1 AND instr(lower(p.name || ' ' || p.handle), ?5) > 0))";

/// Returns the conversation as the viewer sees it.
pub(super) fn find(connection: &Connection, viewer: Viewer, conversation: i64) -> Result<Value, Refusal> {
    connection
        .prepare_cached(&format!("{CONVERSATION} WHERE c.id = ?3"))?
        .query_row((viewer.person, ISSUER, conversation), messages::second_as_json)
        .optional()?
        .ok_or_else(|| Refusal::not_found("conversation", &format!("C{conversation}")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    query: String,
    /// Only those that are called exactly this, in upper or lower case.
    name: Option<String>,
    kind: String,
    /// Only those with this person in them.
    with: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/conversations`: in the order of their ids, so that a page neither misses nor repeats one.
pub(super) async fn list(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Value>, Refusal> {
    let limit = names_page_size(filter.limit);
    let after = id::optional(filter.cursor.as_deref(), id::conversation)?;
    let query = filter.query.trim_start_matches(['#', '@']).to_lowercase();
    let (wanted, text) = match filter.name {
        Some(name) => (CALLED, name),
        None if query.is_empty() => ("?5 = ''", query),
        None => (ABOUT, query),
    };
    if sandbox.options.no_lookup && !text.is_empty() {
        return Err(Refusal::no_lookup());
    }
    let found = sandbox
        .store
        .read(move |state| {
            let with = filter.with.map(|name| people::named(state, &name)).transpose()?.map(|person| person.id);
            let company = match with {
                // Everybody is in their own conversations, which is no company.
                Some(_) => "c.id IN (SELECT conversation FROM members WHERE person = ?6 AND person <> ?1)",
                None => "?6 IS NULL",
            };
            let mut statement = state.prepare_cached(&format!(
                "{CONVERSATION} WHERE c.id > coalesce(?3, 0) AND (?4 = '' OR instr(',' || ?4 || ',', ',' || c.kind || ',') > 0)
                 AND {wanted} AND {company} ORDER BY c.id LIMIT ?7"
            ))?;
            let rows = statement.query_map(
                (viewer.person, ISSUER, after, filter.kind, text, with, limit + 1),
                messages::id_and_json,
            )?;
            rows.collect::<rusqlite::Result<Vec<_>>>().map_err(Refusal::from)
        })
        .await?;
    let (found, cursor) = cut(found, limit, |(id, _)| format!("C{id}"));
    let conversations: Vec<_> = found.into_iter().map(|(_, conversation)| conversation).collect();
    Ok(Json(json!({ "conversations": conversations, "cursor": cursor })))
}

/// `GET /api/conversations/{id}`.
pub(super) async fn one(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let conversation = id::conversation(&name)?;
    sandbox.store.read(move |state| find(state, viewer, conversation)).await.map(Json)
}

#[derive(Deserialize)]
pub(super) struct With {
    person: String,
}

/// `POST /api/conversations/direct`: the direct conversation with a person, begun if there is none.
pub(super) async fn open_direct(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Body(with): Body<With>,
) -> Result<Json<Value>, Refusal> {
    sandbox
        .store
        .write(move |state| {
            let other = people::named(state, &with.person)?.id;
            if other == viewer.person {
                return Err(Refusal::invalid("`person` is yourself"));
            }
            let existing = state
                .prepare_cached(
                    "SELECT id FROM members AS mine JOIN members AS theirs ON theirs.conversation = mine.conversation
                     JOIN conversations ON id = mine.conversation
                     WHERE mine.person = ?1 AND theirs.person = ?2 AND kind = 'direct'",
                )?
                .query_row((viewer.person, other), |row| row.get(0))
                .optional()?;
            let conversation = match existing {
                Some(conversation) => conversation,
                None => begin(state, None, &[viewer.person, other])?,
            };
            find(state, viewer, conversation)
        })
        .await
        .map(Json)
}

#[derive(Deserialize)]
pub(super) struct Channel {
    name: String,
    topic: Option<String>,
    #[serde(default)]
    private: bool,
}

/// `POST /api/conversations`: a new channel, with its creator in it.
pub(super) async fn add_channel(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Body(channel): Body<Channel>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let is_slug = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if channel.name.is_empty() || channel.name.len() > 40 || !channel.name.chars().all(is_slug) {
        return Err(Refusal::invalid("`name` is not 1 to 40 lower-case letters, digits and hyphens"));
    }
    sandbox
        .store
        .write(move |state| {
            let taken: bool = state
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM conversations WHERE name = ?1)")?
                .query_row([&channel.name], |row| row.get(0))?;
            if taken {
                let reason = format!("there is a channel `{}` already", channel.name);
                return Err(Refusal::new(StatusCode::CONFLICT, "name_in_use", reason));
            }
            let conversation = begin(state, Some(&channel), &[viewer.person])?;
            Ok((StatusCode::CREATED, Json(find(state, viewer, conversation)?)))
        })
        .await
}

/// Starts a channel or, without one, a direct conversation.
fn begin(connection: &Connection, channel: Option<&Channel>, people: &[i64]) -> rusqlite::Result<i64> {
    let row = match channel {
        Some(channel) => {
            ("channel", Some(&channel.name), channel.topic.as_deref().unwrap_or_default(), channel.private)
        }
        None => ("direct", None, "", true),
    };
    let conversation = connection
        .prepare_cached("INSERT INTO conversations (kind, name, topic, private) VALUES (?1, ?2, ?3, ?4)")?
        .insert(row)?;
    let mut statement = connection.prepare_cached("INSERT INTO members (conversation, person) VALUES (?1, ?2)")?;
    people.iter().try_for_each(|person| statement.execute((conversation, person)).map(drop))?;
    Ok(conversation)
}
