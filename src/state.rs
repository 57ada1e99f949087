//! What is remembered between runs, besides tokens: names, marks, what was sent and how much. One `SQLite` file, opened on first use.
//!
//! Any number of processes share it. Everything in it can be lost without harm, so a file that is none is put aside.

pub(crate) mod marks;
pub(crate) mod names;
pub(crate) mod sent;
pub(crate) mod spent;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior};
use switchboard_kit::{Error, ErrorKind, Principal, Result};
use tracing::warn;

use crate::tokens::{Disk as _, RealDisk};

const SCHEMA: &str = include_str!("state/schema.sql");
const VERSION: i64 = 2;
/// How long a name is kept that no platform tells again. Where there is a look-up, nothing else ends it.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long to wait for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait at a time, where the database does not do so by itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Whose something is. What came by one person's token is never shown to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// For whom calls are made.
    pub principal: Principal,
    /// By which sign-in: where its tokens are kept. Two configurations may use one key for two of them.
    pub sign_in: Arc<str>,
}

impl Owner {
    /// Returns the number that stands for this owner in the file.
    pub(crate) fn id(&self, state: &Transaction<'_>) -> rusqlite::Result<i64> {
        if let Some(id) = self.known(state)? {
            return Ok(id);
        }
        state.prepare_cached("INSERT INTO owners (issuer, subject, sign_in) VALUES (?1, ?2, ?3)")?.insert(self.key())
    }

    /// Returns that number if there is one: reading gives none.
    pub(crate) fn known(&self, state: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
        let find = "SELECT id FROM owners WHERE issuer = ?1 AND subject = ?2 AND sign_in = ?3";
        state.prepare_cached(find)?.query_row(self.key(), |row| row.get(0)).optional()
    }

    fn key(&self) -> (&str, &str, &str) {
        (&self.principal.issuer, &self.principal.subject, &self.sign_in)
    }
}

/// The file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct State {
    path: Arc<PathBuf>,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl State {
    /// Remembers in this file, which need not be there yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path: Arc::new(path), connection: Arc::default() }
    }

    /// Returns whether anything can be remembered in it yet: reading makes the file, too.
    pub(crate) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Forgets all that is an owner's.
    pub(crate) async fn forget(&self, owner: Owner) -> Result<()> {
        if !self.is_there() {
            return Ok(());
        }
        let forget = "DELETE FROM owners WHERE issuer = ?1 AND subject = ?2 AND sign_in = ?3";
        self.write(move |state| state.execute(forget, owner.key()).map(drop)).await
    }

    /// Runs `work`, which changes nothing, on one unchanging view: no writer is waited for.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(TransactionBehavior::Deferred, work).await
    }

    /// Runs `work` as the only writer; its changes stay if it succeeds.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(TransactionBehavior::Immediate, work).await
    }

    /// Runs `work` off the thread that answers clients.
    async fn run<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = state.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let open = match connection.as_mut() {
                Some(open) => open,
                None => connection.insert(open(&state.path)?),
            };
            let transaction = open.transaction_with_behavior(behavior)?;
            let answer = work(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        });
        let done = done.await.map_err(|error| Error::unexpected("what is remembered was lost").caused_by(error))?;
        done.map_err(|error: rusqlite::Error| {
            Error::new(ErrorKind::Unavailable, format!("`{}` cannot be used: {error}", self.path.display()))
                .hint(advice(&error))
        })
    }
}

/// Returns what helps. A file that another process is writing is no file to move away: who has it would go on with it alone.
fn advice(error: &rusqlite::Error) -> &'static str {
    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) {
        "call again, and end the process that holds it if that goes on"
    } else {
        "make room and see that the file can be written, or end all servers and move it away: it is made anew"
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    match prepared(path) {
        Err(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)) =>
        {
            let aside = path.with_extension("broken");
            warn!(path = %path.display(), aside = %aside.display(), "What was remembered cannot be read; it is put aside");
            // If it cannot be moved, opening it again says what is wrong.
            let _ = fs::rename(path, aside);
            prepared(path)
        }
        opened => opened,
    }
}

