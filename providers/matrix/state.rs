//! What a room's state says about it, and what people call it.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_kit::{
    chat::{Conversation, ConversationKind},
    serde_json::Value,
};

use crate::{event::Event, names::Names, references};

/// The state that tells what a room is, members aside.
pub(crate) const FACTS: [&str; 6] = [
    "m.room.name",
    "m.room.canonical_alias",
    "m.room.topic",
    "m.room.encryption",
    "m.room.join_rules",
    "m.room.create",
];

/// A room's state, by type.
#[derive(Default)]
pub(crate) struct State(BTreeMap<String, Value>);

/// Who is in a room, as far as its name needs it.
#[derive(Default)]
pub(crate) struct Company {
    /// Some of the members besides the user, in the order in which they are named.
    pub(crate) heroes: Vec<String>,
    /// How many are in it or invited, the user included.
    pub(crate) people: u64,
    pub(crate) names: Names,
    /// Those of them who are known by their ids; the user may be among them.
    pub(crate) known: BTreeSet<String>,
    /// Whether the user keeps it as a direct chat.
    pub(crate) direct: bool,
}

impl State {
    /// Reads state events. Of two for the same thing, the later counts: a sync may send both.
    pub(crate) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut facts: Vec<_> = events.into_iter().filter(|event| event.state_key.as_deref() == Some("")).collect();
        facts.sort_by_key(|event| event.origin_server_ts);
        facts.into_iter().map(|event| (event.kind.clone(), event.content.clone())).collect()
    }

    pub(crate) fn is_space(&self) -> bool {
        self.text("m.room.create", "type") == Some("m.space")
    }

    /// Describes the room.
    pub(crate) fn conversation(&self, id: &str, company: &Company) -> Conversation {
        let named = self.text("m.room.name", "name").is_some() || self.alias().is_some();
        let kind = match named {
            _ if company.direct => ConversationKind::Direct,
            true => ConversationKind::Channel,
            false if company.people == 2 => ConversationKind::Direct,
            false => ConversationKind::Group,
        };
        let mut aliases: Vec<String> = self.alias().into_iter().map(Into::into).collect();
        let others = self.0.get("m.room.canonical_alias").and_then(|content| content["alt_aliases"].as_array());
        aliases.extend(others.into_iter().flatten().filter_map(Value::as_str).map(Into::into));
        // Whoever runs the room can write anything there, even somebody's id.
        aliases.retain(|alias| alias.starts_with('#'));
        if kind == ConversationKind::Direct {
            aliases.extend(company.heroes.iter().take(1).cloned());
        }
        aliases.dedup();
        Conversation {
            aliases,
            topic: self.text("m.room.topic", "topic").map(Into::into),
            members: u32::try_from(company.people).ok().filter(|people| *people > 0),
            private: self.text("m.room.join_rules", "join_rule") != Some("public"),
            outsiders: self.outsiders(company),
            encrypted: self.0.contains_key("m.room.encryption"),
            ..Conversation::new(id, self.name(company), kind)
        }
    }

    /// Names a room: <https://spec.matrix.org/latest/client-server-api/#calculating-the-display-name-for-a-room>.
    fn name(&self, company: &Company) -> String {
        if let Some(name) = self.text("m.room.name", "name") {
            return name.into();
        }
        if let Some(alias) = self.alias() {
            return alias.trim_start_matches('#').into();
        }
        let mut heroes: Vec<_> = company.heroes.iter().map(|hero| company.names.name(hero)).collect();
        let others = company.people.saturating_sub(1);
        let unnamed = others.saturating_sub(heroes.len() as u64);
        if unnamed > 0 && others > 0 && !heroes.is_empty() {
            heroes.push(format!("{unnamed} other{}", if unnamed == 1 { "" } else { "s" }));
        }
        let listed = match heroes.split_last() {
            None if others > 0 => return format!("{others} other{}", if others == 1 { "" } else { "s" }),
            None => return "Empty room".into(),
            Some((only, [])) => only.clone(),
            Some((last, first)) => format!("{} and {last}", first.join(", ")),
        };
        if others == 0 { format!("Empty room (was {listed})") } else { listed }
    }

    /// Returns whether members of other homeservers than the user's are in the room, as far as that shows without asking: people
    /// of two servers cannot all be of the user's own.
    fn outsiders(&self, company: &Company) -> Option<bool> {
        if self.0.get("m.room.create").is_some_and(|content| content["m.federate"] == false) {
            return Some(false);
        }
        let servers: BTreeSet<_> = company.known.iter().filter_map(|id| references::server(id)).collect();
        let all = company.people > 0 && company.known.len() as u64 >= company.people;
        match servers.len() {
            2.. => Some(true),
            1 if all => Some(false),
            _ => None,
        }
    }

    fn alias(&self) -> Option<&str> {
        self.text("m.room.canonical_alias", "alias")
    }

    fn text(&self, kind: &str, field: &str) -> Option<&str> {
        self.0.get(kind)?[field].as_str().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl FromIterator<(String, Value)> for State {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(facts: I) -> Self {
        Self(facts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_kit::serde_json::{from_value, json};

    fn company(heroes: &[&str], people: u64) -> Company {
        let mut names = Names::default();
        for hero in heroes {
            names.know(&format!("@{}:x", hero.to_lowercase()), Some(hero));
        }
        let heroes = heroes.iter().map(|hero| format!("@{}:x", hero.to_lowercase())).collect();
        Company { heroes, people, names, known: BTreeSet::new(), direct: false }
    }

    fn state(facts: &[(&str, Value)]) -> State {
        facts.iter().map(|(kind, content)| ((*kind).to_owned(), content.clone())).collect()
    }

    #[test]
    fn a_room_without_a_name_is_called_after_its_members() {
        let name = |heroes: &[&str], people| State::default().name(&company(heroes, people));
        assert_eq!(name(&["Bob"], 2), "Bob");
        assert_eq!(name(&["Bob", "Cuno"], 3), "Bob and Cuno");
        assert_eq!(name(&["Bob", "Cuno", "Dora"], 4), "Bob, Cuno and Dora");
        assert_eq!(name(&["Bob", "Cuno"], 6), "Bob, Cuno and 3 others");
        assert_eq!(name(&["Bob"], 1), "Empty room (was Bob)");
        assert_eq!(name(&[], 1), "Empty room");
    }

    #[test]
    fn a_name_outranks_an_alias_and_an_alias_the_members() {
        let alias = ("m.room.canonical_alias", json!({ "alias": "#ops:x", "alt_aliases": ["#o:x"] }));
        let named = state(&[("m.room.name", json!({ "name": "Ops" })), alias.clone()]);
        assert_eq!(named.name(&company(&["Bob"], 2)), "Ops");
        let aliased = state(&[("m.room.name", json!({ "name": " " })), alias]);
        let conversation = aliased.conversation("!a:x", &company(&["Bob"], 2));
        assert_eq!((conversation.name.as_str(), conversation.kind), ("ops:x", ConversationKind::Channel));
        assert_eq!(conversation.aliases, ["#ops:x", "#o:x"]);
    }

    #[test]
    fn a_room_cannot_pass_for_a_person() {
        let content = json!({ "alias": "#ops:x", "alt_aliases": ["@boss:x", "#other:x"] });
        let room = state(&[("m.room.canonical_alias", content)]).conversation("!r", &company(&["Ann", "Bob"], 3));
        assert_eq!(room.aliases, ["#ops:x", "#other:x"]);
    }

    #[test]
    fn two_alone_are_a_direct_chat_and_more_are_a_group() {
        let kind = |people| State::default().conversation("!a:x", &company(&["Bob"], people)).kind;
        assert_eq!((kind(2), kind(3)), (ConversationKind::Direct, ConversationKind::Group));
    }

    #[test]
    fn the_later_of_two_events_counts() {
        let event = |name: &str, time: i64| {
            let content = json!({ "name": name });
            let event = json!({ "type": "m.room.name", "state_key": "", "content": content, "origin_server_ts": time });
            from_value::<Event>(event).unwrap()
        };
        assert_eq!(State::of(&[event("new", 2), event("old", 1)]).name(&Company::default()), "new");
    }

    #[test]
    fn people_of_two_servers_are_not_all_of_ours() {
        let outsiders = |known: &[&str], people| {
            let known = known.iter().map(ToString::to_string).collect();
            State::default().conversation("!a:x", &Company { people, known, ..Company::default() }).outsiders
        };
        assert_eq!(outsiders(&["@a:x", "@b:y"], 9), Some(true));
        assert_eq!(outsiders(&["@a:x:8448", "@b:x"], 9), Some(true));
        assert_eq!(outsiders(&["@a:x", "@b:x"], 2), Some(false));
        assert_eq!(outsiders(&["@a:x", "@b:x"], 3), None);
        assert_eq!((outsiders(&["@b:y"], 2), outsiders(&[], 0)), (None, None));
        let closed = state(&[("m.room.create", json!({ "m.federate": false }))]);
        assert_eq!(closed.conversation("!a:x", &Company::default()).outsiders, Some(false));
    }

    #[test]
    fn rooms_are_private_unless_anyone_may_join() {
        let open = state(&[("m.room.join_rules", json!({ "join_rule": "public" })), ("m.room.encryption", json!({}))]);
        let open = open.conversation("!a:x", &Company::default());
        assert!(!open.private && open.encrypted);
        assert!(State::default().conversation("!a:x", &Company::default()).private);
        assert!(state(&[("m.room.create", json!({ "type": "m.space" }))]).is_space());
    }
}
