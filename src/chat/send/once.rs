//! What makes a letter with an idempotency key go out once, whichever processes try.

use std::time::Duration;

use jiff::Timestamp;
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::time::sleep;
use tracing::warn;

use super::delivery::LAST_WORDS;
use crate::{
    chat::{find::Place, sanitise, served::Chats},
    state::{
        State,
        sent::{Attempt, Slot, Standing},
    },
};

/// How often to look whether another attempt has ended.
const PULSE: Duration = Duration::from_millis(100);

/// How it stands with a letter that has a key.
pub(super) enum Reservation {
    /// It is out, under these ids.
    Done(Vec<String>),
    /// It is ours to send, but for these.
    Held(Held, Vec<String>),
}

/// The right to send what a key stands for. Whoever drops it early leaves it to the next attempt.
pub(super) struct Held {
    /// What the platform's keys start with.
    pub(super) seed: String,
    state: State,
    slot: Slot,
    holder: i64,
    /// Whether all that is out is noted.
    noted: bool,
    ended: bool,
}

impl Reservation {
    /// Takes the right to send, after whoever has it.
    pub(super) async fn make(
        chats: &Chats,
        place: &Place<'_>,
        key: &str,
        content: Vec<u8>,
        repeatable: bool,
    ) -> Result<Self> {
        let state = chats.served.state().clone();
        let owner = chats.owner(place.opened.account);
        let slot = Slot { owner, conversation: place.conversation.id.clone(), key: key.to_owned() };
        let holder = rand::random();
        loop {
            let now = Timestamp::now();
            let attempt = Attempt { holder, now, until: now + chats.call.remaining(), repeatable };
            let (ours, content) = (slot.clone(), content.clone());
            let standing = state.write(move |state| ours.reserve(state, &content, attempt)).await?;
            let key = sanitise::name(key);
            let conflict = |message: String| Error::new(ErrorKind::Conflict, message);
            let target = place.target();
            return match standing {
                Standing::Ours { seed, sent } => {
                    Ok(Self::Held(Held { seed, state, slot, holder, noted: true, ended: false }, sent))
                }
                Standing::Done(ids) => Ok(Self::Done(ids)),
                Standing::UnderWay if chats.call.remaining() > LAST_WORDS + PULSE => {
                    sleep(PULSE).await;
                    continue;
                }
                Standing::UnderWay => Err(conflict(format!("another call is sending `{key}` to `{target}`"))
                    .hint("wait a minute, then send it again with the same `idempotency_key`: nothing goes out twice")),
                Standing::Unsure(ids) => {
                    let sent: Vec<_> = ids.iter().map(|id| format!("`{}`", place.reference(id))).collect();
                    let sent =
                        if sent.is_empty() { "all of it".into() } else { format!("more than {}", sent.join(", ")) };
                    let message = format!("a call that sent `{key}` to `{target}` broke off, and {sent} may be there");
                    Err(conflict(message)
                        .hint(format!("read `{target}`; send what is missing with another `idempotency_key`")))
                }
                Standing::Different => {
                    Err(conflict(format!("`idempotency_key` `{key}` was used for something else in `{target}` today"))
                        .hint("use another key, or the very same text, thread and files"))
                }
            };
        }
    }
}

impl Held {
    /// Notes what is out by now, and whether that is all.
    pub(super) async fn note(&mut self, ids: &[String], done: bool) {
        let (slot, holder, ids) = (self.slot.clone(), self.holder, ids.to_vec());
        let noted = self.state.write(move |state| slot.note(state, holder, &ids, done)).await;
        self.noted = noted.is_ok();
        match noted {
            Ok(()) => self.ended |= done,
            // What is out is told all the same; a repetition will not know of it, and be careful.
            Err(error) => warn!(%error, "What was sent could not be noted"),
        }
    }

    /// Leaves the rest to another attempt; if we were `refused`, nothing but what was noted is out.
    pub(super) async fn release(mut self, refused: bool) {
        self.ended = true;
        let (slot, holder, refused) = (self.slot.clone(), self.holder, refused && self.noted);
        // If that fails, it runs out by itself.
        let _ = self.state.write(move |state| slot.release(state, holder, refused)).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.ended {
            let (state, slot, holder) = (self.state.clone(), self.slot.clone(), self.holder);
            runtime.spawn(async move { state.write(move |state| slot.release(state, holder, false)).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Principal;

    use super::*;
    use crate::state::Owner;

    #[tokio::test]
    async fn a_key_is_not_free_again_if_something_is_out_that_could_not_be_noted() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        let owner = Owner { principal: Principal::local(), sign_in: "slack".into() };
        let slot = Slot { owner, conversation: "C1".into(), key: "k".into() };
        let reserve = async |holder| {
            let (slot, now) = (slot.clone(), Timestamp::now());
            let attempt = Attempt { holder, now, until: now + Duration::from_mins(1), repeatable: false };
            state.write(move |state| slot.reserve(state, b"x", attempt)).await.unwrap()
        };
        let Standing::Ours { seed, .. } = reserve(1).await else { unreachable!() };
        let full = "CREATE TRIGGER full BEFORE UPDATE OF ids ON sent BEGIN SELECT RAISE(FAIL, 'disk full'); END";
        state.write(move |state| state.execute(full, [])).await.unwrap();
        let mut held = Held { seed, state: state.clone(), slot: slot.clone(), holder: 1, noted: true, ended: false };
        held.note(&["M1".into()], false).await;
        held.release(true).await;
        assert_eq!(reserve(2).await, Standing::Unsure(Vec::new()));
    }
}
