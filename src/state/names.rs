//! What conversations and people are called, so that they are found again without asking the platform.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use switchboard_kit::Timestamp;

use super::Owner;

/// The number of an owner that has none: numbers begin at 1.
const NOBODY: i64 = 0;

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A conversation.
    Conversation = 0,
    /// A person.
    Person = 1,
}

/// Something that is to be found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The platform's id.
    pub(crate) id: String,
    /// What is known of it, as its reader wrote it.
    pub(crate) facts: String,
    /// Everything that it is found by exactly, in the form in which names are compared. Each is one line.
    pub(crate) names: Vec<String>,
}

/// Something that was found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The platform's id.
    pub(crate) id: String,
    /// What is known of it.
    pub(crate) facts: String,
    /// When the platform said so.
    pub(crate) read: Timestamp,
    /// Whether the platform has since said that there is no such thing.
    pub(crate) doubted: bool,
}

/// How far everything of a kind was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    /// When the last was begun.
    pub(crate) begun: Timestamp,
    /// Where it goes on; none if it has come to its end.
    pub(crate) cursor: Option<String>,
    /// When the last that came to its end did.
    pub(crate) whole: Option<Timestamp>,
}

/// What one owner knows of one kind.
#[derive(Debug)]
pub(crate) struct Names<'s> {
    state: &'s Transaction<'s>,
    owner: i64,
    kind: i64,
}

impl<'s> Names<'s> {
    /// Looks into what `owner` knows, to change it.
    pub(crate) fn of(state: &'s Transaction<'s>, owner: &Owner, kind: Kind) -> rusqlite::Result<Self> {
        Ok(Self { state, owner: owner.id(state)?, kind: kind as i64 })
    }

    /// Looks into what `owner` knows, to read it. Who has no number yet knows nothing.
    pub(crate) fn read(state: &'s Transaction<'s>, owner: &Owner, kind: Kind) -> rusqlite::Result<Self> {
        Ok(Self { state, owner: owner.known(state)?.unwrap_or(NOBODY), kind: kind as i64 })
    }

