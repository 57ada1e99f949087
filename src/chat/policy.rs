//! The gates: every write passes one, once it is known exactly what it acts on and before anything is done, and every read another.
//!
//! - `rules` is what the user has said, `names` how a rule knows a thing, `session` what was shown before.
//! - `judgement` goes through the rules, in one order for every write; `secrets` and `links` are what two of them look for.
//! - `reading` is the gate of the reads, `withheld` what it keeps back under `lockdown`.
//! - `question` asks the user; `permit` is what is handed out in the end, and the only way to what writes: `line` keeps that shut.

mod judgement;
mod line;
mod links;
mod names;
mod note;
mod permit;
mod question;
mod reading;
mod rules;
mod secrets;
mod session;
mod tools;
mod withheld;

use futures::future::join_all;
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, Facet, Upload},
};

pub use rules::{Budget, Confirm, Guards, Rules, Targets};
pub(super) use {
    line::{Line, Reads},
    names::{is_hidden, title},
    permit::{Hand, Permit},
    session::{Session, Sessions},
};

use self::judgement::Judgement;
use super::{
    emoji,
    find::Place,
    served::{Chats, ServedAccount},
};

/// What is about to be done somewhere.
pub(super) enum Deed<'d> {
    /// To send a text, files, or both.
    Send { text: &'d str, uploads: &'d [Upload], thread: Option<&'d str>, pieces: usize },
    /// To replace the text of a message.
    Edit { id: &'d str, text: &'d str },
    /// To delete a message.
    Delete { id: &'d str },
    /// To add a reaction, or to take it away.
    React { id: &'d str, emoji: &'d str, remove: bool },
    /// To move the mark of what was read.
    MarkRead,
}

impl Deed<'_> {
    /// Returns the tool that does it.
    fn tool(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send_message",
            Self::Edit { .. } => "edit_message",
            Self::Delete { .. } => "delete_message",
            Self::React { .. } => "react",
            Self::MarkRead => "mark_read",
        }
    }

    /// Returns the facets that it takes, and what a platform lacks that has not got them.
    fn needs(&self) -> Vec<(Facet, &'static str)> {
        match self {
            Self::Send { text, uploads, .. } => {
                let posts = (!text.trim().is_empty()).then_some((Facet::Posts, "way to send messages"));
                let files = (!uploads.is_empty()).then_some((Facet::Uploads, "way to send files"));
                posts.into_iter().chain(files).collect()
            }
            Self::Edit { .. } => vec![(Facet::Edits, "way to edit messages")],
            Self::Delete { .. } => vec![(Facet::Deletions, "way to delete messages")],
            Self::React { .. } => vec![(Facet::Reactions, "reactions")],
            Self::MarkRead => vec![(Facet::ReadMarkers, "marks of what was read")],
        }
    }

    /// Returns how many writes it is.
    fn writes(&self) -> usize {
        match self {
            Self::Send { pieces, .. } => *pieces,
            Self::Edit { .. } | Self::Delete { .. } | Self::React { .. } => 1,
            Self::MarkRead => 0,
        }
    }

    /// Returns the message that it is about, if it is about one.
    fn message(&self) -> Option<&str> {
        match self {
            Self::Edit { id, .. } | Self::Delete { id } | Self::React { id, .. } => Some(id),
            Self::Send { .. } | Self::MarkRead => None,
        }
    }

    /// Returns the text that comes of it.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Send { text, .. } | Self::Edit { text, .. } => Some(text),
            Self::Delete { .. } | Self::React { .. } | Self::MarkRead => None,
        }
    }

    /// Returns the words that come of it: what is none of the usual emojis may be any, and some platforms show it as it is.
    fn words(&self) -> Option<&str> {
        match self {
            Self::React { emoji, remove: false, .. } => (!emoji::is_usual(emoji)).then_some(emoji),
            deed => deed.text(),
        }
    }
}

impl Chats {
    /// Lets one write pass, or says why not.
    pub(super) async fn permit<'a>(&'a self, place: Place<'a>, deed: Deed<'_>) -> Result<Permit<'a>> {
        let mut permits = self.permit_all(vec![(place, deed)]).await;
        permits.pop().unwrap_or_else(|| Err(Error::unexpected("a write was not judged")))
    }

    /// Judges several writes at once, in the same order: the user is asked one question about all that need one.
    pub(super) async fn permit_all<'a>(&'a self, writes: Vec<(Place<'a>, Deed<'_>)>) -> Vec<Result<Permit<'a>>> {
        let mut judged = join_all(writes.into_iter().map(|(place, deed)| Judgement::of(self, place, deed))).await;
        self.afford(&mut judged).await;
        let word = self.word(&judged).await;
        join_all(judged.into_iter().map(|judged| self.hand_out(judged, &word))).await
    }
}

/// Says that nothing is written where it would have to be enciphered.
fn encrypted(conversation: &Conversation) -> Error {
    let message = format!("`{}` is end-to-end encrypted, which is not supported", title(conversation));
    Error::unsupported(message).hint("ask the user to write there in the platform's own client")
}

/// Says that writing is off.
fn off(account: &ServedAccount) -> Error {
    let key = account.key();
    Error::new(ErrorKind::Forbidden, format!("writing to `{key}` is off")).hint(format!(
        "ask the user to set `access: write` for `{key}` in provider-config.yaml, or to start with `--allow-write`"
    ))
}
