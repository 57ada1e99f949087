//! Taking a token file's lock: on a file beside it, or, where files cannot be locked, in the user's runtime folder, or by a
//! lease.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use tracing::warn;

use super::{
    super::{
        Holder,
        disk::{Disk, beside, folder},
        lease::Lease,
        private,
    },
    write_failed,
};

/// How long anyone waits for another process to let go: a little less than their callers wait for them.
const PATIENCE: Duration = Duration::from_millis(19_500);

/// How long the first attempt may take. Some network file systems never answer.
const PROBE: Duration = Duration::from_secs(2);

/// A lock that is held until this is dropped.
pub(super) enum Held {
    File(File),
    Lease(#[expect(dead_code, reason = "it counts until it is dropped")] Lease),
}

/// Where a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On a file beside the token file: seen by all who see that, in containers too.
    Beside,
    /// On a file in the user's runtime folder: seen on this machine.
    Runtime,
    /// A lease beside the token file.
    Lease,
}

/// The locks of token files, each in the first place that works.
pub(super) struct Locks {
    disk: Arc<dyn Disk>,
    runtime: Option<PathBuf>,
    inherited: Mutex<Option<File>>,
    places: Mutex<BTreeMap<PathBuf, Place>>,
}

impl Locks {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, runtime: None, inherited: Mutex::default(), places: Mutex::default() }
    }

    pub(super) fn with_runtime_folder(mut self, folder: Option<PathBuf>) -> Self {
        self.runtime = folder;
        self
    }

    pub(super) fn inherit(&self, lock: File) {
        *self.inherited.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
    }

    /// Waits for the lock of the token file at `path`.
    pub(super) async fn take(self: &Arc<Self>, path: &Path) -> Result<Held> {
        if let Some(inherited) = self.inherited(path) {
            return Ok(Held::File(inherited));
        }
        let started = Instant::now();
        loop {
            let known = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
            let attempt = match known {
                Some(place) => self.attempt(place, path).await.map_err(|error| write_failed(path, error))?,
                None => self.probe(path).await?,
            };
            if let Some(held) = attempt {
                return Ok(held);
            }
            if started.elapsed() >= PATIENCE {
                let (locks, path) = (Arc::clone(self), path.to_owned());
                let stuck = spawn_blocking(move || locks.stuck(&path)).await;
                return Err(stuck.unwrap_or_else(|broken| Error::unexpected("the lock broke off").caused_by(broken)));
            }
            sleep(Duration::from_millis(rand::random_range(10..=50))).await;
        }
    }

    /// Returns the lock that was passed on, if it is this file's.
    fn inherited(&self, path: &Path) -> Option<File> {
        let inherited = self.inherited.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let ours = [Place::Beside, Place::Runtime].into_iter().filter_map(|place| self.file(place, path));
        let is_ours = ours.into_iter().any(|lock| private::is_the_file(&inherited, &lock));
        // Whoever has it already gets it again; anyone else does not.
        (is_ours && inherited.try_lock().is_ok()).then_some(inherited)
    }

    /// Tries all places for the first time, and stays with the one that works.
    async fn probe(self: &Arc<Self>, path: &Path) -> Result<Option<Held>> {
        for place in [Place::Beside, Place::Runtime, Place::Lease] {
            let attempt = match timeout(PROBE, self.attempt(place, path)).await {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Unsupported => continue,
                // The thread stays behind; it may be stuck in the kernel for good.
                Err(_) => continue,
                Ok(attempt) => attempt,
            };
            if place != Place::Beside {
                warn!(path = %path.display(), ?place, "Files cannot be locked there; locking elsewhere");
            }
            self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), place);
            return attempt.map_err(|error| write_failed(path, error));
        }
        Err(Error::new(ErrorKind::StoreLocked, format!("`{}` cannot be locked", path.display()))
            .hint("set `token_path` to a folder on a local disk"))
    }

    async fn attempt(self: &Arc<Self>, place: Place, path: &Path) -> io::Result<Option<Held>> {
        let (locks, path) = (Arc::clone(self), path.to_owned());
        let attempt = spawn_blocking(move || match locks.file(place, &path) {
            Some(lock) => {
                if place == Place::Runtime {
                    locks.disk.create_folder(folder(&lock))?;
                }
                locks.disk.try_lock(&lock).map(|held| held.map(Held::File))
            }
            None if place == Place::Lease => {
                locks.disk.try_lease(&beside(&path, ".lease")).map(|held| held.map(Held::Lease))
            }
            None => Err(io::ErrorKind::Unsupported.into()),
        });
        attempt.await.unwrap_or_else(|broken| Err(io::Error::other(broken)))
    }

    fn file(&self, place: Place, path: &Path) -> Option<PathBuf> {
        match place {
            Place::Beside => Some(beside(path, ".lock")),
            Place::Runtime => {
                let name = URL_SAFE_NO_PAD.encode(Sha256::digest(path.as_os_str().as_encoded_bytes()));
                Some(self.runtime.as_ref()?.join("switchboard").join(name + ".lock"))
            }
            Place::Lease => None,
        }
    }

    /// Returns who holds the lock now, wherever it is. Blocks for a moment.
    pub(super) fn holder(&self, path: &Path) -> Option<Holder> {
        let locks = [Place::Beside, Place::Runtime].into_iter().filter_map(|place| self.file(place, path));
        locks.into_iter().find_map(|lock| self.holder_of(&lock))
    }

    fn holder_of(&self, lock: &Path) -> Option<Holder> {
        let noted = self.disk.read(lock).ok()??;
        match self.disk.try_lock(lock) {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return None,
        }
        let noted = String::from_utf8_lossy(&noted.content);
        let mut words = noted.split_whitespace();
        Some(Holder {
            process: words.next().and_then(|word| word.parse().ok()),
            since: words.next().and_then(|word| word.parse().ok()),
        })
    }

    /// Says who holds the lock and does not let go.
    fn stuck(&self, path: &Path) -> Error {
        let process = self.holder(path).and_then(|holder| holder.process);
        let process = process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
        let lock = beside(path, ".lock");
        Error::new(ErrorKind::StoreLocked, format!("{process} holds `{}` and does not let go", lock.display()))
            .hint(format!("end {process} if it hangs, then try again"))
    }
}

impl Held {
    /// Leaves a note for whoever waits and wants to know for whom; the lock itself needs none.
    pub(super) fn sign(&mut self) {
        use io::{Seek as _, Write as _};
        if let Self::File(file) = self {
            let _ = file.set_len(0).and_then(|()| file.rewind());
            let _ = writeln!(file, "{} {}", process::id(), Timestamp::now());
        }
    }

    /// Returns another handle of the same lock, which holds it as well.
    pub(super) fn shared(&self) -> Option<File> {
        match self {
            // Elsewhere a lock belongs to the process that took it.
            Self::File(file) if cfg!(unix) => file.try_clone().ok(),
            _ => None,
        }
    }
}