    /// Remembers what the platform says now, in place of what it said before.
    pub(crate) fn keep(&self, entries: &[Entry], now: Timestamp) -> rusqlite::Result<()> {
        let mut before = self
            .state
            .prepare_cached("SELECT facts, words FROM known_things WHERE owner = ?1 AND kind = ?2 AND id = ?3")?;
        let mut again = self.state.prepare_cached(
            "UPDATE known_things SET read = ?4, doubted = 0 WHERE owner = ?1 AND kind = ?2 AND id = ?3",
        )?;
        let mut put = self.state.prepare_cached(
            "INSERT OR REPLACE INTO known_things (owner, kind, id, facts, words, read) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut call = self
            .state
            .prepare_cached("INSERT OR IGNORE INTO known_names (owner, kind, name, id) VALUES (?1, ?2, ?3, ?4)")?;
        for Entry { id, facts, names } in entries {
            let words = names.join("\n");
            let key = (self.owner, self.kind, id);
            let old: Option<(String, String)> =
                before.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            // A listing mostly says what it said before.
            if old.as_ref().is_some_and(|(old, called)| old == facts && *called == words) {
                again.execute(params![self.owner, self.kind, id, now.as_millisecond()])?;
                continue;
            }
            if let Some((_, called)) = old {
                self.uncall(id, &called)?;
            }
            put.execute(params![self.owner, self.kind, id, facts, words, now.as_millisecond()])?;
            for name in names {
                call.execute(params![self.owner, self.kind, name, id])?;
            }
        }
        Ok(())
    }

    /// Returns what has one of these names.
    pub(crate) fn called(&self, names: &[&str]) -> rusqlite::Result<Vec<Known>> {
        let mut find = self.state.prepare_cached(
            "SELECT things.id, facts, read, doubted FROM known_names AS names
             JOIN known_things AS things USING (owner, kind, id)
             WHERE names.owner = ?1 AND names.kind = ?2 AND names.name = ?3",
        )?;
        let mut found: Vec<Known> = Vec::new();
        for name in names {
            for known in find.query_map(params![self.owner, self.kind, name], known)? {
                let known = known?;
                if found.iter().all(|other| other.id != known.id) {
                    found.push(known);
                }
            }
        }
        Ok(found)
    }

    /// Returns what has this id.
    pub(crate) fn with_id(&self, id: &str) -> rusqlite::Result<Option<Known>> {
        self.state
            .prepare_cached(
                "SELECT id, facts, read, doubted FROM known_things WHERE owner = ?1 AND kind = ?2 AND id = ?3",
            )?
            .query_row(params![self.owner, self.kind, id], known)
            .optional()
    }

    /// Returns some of those with `part` in a name, by id; every one of them has it if `part` is empty.
    pub(crate) fn about(&self, part: &str, limit: usize) -> rusqlite::Result<Vec<Known>> {
        let mut find = self.state.prepare_cached(
            "SELECT id, facts, read, doubted FROM known_things
             WHERE owner = ?1 AND kind = ?2 AND instr(words, ?3) > 0 LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        find.query_map(params![self.owner, self.kind, part, limit], known)?.collect()
    }

    /// Returns those with `part` in a name that nobody doubts: those first that have it at the beginning of a name, then at the
    /// beginning of a word, and of equals those that were told of last. What stands in an id alone does not count.
    pub(crate) fn likeliest(&self, part: &str, limit: usize) -> rusqlite::Result<Vec<Known>> {
        let mut find = self.state.prepare_cached(
            "SELECT id, facts, read, doubted FROM (
                 SELECT *, replace(char(10) || words || char(10), char(10) || ltrim(lower(id), '#@') || char(10), char(10))
                     AS called
                 FROM known_things WHERE owner = ?1 AND kind = ?2 AND doubted = 0 AND instr(words, ?3) > 0
             ) WHERE instr(called, ?3) > 0
             ORDER BY instr(called, char(10) || ?3) = 0, ?3 <> '' AND instr(called, ' ' || ?3) = 0, read DESC, called
             LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        find.query_map(params![self.owner, self.kind, part, limit], known)?.collect()
    }

    /// Returns how many are known.
    pub(crate) fn count(&self) -> rusqlite::Result<u64> {
        self.state
            .prepare_cached("SELECT count(*) FROM known_things WHERE owner = ?1 AND kind = ?2")?
            .query_row((self.owner, self.kind), |row| row.get::<_, i64>(0))
            .map(|count| u64::try_from(count).unwrap_or_default())
    }

    /// Remembers that the platform says there is no such thing; it may have meant another.
    pub(crate) fn doubt(&self, id: &str) -> rusqlite::Result<()> {
        self.state
            .prepare_cached("UPDATE known_things SET doubted = 1 WHERE owner = ?1 AND kind = ?2 AND id = ?3")?
            .execute(params![self.owner, self.kind, id])
            .map(drop)
    }

    /// Forgets what the platform no longer has.
    pub(crate) fn forget(&self, id: &str) -> rusqlite::Result<()> {
        let words: Option<String> = self
            .state
            .prepare_cached("DELETE FROM known_things WHERE owner = ?1 AND kind = ?2 AND id = ?3 RETURNING words")?
            .query_row(params![self.owner, self.kind, id], |row| row.get(0))
            .optional()?;
        words.map_or(Ok(()), |words| self.uncall(id, &words))
    }

    fn uncall(&self, id: &str, words: &str) -> rusqlite::Result<()> {
        let mut uncall = self
            .state
            .prepare_cached("DELETE FROM known_names WHERE owner = ?1 AND kind = ?2 AND name = ?3 AND id = ?4")?;
        words.split('\n').try_for_each(|name| uncall.execute(params![self.owner, self.kind, name, id]).map(drop))
    }

    /// Returns how far everything was listed, if it ever was.
    pub(crate) fn listing(&self) -> rusqlite::Result<Option<Listing>> {
        self.state
            .prepare_cached("SELECT begun, cursor, whole FROM known_listings WHERE owner = ?1 AND kind = ?2")?
            .query_row((self.owner, self.kind), |row| {
                let whole: Option<i64> = row.get(2)?;
                Ok(Listing { begun: time(row.get(0)?), cursor: row.get(1)?, whole: whole.map(time) })
            })
            .optional()
    }

    /// Remembers a page of a listing, and where the next is. After the last, what the listing did not have is forgotten.
    pub(crate) fn turn(
        &self,
        page: &[Entry],
        begun: Timestamp,
        next: Option<&str>,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        self.keep(page, now)?;
        let whole = next.is_none().then(|| now.as_millisecond());
        self.state
            .prepare_cached(
                "INSERT INTO known_listings (owner, kind, begun, cursor, whole) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET begun = ?3, cursor = ?4, whole = coalesce(?5, whole)",
            )?
            .execute(params![self.owner, self.kind, begun.as_millisecond(), next, whole])?;
        if next.is_none() {
            let gone: Vec<String> = self
                .state
                .prepare_cached("SELECT id FROM known_things WHERE owner = ?1 AND kind = ?2 AND read < ?3")?
                .query_map((self.owner, self.kind, begun.as_millisecond()), |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            gone.iter().try_for_each(|id| self.forget(id))?;
        }
        Ok(())
    }

    /// Remembers that the platform has just said all that has this name.
    pub(crate) fn looked_up(&self, name: &str, now: Timestamp, outdated: Timestamp) -> rusqlite::Result<()> {
        self.state
            .prepare_cached("DELETE FROM known_lookups WHERE owner = ?1 AND kind = ?2 AND at < ?3")?
            .execute((self.owner, self.kind, outdated.as_millisecond()))?;
        self.state
            .prepare_cached("INSERT OR REPLACE INTO known_lookups (owner, kind, name, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.owner, self.kind, name, now.as_millisecond()])
            .map(drop)
    }

    /// Returns when the platform has said all that has this name.
    pub(crate) fn lookup(&self, name: &str) -> rusqlite::Result<Option<Timestamp>> {
        self.state
            .prepare_cached("SELECT at FROM known_lookups WHERE owner = ?1 AND kind = ?2 AND name = ?3")?
            .query_row(params![self.owner, self.kind, name], |row| row.get(0).map(time))
            .optional()
    }
}

/// Forgets, whoever knows it, what was last told before `instant`.
pub(super) fn forget_before(state: &Transaction<'_>, instant: Timestamp) -> rusqlite::Result<()> {
    let gone = state.execute("DELETE FROM known_things WHERE read < ?1", [instant.as_millisecond()])?;
    if gone > 0 {
        let nameless = "DELETE FROM known_names AS names WHERE NOT EXISTS (SELECT 1 FROM known_things AS things
             WHERE things.owner = names.owner AND things.kind = names.kind AND things.id = names.id)";
        state.execute(nameless, [])?;
    }
    Ok(())
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known { id: row.get(0)?, facts: row.get(1)?, read: time(row.get(2)?), doubted: row.get(3)? })
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Principal;

    use super::*;
    use crate::state::State;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn entry(id: &str, names: &[&str]) -> Entry {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Entry { id: id.into(), facts: format!("about {id}"), names }
    }

    /// Looks into what the user of `account` knows of conversations.
    async fn of<T: Send + 'static>(
        state: &State,
        account: &'static str,
        work: impl FnOnce(Names<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        let owner = Owner { principal: Principal::local(), sign_in: account.into() };
        state.write(move |state| work(Names::of(state, &owner, Kind::Conversation)?)).await.unwrap()
    }

    fn ids(found: &[Known]) -> Vec<&str> {
        found.iter().map(|known| known.id.as_str()).collect()
    }

    #[tokio::test]
    async fn what_is_renamed_is_found_by_its_new_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        of(&state, "a", |names| names.keep(&[entry("C1", &["general", "c1"])], at(1))).await;
        of(&state, "a", |names| names.keep(&[entry("C1", &["lobby", "c1"])], at(2))).await;
        assert!(of(&state, "a", |names| names.called(&["general"])).await.is_empty());
        let found = of(&state, "a", |names| names.called(&["lobby", "c1"])).await;
        assert_eq!((ids(&found), found[0].read), (vec!["C1"], at(2)));
        of(&state, "a", |names| names.forget("C1")).await;
        assert!(of(&state, "a", |names| names.called(&["lobby", "c1"])).await.is_empty());
    }

    #[tokio::test]
    async fn what_is_told_no_more_is_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let old = State::at(path.clone());
        of(&old, "a", |names| names.keep(&[entry("C1", &["old"])], at(1))).await;
        of(&old, "a", |names| names.keep(&[entry("C2", &["new"])], Timestamp::now())).await;
        let later = State::at(path);
        assert_eq!(ids(&of(&later, "a", |names| names.about("", 9)).await), ["C2"]);
        let count = "SELECT count(*) FROM known_names";
        let named = later.read(move |state| state.query_row(count, [], |row| row.get::<_, i64>(0))).await;
        assert_eq!(named.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_likeliest_has_it_at_the_beginning_and_was_told_of_last() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        for (second, id, called) in [
            (1, "#C1", &["c1", "ops"][..]),
            (2, "C2", &["c2", "ops"]),
            (3, "C3", &["c3", "team ops"]),
            (4, "C4", &["c4", "stops"]),
        ] {
            of(&state, "a", move |names| names.keep(&[entry(id, called)], at(second))).await;
        }
        assert_eq!(ids(&of(&state, "a", |names| names.likeliest("ops", 9)).await), ["C2", "#C1", "C3", "C4"]);
        assert_eq!(ids(&of(&state, "a", |names| names.likeliest("", 2)).await), ["C4", "C3"]);
        assert!(of(&state, "a", |names| names.likeliest("c1", 9)).await.is_empty(), "ids are not names");
        of(&state, "a", |names| names.doubt("C2")).await;
        assert_eq!(ids(&of(&state, "a", |names| names.likeliest("ops", 1)).await), ["#C1"]);
        assert!(of(&state, "b", |names| names.likeliest("", 9)).await.is_empty());
    }

    #[tokio::test]
    async fn nobody_finds_what_another_knows() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        of(&state, "a", |names| names.keep(&[entry("C1", &["general"])], at(1))).await;
        assert!(of(&state, "b", |names| names.called(&["general"])).await.is_empty());
        assert_eq!(of(&state, "b", |names| names.with_id("C1")).await, None);
        of(&state, "b", |names| names.turn(&[], at(5), None, at(5))).await;
        assert_eq!(ids(&of(&state, "a", |names| names.about("ener", 9)).await), ["C1"]);
    }

