//! Rooms: listed by one sync, described by their state, and direct chats found by the user's own list of them.

use std::{collections::BTreeMap, ops::Bound};

use serde::Deserialize;
use switchboard_kit::{
    Error, ErrorKind, Result, async_trait,
    chat::{Conversation, Conversations, Listing, Page, Person, ReadMarkers},
    escape,
    serde_json::{Value, json},
};

use crate::{
    CLIENT, Matrix,
    event::{Event, MESSAGES},
    names::Names,
    no_room,
    people::person,
    references, room_path,
    state::{Company, FACTS, State},
};

#[derive(Deserialize)]
struct Synced {
    #[serde(default)]
    rooms: Rooms,
    #[serde(default)]
    account_data: Events,
}

#[derive(Default, Deserialize)]
struct Rooms {
    #[serde(default)]
    join: BTreeMap<String, Room>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Room {
    summary: Summary,
    state: Events,
    timeline: Events,
    unread_notifications: Unread,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary {
    #[serde(rename = "m.heroes")]
    heroes: Vec<String>,
    #[serde(rename = "m.joined_member_count")]
    joined: u64,
    #[serde(rename = "m.invited_member_count")]
    invited: u64,
}

#[derive(Default, Deserialize)]
struct Events {
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Default, Deserialize)]
struct Unread {
    notification_count: Option<u32>,
}

/// The direct chats that the user keeps: rooms by person (`m.direct`).
type Directs = BTreeMap<String, Vec<String>>;

impl Synced {
    fn directs(&self) -> Directs {
        let directs = self.account_data.events.iter().find(|event| event.kind == "m.direct");
        directs.map(|event| read(&event.content)).unwrap_or_default()
    }
}

/// Asks for no more than a list of rooms needs, or than one room does.
fn filter(room: Option<&str>) -> Value {
    let nothing = json!({ "not_types": ["*"] });
    let facts: Vec<_> = FACTS.into_iter().chain(["m.room.member"]).collect();
    let mut filter = json!({
        "presence": nothing,
        "account_data": { "types": ["m.direct"] },
        "room": {
            "not_rooms": [no_room()],
            "account_data": nothing,
            "ephemeral": nothing,
            "state": { "types": facts, "lazy_load_members": true },
            "timeline": { "types": MESSAGES, "limit": 1, "lazy_load_members": true },
        },
    });
    if let Some(room) = room {
        filter["room"]["rooms"] = json!([room]);
    }
    filter
}

/// Returns those of whom the state says that they are in the room, or invited.
fn present(state: &[Event]) -> impl Iterator<Item = String> {
    let members = state.iter().filter(|event| event.kind == "m.room.member");
    let present = members.filter(|event| matches!(event.content["membership"].as_str(), Some("join" | "invite")));
    present.filter_map(|event| event.state_key.clone())
}

impl Room {
    fn conversation(self, id: &str, directs: &Directs) -> Option<Conversation> {
        let mut names = Names::default();
        names.learn(&self.state.events);
        let state = State::of(&self.state.events);
        let partner = directs.iter().find(|(_, rooms)| rooms.iter().any(|room| room == id)).map(|(person, _)| person);
        let people = self.summary.joined + self.summary.invited;
        let mut heroes = self.summary.heroes;
        // A room with a name comes without them.
        heroes.extend(partner.filter(|_| heroes.is_empty()).cloned());
        let known = present(&self.state.events).chain(heroes.iter().filter(|_| people > 1).cloned()).collect();
        let company = Company { heroes, people, names, known, direct: partner.is_some() };
        (!state.is_space()).then(|| Conversation {
            unread: self.unread_notifications.notification_count,
            last_activity: self.timeline.events.last().map(Event::time),
            ..state.conversation(id, &company)
        })
    }
}

impl Matrix {
    /// Lists all rooms that the user is in, by id: that order does not change.
    async fn rooms(&self) -> Result<Vec<Conversation>> {
        let synced = self.sync(&filter(None)).await?;
        let directs = synced.directs();
        Ok(synced.rooms.join.into_iter().filter_map(|(id, room)| room.conversation(&id, &directs)).collect())
    }

    async fn sync(&self, filter: &Value) -> Result<Synced> {
        let request = self.api.get(format!("{CLIENT}/sync")).query("timeout", 0).query("set_presence", "offline");
        request.query("filter", filter).limit(64 << 20).send().await
    }

    /// Returns what an alias stands for.
    async fn aliased(&self, alias: &str) -> Result<String> {
        #[derive(Deserialize)]
        struct Aliased {
            room_id: String,
        }
        let request = self.api.get(format!("{CLIENT}/directory/room/{}", escape(alias)));
        Ok(request.send::<Aliased>().await?.room_id)
    }

    fn directs_path(me: &str) -> String {
        format!("{CLIENT}/user/{}/account_data/m.direct", escape(me))
    }

