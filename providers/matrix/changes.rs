//! What has happened since a cursor, by long polling of `/sync`.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{Change, Changes, Delta, Message},
    serde_json::{Value, json},
};

use crate::{
    CLIENT, Matrix,
    event::{Event, MESSAGES},
    fold::Around,
    names::Names,
    no_room, room_path,
};

/// What the network may add to the wait itself.
const LEEWAY: Duration = Duration::from_secs(20);

/// Most events of one room that one answer tells.
const MOST: u32 = 100;

/// Most further answers to ask for, when more has happened in a room than one can tell.
const GAPS: usize = 10;

/// Messages, and what takes them away.
fn kinds() -> Vec<&'static str> {
    MESSAGES.into_iter().chain(["m.room.redaction"]).collect()
}

#[derive(Deserialize)]
struct Synced {
    next_batch: String,
    #[serde(default)]
    rooms: Rooms,
}

#[derive(Default, Deserialize)]
struct Rooms {
    #[serde(default)]
    join: BTreeMap<String, Room>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Room {
    state: Events,
    timeline: Timeline,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Timeline {
    events: Vec<Event>,
    limited: bool,
    prev_batch: Option<String>,
}

#[derive(Default, Deserialize)]
struct Events {
    #[serde(default)]
    events: Vec<Event>,
}

/// Asks for nothing but where now is: a sync of no room. With the rooms in it, Synapse takes ten times as long.
fn now_filter() -> Value {
    let nothing = json!({ "not_types": ["*"] });
    let rooms = json!({ "rooms": [], "not_rooms": [no_room()] });
    json!({ "presence": nothing, "account_data": nothing, "room": rooms })
}

fn filter() -> Value {
    let nothing = json!({ "not_types": ["*"] });
    json!({
        "presence": nothing,
        "account_data": nothing,
        "room": {
            "not_rooms": [no_room()],
            "account_data": nothing,
            "ephemeral": nothing,
            "state": { "types": ["m.room.member"], "lazy_load_members": true, "include_redundant_members": true },
            "timeline": { "types": kinds(), "limit": MOST },
        },
    })
}

#[async_trait]
impl Changes for Matrix {
    async fn since(&self, cursor: Option<&str>, patience: Duration) -> Result<Delta> {
        let (patience, filter) = if cursor.is_some() { (patience, filter()) } else { (Duration::ZERO, now_filter()) };
        let request = self.api.get(format!("{CLIENT}/sync")).query("filter", filter).query("set_presence", "offline");
        let request = request.query_opt("since", cursor).query("timeout", patience.as_millis());
        let synced: Synced = request.patience(patience + LEEWAY).limit(64 << 20).send().await?;
        let mut changes = Vec::new();
        for (id, mut room) in synced.rooms.join {
            let Some(cursor) = cursor else { break };
            if let (true, Some(from)) = (room.timeline.limited, &room.timeline.prev_batch) {
                let mut events = self.gap(&id, from, cursor).await?;
                events.append(&mut room.timeline.events);
                room.timeline.events = events;
            }
            changes.extend(self.changes_in(self.me().await?, &id, &room).await);
        }
        changes.sort_by_key(|(time, _)| *time);
        Ok(Delta { changes: changes.into_iter().map(|(_, change)| change).collect(), cursor: synced.next_batch })
    }
}

impl Matrix {
    /// Reads what happened between two places of a room's timeline, oldest first.
    async fn gap(&self, room: &str, from: &str, to: &str) -> Result<Vec<Event>> {
        #[derive(Deserialize)]
        struct Chunk {
            chunk: Vec<Event>,
            end: Option<String>,
        }
        let (mut events, mut from) = (Vec::new(), Some(from.to_owned()));
        for _ in 0..GAPS {
            let Some(place) = from.take() else { break };
            let request = self.api.get(format!("{}/messages", room_path(room))).query("dir", "b").query("limit", MOST);
            let request = request.query("from", place).query("to", to).query("filter", json!({ "types": kinds() }));
            let Chunk { chunk, end } = request.send().await?;
            from = end.filter(|_| !chunk.is_empty());
            events.extend(chunk);
        }
        events.reverse();
        Ok(events)
    }

    /// Returns what is left of the message that a redaction took away; reactions are redacted, too.
    async fn taken(&self, room: &str, id: &str, around: &Around) -> Option<Message> {
        let event = self.event(room, id).await.ok()?;
        event.is_message().then(|| Message { deleted: true, ..self.message(room, &event, around) })
    }

    async fn changes_in(&self, me: &str, id: &str, room: &Room) -> Vec<(i64, Change)> {
        let events = &room.timeline.events;
        let mut names = Names::default();
        names.learn(&room.state.events);
        let names = self.names(id, names, &events.iter().collect::<Vec<_>>()).await;
        let around = Around { me: me.to_owned(), names, ..Around::default() };
        let mut changes = Vec::new();
        for event in events {
            let change = if event.kind == "m.room.redaction" {
                match event.redacts() {
                    Some(redacted) => self.taken(id, redacted, &around).await.map(Change::Deleted),
                    None => None,
                }
            } else if let Some(original) = event.replaces() {
                let original = self.event(id, original).await;
                original.ok().map(|original| Change::Edited(self.message(id, &original, &around)))
            } else {
                let told = event.is_message() && !event.is_redacted();
                told.then(|| Change::New(self.message(id, event, &around)))
            };
            changes.extend(change.map(|change| (event.origin_server_ts, change)));
        }
        changes
    }
}
