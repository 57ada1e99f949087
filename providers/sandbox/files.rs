//! Files: down from messages, and up into one of their own.

use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{self, Download, Files, MessageRef, Upload, Uploads},
    escape,
    serde_json::json,
};

use crate::{Sandbox, messages::Message};

/// A file, as the API tells it.
#[derive(Deserialize)]
pub(crate) struct File {
    id: String,
    name: String,
    media_type: String,
    size: u64,
}

impl From<File> for chat::File {
    fn from(File { id, name, media_type, size }: File) -> Self {
        Self { id, name, media_type: Some(media_type), size: Some(size) }
    }
}

#[async_trait]
impl Files for Sandbox {
    async fn download(&self, id: &str, limit: usize) -> Result<Download> {
        let response = self.api.get(format!("api/files/{}", escape(id))).limit(limit).fetch().await?;
        let disposition = response.header("content-disposition").unwrap_or_default();
        let name = disposition.split('"').nth(1).map(Into::into);
        let media_type = response.header("content-type").map(Into::into);
        Ok(Download { name, media_type, bytes: response.into_body() })
    }
}

#[async_trait]
impl Uploads for Sandbox {
    async fn send_file(
        &self,
        conversation: &str,
        thread: Option<&str>,
        upload: &Upload,
        key: Option<&str>,
    ) -> Result<MessageRef> {
        // One that no message has come to hold is nothing to anybody.
        let request = self.api.post("api/files").query("name", &upload.name).repeatable();
        let file: File = request.bytes(&upload.media_type, upload.bytes.clone()).send().await?;
        let body = json!({ "thread": thread, "files": [file.id], "key": key });
        let message: Message = self.post_to(conversation, key).json(&body).send().await?;
        Ok(message.at(self.api.account()))
    }
}
