//! What was sent under an idempotency key: whatever process is asked again within a day, nothing goes out twice.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Result, Transaction};

use super::Owner;

/// How many milliseconds a key stands for what was sent under it.
const LASTS: i64 = 24 * 60 * 60 * 1000;

/// What a key stands for: it is the owner's, in one conversation.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Whose key it is.
    pub(crate) owner: Owner,
    /// Where it was sent.
    pub(crate) conversation: String,
    /// The key.
    pub(crate) key: String,
}

/// One attempt to send what a key stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Tells it from others.
    pub(crate) holder: i64,
    /// Now.
    pub(crate) now: Timestamp,
    /// When it has ended, come what may.
    pub(crate) until: Timestamp,
    /// Whether the platform takes what is sent twice under one of our keys for one.
    pub(crate) repeatable: bool,
}

/// How things stand with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The attempt is to send all but what is out.
    Ours {
        /// What the platform's keys start with, the same in each attempt.
        seed: String,
        /// The ids of what is out.
        sent: Vec<String>,
    },
    /// Everything is out, under these ids.
    Done(Vec<String>),
    /// Another attempt is at it.
    UnderWay,
    /// An attempt ended without a word. These are out, and what comes next may be.
    Unsure(Vec<String>),
    /// The key was used for something else.
    Different,
}

struct Row {
    content: Vec<u8>,
    seed: String,
    held_until: i64,
    state: String,
    ids: String,
}

impl Slot {
    /// Takes the key for `attempt`, unless that must not send.
    pub(crate) fn reserve(&self, state: &Transaction<'_>, content: &[u8], attempt: Attempt) -> Result<Standing> {
        let Attempt { holder, now, until, repeatable } = attempt;
        let now = now.as_millisecond();
        state.prepare_cached("DELETE FROM sent WHERE begun <= ?1")?.execute([now - LASTS])?;
        let owner = self.owner.id(state)?;
        let find = "SELECT content, seed, held_until, state, ids FROM sent WHERE owner = ?1 AND conversation = ?2 AND key = ?3";
        let row = state.prepare_cached(find)?.query_row((owner, &self.conversation, &self.key), |row| {
            let (content, seed, held_until) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Row { content, seed, held_until, state: row.get(3)?, ids: row.get(4)? })
        });
        let Some(row) = row.optional()? else {
            let seed = format!("{:032x}", rand::random::<u128>());
            let insert =
                "INSERT INTO sent (owner, conversation, key, content, seed, begun, holder, held_until, state, ids)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'begun', '[]')";
            let until = until.as_millisecond();
            state.prepare_cached(insert)?.execute((
                owner,
                &self.conversation,
                &self.key,
                content,
                &seed,
                now,
                holder,
                until,
            ))?;
            return Ok(Standing::Ours { seed, sent: Vec::new() });
        };
        let sent = read(&row.ids);
        if row.content != content {
            return Ok(Standing::Different);
        }
        match row.state.as_str() {
            "done" => return Ok(Standing::Done(sent)),
            _ if row.held_until > now => return Ok(Standing::UnderWay),
            "begun" if !repeatable => return Ok(Standing::Unsure(sent)),
            _ => {}
        }
        let take = "UPDATE sent SET state = 'begun', holder = ?4, held_until = ?5
             WHERE owner = ?1 AND conversation = ?2 AND key = ?3";
        let until = until.as_millisecond();
        state.prepare_cached(take)?.execute((owner, &self.conversation, &self.key, holder, until))?;
        Ok(Standing::Ours { seed: row.seed, sent })
    }

    /// Notes what is out by now, and whether that is all.
    pub(crate) fn note(&self, state: &Transaction<'_>, holder: i64, sent: &[String], done: bool) -> Result<()> {
        let ids = serde_json::to_string(sent).unwrap_or_default();
        let note = "UPDATE sent SET ids = ?5, state = ?6
             WHERE owner = ?1 AND conversation = ?2 AND key = ?3 AND holder = ?4";
        let row =
            (self.owner.id(state)?, &self.conversation, &self.key, holder, ids, if done { "done" } else { "begun" });
        state.prepare_cached(note)?.execute(row).map(drop)
    }

    /// Ends an attempt that has not sent everything. If it was `refused`, what comes next is not out; a key under which
    /// nothing is out is free again.
    pub(crate) fn release(&self, state: &Transaction<'_>, holder: i64, refused: bool) -> Result<()> {
        let row = (self.owner.id(state)?, &self.conversation, &self.key, holder);
        let release = "UPDATE sent SET held_until = 0, state = iif(?5, 'refused', state)
             WHERE owner = ?1 AND conversation = ?2 AND key = ?3 AND holder = ?4 AND state = 'begun'";
        state.prepare_cached(release)?.execute((row.0, row.1, row.2, row.3, refused))?;
        let forget = "DELETE FROM sent
             WHERE owner = ?1 AND conversation = ?2 AND key = ?3 AND holder = ?4 AND state = 'refused' AND ids = '[]'";
        state.prepare_cached(forget)?.execute(row).map(drop)
    }
}

