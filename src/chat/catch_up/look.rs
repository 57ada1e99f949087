//! One look at an account: from when, until when, and what of it is still to be shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use switchboard_kit::AccountKey;

/// What a cursor says. It needs nothing that a process remembers.
#[derive(Serialize, Deserialize)]
pub(super) struct Bookmark {
    /// None before the first page.
    #[serde(rename = "a")]
    pub(super) looks: Option<BTreeMap<AccountKey, Look>>,
    /// Whether the last page says that all accounts were looked at.
    #[serde(rename = "m")]
    pub(super) marks: bool,
    /// A mark of what is looked for.
    #[serde(rename = "f")]
    pub(super) asked: u32,
}

/// One look at an account. The pages after the first look at the same messages again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Look {
    /// Only what is from before this instant.
    #[serde(rename = "u")]
    pub(super) until: Timestamp,
    /// From when on; none for what is unread.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
    /// Whether nothing lies between this look and the one before.
    #[serde(rename = "m")]
    pub(super) moves_mark: bool,
    /// The last that was shown, whichever account it was of.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) shown: Option<Rank>,
    /// The conversations with something to show, by id.
    #[serde(rename = "c", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) conversations: BTreeMap<String, Looked>,
}

impl Look {
    /// Returns whether something is left to be shown.
    pub(super) fn has_more(&self) -> bool {
        !self.conversations.is_empty()
    }
}

/// What is looked at in a conversation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Looked {
    /// How many are unread, where that is what counts.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) unread: Option<u32>,
    /// The threads that were read.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) threads: Vec<String>,
}

/// Where a message stands among all: by section, the conversations of each by their newest message, then by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rank(
    pub(super) Section,
    /// Minus the time of the conversation's newest message there, so that the newest comes first.
    pub(super) i64,
    pub(super) AccountKey,
    pub(super) String,
    pub(super) Timestamp,
    pub(super) String,
);

/// Why a message concerns the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Section {
    #[serde(rename = "m")]
    Mentions,
    #[serde(rename = "d")]
    Direct,
    #[serde(rename = "t")]
    Threads,
    #[serde(rename = "r")]
    Rest,
}

impl Section {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Mentions => "mentions",
            Self::Direct => "direct messages",
            Self::Threads => "threads you are in",
            Self::Rest => "the rest",
        }
    }
}
