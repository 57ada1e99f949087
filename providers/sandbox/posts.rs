//! Writing: sending, changing, deleting and reacting.

use switchboard_kit::{
    Request, Result, async_trait,
    chat::{Deletions, Draft, Edits, Length, MessageRef, Posts, Reactions},
    escape,
    serde_json::json,
};

use crate::{Sandbox, messages::Message};

impl Sandbox {
    /// Starts a request that posts to a conversation. With a key it may be repeated.
    pub(crate) fn post_to(&self, conversation: &str, key: Option<&str>) -> Request {
        let request = self.api.post(format!("api/conversations/{}/messages", escape(conversation)));
        if key.is_some() { request.repeatable() } else { request }
    }
}

#[async_trait]
impl Posts for Sandbox {
    async fn send(&self, conversation: &str, draft: &Draft) -> Result<MessageRef> {
        let Draft { text, thread, key } = draft;
        let request = self.post_to(conversation, key.as_deref());
        let message: Message = request.json(&json!({ "text": text, "thread": thread, "key": key })).send().await?;
        Ok(message.at(self.api.account()))
    }

    fn longest(&self) -> Length {
        Length::Characters(8_000)
    }

    fn know_keys(&self) -> bool {
        true
    }
}

#[async_trait]
impl Edits for Sandbox {
    async fn edit(&self, _: &str, id: &str, text: &str) -> Result<()> {
        let request = self.api.patch(format!("api/messages/{}", escape(id))).repeatable();
        request.json(&json!({ "text": text })).fetch().await.map(drop)
    }
}

#[async_trait]
impl Deletions for Sandbox {
    async fn delete(&self, _: &str, id: &str) -> Result<()> {
        self.api.delete(format!("api/messages/{}", escape(id))).fetch().await.map(drop)
    }
}

#[async_trait]
impl Reactions for Sandbox {
    async fn add(&self, _: &str, id: &str, emoji: &str) -> Result<()> {
        self.api.put(format!("api/messages/{}/reactions/{}", escape(id), escape(emoji))).fetch().await.map(drop)
    }

    async fn remove(&self, _: &str, id: &str, emoji: &str) -> Result<()> {
        self.api.delete(format!("api/messages/{}/reactions/{}", escape(id), escape(emoji))).fetch().await.map(drop)
    }
}
