//! What a message looks like to a viewer: one SQL query, to which its users add the condition.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Deserialize;
use serde_json::Value;

use super::request::Viewer;
use super::{Refusal, id};
use crate::sandbox::ISSUER;

/// Gives id and JSON of the messages `m` that person `?1` can see, with permalinks that begin with `?2`.
pub(super) const MESSAGE: &str = include_str!("messages.sql");

/// Returns the message as the viewer sees it.
pub(super) fn find(connection: &Connection, viewer: Viewer, message: i64) -> Result<Value, Refusal> {
    connection
        .prepare_cached(&format!("{MESSAGE} WHERE m.id = ?3"))?
        .query_row((viewer.person, ISSUER, message), second_as_json)
        .optional()?
        .ok_or_else(|| Refusal::not_found("message", &format!("M{message}")))
}

/// Where a message stands.
pub(super) struct Place {
    pub(super) id: i64,
    pub(super) conversation: i64,
    pub(super) author: i64,
    /// The message that its thread begins with, if it is a reply.
    pub(super) thread: Option<i64>,
    pub(super) deleted: bool,
}

impl Place {
    /// Finds a message that the viewer can see.
    pub(super) fn find(connection: &Connection, viewer: Viewer, message: i64) -> Result<Self, Refusal> {
        connection
            .prepare_cached(
                "SELECT id, m.conversation, author, thread, deleted_at IS NOT NULL FROM messages AS m
                 JOIN visible ON visible.conversation = m.conversation AND visible.person = ?1 WHERE m.id = ?2",
            )?
            .query_row((viewer.person, message), |row| {
                Ok(Self {
                    id: row.get(0)?,
                    conversation: row.get(1)?,
                    author: row.get(2)?,
                    thread: row.get(3)?,
                    deleted: row.get(4)?,
                })
            })
            .optional()?
            .ok_or_else(|| Refusal::not_found("message", &format!("M{message}")))
    }

    /// The message that its thread begins with: itself, if it is no reply.
    pub(super) fn root(&self) -> i64 {
        self.thread.unwrap_or(self.id)
    }
}

/// The conversation that a message is said to be in, if the request says so.
#[derive(Deserialize)]
pub(super) struct Within {
    conversation: Option<String>,
}

impl Within {
    /// Finds a message that the viewer can see, where it is said to be.
    pub(super) fn find(&self, connection: &Connection, viewer: Viewer, message: i64) -> Result<Place, Refusal> {
        let conversation = id::optional(self.conversation.as_deref(), id::conversation)?;
        let place = Place::find(connection, viewer, message)?;
        match conversation {
            Some(conversation) if conversation != place.conversation => {
                Err(Refusal::not_found("message", &format!("M{message}")))
            }
            _ => Ok(place),
        }
    }
}

pub(super) fn id_and_json(row: &Row<'_>) -> rusqlite::Result<(i64, Value)> {
    Ok((row.get(0)?, second_as_json(row)?))
}

pub(super) fn second_as_json(row: &Row<'_>) -> rusqlite::Result<Value> {
    let text = row.get_ref(1)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error)))
}
