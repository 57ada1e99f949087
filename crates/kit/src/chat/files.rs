//! Files that come with messages.

use async_trait::async_trait;
use serde::Serialize;

use super::MessageRef;
use crate::Result;

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// The platform's id, enough to fetch it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its media type, if the platform says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How many bytes it has, if the platform says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Its name, if the platform says.
    pub name: Option<String>,
    /// Its media type, if the platform says.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Fetches files.
#[async_trait]
pub trait Files: Send + Sync {
    /// Fetches one that has at most `limit` bytes.
    async fn download(&self, id: &str, limit: usize) -> Result<Download>;
}

/// A file to send.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Sends files.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Sends one as a message of its own, as the user, in a thread if one is named. The key does for it what that of a
    /// [`Draft`](super::Draft) does for a text.
    async fn send_file(
        &self,
        conversation: &str,
        thread: Option<&str>,
        upload: &Upload,
        key: Option<&str>,
    ) -> Result<MessageRef>;
}
