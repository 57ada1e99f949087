//! From a timeline's event to a message, its edits, reactions and quotation folded in.

use std::collections::BTreeMap;

use switchboard_kit::chat::{Author, AuthorKind, Message, MessageRef, Quote, Reaction};

use crate::{Matrix, body, event::Event, names::Names, references};

/// What is known around the events of a page.
#[derive(Default)]
pub(crate) struct Around {
    /// The id of the user, whose homeserver the others are members of, or are outsiders to.
    pub(crate) me: String,
    pub(crate) names: Names,
    /// By the event that they are under.
    pub(crate) reactions: BTreeMap<String, Vec<Reaction>>,
    /// By the event that is quoted.
    pub(crate) quotes: BTreeMap<String, Event>,
}

impl Matrix {
    /// Makes an event a message.
    pub(crate) fn message(&self, room: &str, event: &Event, around: &Around) -> Message {
        message(self.at(room, &event.id), event, around)
    }
}

fn message(at: MessageRef, event: &Event, around: &Around) -> Message {
    let (content, edited) = event.newest();
    let kind = match references::server(&event.sender) {
        _ if content["msgtype"] == "m.notice" => AuthorKind::Bot,
        server if server == references::server(&around.me) => AuthorKind::Person,
        _ => AuthorKind::Guest,
    };
    let author = Author { id: event.sender.clone(), name: around.names.name(&event.sender), kind };
    let url = references::link(&at.conversation, &at.id);
    let thread = event.thread().map(Into::into);
    let blank =
        Message { thread, replies: event.replies(), url: Some(url), ..Message::new(at, event.time(), author, "") };
    if event.is_redacted() {
        return Message { deleted: true, ..blank };
    }
    let reactions = around.reactions.get(&event.id).cloned().unwrap_or_default();
    if event.is_encrypted() {
        return Message { text: body::ENCRYPTED.into(), reactions, edited, ..blank };
    }
    let quote = event.answers().and_then(|id| around.quotes.get(id)).map(|quoted| quotation(quoted, &around.names));
    let (mentions, mentions_everyone) = event.mentions();
    Message {
        text: body::text(content, event.answers().is_some()),
        mentions,
        mentions_everyone,
        files: body::file(content).into_iter().collect(),
        reactions,
        quote,
        edited,
        ..blank
    }
}

/// Longest quotation.
const LONGEST: usize = 200;

fn quotation(event: &Event, names: &Names) -> Quote {
    let text = if event.is_encrypted() {
        body::ENCRYPTED.into()
    } else if event.is_redacted() {
        "[deleted]".into()
    } else {
        body::text(event.newest().0, event.answers().is_some())
    };
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => body::file(event.newest().0).map(|file| file.name).unwrap_or_default(),
        None => text,
    };
    Quote { author: Some(names.name(&event.sender)), text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_kit::{
        AccountKey,
        serde_json::{Value, from_value, json},
    };

    fn read(event: Value, around: &Around) -> Message {
        let event: Event = from_value(event).unwrap();
        let at = MessageRef { account: AccountKey::new("matrix"), conversation: "!r:x".into(), id: event.id.clone() };
        message(at, &event, around)
    }

    #[test]
    fn a_deleted_message_says_nothing() {
        let event = json!({
            "type": "m.room.message", "event_id": "$a", "sender": "@a:x", "origin_server_ts": 1000, "content": {},
            "unsigned": { "redacted_because": { "type": "m.room.redaction" } },
        });
        let message = read(event, &Around::default());
        assert!(message.deleted && message.text.is_empty() && !message.edited);
        assert_eq!(message.time.as_millisecond(), 1000);
    }

    #[test]
    fn members_of_other_homeservers_are_outsiders() {
        let around = Around { me: "@a:x".into(), ..Around::default() };
        for (sender, kind) in
            [("@b:x", AuthorKind::Person), ("@b:y", AuthorKind::Guest), ("@b:x:8448", AuthorKind::Guest)]
        {
            let event = json!({ "type": "m.room.message", "sender": sender, "content": { "body": "Noon?" } });
            assert_eq!(read(event, &around).author.kind, kind, "{sender}");
        }
    }

    #[test]
    fn an_encrypted_message_says_so() {
        let event = json!({ "type": "m.room.encrypted", "event_id": "$a", "content": { "ciphertext": "x" } });
        assert_eq!(read(event, &Around::default()).text, body::ENCRYPTED);
    }

    #[test]
    fn an_answer_carries_what_it_answers() {
        let quoted =
            json!({ "type": "m.room.message", "event_id": "$q", "sender": "@b:x", "content": { "body": "Noon?" } });
        let mut around = Around::default();
        around.names.know("@b:x", Some("Bob"));
        around.quotes.insert("$q".into(), from_value(quoted).unwrap());
        let content = json!({
            "msgtype": "m.notice", "body": "> <@b:x> Noon?\n\nYes", "m.relates_to": { "m.in_reply_to": { "event_id": "$q" } },
        });
        let message = read(json!({ "type": "m.room.message", "event_id": "$a", "content": content }), &around);
        assert_eq!(message.text, "Yes");
        assert_eq!(message.quote, Some(Quote { author: Some("Bob".into()), text: "Noon?".into() }));
        assert_eq!(message.author.kind, AuthorKind::Bot);
    }
}
