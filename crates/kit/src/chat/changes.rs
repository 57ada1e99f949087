//! What has happened since a cursor: the one facet under waiting, catching up and archiving.

use std::time::Duration;

use async_trait::async_trait;

use super::Message;
use crate::Result;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A message came.
    New(Message),
    /// A message was changed.
    Edited(Message),
    /// A message was deleted: what is left of it.
    Deleted(Message),
}

impl Change {
    /// Returns the message that it is about.
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::New(message) | Self::Edited(message) | Self::Deleted(message) => Some(message),
        }
    }
}

/// What has happened, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Oldest first.
    pub changes: Vec<Change>,
    /// Cursor for the next time.
    pub cursor: String,
}

/// Tells what has happened since a cursor.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Returns what has happened since `cursor`, waiting up to `patience` for something to happen. Without a cursor it
    /// returns at once with nothing but one.
    async fn since(&self, cursor: Option<&str>, patience: Duration) -> Result<Delta>;
}
