//! The folders that files may come from and go to.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind as IoErrorKind, Read, Write},
    path::{Component, Path, PathBuf},
};

use switchboard_kit::{Error, ErrorKind, Result, chat::Upload};

use super::sanitise;

/// Most bytes of one file that is sent.
const LARGEST_UPLOAD: u64 = 25 << 20;
/// Most characters of a saved file's name.
const LONGEST_NAME: usize = 80;

/// The folders that the user opened for files.
#[derive(Clone, Debug, Default)]
pub struct FileRoots {
    /// Where files to send may be.
    pub upload: Vec<PathBuf>,
    /// Where fetched files are saved.
    pub download: Option<PathBuf>,
    /// Where secrets are: nothing at or below these, nor what is kept beside them under a longer name, is read or saved.
    pub closed: Vec<PathBuf>,
}

impl FileRoots {
    /// Reads a file to send, wherever its links lead: what counts is where it really is.
    pub(super) fn read(&self, path: &str) -> Result<Upload> {
        let forbidden = |why: &str| Error::new(ErrorKind::Forbidden, format!("file `{}` {why}", sanitise::name(path)));
        if self.upload.is_empty() {
            return Err(forbidden("cannot be sent: no folder is open for sending files")
                .hint("ask the user to start with `--upload-root DIR`"));
        }
        let roots: Vec<PathBuf> = self.upload.iter().filter_map(|root| root.canonicalize().ok()).collect();
        let real = roots.iter().find_map(|root| root.join(path).canonicalize().ok());
        let inside = real.and_then(|real| {
            let root = roots.iter().find(|root| real.starts_with(root))?;
            Some((real.strip_prefix(root).ok()?.to_owned(), real))
        });
        let Some((relative, real)) = inside else {
            let folders: Vec<_> = self.upload.iter().map(|root| format!("`{}`", root.display())).collect();
            return Err(forbidden("is not there, or not under an upload folder")
                .hint(format!("put it under {}", folders.join(" or "))));
        };
        let hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
        if relative.components().any(hidden) {
            return Err(forbidden("is hidden, and hidden files are not sent")
                .hint("ask the user to put a copy under another name if it is to be sent"));
        }
        if self.is_closed(&real) {
            return Err(forbidden("is where sign-ins or settings are kept, and these are not sent")
                .hint("ask the user which file is meant"));
        }
        // A pipe would block whoever opens it, so the kind is asked first, and again of what was opened.
        if !fs::metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
            return Err(forbidden("is not a regular file").hint("ask the user which file is meant"));
        }
        let failed = |error| Error::new(ErrorKind::Forbidden, "the file cannot be read").caused_by(error);
        let file = File::open(&real).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(forbidden("is not a regular file").hint("ask the user which file is meant"));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST_UPLOAD + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST_UPLOAD {
            return Err(Error::invalid(format!("file `{}` is larger than 25 MB", sanitise::name(path))));
        }
        let name = real.file_name().map(|name| sanitise::name(&name.to_string_lossy())).unwrap_or_default();
        let media_type = media_type(&real).to_owned();
        Ok(Upload { name, media_type, bytes })
    }

    /// Saves fetched bytes under a name of our own making, for the user's eyes only, and returns where.
    pub(super) fn save(&self, name: Option<&str>, bytes: &[u8]) -> Result<PathBuf> {
        let Some(root) = &self.download else {
            return Err(Error::new(ErrorKind::Forbidden, "no folder is open for saving files")
                .hint("ask the user to start with `--download-root DIR`, or read it with mode `text` or `image`"));
        };
        let failed = |error| {
            Error::new(ErrorKind::Forbidden, format!("`{}` cannot be written to", root.display())).caused_by(error)
        };
        let root = root.canonicalize().map_err(failed)?;
        let safe = safe_name(name.unwrap_or("file"));
        let (stem, extension) = safe
            .rsplit_once('.')
            .map_or((safe.as_str(), String::new()), |(stem, extension)| (stem, format!(".{extension}")));
        for number in 1..1_000 {
            let path = root.join(if number == 1 { safe.clone() } else { format!("{stem}-{number}{extension}") });
            if self.is_closed(&path) {
                let message = format!("`{}` is where sign-ins or settings are kept", path.display());
                return Err(Error::new(ErrorKind::Forbidden, message)
                    .hint("ask the user to start with another `--download-root DIR`"));
            }
            match create(&path) {
                Ok(mut file) => {
                    file.write_all(bytes).map_err(failed)?;
                    return Ok(path);
                }
                Err(error) if error.kind() == IoErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Error::new(ErrorKind::Conflict, format!("there are too many files called `{safe}` already")))
    }

    /// Returns whether a real path is closed. It is asked each time, since what is closed may come to be meanwhile.
    fn is_closed(&self, real: &Path) -> bool {
        self.closed.iter().any(|closed| {
            let linked = closed.canonicalize().ok();
            let placed = closed.parent().and_then(|parent| Some(parent.canonicalize().ok()?.join(closed.file_name()?)));
            linked.iter().chain(&placed).any(|closed| real.starts_with(closed) || is_kept_beside(real, closed))
        })
    }
}

