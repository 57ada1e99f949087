//! A renewal in a process of its own: where a refresh token is good for one use, the end of a server in mid-renewal would
//! lose the sign-in, and MCP clients end their servers as they please.

use std::{ffi::OsString, path::PathBuf, process::Stdio, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use super::judgement::Cause;
use crate::tokens::TokenKey;

/// Renews where the end of this process does not matter.
#[async_trait]
pub trait DetachedRenewal: Send + Sync {
    /// Renews the entry, whose lock goes along. What came of it is in the store.
    async fn renew(&self, key: &TokenKey, cause: &Cause, lock: Stdio, patience: Duration) -> Result<(), DetachedError>;
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum DetachedError {
    /// The renewal failed.
    Failed(Error),
    /// It could not be started, or did not end as it should; nobody knows how far it came.
    Broken(Error),
}

/// Another run of a program of ours, in a process group that no client and no terminal ends.
#[derive(Clone, Debug)]
pub struct DetachedProcess {
    /// The program.
    pub program: PathBuf,
    /// Its arguments; the account and the cause come behind.
    pub arguments: Vec<OsString>,
}

#[async_trait]
impl DetachedRenewal for DetachedProcess {
    async fn renew(&self, key: &TokenKey, cause: &Cause, lock: Stdio, patience: Duration) -> Result<(), DetachedError> {
        let broken = |what: &str| Error::new(ErrorKind::Unavailable, format!("the renewing process {what}"));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--provider").arg(key.account.as_str()).args(["renew", &cause.to_string()]);
        command.stdin(lock).stdout(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let started = command.spawn();
        // The command keeps the lock, and so would we.
        drop(command);
        let mut child =
            started.map_err(|error| DetachedError::Broken(broken("could not be started").caused_by(error)))?;
        let mut line = String::new();
        let Some(said) = child.stdout.take() else { return Err(DetachedError::Broken(broken("says nothing"))) };
        match timeout(patience, BufReader::new(said).read_line(&mut line)).await {
            // It goes on: what it is in the middle of must not be cut short.
            Err(_) => Err(DetachedError::Failed(
                broken("takes long")
                    .hint("try again in a moment; the sign-in itself is kept")
                    .after(Duration::from_secs(2)),
            )),
            Ok(_) => match serde_json::from_str(&line) {
                Ok(Answer::Renewed) => Ok(()),
                Ok(Answer::Failed { code, message, hint, retry_after_ms }) => {
                    let kind = ErrorKind::from_code(&code).unwrap_or(ErrorKind::Unexpected);
                    let error = hint.into_iter().fold(Error::new(kind, message), Error::hint);
                    Err(DetachedError::Failed(
                        retry_after_ms.map(Duration::from_millis).into_iter().fold(error, Error::after),
                    ))
                }
                Err(_) => Err(DetachedError::Broken(broken("ended without an answer"))),
            },
        }
    }
}

/// What the process says, in one line, when it is done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The new tokens are in the store.
    Renewed,
    /// They are not.
    Failed {
        /// [`ErrorKind::code`].
        code: String,
        /// What happened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// How long to wait.
        retry_after_ms: Option<u64>,
    },
}

impl From<&Error> for Answer {
    fn from(error: &Error) -> Self {
        Self::Failed {
            code: error.kind().code().into(),
            message: error.message().into(),
            hint: error.hint_text().map(Into::into),
            retry_after_ms: error.retry_after().and_then(|wait| wait.as_millis().try_into().ok()),
        }
    }
}
