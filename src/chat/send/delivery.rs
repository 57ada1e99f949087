//! One letter to one place: what can be refused is refused first, then it goes out piece by piece, once.

use std::time::Duration;

use sha2::{Digest, Sha256};
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Draft, Upload},
};

use super::once::Reservation;
use crate::chat::{
    find::Place,
    policy::{Deed, Hand, Permit},
    served::Chats,
    split::split,
};

/// Most messages that one text becomes.
const MOST_PARTS: usize = 10;
/// How much time it takes to say what was sent.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is to be sent, wherever to.
pub(super) struct Letter {
    /// Markdown, cleaned.
    pub(super) text: String,
    pub(super) uploads: Vec<Upload>,
    /// The caller's name for it.
    pub(super) key: Option<String>,
}

/// A letter, made to the measure of one place.
pub(super) struct Delivery {
    pub(super) thread: Option<String>,
    /// The text, cut to the platform's measure.
    parts: Vec<String>,
    /// Whether the platform knows what it is sent twice.
    knows_keys: bool,
}

/// What went out.
pub(super) struct Sent {
    /// The ids of the text's parts, then those of the files.
    pub(super) ids: Vec<String>,
    /// How many files there are.
    pub(super) files: usize,
    /// Whether an earlier call has sent it.
    pub(super) earlier: bool,
}

impl Delivery {
    /// Cuts a letter to measure for a place, and refuses what cannot be sent there.
    pub(super) fn prepare(chats: &Chats, place: &Place<'_>, letter: &Letter, thread: Option<&str>) -> Result<Self> {
        let thread = match thread {
            Some(thread) => Some(place.id_of(chats, "thread", thread)?),
            None => place.message.clone(),
        };
        let chat = place.opened.chat()?;
        let mut parts = Vec::new();
        // Where there is no way to send messages at all, the gate says so.
        if let Some(longest) = chat.longest().filter(|_| !letter.text.trim().is_empty()) {
            parts = split(&letter.text, longest, MOST_PARTS).ok_or_else(|| {
                let message = format!(
                    "argument `text` takes more than {MOST_PARTS} messages of {longest} in `{}`",
                    place.opened.account.key()
                );
                Error::invalid(message).hint("shorten it, send it in several calls, or send it as a file")
            })?;
        }
        Ok(Self { thread, parts, knows_keys: chat.knows_keys() })
    }

    /// Returns what the gate has to know of it.
    pub(super) fn deed<'d>(&'d self, letter: &'d Letter) -> Deed<'d> {
        let pieces = self.parts.len() + letter.uploads.len();
        Deed::Send { text: &letter.text, uploads: &letter.uploads, thread: self.thread.as_deref(), pieces }
    }

    /// Sends what is not out already; the order is kept.
    pub(super) async fn send(&self, chats: &Chats, permit: &Permit<'_>, letter: &Letter) -> Result<Sent> {
        let mut ids = Vec::new();
        let sent = self.send_rest(chats, permit, letter, &mut ids).await;
        let earlier = permit.note(&ids, sent).await?;
        Ok(Sent { ids, files: letter.uploads.len(), earlier })
    }

    /// Does the same, adding to `ids` what is out; tells whether an earlier call has sent it.
    async fn send_rest(
        &self,
        chats: &Chats,
        permit: &Permit<'_>,
        letter: &Letter,
        ids: &mut Vec<String>,
    ) -> Result<bool> {
        let place = &permit.place;
        let pieces = self.parts.len() + letter.uploads.len();
        let Some(key) = &letter.key else {
            let seed = format!("{:032x}", rand::random::<u128>());
            while ids.len() < pieces {
                let id = self.piece(chats, permit, letter, &seed, ids.len()).await;
                ids.push(id.map_err(|error| self.partly(place, ids, letter, error))?);
            }
            return Ok(false);
        };
        let reservation = Reservation::make(chats, place, key, self.content(letter), self.knows_keys);
        let mut held = match reservation.await? {
            Reservation::Done(sent) => {
                *ids = sent;
                return Ok(true);
            }
            Reservation::Held(held, sent) => {
                *ids = sent;
                held
            }
        };
        while ids.len() < pieces {
            match self.piece(chats, permit, letter, &held.seed, ids.len()).await {
                Ok(id) => ids.push(id),
                Err(error) => {
                    held.release(was_refused(&error)).await;
                    return Err(self.partly(place, ids, letter, error));
                }
            }
            held.note(ids, ids.len() == pieces).await;
        }
        Ok(false)
    }

