//! Writing: sending, changing and deleting messages.

use serde::Deserialize;
use switchboard_kit::{
    Error, ErrorKind, Result, async_trait,
    chat::{Deletions, Draft, Edits, Length, MessageRef, Posts},
    escape,
    serde_json::{Value, json},
};

use crate::{Matrix, event::Event, markdown, room_path};

/// Most bytes of a text: an event holds it twice, as Markdown and as HTML, and JSON may double every byte.
pub(crate) const LONGEST: usize = 16_000;
/// What is left of a long text for clients that know no edits.
const EXCERPT: usize = 1_000;

impl Matrix {
    /// Sends an event. The same transaction twice is one event; without a key every call is a transaction of its own.
    pub(crate) async fn put_event(&self, room: &str, kind: &str, key: Option<&str>, content: &Value) -> Result<String> {
        #[derive(Deserialize)]
        struct Sent {
            event_id: String,
        }
        let transaction = key.map_or_else(transaction, |key| format!("key-{key}"));
        let request = self.api.put(format!("{}/send/{}/{}", room_path(room), escape(kind), escape(&transaction)));
        let Sent { event_id } = request.json(content).send().await?;
        Ok(event_id)
    }

    pub(crate) async fn redact(&self, room: &str, event: &str) -> Result<()> {
        let path = format!("{}/redact/{}/{}", room_path(room), escape(event), transaction());
        self.api.put(path).json(&json!({})).fetch().await.map(drop)
    }

    /// Refuses rooms in which a readable message would be a leak.
    pub(crate) async fn refuse_encrypted(&self, room: &str) -> Result<()> {
        match self.api.get(format!("{}/state/m.room.encryption/", room_path(room))).fetch().await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                let error = Error::unsupported("this room is end-to-end encrypted, and Switchboard cannot encrypt");
                Err(error.hint("use your Matrix client to write there"))
            }
        }
    }

    /// Returns how to say that a message answers in a thread.
    pub(crate) async fn in_thread(&self, room: &str, thread: &str) -> Result<Value> {
        let first = self.thread_root(room, thread).await?;
        let last = first.last_reply().unwrap_or(&first.id);
        Ok(json!({
            "rel_type": "m.thread",
            "event_id": first.id,
            "is_falling_back": true,
            "m.in_reply_to": { "event_id": last },
        }))
    }

    /// Returns a message of the user's own. A homeserver takes an edit of another's message, but clients ignore it.
    async fn own(&self, room: &str, id: &str) -> Result<Event> {
        let event = self.event(room, id).await?;
        if event.sender != self.me().await? {
            return Err(Error::new(ErrorKind::Forbidden, format!("`{id}` was sent by `{}`, not by you", event.sender)));
        }
        Ok(event)
    }
}

fn transaction() -> String {
    format!("switchboard-{:032x}", rand::random::<u128>())
}

/// Returns the content of a message. Whatever its text says, only `m.mentions` notifies, as long as there is one:
/// <https://spec.matrix.org/latest/client-server-api/#user-and-room-mentions>.
fn new(draft: &Draft) -> Value {
    let mut content = markdown::content(&draft.text);
    if draft.may_call_everyone && markdown::calls_room(&draft.text) {
        content["m.mentions"]["room"] = true.into();
    }
    content
}

/// Puts a new text into a message, whatever else it is: a file keeps its file, an action stays one.
fn replaced(event: &Event, text: &str) -> Value {
    let mut content = event.newest().0.clone();
    let Some(fields) = content.as_object_mut() else { return markdown::content(text) };
    for outdated in ["m.relates_to", "formatted_body", "format", "m.mentions"] {
        fields.remove(outdated);
    }
    if fields.contains_key("url") && !fields.contains_key("filename") {
        let name = fields.get("body").cloned().unwrap_or_default();
        fields.insert("filename".into(), name);
    }
    let kind = fields.get("msgtype").cloned();
    if let Value::Object(new) = markdown::content(text) {
        fields.extend(new);
    }
    if let Some(kind) = kind {
        fields.insert("msgtype".into(), kind);
    }
    content
}

/// Returns the content of an edit: the new one, and an excerpt of it for clients that know no edits.
fn edit(id: &str, text: &str, new: Value) -> Value {
    let mut content = new.clone();
    content["body"] = format!("* {text}").into();
    if let Some(formatted) = new["formatted_body"].as_str() {
        content["formatted_body"] = format!("* {formatted}").into();
    }
    // Of an edit, these are the ones to notify anew.
    content["m.mentions"] = json!({});
    content["m.new_content"] = new;
    content["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": id });
    if markdown::is_too_large(&content) {
        markdown::unformat(&mut content);
        content["body"] = format!("* {}", &text[..text.floor_char_boundary(EXCERPT)]).into();
    }
    content
}

#[async_trait]
impl Posts for Matrix {
    async fn send(&self, conversation: &str, draft: &Draft) -> Result<MessageRef> {
        self.refuse_encrypted(conversation).await?;
        let mut content = new(draft);
        if let Some(thread) = &draft.thread {
            content["m.relates_to"] = self.in_thread(conversation, thread).await?;
        }
        let id = self.put_event(conversation, "m.room.message", draft.key.as_deref(), &content).await?;
        Ok(self.at(conversation, &id))
    }

    fn longest(&self) -> Length {
        Length::Bytes(LONGEST)
    }

    fn calls_everyone(&self, text: &str) -> bool {
        markdown::calls_room(text)
    }

    fn know_keys(&self) -> bool {
        true
    }
}

