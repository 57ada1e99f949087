//! What was written lately: each write is counted once, whichever process it was made by.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, Result, Transaction};
use switchboard_kit::{AccountKey, Error, ErrorKind};

use super::Owner;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// There is no room for so many writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// How many there are to be, at once.
    writes: usize,
    /// How many there may be.
    most: u32,
    /// Within what time.
    within: &'static str,
    /// When there is room; never, if there are to be more than there may be.
    wait: Option<Duration>,
}

impl Full {
    /// Says so.
    pub(crate) fn explain(self, account: &AccountKey) -> Error {
        let Self { writes, most, within, wait } = self;
        let ask = format!("ask the user for another `budget` for `{account}` in provider-config.yaml");
        let Some(wait) = wait else {
            let message =
                format!("this takes {}, more than the user's budget for `{account}`: {most} {within}", counted(writes));
            return Error::new(ErrorKind::Forbidden, message).hint(match most {
                0 => ask,
                _ => format!("send less at once, or {ask}"),
            });
        };
        let message = match writes {
            1 => format!("the user's budget for `{account}` is spent: {} {within}", counted(most as usize)),
            _ => format!("the user's budget for `{account}` has no room for {writes} writes: {most} {within}"),
        };
        Error::new(ErrorKind::RateLimited, message).hint(format!("wait, or {ask}")).after(wait)
    }
}

fn counted(writes: usize) -> String {
    if writes == 1 { "1 write".to_owned() } else { format!("{writes} writes") }
}

/// What is asked of a budget of `minute` and `day`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Most writes within a minute.
    pub(crate) minute: u32,
    /// Most within 24 hours.
    pub(crate) day: u32,
    /// How many others will come first.
    pub(crate) before: usize,
    /// How many there are to be, at once.
    pub(crate) writes: usize,
}

/// Tells whether there is room, without counting anything.
pub(crate) fn room(state: &Transaction<'_>, owner: &Owner, demand: Demand) -> Result<Option<Full>> {
    room_at(state, owner, demand, Timestamp::now())
}

fn room_at(state: &Transaction<'_>, owner: &Owner, demand: Demand, now: Timestamp) -> Result<Option<Full>> {
    let owner = owner.known(state)?;
    let Demand { minute, day, before, writes } = demand;
    for (most, span, within) in [(minute, MINUTE, "in a minute"), (day, DAY, "in 24 hours")] {
        let full = |wait| Some(Full { writes, most, within, wait });
        if writes > most as usize {
            return Ok(full(None));
        }
        let Some(spared) = (most as usize).checked_sub(before + writes) else {
            return Ok(full(Some(span.unsigned_abs())));
        };
        // With so many after it, this one has to be old first.
        let first: Option<i64> = state
            .prepare_cached("SELECT at FROM spent WHERE owner = ?1 AND at > ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3")?
            .query_row((owner, (now - span).as_millisecond(), i64::try_from(spared).unwrap_or(i64::MAX)), |row| {
                row.get(0)
            })
            .optional()?;
        if let Some(first) = first {
            let free = Timestamp::from_millisecond(first).unwrap_or(now) + span;
            let wait = Duration::try_from(free.duration_since(now)).unwrap_or_default().min(span.unsigned_abs());
            return Ok(full(Some(wait)));
        }
    }
    Ok(None)
}

/// Counts one write, if there is room for it.
pub(crate) fn spend(state: &Transaction<'_>, owner: &Owner, minute: u32, day: u32) -> Result<Option<Full>> {
    spend_at(state, owner, (minute, day), Timestamp::now())
}

