//! Tokens in files, one for each account, shared with every other process of this user.

mod content;
mod locked;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{AccountKey, Error, ErrorKind, Principal, Result};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    LockedTokens, Record, TokenKey, TokenStore,
    disk::{Disk, RealDisk, beside, folder},
};
use content::Content;
use locked::LockedFile;

/// How long anyone waits for another process to let go.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often, and how long apart, a file is read again that another program may be half way through writing.
const READS: u32 = 4;
const BETWEEN_READS: Duration = Duration::from_millis(20);

/// Keeps the local user's tokens in one file for each account.
#[derive(Clone)]
pub struct FileStore {
    paths: Arc<BTreeMap<AccountKey, PathBuf>>,
    disk: Arc<dyn Disk>,
}

impl FileStore {
    /// Keeps each account's tokens at its path.
    pub fn new(paths: BTreeMap<AccountKey, PathBuf>) -> Self {
        Self::on(Arc::new(RealDisk), paths)
    }

    /// Does the same on a disk of the caller's choice.
    pub fn on(disk: Arc<dyn Disk>, paths: BTreeMap<AccountKey, PathBuf>) -> Self {
        Self { paths: Arc::new(paths), disk }
    }

    fn path(&self, key: &TokenKey) -> Result<PathBuf> {
        if key.principal != Principal::local() {
            return Err(Error::new(ErrorKind::Forbidden, "token files are the local user's alone"));
        }
        self.paths.get(&key.account).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("no token file is configured for the account `{}`", key.account))
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Disk) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = Arc::clone(&self.disk);
        spawn_blocking(move || work(&*disk)).await.unwrap_or_else(|broken| {
            Err(Error::unexpected("the token store broke off while it used the disk").caused_by(broken))
        })
    }

    /// Reads on the spot: that takes a few microseconds, before every request, and another thread would take longer.
    fn read(&self, path: &Path) -> Result<Content> {
        Content::read(&*self.disk, path)
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<Record>> {
        let path = self.path(key)?;
        for _ in 1..READS {
            match self.read(&path)? {
                Content::Missing => return Ok(None),
                Content::Whole(record) => return Ok(Some(*record)),
                Content::Corrupt(_) => sleep(BETWEEN_READS).await,
            }
        }
        match self.read(&path)? {
            Content::Missing => Ok(None),
            Content::Whole(record) => Ok(Some(*record)),
            Content::Corrupt(found) => Err(content::corrupt(&path, &found)),
        }
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedTokens>> {
        let (path, started) = (self.path(key)?, Instant::now());
        let (path, lock) = self
            .blocking(move |disk| {
                let failed = |error| write_failed(&path, error);
                let path = disk.resolve(&path).map_err(failed)?;
                disk.create_folder(folder(&path)).map_err(failed)?;
                let lock = beside(&path, ".lock");
                Ok((path, lock))
            })
            .await?;
        loop {
            let (path, attempt) = (path.clone(), lock.clone());
            let disk = Arc::clone(&self.disk);
            let locked = self
                .blocking(move |_| match disk.try_lock(&attempt) {
                    Ok(Some(held)) => LockedFile::new(disk, path, held).map(Some),
                    Ok(None) => Ok(None),
                    Err(error) => Err(write_failed(&attempt, error)),
                })
                .await?;
            if let Some(locked) = locked {
                return Ok(Box::new(locked));
            }
            if started.elapsed() >= PATIENCE {
                return Err(self.held(lock).await);
            }
            sleep(Duration::from_millis(rand::random_range(10..=50))).await;
        }
    }
}

impl FileStore {
    /// Says who holds the lock.
    async fn held(&self, lock: PathBuf) -> Error {
        let name = lock.display().to_string();
        let written = self.blocking(move |disk| Ok(disk.read(&lock).ok().flatten().unwrap_or_default())).await;
        let process = String::from_utf8_lossy(&written.unwrap_or_default())
            .split_whitespace()
            .next()
            .and_then(|process| process.parse::<u32>().ok())
            .map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
        Error::new(ErrorKind::StoreLocked, format!("{process} holds `{name}` and does not let go"))
            .hint(format!("end {process} if it hangs, then try again"))
    }
}

/// Reports a file that could not be replaced.
fn write_failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::StoreWriteFailed, format!("`{}` cannot be written: {error}", path.display()))
        .hint(format!("make sure that `{}` is writable and has space left, then try again", folder(path).display()))
        .caused_by(error)
}
