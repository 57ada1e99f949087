//! Cursors: where each account was left off, in one opaque word.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use switchboard_kit::{AccountKey, Error, Result, chat::Message};

/// Where to go on: a page of the platform's, and what of it was shown already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The platform's cursor of the page; none for the first.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<String>,
    /// The last that was shown of it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
    /// When that was sent, in case it is gone by then.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    /// A mark of the arguments that it goes on with, where these are to be the same.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<u32>,
}

impl Position {
    /// Begins at a page.
    pub(super) fn page(page: String) -> Self {
        Self { page: Some(page), ..Self::default() }
    }

    /// Goes on in the same page behind `id`.
    pub(super) fn behind(self, id: &str) -> Self {
        Self { after: Some(id.to_owned()), ..self }
    }

    /// Goes on with these arguments only.
    pub(super) fn with(self, asked: u32) -> Self {
        Self { asked: Some(asked), ..self }
    }

    /// Goes on in the same page behind `message`.
    pub(super) fn behind_message(self, message: &Message) -> Self {
        Self { time: Some(message.time), ..self.behind(&message.at.id) }
    }

    /// Takes out of a page, newest first, what was shown already. New messages move the first page, so the mark may
    /// have left it.
    pub(super) fn rest(&self, mut messages: Vec<Message>) -> Vec<Message> {
        let Some(after) = &self.after else { return messages };
        if let Some(index) = messages.iter().position(|message| message.at.id == *after) {
            return messages.split_off(index + 1);
        }
        messages.retain(|message| self.time.is_none_or(|time| message.time < time));
        messages
    }
}

/// Where each account was left off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Cursor(pub(super) BTreeMap<AccountKey, Position>);

impl Cursor {
    /// Reads one that an answer gave.
    pub(super) fn read(text: Option<&str>) -> Result<Option<Self>> {
        text.map(unpack).transpose()
    }

    /// Writes it; none if every account is at its end.
    pub(super) fn write(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| pack(self))
    }

    /// Writes where one account was left off.
    pub(super) fn one(account: &AccountKey, position: Option<Position>) -> Option<String> {
        Self(position.map(|position| (account.clone(), position)).into_iter().collect()).write()
    }
}

/// Writes where an answer was left off as one opaque word.
pub(super) fn pack(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// Reads such a word.
pub(super) fn unpack<T: DeserializeOwned>(text: &str) -> Result<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
        Error::invalid("argument `cursor` is none of ours")
            .hint("copy it whole from the `next:` line of the answer before, with the same other arguments")
    })
}

/// Returns a short mark of `text`, which another hardly has.
pub(super) fn mark(text: &str) -> u32 {
    let digest = Sha256::digest(text);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Refuses a cursor that goes on with something else than what is asked now: it would leave out what was never shown.
pub(super) fn same(begun: Option<u32>, asked: u32, arguments: &str) -> Result<()> {
    if begun == Some(asked) {
        return Ok(());
    }
    Err(Error::invalid("argument `cursor` belongs to other arguments")
        .hint(format!("repeat the same {arguments} with it, or leave it out")))
}

/// Writes the last line of an answer.
pub(super) fn footer(next: Option<&str>) -> String {
    next.map_or_else(|| "end".to_owned(), |cursor| format!("next: cursor={cursor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let key = AccountKey::new("slack");
        let position = Position::page("x y".into()).behind("M1");
        let text = Cursor::one(&key, Some(position.clone())).unwrap();
        assert_eq!(Cursor::read(Some(&text)).unwrap().unwrap().0[&key], position);
        assert_eq!(Cursor::one(&key, None), None);
        assert!(Cursor::read(Some("made up")).is_err());
    }
}
