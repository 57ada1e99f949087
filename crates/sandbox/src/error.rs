//! What can go wrong while a sandbox opens.

use std::path::PathBuf;
use std::{fmt, io};

/// The result of opening a sandbox.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Tells why a sandbox does not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The folder of the state file cannot be made.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The state file is not a database that can be read and written.
    Database {
        /// The state file.
        path: PathBuf,
        /// The reason.
        source: rusqlite::Error,
    },
    /// The state file was written by another version of the sandbox.
    Version {
        /// The state file.
        path: PathBuf,
        /// The version it has.
        found: i64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, source } => {
                write!(formatter, "cannot create `{}`: {source}", path.display())
            }
            Self::Database { path, source } => {
                write!(formatter, "cannot use `{}` as sandbox state: {source}", path.display())
            }
            Self::Version { path, found } => write!(
                formatter,
                "`{}` holds version {found} of the sandbox state; delete the file to start afresh",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder { source, .. } => Some(source),
            Self::Database { source, .. } => Some(source),
            Self::Version { .. } => None,
        }
    }
}
