//! The few things that the token store does to a disk, so that a failing disk is another implementation.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use tempfile::{Builder, NamedTempFile};

use super::{lease::Lease, private};

/// Room that is reserved for a replacement, at least: more than token files usually need.
const ROOM: usize = 16 * 1024;

/// Largest file that is taken for a token file.
const LARGEST: u64 = 1024 * 1024;

/// A place for token files. Everything here may block.
pub trait Disk: Send + Sync {
    /// Returns the file that `path` stands for, following links.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Creates `folder`, closed to others, unless it is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Closes the file to others.
    fn restrict(&self, path: &Path) -> io::Result<()>;

    /// Returns the file's content, if there is a file.
    fn read(&self, path: &Path) -> io::Result<Option<Found>>;

    /// Creates a file beside `path`, closed to others, with room for a replacement that is certain to be there later.
    fn reserve(&self, path: &Path) -> io::Result<NamedTempFile>;

    /// Writes all of a reserved file, down to the disk.
    fn fill(&self, reserved: &mut NamedTempFile, content: &[u8]) -> io::Result<()>;

    /// Puts a reserved file in the place of `path` at once.
    fn rename(&self, reserved: NamedTempFile, path: &Path) -> io::Result<()>;

    /// Makes what happened to the names in the folder of `path` last.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Removes the file, if there is one.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes reserved files beside `path` that a crash left behind. Only for whoever holds the lock.
    fn sweep(&self, path: &Path) -> io::Result<()>;

    /// Opens the lock file, closed to others, and locks it unless someone else holds it. The error is of the kind
    /// `Unsupported` where files cannot be locked.
    fn try_lock(&self, path: &Path) -> io::Result<Option<File>>;

    /// Takes a lease, where files cannot be locked: a folder at `path`, unless someone else has made it lately.
    fn try_lease(&self, path: &Path) -> io::Result<Option<Lease>>;
}

/// A file's content, and what the file is like.
#[derive(Clone)]
pub struct Found {
    /// The content.
    pub content: Vec<u8>,
    /// Whether others than its owner may open it.
    pub open_to_others: bool,
    /// How many names it has.
    pub links: u64,
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => match fs::canonicalize(path) {
                // A link to a file that is not there yet: the first sign-in creates it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(folder(path).join(fs::read_link(path)?)),
                resolved => resolved,
            },
            _ => Ok(path.to_owned()),
        }
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        private::folder().create(folder)
    }

    fn restrict(&self, path: &Path) -> io::Result<()> {
        private::restrict(path)
    }

    fn read(&self, path: &Path) -> io::Result<Option<Found>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let (open_to_others, links) = (private::is_open_to_others(&metadata), private::links(&metadata));
        let mut content = Vec::with_capacity(usize::try_from(metadata.len().min(LARGEST)).unwrap_or_default() + 1);
        file.take(LARGEST).read_to_end(&mut content)?;
        Ok(Some(Found { content, open_to_others, links }))
    }

    fn reserve(&self, path: &Path) -> io::Result<NamedTempFile> {
        // `tempfile` opens with 0600 and only ever creates.
        let mut reserved = Builder::new().prefix(&prefix(path)).rand_bytes(12).tempfile_in(folder(path))?;
        let present = fs::metadata(path).map_or(0, |metadata| metadata.len().min(LARGEST));
        reserved.write_all(&vec![b' '; ROOM.max(usize::try_from(2 * present).unwrap_or_default())])?;
        reserved.as_file().sync_all()?;
        Ok(reserved)
    }

    fn fill(&self, reserved: &mut NamedTempFile, content: &[u8]) -> io::Result<()> {
        reserved.seek(SeekFrom::Start(0))?;
        reserved.write_all(content)?;
        reserved.as_file().set_len(content.len() as u64)?;
        reserved.as_file().sync_all()
    }

    fn rename(&self, mut reserved: NamedTempFile, path: &Path) -> io::Result<()> {
        // Windows refuses while a reader has the file open, which none has for long.
        let mut waits = if cfg!(windows) { 10 } else { 0 };
        loop {
            match reserved.persist(path) {
                Ok(_) => return Ok(()),
                Err(refused) if waits > 0 && refused.error.kind() == io::ErrorKind::PermissionDenied => {
                    waits -= 1;
                    reserved = refused.file;
                    thread::sleep(Duration::from_millis(20));
                }
                Err(refused) => return Err(refused.error),
            }
        }
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Windows has no such thing: a folder cannot be opened as a file there.
        if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn sweep(&self, path: &Path) -> io::Result<()> {
        let prefix = prefix(path);
        for entry in fs::read_dir(folder(path))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<File>> {
        let file = private::own_file().open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io::Error::new(io::ErrorKind::Unsupported, error)),
        }
    }

    fn try_lease(&self, path: &Path) -> io::Result<Option<Lease>> {
        Lease::take(path)
    }
}

/// Returns the folder that `path` lies in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns `path` with `suffix` behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn prefix(path: &Path) -> String {
    format!("{}.tmp.", path.file_name().unwrap_or_default().to_string_lossy())
}
