//! Conversations: channels, groups and direct chats.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Page, Person};
use crate::{Error, Result};

/// What kind of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationKind {
    /// Many people, with a name: channel, room, space, stream.
    Channel,
    /// Several people, named after them.
    Group,
    /// One other person.
    Direct,
}

/// A conversation that the user is in, or may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The platform's id.
    pub id: String,
    /// What people call it, without `#`: its name, or those of the other members.
    pub name: String,
    /// What kind it is.
    pub kind: ConversationKind,
    /// Other names by which it is found exactly, such as an alias or an address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Topic or description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// How many people are in it, if the platform says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<u32>,
    /// Whether only those invited see it.
    pub private: bool,
    /// Whether people from outside are in it: guests, or members of other organizations. None if the platform does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outsiders: Option<bool>,
    /// Whether its messages are end-to-end encrypted, so that they cannot be read here.
    pub encrypted: bool,
    /// How many messages the user has not read, if the platform says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<u32>,
    /// When something last happened, if the platform says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_activity: Option<Timestamp>,
}

impl Conversation {
    /// Starts with what every conversation has.
    pub fn new(id: impl Into<String>, name: impl Into<String>, kind: ConversationKind) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            kind,
            aliases: Vec::new(),
            topic: None,
            members: None,
            private: kind != ConversationKind::Channel,
            outsiders: None,
            encrypted: false,
            unread: None,
            last_activity: None,
        }
    }
}

/// Which page of a listing to read.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Most to return; a platform may return fewer.
    pub limit: usize,
    /// Cursor of the previous page.
    pub cursor: Option<String>,
}

/// Lists and opens conversations.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// Lists the conversations that the user is in, in an order that does not change from page to page.
    async fn list(&self, listing: &Listing) -> Result<Page<Conversation>>;

    /// Returns one conversation.
    async fn get(&self, id: &str) -> Result<Conversation>;

    /// Returns the conversations that are called `name`, without `#`, where the platform can look a name up. It may return
    /// others as well: the server checks. Where this is [`Unsupported`](crate::ErrorKind::Unsupported), the list is read.
    async fn named(&self, name: &str) -> Result<Vec<Conversation>> {
        let _ = name;
        Err(Error::unsupported("this platform looks no names up"))
    }

    /// Lists the people in a conversation.
    async fn members(&self, id: &str, listing: &Listing) -> Result<Page<Person>> {
        let _ = (id, listing);
        Err(Error::unsupported("this platform does not list members"))
    }

    /// Returns the direct chat with a person, if there is one; with `create`, opens it if there is none.
    async fn direct(&self, person: &str, create: bool) -> Result<Option<Conversation>> {
        let _ = (person, create);
        Err(Error::unsupported("this platform has no direct chats"))
    }
}

/// Moves the mark up to which the user has read.
#[async_trait]
pub trait ReadMarkers: Send + Sync {
    /// Marks everything up to and including `message` as read.
    async fn mark_read(&self, conversation: &str, message: &str) -> Result<()>;
}