    /// Reads the user's list of direct chats by a sync without rooms, which need not say whose it is.
    async fn directs(&self) -> Result<Directs> {
        Ok(self.sync(&filter(Some(&no_room()))).await?.directs())
    }

    /// Opens a direct chat and keeps it as one, as every client does.
    async fn open_direct(&self, person: &str, mut directs: Directs) -> Result<String> {
        #[derive(Deserialize)]
        struct Created {
            room_id: String,
        }
        let body = json!({ "is_direct": true, "preset": "trusted_private_chat", "invite": [person] });
        let Created { room_id } = self.api.post(format!("{CLIENT}/createRoom")).json(&body).send().await?;
        directs.entry(person.into()).or_default().push(room_id.clone());
        self.api.put(Self::directs_path(self.me().await?)).json(&directs).fetch().await?;
        Ok(room_id)
    }
}

/// Reads `m.direct` person by person: other clients may have left anything in it.
fn read(content: &Value) -> Directs {
    let people = content.as_object().into_iter().flatten();
    let rooms =
        |rooms: &Value| rooms.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect();
    people.map(|(person, content)| (person.clone(), rooms(content))).collect()
}

#[async_trait]
impl Conversations for Matrix {
    async fn list(&self, listing: &Listing) -> Result<Page<Conversation>> {
        let mut rooms = self.rooms().await?;
        if let Some(last) = &listing.cursor {
            rooms.retain(|room| room.id > *last);
        }
        let more = rooms.len() > listing.limit;
        rooms.truncate(listing.limit);
        let next = rooms.last().map(|room| room.id.clone()).filter(|_| more);
        Ok(Page { items: rooms, next })
    }

    async fn get(&self, id: &str) -> Result<Conversation> {
        let mut synced = self.sync(&filter(Some(id))).await?;
        let (directs, room) = (synced.directs(), synced.rooms.join.remove(id));
        room.and_then(|room| room.conversation(id, &directs))
            .ok_or_else(|| Error::not_found(format!("the user is in no room `{id}`")).hint("join it first"))
    }

    /// Looks an alias up in the directory of its homeserver. Names are nowhere to be looked up but in the list.
    async fn named(&self, name: &str) -> Result<Vec<Conversation>> {
        let unsupported = || Error::unsupported("only an alias can be looked up");
        if !name.contains(':') || name.contains(char::is_whitespace) || name.starts_with('@') {
            return Err(unsupported());
        }
        let alias = format!("#{name}");
        let gone = |error: &Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput);
        let room = match self.aliased(&alias).await {
            Ok(room) => room,
            // It may still be what a room is called.
            Err(error) if gone(&error) => return Err(unsupported()),
            Err(error) => return Err(error),
        };
        match self.get(&room).await {
            Ok(mut room) => {
                if !room.aliases.contains(&alias) {
                    room.aliases.push(alias);
                }
                Ok(vec![room])
            }
            Err(error) if gone(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The homeserver lists all of them at once; here they go by their ids.
    async fn members(&self, id: &str, listing: &Listing) -> Result<Page<Person>> {
        #[derive(Deserialize)]
        struct Members {
            joined: BTreeMap<String, Member>,
        }
        #[derive(Deserialize)]
        struct Member {
            display_name: Option<String>,
        }
        let request = self.api.get(format!("{}/joined_members", room_path(id))).limit(64 << 20);
        let Members { joined } = request.send().await?;
        let after = listing.cursor.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = joined.range::<String, _>((after, Bound::Unbounded));
        let described = rest.by_ref().take(listing.limit);
        let items: Vec<_> = described.map(|(id, member)| person(id.clone(), member.display_name.clone())).collect();
        let next = items.last().map(|last| last.id.clone()).filter(|_| rest.next().is_some());
        Ok(Page { items, next })
    }

    async fn direct(&self, person: &str, create: bool) -> Result<Option<Conversation>> {
        if !references::is_user(person) {
            return Err(Error::invalid(format!("`{person}` is no Matrix id")).hint("write `@user:server`"));
        }
        let directs = self.directs().await?;
        for room in directs.get(person).into_iter().flatten() {
            match self.get(room).await {
                // The user has left it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                kept => return kept.map(Some),
            }
        }
        if !create {
            return Ok(None);
        }
        let room = self.open_direct(person, directs).await?;
        self.get(&room).await.map(Some)
    }
}

#[async_trait]
impl ReadMarkers for Matrix {
    async fn mark_read(&self, conversation: &str, message: &str) -> Result<()> {
        let request = self.api.post(format!("{}/read_markers", room_path(conversation))).repeatable();
        request.json(&json!({ "m.fully_read": message, "m.read": message })).fetch().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_direct_chats_may_hold_anything() {
        let directs = read(&json!({ "@a:x": ["!1", 7], "@b:x": null }));
        assert_eq!(directs["@a:x"], ["!1"]);
        assert!(directs["@b:x"].is_empty() && read(&json!([])).is_empty());
    }
}
