//! The audit lines of one write.

use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use switchboard_kit::{Error, Result, host::JsonObject};
use tracing::warn;

use super::Deed;
use crate::{
    audit::{Audit, Entry, Event},
    chat::{
        find::Place,
        served::{Chats, ServedAccount},
    },
};

/// What all lines of one write have in common, and where they go.
pub(super) struct Note {
    audit: Audit,
    entry: Entry,
}

impl Note {
    pub(super) fn of_deed(chats: &Chats, place: &Place<'_>, deed: &Deed<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update(deed.text().unwrap_or_default());
        if let Deed::Send { uploads, .. } = deed {
            uploads.iter().for_each(|upload| hash.update(&upload.bytes));
        }
        let content = deed.text().map(|_| hex(&hash.finalize()));
        let mut note = Self::new(chats, place.opened.account, deed.tool(), content);
        note.entry.target = Some(place.target());
        note.entry.messages = deed.message().map(|id| vec![place.reference(id)]).unwrap_or_default();
        note
    }

    pub(super) fn of_tool(chats: &Chats, account: &ServedAccount, tool: &str, arguments: &JsonObject) -> Self {
        let arguments = serde_json::to_vec(arguments).unwrap_or_default();
        Self::new(chats, account, tool, Some(hex(&Sha256::digest(arguments))))
    }

    fn new(chats: &Chats, account: &ServedAccount, tool: &str, content: Option<String>) -> Self {
        let principal = chats.call.principal();
        let entry = Entry {
            write: Some(format!("{:016x}", rand::random::<u64>())),
            tool: Some(tool.to_owned()),
            content,
            ..Entry::now(Event::Allowed, principal, account.key())
        };
        Self { audit: chats.served.audit.clone(), entry }
    }

    /// Returns the hash of what is to be written.
    pub(super) fn content(&self) -> &str {
        self.entry.content.as_deref().unwrap_or_default()
    }

    /// Notes that it may be. What cannot be noted may not be.
    pub(super) async fn passes(&self, confirmed: Option<String>) -> Result<()> {
        let event = if confirmed.is_some() { Event::Confirmed } else { Event::Allowed };
        self.audit.write(&Entry { time: Timestamp::now(), event, why: confirmed, ..self.entry.clone() }).await
    }

    /// Notes that it was refused, and says so.
    pub(super) async fn refused(&self, error: Error) -> Error {
        self.end(Event::Refused, Vec::new(), Some(&error)).await;
        error
    }

    /// Notes what came of it: the messages that are there now, and what went wrong.
    pub(super) async fn done(&self, messages: Vec<String>, error: Option<&Error>) {
        let event = if error.is_some() { Event::Failed } else { Event::Done };
        self.end(event, messages, error).await;
    }

    async fn end(&self, event: Event, messages: Vec<String>, error: Option<&Error>) {
        let mut entry = Entry { time: Timestamp::now(), event, ..self.entry.clone() };
        if !messages.is_empty() {
            entry.messages = messages;
        }
        entry.why = error.map(|error| error.message().to_owned());
        if let Err(error) = self.audit.write(&entry).await {
            warn!(%error, "What came of a write could not be noted");
        }
    }
}

/// Writes bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
