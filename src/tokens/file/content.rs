//! What a token file holds: a record, nothing, or something that is none.

use std::{io, path::Path};

use switchboard_kit::{Error, ErrorKind, Result};
use tracing::{debug, warn};

use super::super::{
    Record,
    disk::{Disk, Found},
};

/// A token file's content.
#[derive(Debug)]
pub(super) enum Content {
    Missing,
    Whole(Box<Record>),
    /// Where the reading ended.
    Corrupt(String),
}

/// Reads the file at `path`, and closes it to others if it was not.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Found>> {
    let found = disk.read(path).map_err(|error| unreadable(path, error))?;
    if found.as_ref().is_some_and(|found| found.open_to_others) {
        match disk.restrict(path) {
            Ok(()) => warn!(path = %path.display(), "Closed a token file that others could read"),
            Err(error) => debug!(path = %path.display(), %error, "Could not close a token file to others"),
        }
    }
    Ok(found)
}

impl Content {
    pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Self> {
        Ok(read(disk, path)?.map_or(Self::Missing, |found| Self::parse(&found.content)))
    }

    /// Never shows the parser's own words: they quote the file, and the file is a secret.
    pub(super) fn parse(content: &[u8]) -> Self {
        match serde_json::from_slice(content) {
            Ok(record) => Self::Whole(Box::new(record)),
            Err(error) => Self::Corrupt(format!("line {} column {}", error.line(), error.column())),
        }
    }
}

/// Reports a file that is there but holds no record.
pub(super) fn corrupt(path: &Path, found: &str) -> Error {
    let message = format!("the token file `{}` cannot be read: it is no token record at {found}", path.display());
    Error::new(ErrorKind::StoreCorrupt, message)
        .hint("repair the file, or sign in again to replace it (a copy is kept)")
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("the token file `{}` cannot be read: {error}", path.display()))
        .hint("make sure that it is a file and that you may read it, then try again")
        .caused_by(error)
}
