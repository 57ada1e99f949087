//! Taking a token file's lock: on a file beside it, or, where files cannot be locked, by a lease.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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

/// How long an attempt may take. Some network file systems never answer; then the tokens are out of reach as well.
const PROBE: Duration = Duration::from_secs(2);

/// A lock that is held until this is dropped.
pub(super) enum Held {
    File(File),
    Lease {
        #[expect(dead_code, reason = "it counts until it is dropped")]
        lease: Lease,
        /// A lock in the user's runtime folder, where there is one: surer than a lease, but on this machine only.
        local: Option<File>,
    },
}

/// The locks of token files.
pub(super) struct Locks {
    disk: Arc<dyn Disk>,
    runtime: Option<PathBuf>,
    inherited: Mutex<Option<File>>,
    /// Whether it was said already that files cannot be locked.
    warned: AtomicBool,
}

impl Locks {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, runtime: None, inherited: Mutex::default(), warned: AtomicBool::new(false) }
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
            let (locks, file) = (Arc::clone(self), path.to_owned());
            // A thread that gets no answer stays behind; it may be stuck in the kernel for good.
            let attempt = timeout(PROBE, spawn_blocking(move || locks.attempt(&file))).await;
            match attempt {
                Ok(Ok(Ok(Some(held)))) => return Ok(held),
                Ok(Ok(Ok(None))) => {}
                Ok(Ok(Err(error))) => return Err(write_failed(path, error)),
                Ok(Err(broken)) => return Err(Error::unexpected("the lock broke off").caused_by(broken)),
                // To lock elsewhere now would be to lock in another place than processes that got an answer.
                Err(_) => return Err(silent(path)),
            }
            if started.elapsed() >= PATIENCE {
                let (locks, file) = (Arc::clone(self), path.to_owned());
                let holder = spawn_blocking(move || locks.holder(&file)).await.ok().flatten();
                return Err(stuck(path, holder));
            }
            sleep(Duration::from_millis(rand::random_range(10..=50))).await;
        }
    }

    /// Returns the lock that was passed on, if it is this file's.
    fn inherited(&self, path: &Path) -> Option<File> {
        let inherited = self.inherited.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        // Whoever has it already gets it again; anyone else does not.
        (private::is_the_file(&inherited, &beside(path, ".lock")) && inherited.try_lock().is_ok()).then_some(inherited)
    }

    /// Tries once. Blocks while it does.
    fn attempt(&self, path: &Path) -> io::Result<Option<Held>> {
        match self.disk.try_lock(&beside(path, ".lock")) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.without_locks(path),
            attempt => Ok(attempt?.map(Held::File)),
        }
    }

    /// Takes a lease, which every process sees, and a lock on this machine if there is a place for one.
    fn without_locks(&self, path: &Path) -> io::Result<Option<Held>> {
        if !self.warned.swap(true, Ordering::Relaxed) {
            warn!(path = %path.display(), "Files cannot be locked there; taking leases instead");
        }
        let local = match self.local(path) {
            Some(lock) => {
                self.disk.create_folder(folder(&lock))?;
                let Some(local) = self.disk.try_lock(&lock)? else { return Ok(None) };
                Some(local)
            }
            None => None,
        };
        Ok(self.disk.try_lease(&beside(path, ".lease"))?.map(|lease| Held::Lease { lease, local }))
    }

    /// Returns the file in the runtime folder that stands for a token file.
    fn local(&self, path: &Path) -> Option<PathBuf> {
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(path.as_os_str().as_encoded_bytes()));
        Some(self.runtime.as_ref()?.join(name + ".lock"))
    }

    /// Returns who holds the lock now. Blocks for a moment.
    pub(super) fn holder(&self, path: &Path) -> Option<Holder> {
        let locks = [Some(beside(path, ".lock")), self.local(path)];
        let leased = || {
            let since = Lease::since(&beside(path, ".lease"))?;
            Some(Holder { process: None, since: Timestamp::try_from(since).ok() })
        };
        locks.into_iter().flatten().find_map(|lock| self.holder_of(&lock)).or_else(leased)
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
}

/// Says who holds the lock and does not let go.
fn stuck(path: &Path, holder: Option<Holder>) -> Error {
    let process = holder.and_then(|holder| holder.process);
    let process = process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
    Error::new(ErrorKind::StoreLocked, format!("{process} holds the lock of `{}` and does not let go", path.display()))
        .hint(format!("end {process} if it hangs, then try again"))
}

/// Reports a file system that gives no answer.
fn silent(path: &Path) -> Error {
    let message = format!("the file system of `{}` does not answer when it is asked for a lock", path.display());
    Error::new(ErrorKind::StoreLocked, message).hint("try again, or set `token_path` to a folder on a local disk")
}

impl Held {
    /// Leaves a note for whoever waits and wants to know for whom; the lock itself needs none.
    pub(super) fn sign(&mut self) {
        use io::{Seek as _, Write as _};
        let (Self::File(file) | Self::Lease { local: Some(file), .. }) = self else { return };
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = writeln!(file, "{} {}", process::id(), Timestamp::now());
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
