//! Messages: reading, sending, changing, deleting and reacting.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{File, Page};
use crate::{AccountKey, Result};

/// Names one message, everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct MessageRef {
    /// The account that sees it.
    pub account: AccountKey,
    /// The platform's id of its conversation.
    pub conversation: String,
    /// The platform's id of the message.
    pub id: String,
}

/// What an author is, by the platform's own account of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorKind {
    /// A member.
    Person,
    /// Somebody from outside: a guest, or a member of another organization.
    Guest,
    /// A program.
    Bot,
    /// The platform itself.
    System,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The platform's id.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// What they are.
    pub kind: AuthorKind,
}

/// An emoji under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// Unicode where there is one, else `:name:`.
    pub emoji: String,
    /// How many people gave it.
    pub count: u32,
    /// Whether the user is one of them.
    pub mine: bool,
}

/// What a message quotes or answers, outside of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// Who wrote it, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What it said.
    pub text: String,
}

/// A message.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own on it")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Names it.
    #[serde(flatten)]
    pub at: MessageRef,
    /// When it was sent.
    pub time: Timestamp,
    /// Who wrote it.
    pub author: Author,
    /// What it says, in Markdown: cards, blocks and attachments included.
    pub text: String,
    /// The thread it answers in: the id of that thread's first message, or what the platform takes for `thread`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// How many answers its own thread has.
    pub replies: u32,
    /// Emojis under it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// Files that came with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// What it quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The ids of those whom it mentions one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Whether it mentions everybody who is there.
    pub mentions_everyone: bool,
    /// Whether it was changed after it was sent.
    pub edited: bool,
    /// Whether it was deleted; its text is then empty.
    pub deleted: bool,
    /// Whether the user's rules keep back what it says, so that its text is empty. This is the server's word, not a platform's.
    pub withheld: bool,
    /// Where people open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Message {
    /// Starts with what every message has.
    pub fn new(at: MessageRef, time: Timestamp, author: Author, text: impl Into<String>) -> Self {
        Self {
            at,
            time,
            author,
            text: text.into(),
            thread: None,
            replies: 0,
            reactions: Vec::new(),
            files: Vec::new(),
            quote: None,
            mentions: Vec::new(),
            mentions_everyone: false,
            edited: false,
            deleted: false,
            withheld: false,
            url: None,
        }
    }
}

/// Which messages of a conversation to read.
///
/// Without a `cursor`, the newest in the window come; each further page is older.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Only messages at or after this instant.
    pub since: Option<Timestamp>,
    /// Only messages before this instant.
    pub until: Option<Timestamp>,
    /// Only this thread: its first message and the answers.
    pub thread: Option<String>,
    /// Only messages around this one, half of them older and half newer.
    pub around: Option<String>,
    /// Most to return; a platform may return fewer.
    pub limit: usize,
    /// Cursor of the previous page.
    pub cursor: Option<String>,
}

/// Reads messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Reads one page, newest first.
    async fn list(&self, conversation: &str, history: &History) -> Result<Page<Message>>;

    /// Returns whether the history of a conversation has the answers in its threads too. Where it has not, who looks for
    /// something reads each thread for itself.
    fn include_answers(&self) -> bool {
        true
    }

    /// Returns one message.
    async fn get(&self, conversation: &str, id: &str) -> Result<Message>;
}

/// A message to send.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What it says, in Markdown.
    pub text: String,
    /// The thread to answer in, as [`Message::thread`] or [`MessageRef::id`] gave it.
    pub thread: Option<String>,
    /// Makes sending it twice the same as sending it once, where [`Posts::know_keys`] says so.
    pub key: Option<String>,
    /// Whether the text may notify everybody where it says so. Otherwise it must not, whatever it says.
    pub may_call_everyone: bool,
}

/// How long a text may be, in the platform's own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Unicode code points.
    Characters(usize),
    /// Bytes of UTF-8.
    Bytes(usize),
    /// Units of UTF-16.
    Utf16(usize),
}

impl Length {
    /// Returns whether `text` is no longer than this.
    pub fn admits(self, text: &str) -> bool {
        self.of(text) <= self.most()
    }

    /// Returns how long `text` is, in the same units.
    pub fn of(self, text: &str) -> usize {
        match self {
            Self::Characters(_) => text.chars().count(),
            Self::Bytes(_) => text.len(),
            Self::Utf16(_) => text.encode_utf16().count(),
        }
    }

    /// Returns how many units there may be.
    pub fn most(self) -> usize {
        let (Self::Characters(most) | Self::Bytes(most) | Self::Utf16(most)) = self;
        most
    }
}

/// The figure and its units.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = match self {
            Self::Characters(_) => "characters",
            Self::Bytes(_) => "bytes",
            Self::Utf16(_) => "units of UTF-16",
        };
        write!(f, "{} {units}", self.most())
    }
}

/// Sends messages.
///
/// What nobody asked for is not sent along: no preview of a link where the platform can do without, and no call to everyone unless
/// [`Draft::may_call_everyone`] says so.
#[async_trait]
pub trait Posts: Send + Sync {
    /// Sends one, as the user.
    async fn send(&self, conversation: &str, draft: &Draft) -> Result<MessageRef>;

    /// Returns how long a text may be, as Markdown. What is longer is sent in parts.
    fn longest(&self) -> Length;

    /// Returns whether a text would notify everybody in a conversation, if it were let.
    fn calls_everyone(&self, text: &str) -> bool;

    /// Returns whether the platform takes a second message with the same [`Draft::key`] for the first.
    fn know_keys(&self) -> bool {
        false
    }
}

/// Changes messages that the user sent.
///
/// What is not in `conversation` is [not found](crate::ErrorKind::NotFound), even where the platform would find it by its id alone:
/// the user's rules were asked about that conversation. So it is with [`Deletions`] and [`Reactions`]. A new text calls nobody: who
/// was to be notified has been.
#[async_trait]
pub trait Edits: Send + Sync {
    /// Replaces the text.
    async fn edit(&self, conversation: &str, id: &str, text: &str) -> Result<()>;
}

/// Deletes messages that the user sent.
#[async_trait]
pub trait Deletions: Send + Sync {
    /// Deletes one.
    async fn delete(&self, conversation: &str, id: &str) -> Result<()>;
}

/// Adds and removes reactions.
#[async_trait]
pub trait Reactions: Send + Sync {
    /// Adds the user's. It is no error if it is there already.
    async fn add(&self, conversation: &str, id: &str, emoji: &str) -> Result<()>;

    /// Takes the user's away. It is no error if there is none.
    async fn remove(&self, conversation: &str, id: &str, emoji: &str) -> Result<()>;
}