fn read(ids: &str) -> Vec<String> {
    serde_json::from_str(ids).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Principal;

    use super::*;
    use crate::state::State;

    fn slot(conversation: &str) -> Slot {
        let owner = Owner { principal: Principal::local(), sign_in: "slack".into() };
        Slot { owner, conversation: conversation.into(), key: "k".into() }
    }

    fn attempt(holder: i64, second: i64) -> Attempt {
        let at = |second| Timestamp::from_second(1_700_000_000 + second).unwrap();
        Attempt { holder, now: at(second), until: at(second + 60), repeatable: false }
    }

    async fn reserve(state: &State, content: &'static [u8], attempt: Attempt) -> Standing {
        state.write(move |state| slot("C1").reserve(state, content, attempt)).await.unwrap()
    }

    fn is_fresh(standing: &Standing) -> bool {
        matches!(standing, Standing::Ours { sent, .. } if sent.is_empty())
    }

    #[tokio::test]
    async fn of_two_processes_one_sends_and_the_other_learns_what_was_sent() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (State::at(folder.path().join("s.db")), State::at(folder.path().join("s.db")));
        assert!(is_fresh(&reserve(&one, b"x", attempt(1, 0)).await));
        assert_eq!(reserve(&other, b"x", attempt(2, 1)).await, Standing::UnderWay);
        assert_eq!(reserve(&other, b"y", attempt(2, 1)).await, Standing::Different);
        // What is not one's own to note is not noted.
        for (holder, id) in [(1, "M1"), (2, "M2")] {
            one.write(move |state| slot("C1").note(state, holder, &[id.into()], true)).await.unwrap();
        }
        assert_eq!(reserve(&other, b"x", attempt(2, 2)).await, Standing::Done(vec!["M1".into()]));
        assert!(is_fresh(&other.write(|state| slot("C2").reserve(state, b"y", attempt(2, 2))).await.unwrap()));
        assert!(is_fresh(&reserve(&other, b"y", attempt(2, 24 * 3600)).await), "a day later the key is free");
    }

    #[tokio::test]
    async fn what_a_crash_leaves_open_is_sent_again_only_where_that_is_safe() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("s.db"));
        let Standing::Ours { seed, .. } = reserve(&state, b"x", attempt(1, 0)).await else { unreachable!() };
        state.write(|state| slot("C1").note(state, 1, &["M1".into()], false)).await.unwrap();
        assert_eq!(reserve(&state, b"x", attempt(2, 61)).await, Standing::Unsure(vec!["M1".into()]));
        let again = reserve(&state, b"x", Attempt { repeatable: true, ..attempt(2, 61) }).await;
        assert_eq!(again, Standing::Ours { seed, sent: vec!["M1".into()] });
        assert_eq!(reserve(&state, b"x", attempt(3, 62)).await, Standing::UnderWay);
    }

    #[tokio::test]
    async fn after_a_refusal_the_rest_is_sent_and_after_a_first_one_the_key_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("s.db"));
        reserve(&state, b"x", attempt(1, 0)).await;
        state.write(|state| slot("C1").release(state, 1, true)).await.unwrap();
        assert!(is_fresh(&reserve(&state, b"y", attempt(2, 1)).await));
        state.write(|state| slot("C1").note(state, 2, &["M1".into()], false)).await.unwrap();
        state.write(|state| slot("C1").release(state, 2, true)).await.unwrap();
        let Standing::Ours { sent, .. } = reserve(&state, b"y", attempt(3, 2)).await else { unreachable!() };
        assert_eq!(sent, ["M1"]);
        state.write(|state| slot("C1").release(state, 3, false)).await.unwrap();
        assert_eq!(reserve(&state, b"y", attempt(4, 3)).await, Standing::Unsure(vec!["M1".into()]));
    }
}
