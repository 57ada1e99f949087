//! Tokens in files, one for each account, shared with every other process of this user.

mod content;
mod lock;
mod locked;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Principal, Result,
    host::{ExposeSecret as _, Secret},
};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    Holder, LockedTokens, Record, TokenKey, TokenStore,
    disk::{Disk, RealDisk, folder},
};
use content::Content;
use lock::Locks;
use locked::LockedFile;

/// How often, and how long apart, a file is read again that another program may be half way through writing.
const READS: u32 = 4;
const BETWEEN_READS: Duration = Duration::from_millis(20);

/// Keeps the local user's tokens in one file for each account.
#[derive(Clone)]
pub struct FileStore {
    paths: Arc<BTreeMap<AccountKey, PathBuf>>,
    disk: Arc<dyn Disk>,
    locks: Arc<Locks>,
    /// What each file held when it was read last: most often it is the same.
    seen: Arc<Mutex<BTreeMap<AccountKey, (Secret, Record)>>>,
}

impl FileStore {
    /// Keeps each account's tokens at its path.
    pub fn new(paths: BTreeMap<AccountKey, PathBuf>) -> Self {
        Self::on(Arc::new(RealDisk), paths)
    }

    /// Does the same on a disk of the caller's choice.
    pub fn on(disk: Arc<dyn Disk>, paths: BTreeMap<AccountKey, PathBuf>) -> Self {
        Self { paths: Arc::new(paths), locks: Arc::new(Locks::new(disk.clone())), disk, seen: Arc::default() }
    }

    /// Locks in this folder, which must be this machine's and this user's, where files cannot be locked in their place.
    pub fn with_runtime_folder(mut self, folder: Option<PathBuf>) -> Self {
        self.locks = Arc::new(Locks::new(self.disk.clone()).with_runtime_folder(folder));
        self
    }

    /// Begins with a lock that another process of ours has taken and passed on.
    pub fn inherit(&self, lock: File) {
        self.locks.inherit(lock);
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
        work: impl FnOnce(Arc<dyn Disk>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = Arc::clone(&self.disk);
        spawn_blocking(move || work(disk)).await.unwrap_or_else(|broken| {
            Err(Error::unexpected("the token store broke off while it used the disk").caused_by(broken))
        })
    }

    /// Reads on the spot: that takes a few microseconds, before every request, and another thread would take longer.
    fn read(&self, key: &TokenKey, path: &Path) -> Result<Content> {
        let Some(found) = content::read(&*self.disk, path)? else { return Ok(Content::Missing) };
        let content = found.content;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, record)) = seen.get(&key.account)
            && last.expose_secret().as_bytes() == content
        {
            return Ok(Content::Whole(Box::new(record.clone())));
        }
        let parsed = Content::parse(&content);
        if let (Content::Whole(record), Ok(text)) = (&parsed, String::from_utf8(content)) {
            seen.insert(key.account.clone(), (text.into(), (**record).clone()));
        }
        Ok(parsed)
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn load(&self, key: &TokenKey) -> Result<Option<Record>> {
        let path = self.path(key)?;
        let mut reads = 1;
        loop {
            match self.read(key, &path)? {
                Content::Missing => return Ok(None),
                Content::Whole(record) => return Ok(Some(*record)),
                Content::Corrupt(found) if reads == READS => return Err(content::corrupt(&path, &found)),
                Content::Corrupt(_) => sleep(BETWEEN_READS).await,
            }
            reads += 1;
        }
    }

    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedTokens>> {
        let path = self.path(key)?;
        let path = self
            .blocking(move |disk| {
                let failed = |error| write_failed(&path, error);
                let path = disk.resolve(&path).map_err(failed)?;
                disk.create_folder(folder(&path)).map_err(failed)?;
                Ok(path)
            })
            .await?;
        let held = self.locks.take(&path).await?;
        let locked = self.blocking(move |disk| LockedFile::new(disk, path, held)).await?;
        Ok(Box::new(locked))
    }

    async fn holder(&self, key: &TokenKey) -> Result<Option<Holder>> {
        let path = self.path(key)?;
        let locks = self.locks.clone();
        self.blocking(move |disk| Ok(disk.resolve(&path).ok().and_then(|path| locks.holder(&path)))).await
    }
}

/// Reports a file that could not be replaced.
fn write_failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::StoreWriteFailed, format!("`{}` cannot be written: {error}", path.display()))
        .hint(format!("make sure that `{}` is writable and has space left, then try again", folder(path).display()))
        .caused_by(error)
}