    #[tokio::test]
    async fn a_whole_listing_forgets_what_it_did_not_have_and_a_part_of_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        of(&state, "a", |names| names.keep(&[entry("C1", &["old"]), entry("C2", &["two"])], at(1))).await;
        of(&state, "a", |names| names.turn(&[entry("C2", &["two"])], at(5), Some("next"), at(6))).await;
        let listing = of(&state, "a", |names| names.listing()).await.unwrap();
        assert_eq!(listing, Listing { begun: at(5), cursor: Some("next".into()), whole: None });
        assert_eq!(of(&state, "a", |names| names.count()).await, 2);
        of(&state, "a", |names| names.turn(&[entry("C3", &["three"])], at(5), None, at(7))).await;
        assert_eq!(of(&state, "a", |names| names.listing()).await.unwrap().whole, Some(at(7)));
        assert_eq!(ids(&of(&state, "a", |names| names.about("", 9)).await), ["C2", "C3"]);
        of(&state, "a", |names| names.turn(&[entry("C2", &["two"])], at(8), Some("next"), at(9))).await;
        assert_eq!(of(&state, "a", |names| names.listing()).await.unwrap().whole, Some(at(7)), "still believed");
    }

    #[tokio::test]
    async fn what_is_doubted_is_so_until_it_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        of(&state, "a", |names| names.keep(&[entry("C1", &["one"])], at(1))).await;
        of(&state, "a", |names| names.doubt("C1")).await;
        assert!(of(&state, "a", |names| names.with_id("C1")).await.unwrap().doubted);
        of(&state, "a", |names| names.keep(&[entry("C1", &["one"])], at(2))).await;
        assert!(!of(&state, "a", |names| names.with_id("C1")).await.unwrap().doubted);
    }
}
