//! One token file under its lock: read once, replaced whole or not at all.

use std::{path::PathBuf, process::Stdio, sync::Arc, thread};

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard_kit::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};

use super::{
    super::{
        LockedTokens, Record,
        disk::{Disk, beside},
    },
    BETWEEN_READS, READS,
    content::{self, Content},
    lock::Held,
    write_failed,
};

/// A token file that no other process changes until this is dropped.
pub(super) struct LockedFile {
    work: Option<Work>,
    current: Option<Record>,
}

/// What goes to the blocking threads and back.
struct Work {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    reserved: Option<NamedTempFile>,
    corrupt: bool,
    held: Held,
}

impl LockedFile {
    /// Reads the file and reserves the room for its replacement, while there is nothing to lose yet.
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf, mut held: Held) -> Result<Self> {
        held.sign();
        // Only holders reserve, so whatever was reserved is a crash's, and may hold tokens.
        if let Err(error) = disk.sweep(&path) {
            debug!(path = %path.display(), %error, "Could not remove what a crash left behind");
        }
        // Reading closes to others what they could open: with the lock file they could keep everyone waiting.
        drop(content::read(&*disk, &beside(&path, ".lock")));
        let found = content::read(&*disk, &path)?;
        if let Some(found) = found.as_ref().filter(|found| found.links > 1) {
            let message = format!("`{}` has {} names, and only one could be replaced", path.display(), found.links);
            return Err(Error::new(ErrorKind::StoreWriteFailed, message)
                .hint("remove the other hard links, or make them symbolic links"));
        }
        let mut content = found.map_or(Content::Missing, |found| Content::parse(&found.content));
        for _ in 1..READS {
            if let Content::Corrupt(_) = content {
                thread::sleep(BETWEEN_READS); // another program may be half way through writing
                content = Content::read(&*disk, &path)?;
            }
        }
        let corrupt = matches!(content, Content::Corrupt(_));
        let current = if let Content::Whole(record) = content { Some(*record) } else { None };
        let reserved = Some(disk.reserve(&path).map_err(|error| write_failed(&path, error))?);
        Ok(Self { work: Some(Work { disk, path, reserved, corrupt, held }), current })
    }

    /// Runs `act` where it may block. If the caller goes away, it ends all the same, and then unlocks.
    async fn blocking(&mut self, act: impl FnOnce(&mut Work) -> Result<()> + Send + 'static) -> Result<()> {
        let mut work = self.work.take().ok_or_else(broken)?;
        let (work, done) = spawn_blocking(move || {
            let done = act(&mut work);
            (work, done)
        })
        .await
        .map_err(|panicked| broken().caused_by(panicked))?;
        self.work = Some(work);
        done
    }
}

#[async_trait]
impl LockedTokens for LockedFile {
    fn current(&self) -> Option<&Record> {
        self.current.as_ref()
    }

    fn hand_over(&self) -> Option<Stdio> {
        self.work.as_ref()?.held.shared().map(Stdio::from)
    }

    async fn replace(&mut self, record: Record) -> Result<()> {
        if let Some(current) = &self.current
            && record.generation <= current.generation
        {
            let message = format!("generation {} cannot replace {}", record.generation, current.generation);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let mut content = serde_json::to_vec_pretty(&record)
            .map_err(|_| Error::unexpected("the token record cannot be written as JSON"))?;
        content.push(b'\n');
        let known = self.current.as_ref().map(|current| current.generation);
        self.blocking(move |work| work.replace(&content, known)).await?;
        self.current = Some(record);
        Ok(())
    }

    async fn remove(&mut self) -> Result<()> {
        self.blocking(Work::remove).await?;
        self.current = None;
        Ok(())
    }
}

impl Work {
    fn replace(&mut self, content: &[u8], known: Option<u64>) -> Result<()> {
        if let Held::Lease { .. } = self.held {
            self.check_lease(known)?;
        }
        if self.corrupt {
            self.keep_corrupt()?;
            self.corrupt = false;
        }
        let reserved = self.reserved.take().map_or_else(|| self.disk.reserve(&self.path), Ok);
        let written = reserved.and_then(|mut reserved| {
            self.disk.fill(&mut reserved, content)?;
            self.disk.rename(reserved, &self.path)
        });
        written.map_err(|error| write_failed(&self.path, error))?;
        self.sync_folder();
        Ok(())
    }

    /// Someone who thought that our lease was over may have written meanwhile.
    fn check_lease(&self, known: Option<u64>) -> Result<()> {
        let found = match Content::read(&*self.disk, &self.path)? {
            Content::Whole(record) => Some(record.generation),
            Content::Missing | Content::Corrupt(_) => None,
        };
        if self.corrupt || found == known {
            return Ok(());
        }
        let message = format!("`{}` was replaced by another process meanwhile", self.path.display());
        Err(Error::new(ErrorKind::Conflict, message).hint("try again"))
    }

    fn remove(&mut self) -> Result<()> {
        self.disk.remove(&self.path).map_err(|error| write_failed(&self.path, error))?;
        self.sync_folder();
        Ok(())
    }

    /// Copies what could not be read aside: perhaps a person can.
    fn keep_corrupt(&self) -> Result<()> {
        let copy = beside(&self.path, &format!(".corrupt-{}", Timestamp::now().as_millisecond()));
        let kept = self.disk.read(&self.path).and_then(|content| {
            let mut reserved = self.disk.reserve(&copy)?;
            self.disk.fill(&mut reserved, &content.map(|found| found.content).unwrap_or_default())?;
            self.disk.rename(reserved, &copy)
        });
        kept.map_err(|error| write_failed(&copy, error))?;
        warn!(copy = %copy.display(), "Kept a copy of a token file that could not be read");
        Ok(())
    }

    /// The new file is in place by now; only a power cut could bring the old one back.
    fn sync_folder(&self) {
        if let Err(error) = self.disk.sync_folder(&self.path) {
            warn!(path = %self.path.display(), %error, "Could not make a new token file last");
        }
    }
}

fn broken() -> Error {
    Error::unexpected("the token store broke off while it used the disk")
}
