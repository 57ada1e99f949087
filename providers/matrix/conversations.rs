//! Rooms: listed by one sync, described by their state, and direct chats found by the user's own list of them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join, try_join_all};
use serde::Deserialize;
use switchboard_kit::{
    Error, ErrorKind, Result, async_trait,
    chat::{Conversation, Conversations, Listing, Page, ReadMarkers},
    escape,
    serde_json::{Value, json},
};

use crate::{
    CLIENT, Matrix,
    event::{Event, MESSAGES},
    names::Names,
    no_room, references, room_path,
    state::{Company, FACTS, State},
};

/// Most members that an unnamed room is called after.
const HEROES: usize = 5;

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

/// Asks for no more than a list of rooms needs.
fn filter() -> Value {
    let nothing = json!({ "not_types": ["*"] });
    let facts: Vec<_> = FACTS.into_iter().chain(["m.room.member"]).collect();
    json!({
        "presence": nothing,
        "account_data": { "types": ["m.direct"] },
        "room": {
            "not_rooms": [no_room()],
            "account_data": nothing,
            "ephemeral": nothing,
            "state": { "types": facts, "lazy_load_members": true },
            "timeline": { "types": MESSAGES, "limit": 1, "lazy_load_members": true },
        },
    })
}

impl Room {
    fn conversation(self, id: &str, directs: &Directs, names: Names) -> Option<Conversation> {
        let state = State::of(&self.state.events);
        let direct = directs.values().flatten().any(|room| room == id);
        let people = self.summary.joined + self.summary.invited;
        let company = Company { heroes: self.summary.heroes, people, names, direct };
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
        let request = self.api.get(format!("{CLIENT}/sync")).query("timeout", 0).query("set_presence", "offline");
        let synced: Synced = request.query("filter", filter()).limit(64 << 20).send().await?;
        let directs = synced.account_data.events.iter().find(|event| event.kind == "m.direct");
        let directs = directs.map(|event| read(&event.content)).unwrap_or_default();
        let described = synced.rooms.join.into_iter().map(|(id, room)| {
            let mut names = Names::default();
            names.learn(&room.state.events);
            room.conversation(&id, &directs, names)
        });
        Ok(described.flatten().collect())
    }

    /// Returns one piece of a room's state, if the room has it.
    async fn state(&self, room: &str, kind: &str) -> Result<Option<(String, Value)>> {
        match self.api.get(format!("{}/state/{kind}/", room_path(room))).send().await {
            Ok(content) => Ok(Some((kind.to_owned(), content))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn company(&self, room: &str) -> Result<Company> {
        #[derive(Deserialize)]
        struct Members {
            joined: BTreeMap<String, Member>,
        }
        #[derive(Deserialize)]
        struct Member {
            display_name: Option<String>,
        }
        let members = self.api.get(format!("{}/joined_members", room_path(room))).limit(64 << 20).send();
        let (members, directs) = join(members, self.directs()).await;
        let (Members { joined }, me) = (members?, self.me().await?);
        let mut names = Names::default();
        for (id, member) in &joined {
            names.know(id, member.display_name.as_deref());
        }
        let directs = directs?;
        let partner =
            directs.iter().find(|(_, rooms)| rooms.iter().any(|known| known == room)).map(|(person, _)| person);
        let mut heroes: Vec<_> = joined.keys().filter(|id| *id != me).take(HEROES).cloned().collect();
        // Somebody who was invited and has not come yet is not among the members.
        if let (true, Some(partner)) = (heroes.is_empty(), partner) {
            heroes.push(partner.clone());
            names.know(partner, self.profile_name(partner).await.ok().flatten().as_deref());
        }
        let people = joined.len().max(heroes.len() + 1) as u64;
        Ok(Company { heroes, people, names, direct: partner.is_some() })
    }

    fn directs_path(me: &str) -> String {
        format!("{CLIENT}/user/{}/account_data/m.direct", escape(me))
    }

    async fn directs(&self) -> Result<Directs> {
        match self.api.get(Self::directs_path(self.me().await?)).send().await {
            Ok(content) => Ok(read(&content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Directs::new()),
            Err(error) => Err(error),
        }
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
        let facts = try_join_all(FACTS.map(|kind| self.state(id, kind)));
        let (facts, company) = join(facts, self.company(id)).await;
        let state: State = facts?.into_iter().flatten().collect();
        Ok(state.conversation(id, &company?))
    }

    async fn direct(&self, person: &str, create: bool) -> Result<Option<Conversation>> {
        #[derive(Deserialize)]
        struct Joined {
            joined_rooms: BTreeSet<String>,
        }
        if !references::is_user(person) {
            return Err(Error::invalid(format!("`{person}` is no Matrix id")).hint("write `@user:server`"));
        }
        let joined = self.api.get(format!("{CLIENT}/joined_rooms")).send::<Joined>();
        let (joined, directs) = join(joined, self.directs()).await;
        let (Joined { joined_rooms }, directs) = (joined?, directs?);
        let kept = directs.get(person).into_iter().flatten().find(|room| joined_rooms.contains(*room)).cloned();
        let room = match kept {
            Some(room) => room,
            None if create => self.open_direct(person, directs).await?,
            None => return Ok(None),
        };
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
