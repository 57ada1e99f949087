//! Writing: sending, changing, deleting and reacting.

use switchboard_kit::{
    Request, Result, async_trait,
    chat::{Deletions, Draft, Edits, Length, MessageRef, Posts, Reactions},
    escape,
    serde_json::json,
};

use crate::{Sandbox, messages::Message};

/// A message has at most 8,000 characters, and each `@here` becomes one longer.
const LONGEST: usize = 6_600;

impl Sandbox {
    /// Starts a request that posts to a conversation. With a key it may be repeated.
    pub(crate) fn post_to(&self, conversation: &str, key: Option<&str>) -> Request {
        let request = self.api.post(format!("api/conversations/{}/messages", escape(conversation)));
        if key.is_some() { request.repeatable() } else { request }
    }
}

/// Returns whether what follows an `@` is a name by which everybody is called, as the sandbox reads it.
fn calls(after: &str) -> bool {
    let part = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let end = after.find(|letter| !part(letter)).unwrap_or(after.len());
    let name = after[..end].trim_end_matches(['.', '_', '-']);
    ["everyone", "channel", "here"].iter().any(|all| name.eq_ignore_ascii_case(all))
}

/// Writes the names by which everybody is called so that nobody is: with something between that nobody sees, and that is
/// gone when it is read.
fn quiet(text: &str) -> String {
    let mut quiet = String::with_capacity(text.len());
    let mut pieces = text.split('@');
    quiet.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        quiet.push_str(if calls(piece) { "@\u{2060}" } else { "@" });
        quiet.push_str(piece);
    }
    quiet
}

#[async_trait]
impl Posts for Sandbox {
    async fn send(&self, conversation: &str, draft: &Draft) -> Result<MessageRef> {
        let Draft { text, thread, key, may_call_everyone } = draft;
        let text = if *may_call_everyone { text.clone() } else { quiet(text) };
        let request = self.post_to(conversation, key.as_deref());
        let message: Message = request.json(&json!({ "text": text, "thread": thread, "key": key })).send().await?;
        Ok(message.at(self.api.account()))
    }

    fn longest(&self) -> Length {
        Length::Characters(LONGEST)
    }

    fn calls_everyone(&self, text: &str) -> bool {
        text.split('@').skip(1).any(calls)
    }

    fn know_keys(&self) -> bool {
        true
    }
}

#[async_trait]
impl Edits for Sandbox {
    async fn edit(&self, conversation: &str, id: &str, text: &str) -> Result<()> {
        let request = self.api.patch(format!("api/messages/{}", escape(id))).repeatable();
        request.query("conversation", conversation).json(&json!({ "text": quiet(text) })).fetch().await.map(drop)
    }
}

#[async_trait]
impl Deletions for Sandbox {
    async fn delete(&self, conversation: &str, id: &str) -> Result<()> {
        let request = self.api.delete(format!("api/messages/{}", escape(id)));
        request.query("conversation", conversation).fetch().await.map(drop)
    }
}

#[async_trait]
impl Reactions for Sandbox {
    async fn add(&self, conversation: &str, id: &str, emoji: &str) -> Result<()> {
        let request = self.api.put(format!("api/messages/{}/reactions/{}", escape(id), escape(emoji)));
        request.query("conversation", conversation).fetch().await.map(drop)
    }

    async fn remove(&self, conversation: &str, id: &str, emoji: &str) -> Result<()> {
        let request = self.api.delete(format!("api/messages/{}/reactions/{}", escape(id), escape(emoji)));
        request.query("conversation", conversation).fetch().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use switchboard_sandbox::Mentions;
    use switchboard_testkit::Shouts;

    use super::*;

    const SEED: u64 = 20_261_122;

    #[test]
    fn nobody_is_called_by_the_name_of_all() {
        for (text, expected) in [
            ("@everyone, @Here", "@\u{2060}everyone, @\u{2060}Here"),
            ("ask @mara or @channel-bot", "ask @mara or @channel-bot"),
            ("a@here._-, @here-", "a@\u{2060}here._-, @\u{2060}here-"),
            ("@@channel a@b @", "@@\u{2060}channel a@b @"),
            ("no one", "no one"),
        ] {
            assert_eq!(quiet(text), expected);
        }
        assert!(quiet(&"@here".repeat(LONGEST / 5)).chars().count() <= 8_000);
    }

    #[test]
    fn no_mass_mention_survives() {
        let wanted = std::env::var("SWITCHBOARD_HOSTILE").ok().map_or(20_000, |count| count.parse().unwrap());
        let (mentions, mut calling) = (Mentions::new().unwrap(), 0);
        for text in Shouts::of(SEED).take(wanted) {
            let calls = mentions.everyone(&text).unwrap();
            calling += usize::from(calls);
            assert_eq!(text.split('@').skip(1).any(super::calls), calls, "{text:?}");
            assert!(!mentions.everyone(&quiet(&text)).unwrap(), "{text:?}");
        }
        // Else nothing would have been tried.
        assert!(calling * 20 > wanted, "{calling} of {wanted}");
        eprintln!("{wanted} texts to the sandbox from seed {SEED}, {calling} of them calls: 0 mass mentions survive");
    }
}
