//! Where each account was last looked at. A mark never moves back, whichever process sets it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction};

use super::Owner;

/// Returns when the account was last looked at.
pub(crate) fn looked(state: &Transaction<'_>, owner: &Owner) -> rusqlite::Result<Option<Timestamp>> {
    let Some(id) = owner.known(state)? else { return Ok(None) };
    let mark = state.prepare_cached("SELECT looked FROM marks WHERE owner = ?1")?.query_row([id], |row| row.get(0));
    Ok(mark.optional()?.and_then(|mark| Timestamp::from_millisecond(mark).ok()))
}

/// Notes that the account was looked at, up to `until`.
pub(crate) fn look(state: &Transaction<'_>, owner: &Owner, until: Timestamp) -> rusqlite::Result<()> {
    let row = (owner.id(state)?, until.as_millisecond());
    let note = "INSERT INTO marks (owner, looked) VALUES (?1, ?2)
                ON CONFLICT (owner) DO UPDATE SET looked = max(looked, excluded.looked)";
    state.prepare_cached(note)?.execute(row).map(drop)
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Principal;

    use super::*;
    use crate::state::State;

    #[tokio::test]
    async fn a_mark_is_each_owners_own_and_never_moves_back() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (State::at(folder.path().join("state.db")), State::at(folder.path().join("state.db")));
        let owner = |account: &str| Owner { principal: Principal::local(), sign_in: account.into() };
        let at = |second| Timestamp::from_second(second).unwrap();
        let read =
            async |state: &State, account| state.write(move |state| looked(state, &owner(account))).await.unwrap();
        assert_eq!(read(&one, "slack").await, None);
        for (state, second) in [(&one, 20), (&other, 30), (&one, 10)] {
            state.write(move |state| look(state, &owner("slack"), at(second))).await.unwrap();
        }
        assert_eq!((read(&one, "slack").await, read(&other, "matrix").await), (Some(at(30)), None));
    }
}
