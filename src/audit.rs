//! What was done and refused, for whoever must be able to tell later: one line of JSON for each, never what was said.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use switchboard_kit::{Error, ErrorKind, Result};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Rules let a write pass.
    Allowed,
    /// The user agreed to a write.
    Confirmed,
    /// A write was refused, by a rule or by the user.
    Refused,
    /// A write that had passed was done.
    Done,
    /// A write that had passed failed, or not all of it was done.
    Failed,
    /// Somebody signed in.
    SignedIn,
    /// A sign-in was ended.
    SignedOut,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// What.
    pub event: Event,
    /// For whom: issuer and subject.
    pub principal: String,
    /// In which account.
    pub account: String,
    /// Joins the lines of one write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
    /// By which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Where: the exact target, by ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The messages that it was about, or that came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// SHA-256 of what was to be written, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Why: the rule, the guard or the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

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
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        let path = self.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            OpenOptions::new().create(true).append(true).open(&*path)?.write_all(&line)
        });
        let written = written.await.map_err(|error| Error::unexpected("an audit line was lost").caused_by(error))?;
        written.map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("the audit file `{}` cannot be written to", self.0.display()))
                .hint("make room, and see that the file can be written: nothing is sent that is not noted there")
                .caused_by(error)
        })
    }
}
