//! A lock for file systems that have none: a folder, which only one process can make, and which counts for two minutes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    disk::{beside, folder},
    private,
};

/// How long a lease counts: longer than any renewal takes.
const TERM: Duration = Duration::from_mins(2);

/// A folder that was made here. Dropping it gives it back.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    made: SystemTime,
}

impl Lease {
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        match private::folder().recursive(false).create(path) {
            Ok(()) => return Ok(Some(Self { path: path.into(), made: fs::metadata(path)?.modified()? })),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
        }
        if is_over(path) {
            // Moving it away first makes sure that of two who find it over only one clears it.
            let aside = beside(path, &format!(".{:016x}", rand::random::<u64>()));
            if fs::rename(path, &aside).is_ok() {
                // Somebody was faster, and this is the new one: give it back, unless there is yet another.
                if is_over(&aside) || fs::rename(&aside, path).is_err() {
                    fs::remove_dir(&aside)?;
                }
            }
        }
        Ok(None)
    }

    /// Returns when a lease that counts was taken, if there is one.
    pub(super) fn since(path: &Path) -> Option<SystemTime> {
        let made = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
        Some(made).filter(|_| !is_over(path))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let ours = fs::metadata(&self.path).and_then(|metadata| metadata.modified());
        if ours.is_ok_and(|made| made == self.made) {
            // If it stays, it is over soon.
            drop(fs::remove_dir(&self.path));
        }
    }
}

fn is_over(path: &Path) -> bool {
    let age = |made: SystemTime| Some(now_at(path)?.duration_since(made).is_ok_and(|age| age > TERM));
    let made = fs::metadata(path).and_then(|metadata| metadata.modified());
    made.ok().and_then(age).unwrap_or(false)
}

/// Returns the time by the clock that dates what is in the folder of `path`: a file server's may not be ours.
fn now_at(path: &Path) -> Option<SystemTime> {
    tempfile::Builder::new()
        .prefix(".switchboard-clock.")
        .tempfile_in(folder(path))
        .ok()?
        .as_file()
        .metadata()
        .ok()?
        .modified()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn one_holds_it_until_it_is_given_back() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("token.json.lease");
        let held = Lease::take(&path).unwrap().unwrap();
        assert!(Lease::take(&path).unwrap().is_none());
        drop(held);
        assert!(Lease::take(&path).unwrap().is_some());
        assert_eq!(0, fs::read_dir(folder.path()).unwrap().count());
    }

    #[cfg(unix)]
    #[test]
    fn what_a_crash_left_is_cleared_after_its_term() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("token.json.lease");
        fs::create_dir(&path).unwrap();
        assert!(Lease::take(&path).unwrap().is_none());
        File::open(&path).unwrap().set_modified(SystemTime::now() - TERM - Duration::from_secs(1)).unwrap();
        assert!(Lease::take(&path).unwrap().is_none());
        let held = Lease::take(&path).unwrap().unwrap();
        // A lease that was cleared and taken by another is not the first one's to give back.
        File::open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(1)).unwrap();
        drop(held);
        assert!(path.exists());
    }
}
