//! Where accounts keep their tokens: each in a file of its own, for in a shared one they would sign each other out.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use switchboard_kit::{AccountKey, Error, ErrorKind, Result};

/// Refuses two accounts whose tokens would be in one file. Where none is asked for, each has its own.
pub(super) fn check_apart(paths: &BTreeMap<AccountKey, PathBuf>) -> Result<()> {
    let mut owners = BTreeMap::new();
    for (key, path) in paths {
        if let Some(other) = owners.insert(real(path), key) {
            let message =
                format!("the accounts `{other}` and `{key}` keep their tokens in one file, `{}`", path.display());
            return Err(Error::new(ErrorKind::Config, message)
                .hint(format!("give `{key}` a `token_path` of its own, or leave its `token_path` out")));
        }
    }
    Ok(())
}

/// Refuses to note what is done in a file that holds tokens, which that would spoil.
pub(super) fn check_audit(paths: &BTreeMap<AccountKey, PathBuf>, audit: &Path) -> Result<()> {
    let noted = real(audit);
    match paths.iter().find(|(_, path)| real(path) == noted) {
        None => Ok(()),
        Some((key, _)) => {
            let message = format!("`audit` is where the account `{key}` keeps its tokens, `{}`", audit.display());
            Err(Error::new(ErrorKind::Config, message).hint("give `audit` a file of its own, or leave it out"))
        }
    }
}

/// Returns the file that a path stands for, following links as far as there is something.
fn real(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(error), Some(folder), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            match fs::read_link(path) {
                // A link to a file that is not there yet: the first sign-in creates it.
                Ok(target) => real(&folder.join(target)),
                Err(_) => real(folder).join(name),
            }
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &Path, two: &Path) -> Result<()> {
        check_apart(&[("one", one), ("two", two)].map(|(key, path)| (AccountKey::new(key), path.to_owned())).into())
    }

    #[test]
    fn two_accounts_have_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token.json");
        check(&file, &folder.path().join("two").join("token.json")).unwrap();
        let error = check(&file, &file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let message = format!("the accounts `one` and `two` keep their tokens in one file, `{}`", file.display());
        assert_eq!(error.to_string(), message);
        let paths = BTreeMap::from([(AccountKey::new("one"), file.clone())]);
        assert!(check_audit(&paths, &file).is_err() && check_audit(&paths, &folder.path().join("audit.jsonl")).is_ok());
        fs::create_dir(folder.path().join("two")).unwrap();
        for spelling in [["two", "..", "token.json"], [".", ".", "token.json"]] {
            let other = folder.path().join(spelling.iter().collect::<PathBuf>());
            assert!(check(&file, &other).is_err(), "{}", other.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_second_file() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let place = |name| folder.path().join(name);
        symlink("token.json", place("link")).unwrap();
        symlink(folder.path(), place("here")).unwrap();
        symlink("round", place("round")).unwrap();
        for exists in [false, true] {
            if exists {
                fs::write(place("token.json"), "{}").unwrap();
            }
            for other in ["link", "here/token.json", "here/link"] {
                assert!(check(&place("token.json"), &place(other)).is_err(), "{other}");
            }
            check(&place("token.json"), &place("round")).unwrap();
        }
    }
}
