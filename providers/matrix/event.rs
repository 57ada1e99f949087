//! An event of a room's timeline or state, and what it says about others.

use serde::Deserialize;
use switchboard_kit::{Timestamp, serde_json::Value};

use crate::{html, references};

/// Most people that one message is taken to mention.
const MENTIONS: usize = 50;

/// The events that are messages. All else in a timeline is about rooms and members, and left out: bridged rooms have more
/// joins and renamings than messages.
pub(crate) const MESSAGES: [&str; 5] =
    ["m.room.message", "m.room.encrypted", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start"];

/// An event. What people may have written into it is read field by field: no event can spoil a page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(rename = "event_id")]
    pub(crate) id: String,
    pub(crate) room_id: String,
    pub(crate) sender: String,
    pub(crate) origin_server_ts: i64,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Value,
    redacts: Value,
    unsigned: Value,
}

impl Event {
    pub(crate) fn time(&self) -> Timestamp {
        crate::time(self.origin_server_ts)
    }

    /// Returns whether it is a message of its own, and no new version of another.
    pub(crate) fn is_message(&self) -> bool {
        MESSAGES.contains(&self.kind.as_str()) && self.state_key.is_none() && self.replaces().is_none()
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.kind == "m.room.encrypted"
    }

    /// Returns whether it was deleted: the homeserver then keeps hardly more than its id.
    pub(crate) fn is_redacted(&self) -> bool {
        self.unsigned.get("redacted_because").is_some()
    }

    /// Returns what a redaction deletes. Since room version 11 that stands in the content.
    pub(crate) fn redacts(&self) -> Option<&str> {
        self.redacts.as_str().or_else(|| self.content["redacts"].as_str())
    }

    /// Returns the event of which this is a new version.
    pub(crate) fn replaces(&self) -> Option<&str> {
        self.related("m.replace")
    }

    /// Returns the first event of the thread that this answers in.
    pub(crate) fn thread(&self) -> Option<&str> {
        self.related("m.thread")
    }

    /// Returns what this reacts to, and with what.
    pub(crate) fn annotates(&self) -> Option<(&str, &str)> {
        Some((self.related("m.annotation")?, self.content["m.relates_to"]["key"].as_str()?))
    }

    /// Returns what this answers by quoting it. In threads, a client that knows none is told to quote the last answer.
    pub(crate) fn answers(&self) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        let quoted = relation["m.in_reply_to"]["event_id"].as_str();
        quoted.filter(|_| relation["is_falling_back"] != Value::Bool(true))
    }

    fn related(&self, how: &str) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        relation["event_id"].as_str().filter(|_| relation["rel_type"] == how)
    }

    /// Returns the newest content, and whether that is not the first.
    pub(crate) fn newest(&self) -> (&Value, bool) {
        match self.unsigned.pointer("/m.relations/m.replace") {
            None => (&self.content, false),
            Some(edit) => (edit.pointer("/content/m.new_content").unwrap_or(&self.content), true),
        }
    }

    /// Returns whom its newest content mentions: the ids, and whether everybody.
    /// <https://spec.matrix.org/latest/client-server-api/#user-and-room-mentions>
    pub(crate) fn mentions(&self) -> (Vec<String>, bool) {
        let (content, _) = self.newest();
        let said = &content["m.mentions"];
        if !said.is_object() {
            return self.mentioned_in_words();
        }
        let mut ids = Vec::new();
        for id in said["user_ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if ids.len() < MENTIONS && references::is_user(id) && !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        (ids, said["room"] == Value::Bool(true))
    }

    /// Reads the mentions of clients that only write them out: links to people, and `@room`.
    fn mentioned_in_words(&self) -> (Vec<String>, bool) {
        let (content, _) = self.newest();
        let html = content["formatted_body"].as_str().filter(|_| content["format"] == "org.matrix.custom.html");
        let ids = html.map(html::mentioned).unwrap_or_default();
        let everyone = content["body"].as_str().is_some_and(|body| body.split_whitespace().any(|word| word == "@room"));
        (ids, everyone)
    }

    /// Returns how many answers its thread has.
    pub(crate) fn replies(&self) -> u32 {
        let count = self.unsigned.pointer("/m.relations/m.thread/count").and_then(Value::as_u64);
        count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
    }

    /// Returns the last answer in its thread.
    pub(crate) fn last_reply(&self) -> Option<&str> {
        self.unsigned.pointer("/m.relations/m.thread/latest_event/event_id")?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_kit::serde_json::{from_value, json};

    #[test]
    fn the_homeservers_aggregation_tells_the_newest_text_and_the_answers() {
        let event: Event = from_value(json!({
            "type": "m.room.message", "event_id": "$a", "content": { "body": "frist" },
            "unsigned": { "m.relations": {
                "m.replace": { "content": { "body": "* first", "m.new_content": { "body": "first" } } },
                "m.thread": { "count": 2, "latest_event": { "event_id": "$z" } },
            } },
        }))
        .unwrap();
        assert_eq!(event.newest(), (&json!({ "body": "first" }), true));
        assert_eq!((event.replies(), event.last_reply()), (2, Some("$z")));
        assert!(event.is_message() && !event.is_redacted());
    }

    #[test]
    fn relations_of_any_shape_do_no_harm() {
        for content in
            [json!(null), json!([]), json!({ "m.relates_to": 7 }), json!({ "m.relates_to": { "rel_type": [] } })]
        {
            let event: Event = from_value(json!({ "type": "m.room.message", "content": content })).unwrap();
            assert!(event.is_message() && event.thread().is_none() && event.answers().is_none());
        }
    }

    #[test]
    fn people_are_mentioned_by_their_ids_or_by_links_to_them() {
        let event = |content| from_value::<Event>(json!({ "type": "m.room.message", "content": content })).unwrap();
        let told = event(json!({
            "body": "Bob: hi", "m.mentions": { "user_ids": ["@bob:x", 7, "nobody", "@bob:x"], "room": true },
        }));
        assert_eq!(told.mentions(), (vec!["@bob:x".to_owned()], true));
        let link = "<a href=\"https://matrix.to/#/@bob:x\">Bob</a>";
        let html = format!("<mx-reply><a href=\"https://matrix.to/#/@ann:x\">Ann</a></mx-reply>{link}, {link}");
        let rich = json!({ "body": "@room Bob", "format": "org.matrix.custom.html", "formatted_body": html });
        assert_eq!(event(rich.clone()).mentions(), (vec!["@bob:x".to_owned()], true));
        let mut silent = rich;
        silent["m.mentions"] = json!({});
        assert_eq!(event(silent).mentions(), (vec![], false));
    }

    #[test]
    fn a_thread_answer_quotes_only_on_purpose() {
        let relation = |falling_back| {
            let related = json!({
                "rel_type": "m.thread", "event_id": "$root", "is_falling_back": falling_back,
                "m.in_reply_to": { "event_id": "$last" },
            });
            from_value::<Event>(json!({ "type": "m.room.message", "content": { "m.relates_to": related } })).unwrap()
        };
        assert_eq!(relation(true).answers(), None);
        assert_eq!(relation(false).answers(), Some("$last"));
        assert_eq!(relation(true).thread(), Some("$root"));
    }
}
