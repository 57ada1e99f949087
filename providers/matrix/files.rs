//! Files: down from the homeserver's store, and up into a message of their own.

use std::time::Duration;

use serde::Deserialize;
use switchboard_kit::{
    Error, Result, async_trait,
    chat::{Download, Files, MessageRef, Upload, Uploads},
    escape,
    serde_json::{Value, json},
};

use crate::Matrix;

/// What a refusal may need.
const REFUSAL: usize = 4096;

/// What a file may take on its way.
const PATIENCE: Duration = Duration::from_mins(5);

#[async_trait]
impl Files for Matrix {
    async fn download(&self, id: &str, limit: usize) -> Result<Download> {
        let place = id.strip_prefix("mxc://").and_then(|place| place.split_once('/'));
        let Some((server, media)) = place.filter(|(server, media)| !server.is_empty() && !media.is_empty()) else {
            return Err(Error::invalid(format!("`{id}` is no Matrix file, expected `mxc://server/id`")));
        };
        let path = format!("_matrix/client/v1/media/download/{}/{}", escape(server), escape(media));
        // A refusal has to fit as well, so that it can be told.
        let response = self.api.get(path).limit(limit.max(REFUSAL)).patience(PATIENCE).fetch().await?;
        if response.body().len() > limit {
            return Err(Error::invalid(format!("`{id}` is larger than {limit} bytes")));
        }
        let name = response.header("content-disposition").and_then(name);
        let media_type = response.header("content-type").map(Into::into);
        Ok(Download { name, media_type, bytes: response.into_body() })
    }
}

/// Reads the name in a `Content-Disposition`: `filename=a.txt`, quoted, or `filename*=utf-8''…` (RFC 6266).
fn name(disposition: &str) -> Option<String> {
    let mut parameters = disposition.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    let (key, value) = parameters.find(|(key, _)| key.trim().to_ascii_lowercase().starts_with("filename"))?;
    let name = if key.trim().ends_with('*') {
        crate::references::decoded(value.trim().splitn(3, '\'').nth(2)?)?
    } else {
        value.trim().trim_matches('"').to_owned()
    };
    Some(name).filter(|name| !name.is_empty())
}

/// Returns the content of a message that is a file. Its name calls nobody, whatever it is.
pub(crate) fn content(upload: &Upload, address: &str) -> Value {
    let kind = match upload.media_type.split('/').next() {
        Some("image") => "m.image",
        Some("audio") => "m.audio",
        Some("video") => "m.video",
        _ => "m.file",
    };
    json!({
        "msgtype": kind,
        "body": upload.name,
        "filename": upload.name,
        "url": address,
        "info": { "mimetype": upload.media_type, "size": upload.bytes.len() },
        "m.mentions": {},
    })
}

#[async_trait]
impl Uploads for Matrix {
    async fn send_file(
        &self,
        conversation: &str,
        thread: Option<&str>,
        upload: &Upload,
        key: Option<&str>,
    ) -> Result<MessageRef> {
        #[derive(Deserialize)]
        struct Stored {
            content_uri: String,
        }
        self.refuse_encrypted(conversation).await?;
        let request = self.api.post("_matrix/media/v3/upload").query("filename", &upload.name).patience(PATIENCE);
        let stored: Stored = request.bytes(&upload.media_type, upload.bytes.clone()).send().await?;
        let mut content = content(upload, &stored.content_uri);
        if let Some(thread) = thread {
            content["m.relates_to"] = self.in_thread(conversation, thread).await?;
        }
        let id = self.put_event(conversation, "m.room.message", key, &content).await?;
        Ok(self.at(conversation, &id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_each_of_its_spellings() {
        assert_eq!(name("attachment; filename=a.txt"), Some("a.txt".into()));
        assert_eq!(name("inline; filename=\"a b.txt\""), Some("a b.txt".into()));
        assert_eq!(name("attachment; filename*=utf-8''%C3%A9.txt"), Some("é.txt".into()));
        assert_eq!(name("inline"), None);
    }
}
