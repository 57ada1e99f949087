//! What was written lately: each write is counted once, whichever process it was made by.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Result, Transaction};
use switchboard_kit::{AccountKey, Error, ErrorKind};

use super::Owner;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// There is no room for another write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// How many there may be.
    most: u32,
    /// Within what time.
    within: &'static str,
    /// When there is room again.
    wait: Duration,
}

impl Full {
    /// Says so.
    pub(crate) fn explain(self, account: &AccountKey) -> Error {
        let Self { most, within, wait } = self;
        let message = format!("the user's budget for `{account}` is spent: {most} writes {within}");
        Error::new(ErrorKind::RateLimited, message)
            .hint(format!("wait, or ask the user for another `budget` for `{account}` in provider-config.yaml"))
            .after(wait)
    }
}

/// Counts one write, if fewer than `minute` and `day` were made in the last of each.
pub(crate) fn spend(
    state: &Transaction<'_>,
    owner: &Owner,
    minute: u32,
    day: u32,
) -> Result<std::result::Result<(), Full>> {
    spend_at(state, owner, (minute, day), Timestamp::now())
}

fn spend_at(
    state: &Transaction<'_>,
    owner: &Owner,
    (minute, day): (u32, u32),
    now: Timestamp,
) -> Result<std::result::Result<(), Full>> {
    let owner = owner.id(state)?;
    let old = (now - DAY).as_millisecond();
    state.prepare_cached("DELETE FROM spent WHERE owner = ?1 AND at <= ?2")?.execute((owner, old))?;
    for (most, span, within) in [(minute, MINUTE, "in a minute"), (day, DAY, "in 24 hours")] {
        // With so many after it, the next has to wait until this one is old.
        let first: Option<i64> = state
            .prepare_cached("SELECT at FROM spent WHERE owner = ?1 AND at > ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3")?
            .query_row((owner, (now - span).as_millisecond(), most.saturating_sub(1)), |row| row.get(0))
            .map(Some)
            .or_else(|error| if error == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(error) })?;
        if first.is_some() || most == 0 {
            let free = Timestamp::from_millisecond(first.unwrap_or_default()).unwrap_or(now) + span;
            let wait = Duration::try_from(free.duration_since(now)).unwrap_or_default().min(span.unsigned_abs());
            return Ok(Err(Full { most, within, wait }));
        }
    }
    state.prepare_cached("INSERT INTO spent (owner, at) VALUES (?1, ?2)")?.execute((owner, now.as_millisecond()))?;
    Ok(Ok(()))
}
