//! Whether the tokens' folder can be written and locked, and who else may open what is in it.

use std::{
    fs::TryLockError,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    super::standing::holding,
    check::{Check, Mark},
};
use crate::{
    accounts::quoted,
    tokens::{Disk as _, Holder, RealDisk},
};

/// How long a file system may take: one on another machine may never answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a process may hold the lock that does what it should.
const LONGEST_RENEWAL: SignedDuration = SignedDuration::from_secs(20);

/// Room that a renewal reserves before it spends a refresh token.
const ROOM: usize = 16 * 1024;

/// What helps where a file system does not do what it should.
const LOCAL: &str = "set `token_path` to a folder on a local disk";

/// Checks who may open the folder, the token file and its lock. The error is a disk that nothing more can be asked of.
pub(super) async fn permissions(tokens: &Path) -> Result<Check, Check> {
    in_time("permissions", tokens, modes).await
}

/// Checks whether a renewal could reserve room and keep others out, and says who does so now.
pub(super) async fn lock(tokens: &Path, holder: Option<Holder>, now: Timestamp) -> Check {
    let check = in_time("lock", tokens, room_and_lock).await.unwrap_or_else(|check| check);
    match holder {
        Some(holder) if check.mark == Mark::Ok => held(&holder, now),
        _ => check,
    }
}

/// Looks at the disk where it may block, and for no longer than that.
async fn in_time(name: &'static str, tokens: &Path, look: fn(&Path) -> Check) -> Result<Check, Check> {
    let path = tokens.to_owned();
    let look = move || look(&RealDisk.resolve(&path).unwrap_or(path));
    if let Ok(Ok(check)) = timeout(PATIENCE, spawn_blocking(look)).await {
        return Ok(check);
    }
    let message = format!("the file system of `{}` does not answer", folder(tokens).display());
    Err(Check::failed(name, message, Some(LOCAL)))
}

fn held(holder: &Holder, now: Timestamp) -> Check {
    const NAME: &str = "lock";
    let message = format!("held by {}", holding(holder, now));
    if holder.since.is_none_or(|since| since.duration_until(now) < LONGEST_RENEWAL) {
        return Check::ok(NAME, message);
    }
    let process = holder.process.map_or_else(|| "that process".into(), |process| format!("process {process}"));
    Check::warning(NAME, message, format!("end {process} if it hangs"))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn modes(tokens: &Path) -> Check {
    const NAME: &str = "permissions";
    let folder = folder(tokens);
    if !folder.exists() {
        return Check::ok(NAME, format!("`{}` is not there yet", folder.display()));
    }
    let mut lock = tokens.as_os_str().to_owned();
    lock.push(".lock");
    if let Some(mode) = mode(folder).filter(|mode| mode & 0o002 != 0) {
        let message = format!("anyone may replace what is in `{}` (mode {mode:04o})", folder.display());
        return Check::failed(NAME, message, Some(&closing(0o700, folder)));
    }
    if let Some(mode) = mode(tokens).filter(|mode| mode & 0o077 != 0) {
        let message =
            format!("others could read `{}` (mode {mode:04o}), which is closed to them now", tokens.display());
        return Check::warning(NAME, message, "if others use this machine, log out and sign in again");
    }
    for (path, wanted) in [(PathBuf::from(lock), 0o600), (folder.to_owned(), 0o700)] {
        if let Some(mode) = mode(&path).filter(|mode| mode & 0o077 != 0) {
            let message = format!("others may open `{}` (mode {mode:04o})", path.display());
            return Check::warning(NAME, message, closing(wanted, &path));
        }
    }
    Check::ok(NAME, format!("`{}` is yours alone", folder.display()))
}

fn closing(mode: u32, path: &Path) -> String {
    format!("run `chmod {mode:03o} {}`", quoted(&path.display().to_string()))
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(path.metadata().ok()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

fn room_and_lock(tokens: &Path) -> Check {
    const NAME: &str = "lock";
    let Some(folder) = folder(tokens).ancestors().find(|folder| folder.is_dir()) else {
        return Check::failed(NAME, "there is no folder for the tokens", Some(LOCAL));
    };
    let shown = folder.display();
    match probe(folder) {
        Ok(true) => Check::ok(NAME, format!("`{shown}` can be written and locked")),
        Ok(false) => Check::failed(NAME, format!("the file system of `{shown}` locks nobody out"), Some(LOCAL)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let message =
                format!("the file system of `{shown}` has no locks; only this machine's processes are kept out");
            Check::warning(NAME, message, LOCAL)
        }
        Err(error) => {
            let fix = format!("make sure that `{shown}` is writable, has space left and can be locked");
            Check::failed(NAME, format!("`{shown}` cannot be written and locked: {error}"), Some(&fix))
        }
    }
}

/// Returns whether a lock keeps out whoever opens the file anew.
fn probe(folder: &Path) -> io::Result<bool> {
    let mut first = tempfile::Builder::new().prefix(".switchboard-probe.").tempfile_in(folder)?;
    first.write_all(&[b' '; ROOM])?;
    first.as_file().sync_all()?;
    let unwrapped = |error| match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
    };
    first.as_file().try_lock().map_err(unwrapped)?;
    match first.reopen()?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(error) => Err(unwrapped(error)),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_may_open_is_named_with_the_way_to_close_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("account");
        let tokens = folder.join("token.json");
        assert_eq!(modes(&tokens).mark, Mark::Ok, "nothing is there yet");
        fs::create_dir(&folder).unwrap();
        fs::write(&tokens, "{}").unwrap();
        fs::write(folder.join("token.json.lock"), "").unwrap();
        for (folder_mode, tokens_mode, lock_mode, mark, fix) in [
            (0o700, 0o600, 0o600, Mark::Ok, ""),
            (0o777, 0o600, 0o600, Mark::Failed, "chmod 700"),
            (0o755, 0o600, 0o600, Mark::Warning, "chmod 700"),
            (0o700, 0o640, 0o600, Mark::Warning, "log out"),
            (0o700, 0o600, 0o644, Mark::Warning, "chmod 600"),
        ] {
            set(&folder, folder_mode);
            set(&tokens, tokens_mode);
            set(&folder.join("token.json.lock"), lock_mode);
            let check = modes(&tokens);
            assert_eq!(check.mark, mark, "{check:?}");
            assert!(check.fix.unwrap_or_default().contains(fix));
        }
    }

    #[test]
    fn a_lock_that_is_held_for_long_is_suspicious() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let holder = |seconds| Holder { process: Some(7), since: Some(now - SignedDuration::from_secs(seconds)) };
        assert_eq!(
            (held(&holder(3), now).mark, held(&holder(3), now).message),
            (Mark::Ok, "held by process 7 for 3 s".into())
        );
        assert_eq!(held(&holder(25), now).fix.as_deref(), Some("end process 7 if it hangs"));
    }

    #[test]
    fn a_folder_that_takes_a_file_and_a_lock_is_good() {
        let root = tempfile::tempdir().unwrap();
        let check = room_and_lock(&root.path().join("not").join("yet").join("token.json"));
        assert_eq!(check.mark, Mark::Ok, "{check:?}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
