//! Conversations: channels, groups and direct chats, and how far the user has read in them.

use serde::Deserialize;
use switchboard_kit::{
    Result, Timestamp, async_trait,
    chat::{self, ConversationKind, Conversations, Listing, Page, Person, ReadMarkers},
    escape,
    serde_json::json,
};

use crate::{
    Sandbox,
    people::{Group, Person as Member},
};

/// A conversation, as the API tells it.
#[derive(Deserialize)]
pub(crate) struct Conversation {
    id: String,
    kind: Kind,
    name: Option<String>,
    topic: String,
    private: bool,
    member_count: u32,
    /// Whether guests are in it; a service of before does not say.
    guests: Option<bool>,
    members: Vec<Member>,
    unread: u32,
    last_activity: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Channel,
    Direct,
    Group,
}

/// A page of conversations, as the API lists them.
#[derive(Deserialize)]
struct Conversed {
    conversations: Vec<Conversation>,
    cursor: Option<String>,
}

impl From<Conversation> for chat::Conversation {
    fn from(conversation: Conversation) -> Self {
        let kind = match conversation.kind {
            Kind::Channel => ConversationKind::Channel,
            Kind::Direct => ConversationKind::Direct,
            Kind::Group => ConversationKind::Group,
        };
        let members = || conversation.members.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ");
        let name = conversation.name.clone().unwrap_or_else(members);
        let other = conversation.members.first().filter(|_| kind == ConversationKind::Direct);
        Self {
            aliases: other.map(|other| vec![other.id.clone(), format!("@{}", other.handle)]).unwrap_or_default(),
            topic: Some(conversation.topic).filter(|topic| !topic.is_empty()),
            members: Some(conversation.member_count),
            outsiders: conversation.guests,
            private: conversation.private,
            unread: Some(conversation.unread),
            last_activity: conversation.last_activity,
            ..Self::new(conversation.id, name, kind)
        }
    }
}

#[async_trait]
impl Conversations for Sandbox {
    async fn list(&self, listing: &Listing) -> Result<Page<chat::Conversation>> {
        let request = self.api.get("api/conversations").query("limit", listing.limit);
        let page: Conversed = request.query_opt("cursor", listing.cursor.as_deref()).send().await?;
        Ok(Page { items: page.conversations.into_iter().map(Into::into).collect(), next: page.cursor })
    }

    async fn get(&self, id: &str) -> Result<chat::Conversation> {
        let conversation: Conversation = self.api.get(format!("api/conversations/{}", escape(id))).send().await?;
        Ok(conversation.into())
    }

    async fn named(&self, name: &str) -> Result<Vec<chat::Conversation>> {
        let request = self.api.get("api/conversations").query("name", name.trim_start_matches('@')).query("limit", 20);
        let found: Conversed = self.look_up(request.send()).await?;
        Ok(found.conversations.into_iter().map(Into::into).collect())
    }

    async fn members(&self, id: &str, listing: &Listing) -> Result<Page<Person>> {
        let request = self.api.get(format!("api/conversations/{}/members", escape(id))).query("limit", listing.limit);
        let group: Group = request.query_opt("cursor", listing.cursor.as_deref()).send().await?;
        Ok(group.into())
    }

    async fn direct(&self, person: &str, create: bool) -> Result<Option<chat::Conversation>> {
        if create {
            let request = self.api.post("api/conversations/direct").repeatable();
            let conversation: Conversation = request.json(&json!({ "person": person })).send().await?;
            return Ok(Some(conversation.into()));
        }
        let request = self.api.get("api/conversations").query("kind", "direct").query("with", person);
        let found: Conversed = request.send().await?;
        Ok(found.conversations.into_iter().next().map(Into::into))
    }
}

#[async_trait]
impl ReadMarkers for Sandbox {
    async fn mark_read(&self, conversation: &str, message: &str) -> Result<()> {
        let request = self.api.put(format!("api/conversations/{}/read", escape(conversation)));
        request.json(&json!({ "message": message })).fetch().await.map(drop)
    }
}
