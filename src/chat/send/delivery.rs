//! One letter to one place: what can be refused is refused first, then it goes out piece by piece, once.

use std::time::Duration;

use sha2::{Digest, Sha256};
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Draft, Posts, Upload},
};

use super::once::Reservation;
use crate::chat::{
    find::Place,
    served::{Chats, Opened},
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

/// A letter that nothing more is known to speak against.
pub(super) struct Delivery<'a> {
    pub(super) place: Place<'a>,
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

impl<'a> Delivery<'a> {
    /// Cuts a letter to measure for a place, and refuses what cannot be sent there.
    pub(super) fn prepare(chats: &Chats, place: Place<'a>, letter: &Letter, thread: Option<&str>) -> Result<Self> {
        let thread = match thread {
            Some(thread) => Some(place.id_of(chats, "thread", thread)?),
            None => place.message.clone(),
        };
        let chat = place.opened.chat()?;
        if !letter.uploads.is_empty() && chat.uploads().is_none() {
            return Err(place.opened.lacks("way to send files"));
        }
        let knows_keys = chat.posts().is_some_and(Posts::know_keys);
        let mut parts = Vec::new();
        if !letter.text.trim().is_empty() {
            let posts = chat.posts().ok_or_else(|| place.opened.lacks("way to send messages"))?;
            parts = split(&letter.text, posts.longest(), MOST_PARTS).ok_or_else(|| {
                let message = format!(
                    "argument `text` takes more than {MOST_PARTS} messages of {} in `{}`",
                    posts.longest(),
                    place.opened.account.key()
                );
                Error::invalid(message).hint("shorten it, send it in several calls, or send it as a file")
            })?;
        }
        Ok(Self { place, thread, parts, knows_keys })
    }

    /// Sends what is not out already; the order is kept.
    pub(super) async fn send(&self, chats: &Chats, letter: &Letter) -> Result<Sent> {
        let files = letter.uploads.len();
        let Some(key) = &letter.key else {
            let seed = format!("{:032x}", rand::random::<u128>());
            let mut ids = Vec::new();
            while ids.len() < self.parts.len() + files {
                let id = self.piece(chats, letter, &seed, ids.len()).await;
                ids.push(id.map_err(|error| self.partly(&ids, letter, error))?);
            }
            return Ok(Sent { ids, files, earlier: false });
        };
        let reservation = Reservation::make(chats, &self.place, key, self.content(letter), self.knows_keys);
        let (mut held, mut ids) = match reservation.await? {
            Reservation::Done(ids) => return Ok(Sent { ids, files, earlier: true }),
            Reservation::Held(held, ids) => (held, ids),
        };
        while ids.len() < self.parts.len() + files {
            match self.piece(chats, letter, &held.seed, ids.len()).await {
                Ok(id) => ids.push(id),
                Err(error) => {
                    held.release(was_refused(&error)).await;
                    return Err(self.partly(&ids, letter, error));
                }
            }
            held.note(&ids, ids.len() == self.parts.len() + files).await;
        }
        Ok(Sent { ids, files, earlier: false })
    }

    /// Sends a part of the text, or after them a file. Even without a key of the caller's, one of ours makes it safe to
    /// repeat the request.
    async fn piece(&self, chats: &Chats, letter: &Letter, seed: &str, number: usize) -> Result<String> {
        let opened = chats.open(self.place.opened.account);
        let key = self.knows_keys.then(|| format!("{seed}-{number}"));
        let patience = chats.call.remaining().saturating_sub(LAST_WORDS);
        let pieces = self.parts.len() + letter.uploads.len();
        let id = chats.call.clone().within(patience).run(self.post(&opened, letter, key, number)).await?;
        if pieces > 1 {
            chats.call.step(&format!("sent {} of {pieces} to `{}`", number + 1, self.place.target()));
        }
        Ok(id)
    }

    async fn post(&self, opened: &Opened<'_>, letter: &Letter, key: Option<String>, number: usize) -> Result<String> {
        let (chat, conversation) = (opened.chat()?, &self.place.conversation.id);
        if let Some(text) = self.parts.get(number) {
            let posts = chat.posts().ok_or_else(|| opened.lacks("way to send messages"))?;
            let draft = Draft { text: text.clone(), thread: self.thread.clone(), key };
            return Ok(opened.run(posts.send(conversation, &draft)).await?.id);
        }
        let uploads = chat.uploads().ok_or_else(|| opened.lacks("way to send files"))?;
        let upload = &letter.uploads[number - self.parts.len()];
        Ok(opened.run(uploads.send_file(conversation, self.thread.as_deref(), upload, key.as_deref())).await?.id)
    }

    /// Says what is out, so that it is not sent again.
    fn partly(&self, ids: &[String], letter: &Letter, error: Error) -> Error {
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
        let sent: Vec<_> = ids.iter().map(|id| format!("`{}`", self.place.reference(id))).collect();
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
