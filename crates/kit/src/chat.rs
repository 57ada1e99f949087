//! The verbs that chat platforms have in common, as facets: having one is saying so.
//!
//! Every facet speaks in the platform's own ids; names, targets, windows of time and rendering are the server's work.

mod changes;
mod conversations;
mod files;
mod messages;
mod people;
mod search;

use std::collections::BTreeSet;

pub use changes::{Change, Changes, Delta};
pub use conversations::{Conversation, ConversationKind, Conversations, Listing, ReadMarkers};
pub use files::{Download, File, Files, Upload, Uploads};
pub use messages::{
    Author, AuthorKind, Deletions, Draft, Edits, History, Length, Message, MessageRef, Messages, Posts, Quote,
    Reaction, Reactions,
};
pub use people::{People, Person};
pub use search::{Query, Search};

/// One page of a listing, and how to get the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Cursor of the next page; none after the last.
    pub next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// What a pasted URL or a native id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A conversation, by its id.
    Conversation(String),
    /// A message, by its conversation's id and its own.
    Message {
        /// The conversation's id.
        conversation: String,
        /// The message's id.
        id: String,
    },
    /// A person, by their id.
    Person(String),
}

/// A platform's share of the common verbs.
pub trait Chat: Send + Sync {
    /// Recognises one of the platform's own URLs or ids, without asking anyone.
    fn reference(&self, text: &str) -> Option<Reference>;

    /// Lists and opens conversations.
    fn conversations(&self) -> &dyn Conversations;

    /// Reads messages.
    fn messages(&self) -> &dyn Messages;

    /// Sends messages.
    fn posts(&self) -> Option<&dyn Posts> {
        None
    }

    /// Changes messages that the user sent.
    fn edits(&self) -> Option<&dyn Edits> {
        None
    }

    /// Deletes messages that the user sent.
    fn deletions(&self) -> Option<&dyn Deletions> {
        None
    }

    /// Adds and removes reactions.
    fn reactions(&self) -> Option<&dyn Reactions> {
        None
    }

    /// Searches with the platform's own search.
    fn search(&self) -> Option<&dyn Search> {
        None
    }

    /// Finds people.
    fn people(&self) -> Option<&dyn People> {
        None
    }

    /// Fetches files.
    fn files(&self) -> Option<&dyn Files> {
        None
    }

    /// Sends files.
    fn uploads(&self) -> Option<&dyn Uploads> {
        None
    }

    /// Moves the mark up to which the user has read.
    fn read_markers(&self) -> Option<&dyn ReadMarkers> {
        None
    }

    /// Tells what has happened since a cursor.
    fn changes(&self) -> Option<&dyn Changes> {
        None
    }
}

/// One optional facet of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the method of `Chat` of the same name")]
pub enum Facet {
    Posts,
    Edits,
    Deletions,
    Reactions,
    Search,
    People,
    Files,
    Uploads,
    ReadMarkers,
    Changes,
}

/// The facets that a platform has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Whether it is a chat platform at all: conversations and messages come with that.
    pub chat: bool,
    /// Those that it may lack.
    pub optional: BTreeSet<Facet>,
}

impl Facets {
    /// Asks a platform what it has.
    pub fn of(chat: &dyn Chat) -> Self {
        let has = [
            (Facet::Posts, chat.posts().is_some()),
            (Facet::Edits, chat.edits().is_some()),
            (Facet::Deletions, chat.deletions().is_some()),
            (Facet::Reactions, chat.reactions().is_some()),
            (Facet::Search, chat.search().is_some()),
            (Facet::People, chat.people().is_some()),
            (Facet::Files, chat.files().is_some()),
            (Facet::Uploads, chat.uploads().is_some()),
            (Facet::ReadMarkers, chat.read_markers().is_some()),
            (Facet::Changes, chat.changes().is_some()),
        ];
        Self { chat: true, optional: has.into_iter().filter_map(|(facet, has)| has.then_some(facet)).collect() }
    }

    /// Returns whether it has `facet`.
    pub fn has(&self, facet: Facet) -> bool {
        self.optional.contains(&facet)
    }
}