fn prepared(path: &Path) -> rusqlite::Result<Connection> {
    // What hinders here hinders the database too, which says so.
    let _ = path.parent().map(|folder| RealDisk.create_folder(folder));
    let mut connection = Connection::open(path)?;
    let _ = RealDisk.restrict(path);
    connection.busy_timeout(PATIENCE)?;
    log_ahead(&connection)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if version(&connection)? != VERSION {
        fill(&mut connection)?;
    }
    // Whoever is writing now does so as well.
    connection.busy_timeout(Duration::ZERO)?;
    if let Ok(transaction) = connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        names::forget_before(&transaction, Timestamp::now() - KEPT)?;
        transaction.commit()?;
    }
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Has what is written go beside the file first. `SQLite` itself waits for nobody there, so that no two processes which open a fresh
/// file wait for each other.
fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < PATIENCE => {
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn fill(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Of two processes on a fresh file, one fills it while the other waits.
    if version(&transaction)? == VERSION {
        return Ok(());
    }
    // Another version's: what it remembers is not worth the code that would read it.
    let tables = transaction
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    transaction.pragma_update(None, "defer_foreign_keys", true)?;
    for table in tables {
        transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(account: &str) -> Owner {
        Owner { principal: Principal::local(), sign_in: account.into() }
    }

    async fn id(state: &State, account: &'static str) -> i64 {
        state.write(move |state| owner(account).id(state)).await.unwrap()
    }

    #[tokio::test]
    async fn what_one_process_remembers_another_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.db");
        let (one, other) = (State::at(path.clone()), State::at(path.clone()));
        assert!(!path.exists());
        let (first, second) = (id(&one, "slack").await, id(&other, "matrix").await);
        assert_ne!(first, second);
        assert_eq!((id(&other, "slack").await, id(&one, "matrix").await), (first, second));
    }

    #[tokio::test]
    async fn what_is_forgotten_takes_along_all_that_hangs_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("state.db"));
        let look = |account| {
            let look = move |state: &Transaction<'_>| marks::look(state, &owner(account), Timestamp::UNIX_EPOCH);
            state.write(look)
        };
        look("slack").await.unwrap();
        look("matrix").await.unwrap();
        state.forget(owner("slack")).await.unwrap();
        let looked = |account| state.write(move |state| marks::looked(state, &owner(account)));
        assert_eq!(looked("slack").await.unwrap(), None);
        assert!(looked("matrix").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn who_reads_waits_for_no_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        id(&State::at(path.clone()), "slack").await;
        let mut other = Connection::open(&path).unwrap();
        let writing = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let known = State::at(path).read(|state| owner("slack").known(state)).await;
        assert!(known.unwrap().is_some());
        writing.rollback().unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_none_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        fs::write(&path, "no database, but long enough to look like one".repeat(100)).unwrap();
        id(&State::at(path.clone()), "slack").await;
        assert!(path.with_extension("broken").exists());
    }

    #[tokio::test]
    async fn what_another_version_wrote_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch("CREATE TABLE owners (old); CREATE TABLE more (old); PRAGMA user_version = 77").unwrap();
        drop(old);
        id(&State::at(path), "slack").await;
    }

    #[test]
    fn what_another_process_holds_is_not_to_be_moved_away() {
        let failure = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        assert!(!advice(&failure(rusqlite::ffi::SQLITE_BUSY)).contains("move"));
        assert!(advice(&failure(rusqlite::ffi::SQLITE_CORRUPT)).contains("move"));
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().to_owned());
        let error = state.write(|state| owner("slack").id(state)).await.unwrap_err();
        assert!(error.to_string().contains(&folder.path().display().to_string()) && error.hint_text().is_some());
    }
}
