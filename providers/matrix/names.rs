//! What the members of a room are called in it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde::Deserialize;
use switchboard_kit::{Result, escape, serde_json::Value};

use crate::{Matrix, event::Event, room_path};

/// Most members to ask after one by one.
const MOST: usize = 50;

/// Display names by user id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Learns from those of these events that tell of a member.
    pub(crate) fn learn<'a>(&mut self, state: impl IntoIterator<Item = &'a Event>) {
        for event in state {
            if let ("m.room.member", Some(member)) = (event.kind.as_str(), &event.state_key) {
                self.know(member, event.content["displayname"].as_str());
            }
        }
    }

    /// Learns what a member is called; who has no name goes by their id.
    pub(crate) fn know(&mut self, member: &str, name: Option<&str>) {
        let name = name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(member);
        self.0.insert(member.into(), name.into());
    }

    /// Returns what to call a member. Two of the same name are told apart by their ids, as the specification asks.
    pub(crate) fn name(&self, member: &str) -> String {
        let Some(name) = self.0.get(member) else { return member.into() };
        if self.0.values().filter(|other| *other == name).count() > 1 && name != member {
            return format!("{name} ({member})");
        }
        name.clone()
    }
}

impl Matrix {
    /// Asks after those senders whom `names` does not know.
    pub(crate) async fn names(&self, room: &str, mut names: Names, events: &[&Event]) -> Names {
        let senders: BTreeSet<_> = events.iter().map(|event| event.sender.as_str()).collect();
        let unknown = senders.into_iter().filter(|sender| !names.0.contains_key(*sender)).take(MOST);
        let asked = unknown.map(async |sender| {
            let path = format!("{}/state/m.room.member/{}", room_path(room), escape(sender));
            (sender, self.api.get(path).send::<Value>().await.unwrap_or_default())
        });
        // A name is worth no failure: the id says who it was.
        for (sender, member) in join_all(asked).await {
            names.know(sender, member["displayname"].as_str());
        }
        names
    }

    /// Returns what a person calls themself.
    pub(crate) async fn profile_name(&self, person: &str) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Profile {
            displayname: Option<String>,
        }
        let profile: Profile = self.api.get(format!("{}/profile/{}", crate::CLIENT, escape(person))).send().await?;
        Ok(profile.displayname.filter(|name| !name.trim().is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_the_same_name_are_told_apart() {
        let mut names = Names::default();
        names.know("@a:x", Some("Alex"));
        assert_eq!(names.name("@a:x"), "Alex");
        names.know("@b:x", Some("Alex"));
        assert_eq!(names.name("@a:x"), "Alex (@a:x)");
        names.know("@c:x", Some(" "));
        assert_eq!((names.name("@c:x"), names.name("@d:x")), ("@c:x".into(), "@d:x".into()));
    }
}