#[async_trait]
impl Edits for Matrix {
    async fn edit(&self, conversation: &str, id: &str, text: &str) -> Result<()> {
        self.refuse_encrypted(conversation).await?;
        let event = self.own(conversation, id).await?;
        if !event.is_message() || event.is_redacted() {
            return Err(Error::invalid(format!("`{id}` is no message that can be changed")));
        }
        let content = edit(id, text, replaced(&event, text));
        self.put_event(conversation, "m.room.message", None, &content).await.map(drop)
    }
}

#[async_trait]
impl Deletions for Matrix {
    async fn delete(&self, conversation: &str, id: &str) -> Result<()> {
        let event = self.own(conversation, id).await?;
        if event.is_redacted() {
            return Ok(());
        }
        self.redact(conversation, id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_kit::{chat::Upload, serde_json::from_value};
    use switchboard_testkit::Shouts;

    const SEED: u64 = 20_261_122;

    #[test]
    fn a_new_caption_keeps_the_file() {
        let content = json!({ "msgtype": "m.file", "body": "a.txt", "url": "mxc://x/y", "info": { "size": 3 } });
        let event: Event = from_value(json!({ "type": "m.room.message", "content": content })).unwrap();
        let new = replaced(&event, "**Read** this");
        assert_eq!(
            (&new["msgtype"], &new["filename"], &new["url"]),
            (&json!("m.file"), &json!("a.txt"), &json!("mxc://x/y"))
        );
        assert_eq!(
            (&new["body"], &new["formatted_body"]),
            (&json!("**Read** this"), &json!("<strong>Read</strong> this"))
        );
    }

    #[test]
    fn an_edit_holds_all_of_a_long_text_once() {
        let event: Event = from_value(json!({ "type": "m.room.message", "content": { "msgtype": "m.text" } })).unwrap();
        let words = "**&** and \"words\" @room ".repeat(LONGEST / 24);
        for text in ["\"".repeat(LONGEST), words] {
            let content = edit("$1", &text, replaced(&event, &text));
            assert!(content.to_string().len() < 60_000, "{}", content.to_string().len());
            assert_eq!((&content["m.new_content"]["body"], &content["m.mentions"]), (&json!(text), &json!({})));
        }
        assert_eq!(edit("$1", "short", replaced(&event, "short"))["body"], "* short");
    }

    #[test]
    fn a_new_text_forgets_the_formatting_of_the_old() {
        let content = json!({
            "msgtype": "m.text", "body": "a", "format": "org.matrix.custom.html", "formatted_body": "<b>a</b>",
            "m.relates_to": { "rel_type": "m.thread", "event_id": "$r" }, "m.mentions": { "room": true },
        });
        let event: Event = from_value(json!({ "type": "m.room.message", "content": content })).unwrap();
        assert_eq!(replaced(&event, "b"), markdown::content("b"));
    }

    /// Whether the rules that a homeserver has for everybody notify everybody of an event, if its sender may:
    /// <https://spec.matrix.org/latest/client-server-api/#predefined-rules>. The second is for events without `m.mentions`.
    fn notifies_room(content: &Value) -> bool {
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let body = content["body"].as_str().unwrap_or_default().to_lowercase();
        let mut said = body.match_indices("@room").map(|(at, name)| (&body[..at], &body[at + name.len()..]));
        match content.get("m.mentions") {
            Some(mentions) => mentions["room"] == true,
            None => said.any(|(before, after)| !before.ends_with(word) && !after.starts_with(word)),
        }
    }

    #[test]
    fn no_mass_mention_survives() {
        let wanted = std::env::var("SWITCHBOARD_HOSTILE").ok().map_or(20_000, |count| count.parse().unwrap());
        let (mut calling, mut written) = (0, 0);
        let picture =
            json!({ "msgtype": "m.image", "body": "@room.png", "url": "mxc://x/y", "m.mentions": { "room": true } });
        let picture: Event = from_value(json!({ "type": "m.room.message", "content": picture })).unwrap();
        let old = json!({ "msgtype": "m.text", "body": "@room", "m.mentions": { "room": true } });
        let old: Event = from_value(json!({ "type": "m.room.message", "content": old })).unwrap();
        for text in Shouts::of(SEED).take(wanted) {
            calling += usize::from(notifies_room(&json!({ "body": text })));
            let upload = Upload { name: text.clone(), media_type: "text/plain".into(), bytes: Vec::new() };
            let contents = [
                new(&Draft { text: text.clone(), ..Draft::default() }),
                edit("$1", &text, replaced(&old, &text)),
                edit("$1", &text, replaced(&picture, &text)),
                crate::files::content(&upload, "mxc://x/y"),
                crate::reactions::content("$1", &text),
            ];
            for content in &contents {
                written += 1;
                let shown = content.get("m.new_content").unwrap_or(content);
                assert!(!notifies_room(content) && !notifies_room(shown), "{text:?}: {content}");
            }
            let called = new(&Draft { text: text.clone(), may_call_everyone: true, ..Draft::default() });
            assert_eq!(notifies_room(&called), markdown::calls_room(&text), "{text:?}");
        }
        // Else nothing would have been tried.
        assert!(calling * 20 > wanted, "{calling} of {wanted}");
        eprintln!(
            "{wanted} texts in {written} Matrix events from seed {SEED}, {calling} of them calls: 0 mass mentions survive"
        );
    }

    #[test]
    fn who_may_call_everybody_does_so_once() {
        let draft = Draft { text: "@room: lunch".into(), may_call_everyone: true, ..Draft::default() };
        let called = new(&draft);
        assert!(notifies_room(&called));
        let event: Event = from_value(json!({ "type": "m.room.message", "content": called })).unwrap();
        let edited = edit("$1", "@room, @ana:x: dinner", replaced(&event, "@room, @ana:x: dinner"));
        assert_eq!(edited["m.mentions"], json!({}));
        assert_eq!(edited["m.new_content"]["m.mentions"], json!({ "user_ids": ["@ana:x"] }));
    }
}
