//! The state file: one database, shared by any number of processes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::seed;
use crate::{Error, Result};

const VERSION: i64 = 1;
const PATIENCE: Duration = Duration::from_secs(15);
const MOST_IDLE: usize = 4;

/// Runs transactions on blocking threads, each on a connection of its own.
#[derive(Clone)]
pub(crate) struct Store {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Store {
    /// Opens the file, and fills it if it is new.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.into(), source })?;
        }
        own(path).map_err(|source| Error::Folder { path: path.into(), source })?;
        let failed = |source| Error::Database { path: path.into(), source };
        let mut connection = connect(path).map_err(failed)?;
        use_write_ahead_log(&connection).map_err(failed)?;
        // The write lock is taken before looking, so of two processes on a fresh file one fills it and the other waits.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        match transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)? {
            VERSION => {}
            0 => fill(&transaction).map_err(failed)?,
            found => {
                return Err(Error::Version { path: path.into(), found });
            }
        }
        transaction.execute_batch(include_str!("indexes.sql")).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Self { path: Arc::new(path.into()), idle: Arc::new(Mutex::new(vec![connection])) })
    }

    /// Fills it up to so many people and conversations.
    pub(crate) fn crowd(&self, people: u32, conversations: u32) -> Result<()> {
        let crowd = |connection: &mut Connection| {
            transact(connection, TransactionBehavior::Immediate, |state| seed::crowd(state, people, conversations))
        };
        let crowded = self.connection().and_then(|mut connection| {
            crowd(&mut connection)?;
            self.keep(connection);
            Ok(())
        });
        crowded.map_err(|source| Error::Database { path: self.path.to_path_buf(), source })
    }

    /// Runs `work` on one unchanging view of the state.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
    {
        self.run(TransactionBehavior::Deferred, work).await
    }

    /// Runs `work` as the only writer; its changes stay if it answers `Ok`.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
    {
        self.run(TransactionBehavior::Immediate, work).await
    }

    async fn run<T, E>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
    {
        let store = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut connection = store.connection()?;
            let answer = transact(&mut connection, behavior, work);
            store.keep(connection);
            answer
        });
        match task.await {
            Ok(answer) => answer,
            Err(failure) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that is shutting down cancels blocking work.
                Err(_) => Err(rusqlite::Error::InvalidQuery.into()),
            },
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect(&self.path), Ok)
    }
}

fn transact<T, E: From<rusqlite::Error>>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// Makes the file its owner's alone before anything is in it; the journals beside it are given the same mode.
fn own(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Switches the file to its journal mode, once for all processes.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            // SQLite does not wait for this lock by itself when two processes want it at once.
            Err(error) if is_busy(&error) && begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn fill(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(include_str!("schema.sql"))?;
    seed::plant(transaction)?;
    transaction.pragma_update(None, "user_version", VERSION)
}
