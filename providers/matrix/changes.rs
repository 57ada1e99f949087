//! What has happened since a cursor, by long polling of `/sync`.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{Change, Changes, Delta},
    serde_json::{Value, json},
};

use crate::{CLIENT, Matrix, event::Event, fold::Around, names::Names};

/// What the network may add to the wait itself.
const LEEWAY: Duration = Duration::from_secs(20);

/// Most events of one room that one answer tells.
const MOST: u32 = 100;

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
    timeline: Events,
}

#[derive(Default, Deserialize)]
struct Events {
    #[serde(default)]
    events: Vec<Event>,
}

fn filter() -> Value {
    let nothing = json!({ "not_types": ["*"] });
    json!({
        "presence": nothing,
        "account_data": nothing,
        "room": {
            "account_data": nothing,
            "ephemeral": nothing,
            "state": { "types": ["m.room.member"], "lazy_load_members": true },
            "timeline": {
                "types": ["m.room.message", "m.room.encrypted", "m.sticker", "m.room.redaction"],
                "limit": MOST,
            },
        },
    })
}

#[async_trait]
impl Changes for Matrix {
    async fn since(&self, cursor: Option<&str>, patience: Duration) -> Result<Delta> {
        let patience = if cursor.is_some() { patience } else { Duration::ZERO };
        let request = self.api.get(format!("{CLIENT}/sync")).query("filter", filter()).query("set_presence", "offline");
        let request = request.query_opt("since", cursor).query("timeout", patience.as_millis());
        let synced: Synced = request.patience(patience + LEEWAY).limit(64 << 20).send().await?;
        let mut changes = Vec::new();
        if cursor.is_some() {
            for (id, room) in &synced.rooms.join {
                changes.extend(self.changes_in(id, room).await?);
            }
        }
        changes.sort_by_key(|(time, _)| *time);
        Ok(Delta { changes: changes.into_iter().map(|(_, change)| change).collect(), cursor: synced.next_batch })
    }
}

impl Matrix {
    async fn changes_in(&self, id: &str, room: &Room) -> Result<Vec<(i64, Change)>> {
        let events = &room.timeline.events;
        let mut names = Names::default();
        names.learn(&room.state.events);
        let names = self.names(id, names, &events.iter().collect::<Vec<_>>()).await;
        let around = Around { names, ..Around::default() };
        let mut changes = Vec::new();
        for event in events {
            let change = if event.kind == "m.room.redaction" {
                event.redacts().map(|redacted| Change::Deleted(self.at(id, redacted)))
            } else if let Some(original) = event.replaces() {
                let original = self.event(id, original).await;
                original.ok().map(|original| Change::Edited(self.message(id, &original, &around)))
            } else {
                let told = event.is_message() && !event.is_redacted();
                told.then(|| Change::New(self.message(id, event, &around)))
            };
            changes.extend(change.map(|change| (event.origin_server_ts, change)));
        }
        Ok(changes)
    }
}