fn spend_at(state: &Transaction<'_>, owner: &Owner, (minute, day): (u32, u32), now: Timestamp) -> Result<Option<Full>> {
    let id = owner.id(state)?;
    let (old, this) = ((now - DAY).as_millisecond(), now.as_millisecond());
    state.prepare_cached("DELETE FROM spent WHERE owner = ?1 AND at <= ?2")?.execute((id, old))?;
    // Where the clock was wrong and is not any more, what it counted is not kept until it would be old.
    state.prepare_cached("UPDATE spent SET at = ?2 WHERE owner = ?1 AND at > ?2")?.execute((id, this))?;
    let full = room_at(state, owner, Demand { minute, day, before: 0, writes: 1 }, now)?;
    if full.is_none() {
        state.prepare_cached("INSERT INTO spent (owner, at) VALUES (?1, ?2)")?.execute((id, this))?;
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Principal;
    use tempfile::TempDir;

    use super::*;
    use crate::state::State;

    fn owner() -> Owner {
        Owner { principal: Principal::local(), sign_in: "work".into() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn state() -> (TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        (folder, state)
    }

    /// Spends one; returns within what there was no room, and for how many seconds.
    async fn spend(state: &State, minute: u32, day: u32, second: i64) -> Option<(&'static str, Option<u64>)> {
        let full = state.write(move |state| spend_at(state, &owner(), (minute, day), at(second))).await.unwrap();
        full.map(|full| (full.within, full.wait.map(|wait| wait.as_secs())))
    }

    async fn room(state: &State, minute: u32, before: usize, writes: usize, second: i64) -> Option<Option<u64>> {
        let demand = Demand { minute, day: 100, before, writes };
        let full = state.read(move |state| room_at(state, &owner(), demand, at(second))).await.unwrap();
        full.map(|full| full.wait.map(|wait| wait.as_secs()))
    }

    #[tokio::test]
    async fn within_a_minute_and_within_a_day_there_is_room_for_so_many() {
        let (_folder, state) = state();
        assert_eq!(spend(&state, 2, 3, 0).await, None);
        assert_eq!(spend(&state, 2, 3, 10).await, None);
        assert_eq!(spend(&state, 2, 3, 15).await, Some(("in a minute", Some(45))));
        assert_eq!(spend(&state, 2, 3, 59).await, Some(("in a minute", Some(1))));
        assert_eq!(spend(&state, 2, 3, 60).await, None);
        assert_eq!(spend(&state, 2, 3, 600).await, Some(("in 24 hours", Some(24 * 3600 - 600))));
        assert_eq!(spend(&state, 2, 3, 24 * 3600).await, None);
        assert_eq!(spend(&state, 2, 3, 24 * 3600 + 1).await, Some(("in 24 hours", Some(9))));
    }

    #[tokio::test]
    async fn what_is_refused_is_not_counted() {
        let (_folder, state) = state();
        assert_eq!(spend(&state, 1, 9, 0).await, None);
        for second in 1..60 {
            assert!(spend(&state, 1, 9, second).await.is_some());
        }
        assert_eq!(spend(&state, 1, 9, 60).await, None);
    }

    #[tokio::test]
    async fn a_budget_of_none_is_never_free() {
        let (_folder, state) = state();
        assert_eq!(spend(&state, 0, 9, 0).await, Some(("in a minute", None)));
        assert_eq!(spend(&state, 9, 0, 0).await, Some(("in 24 hours", None)));
        let full = state.write(|state| super::spend(state, &owner(), 0, 0)).await.unwrap().unwrap();
        let error = full.explain(&AccountKey::new("work"));
        assert_eq!(error.to_string(), "this takes 1 write, more than the user's budget for `work`: 0 in a minute");
        assert_eq!(error.kind(), ErrorKind::Forbidden);
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_neither_frees_nor_locks() {
        let (_folder, state) = state();
        let year = 365 * 24 * 3600;
        assert_eq!(spend(&state, 2, 2, year).await, None);
        assert_eq!(room(&state, 1, 0, 1, 0).await, Some(Some(60)));
        assert_eq!(spend(&state, 2, 2, 0).await, None);
        assert_eq!(spend(&state, 2, 2, 1).await, Some(("in a minute", Some(59))));
        assert_eq!(spend(&state, 2, 2, 24 * 3600).await, None);
    }

    #[tokio::test]
    async fn a_look_ahead_counts_what_comes_together_and_nothing_else() {
        let (_folder, state) = state();
        assert_eq!(room(&state, 3, 0, 3, 0).await, None, "nobody has written yet");
        assert_eq!(room(&state, 3, 0, 4, 0).await, Some(None), "more than there may ever be");
        assert_eq!(room(&state, 3, 2, 1, 0).await, None);
        assert_eq!(room(&state, 3, 2, 2, 0).await, Some(Some(60)), "each fits, but not both");
        for second in [0, 20] {
            assert_eq!(spend(&state, 3, 9, second).await, None);
        }
        for _ in 0..5 {
            assert_eq!(room(&state, 3, 0, 1, 30).await, None);
        }
        assert_eq!(room(&state, 3, 0, 2, 30).await, Some(Some(30)));
        assert_eq!(room(&state, 3, 0, 3, 30).await, Some(Some(50)));
        assert_eq!(room(&state, 3, 1, 1, 30).await, Some(Some(30)));
        assert_eq!(room(&state, 3, 0, 2, 60).await, None);
    }

    #[tokio::test]
    async fn others_spend_their_own() {
        let (_folder, state) = state();
        assert_eq!(spend(&state, 1, 1, 0).await, None);
        let other = Owner { sign_in: "home".into(), ..owner() };
        assert_eq!(state.write(move |state| spend_at(state, &other, (1, 1), at(0))).await.unwrap(), None);
    }

    #[tokio::test]
    async fn however_many_write_at_once_they_spend_one_budget() {
        let folder = tempfile::tempdir().unwrap();
        let writers = (0..6).map(|_| {
            let state = State::at(folder.path().join("state.db"));
            tokio::spawn(async move {
                let mut spent = 0;
                for _ in 0..10 {
                    let full = state.write(|state| super::spend(state, &owner(), 25, 1_000)).await.unwrap();
                    spent += usize::from(full.is_none());
                }
                spent
            })
        });
        let spent: Vec<usize> =
            futures::future::join_all(writers).await.into_iter().map(|spent| spent.unwrap()).collect();
        assert_eq!(spent.iter().sum::<usize>(), 25, "{spent:?}");
    }
}