    /// Sends a part of the text, or after them a file. Even without a key of the caller's, one of ours makes it safe to
    /// repeat the request.
    async fn piece(
        &self,
        chats: &Chats,
        permit: &Permit<'_>,
        letter: &Letter,
        seed: &str,
        number: usize,
    ) -> Result<String> {
        let hand = permit.hand().await?;
        let key = self.knows_keys.then(|| format!("{seed}-{number}"));
        let patience = chats.call.remaining().saturating_sub(LAST_WORDS);
        let pieces = self.parts.len() + letter.uploads.len();
        let id = chats.call.clone().within(patience).run(self.post(permit, &hand, letter, key, number)).await?;
        if pieces > 1 {
            chats.call.step(&format!("sent {} of {pieces} to `{}`", number + 1, permit.place.target()));
        }
        Ok(id)
    }

    async fn post(
        &self,
        permit: &Permit<'_>,
        hand: &Hand<'_>,
        letter: &Letter,
        key: Option<String>,
        number: usize,
    ) -> Result<String> {
        let (conversation, rules) = (&permit.place.conversation.id, &permit.place.opened.account.rules);
        if let Some(text) = self.parts.get(number) {
            let may_call_everyone = rules.call_everyone;
            let draft = Draft { text: text.clone(), thread: self.thread.clone(), key, may_call_everyone };
            return Ok(hand.run(hand.posts()?.send(conversation, &draft)).await?.id);
        }
        let upload = &letter.uploads[number - self.parts.len()];
        let sent = hand.uploads()?.send_file(conversation, self.thread.as_deref(), upload, key.as_deref());
        Ok(hand.run(sent).await?.id)
    }

    /// Says what is out, so that it is not sent again.
    fn partly(&self, place: &Place<'_>, ids: &[String], letter: &Letter, error: Error) -> Error {
        let (number, parts) = (ids.len(), self.parts.len());
        let error = if was_refused(&error) || error.hint_text().is_some() {
            error
        } else if letter.key.is_some() && self.knows_keys {
            error.hint("send it again with the same `idempotency_key`: nothing goes out twice")
        } else {
            error.hint("read the conversation before sending again: it may be there")
        };
        let error = match letter.uploads.get(number.wrapping_sub(parts)) {
            Some(upload) => error.context(format!("file `{}` was not sent", upload.name)),
            None if parts > 1 => error.context(format!("part {} of {parts} was not sent", number + 1)),
            None => error,
        };
        if ids.is_empty() {
            return error;
        }
        let sent: Vec<_> = ids.iter().map(|id| format!("`{}`", place.reference(id))).collect();
        let error = error.context(format!("sent {}, but", sent.join(", ")));
        if error.kind() != ErrorKind::SignInRequired {
            return error;
        }
        // About an account, it would offer a sign-in, after which the whole call is made again.
        let told = Error::new(error.kind(), error.message());
        error.hint_text().map(ToOwned::to_owned).into_iter().fold(told, Error::hint)
    }

    /// Returns a hash of all that a key of the caller's stands for.
    fn content(&self, letter: &Letter) -> Vec<u8> {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(letter.text.as_bytes());
        add(self.thread.as_deref().unwrap_or_default().as_bytes());
        for upload in &letter.uploads {
            add(upload.name.as_bytes());
            add(&upload.bytes);
        }
        hash.finalize().to_vec()
    }
}

/// Returns whether an error shows that nothing was sent.
fn was_refused(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Cancelled | ErrorKind::Unexpected)
}
