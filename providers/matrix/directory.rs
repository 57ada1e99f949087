//! Matrix's own tools: finding public rooms, and joining rooms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchboard_kit::{Error, Json, Result, escape, serde_json::json, tool};

use crate::{CLIENT, Matrix};

/// Public rooms.
#[derive(Serialize, JsonSchema)]
struct Listed {
    rooms: Vec<Room>,
    /// Cursor of the next page; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
struct Room {
    /// Room id, such as `!abc:example.org`.
    id: String,
    /// What it is called, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Address to join it by, such as `#general:example.org`.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// How many people are in it.
    members: u64,
}

#[derive(Deserialize)]
struct Directory {
    chunk: Vec<Entry>,
    next_batch: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    room_id: String,
    name: Option<String>,
    canonical_alias: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    num_joined_members: u64,
}

/// Lists public rooms of a homeserver's directory, largest first.
#[tool(read, scopes = ["urn:matrix:client:api:*"])]
async fn list_public_rooms(
    matrix: &Matrix,
    /// Words to look for in names, topics and aliases, such as `rust`.
    search: Option<String>,
    /// Homeserver to ask, such as `matrix.org`; the user's own if left out.
    server: Option<String>,
    /// Most rooms to return.
    #[default(20)]
    limit: u16,
    /// Cursor of the previous page.
    cursor: Option<String>,
) -> Result<Json<Listed>> {
    let mut body = json!({ "limit": limit.clamp(1, 100) });
    if let Some(words) = search {
        body["filter"] = json!({ "generic_search_term": words });
    }
    if let Some(cursor) = cursor {
        body["since"] = cursor.into();
    }
    let request = matrix.api.post(format!("{CLIENT}/publicRooms")).repeatable();
    let Directory { chunk, next_batch } = request.query_opt("server", server).json(&body).send().await?;
    let room = |Entry { room_id, name, canonical_alias, topic, num_joined_members }| Room {
        id: room_id,
        name,
        alias: canonical_alias,
        topic,
        members: num_joined_members,
    };
    Ok(Json(Listed { rooms: chunk.into_iter().map(room).collect(), next: next_batch }))
}

/// A room that the user is now in.
#[derive(Serialize, JsonSchema)]
struct Joined {
    /// Room id, such as `!abc:example.org`.
    id: String,
}

/// Joins a public room, or one that the user was invited to.
#[tool(write, scopes = ["urn:matrix:client:api:*"])]
async fn join_room(
    matrix: &Matrix,
    /// Alias or id of the room, such as `#general:example.org`.
    room: String,
) -> Result<Json<Joined>> {
    #[derive(Deserialize)]
    struct Answer {
        room_id: String,
    }
    if !room.starts_with(['#', '!']) {
        let error = Error::invalid(format!("`{room}` is neither an alias nor a room id"));
        return Err(error.hint("write an alias such as `#general:example.org`, or an id that starts with `!`"));
    }
    let mut request = matrix.api.post(format!("{CLIENT}/join/{}", escape(&room))).repeatable();
    // The id itself says which homeserver knows the room, up to room version 11.
    if let Some((_, server)) = room.split_once(':').filter(|_| room.starts_with('!')) {
        request = request.query("via", server);
    }
    let Answer { room_id } = request.json(&json!({})).send().await?;
    Ok(Json(Joined { id: room_id }))
}
