//! What has happened since a cursor, by long polling.

use std::time::Duration;

use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{self, Changes, Delta},
};

use crate::{Sandbox, messages::Message};

/// What the network may add to the wait itself.
const LEEWAY: Duration = Duration::from_secs(10);

/// Some changes, as the API tells them.
#[derive(Deserialize)]
struct Happened {
    changes: Vec<Change>,
    cursor: String,
}

#[derive(Deserialize)]
struct Change {
    kind: Kind,
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    New,
    Edited,
    Deleted,
}

#[async_trait]
impl Changes for Sandbox {
    async fn since(&self, cursor: Option<&str>, patience: Duration) -> Result<Delta> {
        let request = self.api.get("api/changes").query_opt("cursor", cursor).query("wait", patience.as_secs());
        let happened: Happened = request.patience(patience + LEEWAY).send().await?;
        let account = self.api.account();
        let change = |Change { kind, message }| match kind {
            Kind::New => chat::Change::New(message.into_chat(account)),
            Kind::Edited => chat::Change::Edited(message.into_chat(account)),
            Kind::Deleted => chat::Change::Deleted(message.into_chat(account)),
        };
        Ok(Delta { changes: happened.changes.into_iter().map(change).collect(), cursor: happened.cursor })
    }
}
