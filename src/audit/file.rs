//! The file, which any number of processes add to: a line is one write to its end, so that lines never mix.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use switchboard_kit::{Error, ErrorKind, Result};

use super::Entry;
use crate::tokens::{Disk as _, RealDisk, own_file};

/// The file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Audit(Arc<PathBuf>);

impl Audit {
    /// Writes to the end of this file, which need not be there yet.
    pub fn at(path: PathBuf) -> Self {
        Self(Arc::new(path))
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes one line.
    pub async fn write(&self, entry: &Entry) -> Result<()> {
        let (path, line) = (self.0.clone(), entry.line());
        let written = tokio::task::spawn_blocking(move || append(&path, line)).await;
        let written = written.map_err(|error| Error::unexpected("an audit line was lost").caused_by(error))?;
        written.map_err(|error| {
            let message = format!("the audit file `{}` cannot be written to: {error}", self.0.display());
            Error::new(ErrorKind::Unavailable, message)
                .hint("make room, and see that the file can be written: nothing is sent that is not noted there")
        })
    }
}

fn append(path: &Path, mut line: Vec<u8>) -> io::Result<()> {
    // It is opened anew each time: what was moved away, to begin another, is not written on.
    let mut file = open(path)?;
    if is_torn(&mut file)? {
        line.insert(0, b'\n');
    }
    let written = loop {
        match file.write(&line) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => break written?,
        }
    };
    if written == line.len() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::StorageFull, "no room")) }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = own_file();
    options.append(true);
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let place = RealDisk.resolve(path)?;
            place.parent().map(|folder| RealDisk.create_folder(folder)).transpose()?;
            options.open(path)?
        }
        opened => opened?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no ordinary file")) }
}

/// Returns whether the last line has no end: a crash or a full disk has cut it off.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use switchboard_kit::{AccountKey, Principal};

    use super::*;
    use crate::audit::{Event, Wanted};

    fn entry(tool: &str, why: &str) -> Entry {
        let entry = Entry::now(Event::Refused, &Principal::local(), &AccountKey::new("work"));
        Entry { tool: Some(tool.into()), why: Some(why.into()), ..entry }
    }

    fn tools(audit: &Audit) -> Vec<String> {
        audit.read(Wanted::default()).unwrap().map(|entry| entry.unwrap().tool.unwrap()).collect()
    }

    #[tokio::test]
    async fn the_file_and_its_folder_are_made_on_first_use_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::at(folder.path().join("deep/er/audit.jsonl"));
        assert_eq!(audit.read(Wanted::default()).unwrap().count(), 0);
        assert!(!folder.path().join("deep").exists());
        audit.write(&entry("react", "x")).await.unwrap();
        assert_eq!(tools(&audit), ["react"]);
        #[cfg(unix)]
        for (path, mode) in [(audit.path().to_owned(), 0o600), (folder.path().join("deep/er"), 0o700)] {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn lines_of_many_writers_never_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..250 {
                        append(path, entry(&format!("{writer}-{number}"), &"x".repeat(number * 2)).line()).unwrap();
                    }
                });
            }
        });
        let mut entries = Audit::at(path).read(Wanted::default()).unwrap();
        let mut found: Vec<_> = entries.by_ref().map(|entry| entry.unwrap().tool.unwrap()).collect();
        found.sort();
        found.dedup();
        assert_eq!((found.len(), entries.unreadable()), (2_000, 0));
    }

    #[tokio::test]
    async fn a_torn_line_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::at(folder.path().join("audit.jsonl"));
        let line = entry("send_message", "x").line();
        for torn in [&line[..1], &line[..line.len() / 2], &line[..line.len() - 1], &b"\xff\xfe\0"[..]] {
            fs::write(audit.path(), [&line, torn].concat()).unwrap();
            audit.write(&entry("react", "y")).await.unwrap();
            let found = tools(&audit);
            assert_eq!((&*found[0], &**found.last().unwrap()), ("send_message", "react"), "{found:?}");
        }
    }

    #[tokio::test]
    async fn ten_thousand_refusals_are_noted() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::at(folder.path().join("audit.jsonl"));
        for _ in 0..10_000 {
            audit.write(&entry("send_message", "it is on the user's `deny` list")).await.unwrap();
        }
        assert_eq!(audit.read(Wanted::default()).unwrap().count(), 10_000);
    }

    #[tokio::test]
    async fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::at(folder.path().to_owned());
        let error = audit.write(&entry("react", "x")).await.unwrap_err();
        let named = format!("the audit file `{}` cannot be written to: ", folder.path().display());
        assert!(error.to_string().starts_with(&named) && error.hint_text().is_some(), "{error}");
        let error = audit.read(Wanted::default()).err().unwrap();
        assert!(error.to_string().contains("is no ordinary file"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_leads_to_a_file_that_need_not_be_there_yet() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        symlink(place("elsewhere/audit.jsonl"), place("link")).unwrap();
        Audit::at(place("link")).write(&entry("react", "x")).await.unwrap();
        assert_eq!(tools(&Audit::at(place("elsewhere/audit.jsonl"))), ["react"]);
        symlink("round", place("round")).unwrap();
        symlink("/dev/null", place("nowhere")).unwrap();
        symlink(folder.path(), place("folder")).unwrap();
        for wrong in ["round", "nowhere", "folder"] {
            let error = Audit::at(place(wrong)).write(&entry("react", "x")).await.unwrap_err();
            assert!(error.to_string().contains(&format!("/{wrong}` cannot be written to: ")), "{error}");
        }
    }
}
