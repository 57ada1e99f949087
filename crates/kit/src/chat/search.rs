//! Search by the platform itself.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Message, Page};
use crate::Result;

/// What to search for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Words, in the platform's own sense of matching.
    pub text: String,
    /// Only in this conversation.
    pub conversation: Option<String>,
    /// Only by this person.
    pub from: Option<String>,
    /// Only messages at or after this instant.
    pub since: Option<Timestamp>,
    /// Only messages before this instant.
    pub until: Option<Timestamp>,
    /// Most to return; a platform may return fewer.
    pub limit: usize,
    /// Cursor of the previous page.
    pub cursor: Option<String>,
}

/// Searches with the platform's own search.
///
/// What the platform cannot filter by, it may leave to the server, which checks author and window again.
#[async_trait]
pub trait Search: Send + Sync {
    /// Returns one page of hits, best or newest first.
    async fn search(&self, query: &Query) -> Result<Page<Message>>;
}
