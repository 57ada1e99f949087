//! Reactions: counted from the timeline or asked for message by message, added, and taken away.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde::Deserialize;
use switchboard_kit::{
    ErrorKind, Result, async_trait,
    chat::{self, Reactions},
    serde_json::{Value, json},
};

use crate::{Matrix, event::Event, relations_path};

/// Reactions as they are seen, in no order but that of the events.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<String, Vec<(String, BTreeSet<String>)>>);

impl Tally {
    /// Counts a reaction; one person's second of the same kind does not count.
    pub(crate) fn count(&mut self, event: &Event) {
        let Some((message, key)) = event.annotates() else { return };
        let emojis = self.0.entry(message.into()).or_default();
        let place = emojis.iter().position(|(known, _)| same(known, key)).unwrap_or_else(|| {
            emojis.push((key.into(), BTreeSet::new()));
            emojis.len() - 1
        });
        let (emoji, people) = &mut emojis[place];
        // Whichever spelling comes first, the same one is shown.
        if *key < **emoji {
            *emoji = key.into();
        }
        people.insert(event.sender.clone());
    }

    /// Returns the counts by message, most given first.
    pub(crate) fn counted(self, me: &str) -> BTreeMap<String, Vec<chat::Reaction>> {
        let reaction = |(emoji, people): (String, BTreeSet<String>)| chat::Reaction {
            emoji,
            count: u32::try_from(people.len()).unwrap_or(u32::MAX),
            mine: people.contains(me),
        };
        let sorted = |emojis: Vec<_>| {
            let mut reactions: Vec<_> = emojis.into_iter().map(reaction).collect();
            reactions.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.emoji.cmp(&b.emoji)));
            reactions
        };
        self.0.into_iter().map(|(message, emojis)| (message, sorted(emojis))).collect()
    }
}

/// Some clients add a selector that asks for the coloured form; it is the same emoji.
fn same(emoji: &str, other: &str) -> bool {
    let bare = |text: &str| text.replace('\u{fe0f}', "");
    bare(emoji) == bare(other)
}

impl Matrix {
    /// Asks for the reactions under each of these.
    pub(crate) async fn tally(&self, room: &str, events: impl Iterator<Item = &Event>) -> Result<Tally> {
        let asked = events.filter(|event| !event.is_redacted()).map(|event| self.reactions_to(room, &event.id));
        let mut tally = Tally::default();
        try_join_all(asked).await?.iter().flatten().for_each(|reaction| tally.count(reaction));
        Ok(tally)
    }

    async fn reactions_to(&self, room: &str, event: &str) -> Result<Vec<Event>> {
        #[derive(Deserialize)]
        struct Related {
            chunk: Vec<Event>,
        }
        let path = relations_path(room, event, "m.annotation/m.reaction");
        match self.api.get(path).query("limit", 100).send().await {
            Ok(Related { chunk }) => Ok(chunk),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Returns the content of a reaction.
pub(crate) fn content(id: &str, emoji: &str) -> Value {
    json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": id, "key": emoji } })
}

#[async_trait]
impl Reactions for Matrix {
    async fn add(&self, conversation: &str, id: &str, emoji: &str) -> Result<()> {
        let sent = self.put_event(conversation, "m.reaction", None, &content(id, emoji)).await;
        match sent {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            sent => sent.map(drop),
        }
    }

    async fn remove(&self, conversation: &str, id: &str, emoji: &str) -> Result<()> {
        let me = self.me().await?;
        for reaction in self.reactions_to(conversation, id).await? {
            let given = reaction.annotates().is_some_and(|(_, key)| same(key, emoji));
            if given && reaction.sender == me {
                self.redact(conversation, &reaction.id).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_kit::serde_json::from_value;

    #[test]
    fn reactions_are_counted_by_person_and_emoji() {
        let mut tally = Tally::default();
        for (sender, key) in [("@a:x", "👍"), ("@b:x", "👍\u{fe0f}"), ("@a:x", "👍"), ("@a:x", "🎉")] {
            let relation = json!({ "rel_type": "m.annotation", "event_id": "$m", "key": key });
            let event = json!({ "type": "m.reaction", "sender": sender, "content": { "m.relates_to": relation } });
            tally.count(&from_value(event).unwrap());
        }
        let reaction = |emoji: &str, count, mine| chat::Reaction { emoji: emoji.into(), count, mine };
        assert_eq!(tally.counted("@b:x")["$m"], [reaction("👍", 2, true), reaction("🎉", 1, false)]);
    }

    #[test]
    fn a_reaction_taken_back_is_not_counted() {
        let mut tally = Tally::default();
        tally.count(&from_value(json!({ "type": "m.reaction", "sender": "@a:x", "content": {} })).unwrap());
        assert!(tally.counted("@a:x").is_empty());
    }
}