/// Returns whether a path is in the same folder as `closed` under a name that starts with its: a lock, a copy, a rest.
fn is_kept_beside(path: &Path, closed: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let longer = name(path).zip(name(closed)).is_some_and(|(name, closed)| name.starts_with(&closed));
    longer && path.parent() == closed.parent()
}

/// Creates a file that was not there; a link that someone left in its place counts as there.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Returns a name that is one on every system, is not hidden and leads nowhere.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = sanitise::name(last).chars().map(kept).collect();
    let name = name.trim_matches(['.', '_']);
    let surplus = name.chars().count().saturating_sub(LONGEST_NAME);
    let name: String = name.chars().skip(surplus).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

/// Guesses a media type from a file's extension.
fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_under_a_root_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("open"), folder.path().join("secret.txt"));
        fs::create_dir_all(root.join(".hidden")).unwrap();
        fs::write(&outside, "secret").unwrap();
        fs::write(root.join("note.txt"), "note").unwrap();
        fs::write(root.join(".env"), "secret").unwrap();
        fs::write(root.join(".hidden/note.txt"), "secret").unwrap();
        let roots = FileRoots { upload: vec![root.clone()], ..FileRoots::default() };
        let whole = root.join("note.txt").display().to_string();
        for path in ["note.txt", "./note.txt", whole.as_str()] {
            let upload = roots.read(path).unwrap();
            assert_eq!((upload.name.as_str(), upload.bytes.as_slice()), ("note.txt", b"note".as_slice()));
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(&outside, root.join("link.txt")).unwrap();
        let outside = outside.display().to_string();
        for path in ["../secret.txt", &outside, ".env", ".hidden/note.txt", "link.txt", "gone.txt", "", "."] {
            let error = roots.read(path).unwrap_err();
            assert!(error.hint_text().is_some(), "{path}: {error}");
        }
        let error = FileRoots::default().read("note.txt").unwrap_err();
        assert!(error.hint_text().unwrap().contains("--upload-root"));
    }

    #[test]
    fn files_are_saved_beside_others_under_a_safe_name() {
        let folder = tempfile::tempdir().unwrap();
        let roots = FileRoots { download: Some(folder.path().to_owned()), ..FileRoots::default() };
        let root = folder.path().canonicalize().unwrap();
        for (name, expected) in [
            ("plan.pdf", "plan.pdf"),
            ("plan.pdf", "plan-2.pdf"),
            ("../../.ssh/config", "config"),
            ("..\\evil.exe", "evil.exe"),
            (".bashrc", "bashrc"),
            ("a b\n\u{202e}c", "a_b_c"),
            ("...", "file"),
        ] {
            assert_eq!(roots.save(Some(name), b"x").unwrap(), root.join(expected));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(root.join("plan.pdf")).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(FileRoots::default().save(None, b"x").is_err());
    }

    #[test]
    fn secrets_are_neither_sent_nor_overlaid_wherever_the_roots_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        fs::create_dir_all(root.join("state/matrix")).unwrap();
        let secrets =
            ["token.json", "token.json.lock", "token.json.tmp.1", "token.json.corrupt-1", "state/matrix/a.json"];
        for path in secrets.into_iter().chain(["note.txt"]) {
            fs::write(root.join(path), "x").unwrap();
        }
        let closed = vec![root.join("token.json"), root.join("state"), root.join("later.json")];
        let roots =
            |root: PathBuf| FileRoots { upload: vec![root.clone()], download: Some(root), closed: closed.clone() };
        for path in secrets {
            assert_eq!(roots(root.clone()).read(path).unwrap_err().kind(), ErrorKind::Forbidden, "{path}");
        }
        assert!(roots(root.clone()).read("note.txt").is_ok());
        assert!(roots(root.join("state/matrix")).read("a.json").is_err());
        assert!(roots(root.join("state/matrix")).save(Some("b.json"), b"x").is_err());
        for name in ["later.json", "later.json.lock"] {
            assert!(roots(root.clone()).save(Some(name), b"x").is_err(), "{name}");
        }
        assert!(roots(root).save(Some("b.json"), b"x").is_ok());
    }
}
