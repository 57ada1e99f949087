//! The people of the workspace: `/api/me`, `/api/people`, and finding one by what others call them.

use axum::Json;
use axum::extract::{Path, State};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Parameters, Reader, cut, names_page_size};
use super::{Refusal, conversations, id};
use crate::sandbox::{ISSUER, Sandbox};

/// The handle that means the person whose workspace this is.
const YOU: &str = "you";

/// Someone, or some bot, in the workspace.
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: String,
    handle: String,
    kind: String,
    title: String,
    email: Option<String>,
}

impl Person {
    const COLUMNS: &str = "SELECT id, name, handle, kind, title, email FROM people";

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            handle: row.get(2)?,
            kind: row.get(3)?,
            title: row.get(4)?,
            email: row.get(5)?,
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "id": format!("P{}", self.id),
            "name": self.name,
            "handle": self.handle,
            "kind": self.kind,
            "title": self.title,
            "email": self.email,
        })
    }
}

/// Finds the person of that id, handle or e-mail address.
pub(crate) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Person>> {
    let id = if name == YOU { Some(1) } else { id::number('P', name) };
    connection
        .prepare_cached(&format!("{} WHERE id = ?1 OR handle = ltrim(?2, '@') OR email = ?2", Person::COLUMNS))?
        .query_row((id, name), Person::from_row)
        .optional()
}

/// Finds whom a `login_hint` means; without one, the person whose workspace this is. Bots do not sign in.
pub(crate) fn hinted(connection: &Connection, hint: Option<&str>) -> rusqlite::Result<Option<Person>> {
    let hint = hint.filter(|hint| !hint.is_empty()).unwrap_or(YOU);
    Ok(find(connection, hint)?.filter(|person| person.kind != "bot"))
}

/// Finds a person who must be there.
pub(crate) fn named(connection: &Connection, name: &str) -> Result<Person, Refusal> {
    find(connection, name)?.ok_or_else(|| Refusal::not_found("person", name))
}

/// `GET /api/me`.
pub(super) async fn me(State(sandbox): State<Sandbox>, Reader(viewer): Reader) -> Result<Json<Value>, Refusal> {
    let me = sandbox.store.read(move |state| named(state, &format!("P{}", viewer.person))).await?;
    let mut answer = me.to_json();
    answer["workspace"] = json!({ "name": crate::seed::WORKSPACE, "url": ISSUER });
    Ok(Json(answer))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    query: String,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/people/{id}`, where a handle or an e-mail address does as well.
pub(super) async fn one(
    State(sandbox): State<Sandbox>,
    Reader(_): Reader,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    if sandbox.options.no_lookup && id::number('P', &name).is_none() {
        return Err(Refusal::no_lookup());
    }
    let person = sandbox.store.read(move |state| named(state, &name)).await?;
    Ok(Json(person.to_json()))
}

/// Which members of a conversation to list.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Range {
    cursor: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/conversations/{id}/members`.
pub(super) async fn members(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Path(name): Path<String>,
    Parameters(range): Parameters<Range>,
) -> Result<Json<Value>, Refusal> {
    let conversation = id::conversation(&name)?;
    let limit = names_page_size(range.limit);
    let after = range.cursor.as_deref().and_then(|cursor| id::number('P', cursor));
    let members = sandbox
        .store
        .read(move |state| {
            conversations::find(state, viewer, conversation)?;
            let mut statement = state.prepare_cached(&format!(
                "{} JOIN members ON person = id WHERE conversation = ?1 AND person > coalesce(?2, 0) ORDER BY person LIMIT ?3",
                Person::COLUMNS
            ))?;
            let rows = statement.query_map((conversation, after, limit + 1), Person::from_row)?;
            rows.collect::<rusqlite::Result<Vec<_>>>().map_err(Refusal::from)
        })
        .await?;
    Ok(Json(page(members, limit)))
}

/// Of those with `?2` in what they are called, those come first who are called exactly so.
const ABOUT: &str = "instr(lower(name || ' ' || handle || ' ' || title || ' ' || coalesce(email, '')), ?2) > 0
    ORDER BY ?2 NOT IN (handle, coalesce(email, ''), lower(name)), id LIMIT ?3";

/// `GET /api/people`: everybody page by page, or a page of those with `query` in what they are called.
pub(super) async fn list(
    State(sandbox): State<Sandbox>,
    Reader(_): Reader,
    Parameters(search): Parameters<Search>,
) -> Result<Json<Value>, Refusal> {
    let limit = names_page_size(search.limit);
    let after = search.cursor.as_deref().and_then(|cursor| id::number('P', cursor));
    let query = search.query.trim_start_matches('@').to_lowercase();
    if sandbox.options.no_lookup && !query.is_empty() {
        return Err(Refusal::no_lookup());
    }
    // What is found is not in the order of a cursor.
    let most = limit + i64::from(query.is_empty());
    let people = sandbox
        .store
        .read(move |state| {
            let wanted = if query.is_empty() { "?2 = '' ORDER BY id LIMIT ?3" } else { ABOUT };
            let mut statement =
                state.prepare_cached(&format!("{} WHERE id > coalesce(?1, 0) AND {wanted}", Person::COLUMNS))?;
            let rows = statement.query_map((after, query, most), Person::from_row)?;
            rows.collect::<rusqlite::Result<Vec<_>>>().map_err(Refusal::from)
        })
        .await?;
    Ok(Json(page(people, limit)))
}

fn page(people: Vec<Person>, limit: i64) -> Value {
    let (people, cursor) = cut(people, limit, |person| format!("P{}", person.id));
    json!({ "people": people.iter().map(Person::to_json).collect::<Vec<_>>(), "cursor": cursor })
}
