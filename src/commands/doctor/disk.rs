//! Whether the tokens' folder can be written and locked, and who else may open what is in it.

use std::{
    fs::TryLockError,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::timeout};

use super::check::Check;

/// How long a file system may take: one on another machine may never answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room that a renewal reserves before it spends a refresh token.
const ROOM: usize = 16 * 1024;

/// Checks where the tokens are, or would be.
pub(super) async fn examine(tokens: &Path) -> Vec<Check> {
    let tokens = tokens.to_owned();
    let folder = folder(&tokens).to_owned();
    match timeout(PATIENCE, spawn_blocking(move || [permissions(&tokens), room_and_lock(&tokens)])).await {
        Ok(Ok(checks)) => checks.into(),
        _ => {
            let message = format!("the file system of `{}` does not answer", folder.display());
            vec![Check::failed("lock", message, Some(LOCAL.into()))]
        }
    }
}

const LOCAL: &str = "set `token_path` to a folder on a local disk";

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Checks who may open the folder, the token file and its lock.
fn permissions(tokens: &Path) -> Check {
    const NAME: &str = "permissions";
    let folder = folder(tokens);
    if !folder.exists() {
        return Check::ok(NAME, format!("`{}` is not there yet", folder.display()));
    }
    let mut lock = tokens.as_os_str().to_owned();
    lock.push(".lock");
    if let Some(mode) = mode(folder).filter(|mode| mode & 0o002 != 0) {
        let message = format!("anyone may replace what is in `{}` (mode {mode:04o})", folder.display());
        return Check::failed(NAME, message, Some(format!("run `chmod 700 {}`", folder.display())));
    }
    if let Some(mode) = mode(tokens).filter(|mode| mode & 0o077 != 0) {
        let message =
            format!("others could read `{}` (mode {mode:04o}), which is closed to them now", tokens.display());
        return Check::warning(NAME, message, "if others use this machine, log out and sign in again");
    }
    for (path, wanted) in [(PathBuf::from(lock), 0o600), (folder.to_owned(), 0o700)] {
        if let Some(mode) = mode(&path).filter(|mode| mode & 0o077 != 0) {
            let message = format!("others may open `{}` (mode {mode:04o})", path.display());
            return Check::warning(NAME, message, format!("run `chmod {wanted:03o} {}`", path.display()));
        }
    }
    Check::ok(NAME, format!("`{}` is yours alone", folder.display()))
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

/// Checks whether a renewal could reserve room and keep others out.
fn room_and_lock(tokens: &Path) -> Check {
    const NAME: &str = "lock";
    let Some(folder) = folder(tokens).ancestors().find(|folder| folder.is_dir()) else {
        return Check::failed(NAME, "there is no folder for the tokens", Some(LOCAL.into()));
    };
    let shown = folder.display();
    match probe(folder) {
        Ok(true) => Check::ok(NAME, format!("`{shown}` can be written and locked")),
        Ok(false) => Check::failed(NAME, format!("the file system of `{shown}` locks nobody out"), Some(LOCAL.into())),
        Err(error) => {
            let fix = format!("make sure that `{shown}` is writable, has space left and can be locked");
            Check::failed(NAME, format!("`{shown}` cannot be written and locked: {error}"), Some(fix))
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

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::commands::doctor::check::Mark;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_may_open_is_named_with_the_way_to_close_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("account");
        let tokens = folder.join("token.json");
        assert_eq!(permissions(&tokens).mark, Mark::Ok, "nothing is there yet");
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
            let check = permissions(&tokens);
            assert_eq!(check.mark, mark, "{check:?}");
            assert!(check.fix.unwrap_or_default().contains(fix));
        }
    }

    #[test]
    fn a_folder_that_takes_a_file_and_a_lock_is_good() {
        let root = tempfile::tempdir().unwrap();
        let check = room_and_lock(&root.path().join("not").join("yet").join("token.json"));
        assert_eq!(check.mark, Mark::Ok, "{check:?}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
