//! Calls that only their client ends, and the news that one did.

use std::{collections::HashSet, future::pending};

use switchboard_kit::{Call, Result, host::Reply};
use tokio::sync::watch;

/// The marks of calls that were given up.
pub(crate) struct Waiting(watch::Sender<HashSet<String>>);

impl Default for Waiting {
    fn default() -> Self {
        Self(watch::Sender::new(HashSet::new()))
    }
}

/// Notes the end of a call, which comes when its future is dropped.
struct GivenUp<'a> {
    waiting: &'a Waiting,
    mark: &'a str,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        self.waiting.0.send_modify(|marks| {
            marks.insert(self.mark.to_owned());
        });
    }
}

impl Waiting {
    /// Says that it has begun, and waits to be cancelled.
    pub(crate) async fn wait(&self, call: &Call, mark: &str) -> Result<Reply> {
        let _given_up = GivenUp { waiting: self, mark };
        call.progress(0.0, None, "waiting");
        pending().await
    }

    /// Answers once the call of that mark was cancelled.
    pub(crate) async fn cancelled(&self, mark: &str) -> Reply {
        // The sender is ours: there is always one.
        drop(self.0.subscribe().wait_for(|marks| marks.contains(mark)).await);
        Reply::text(format!("`{mark}` was cancelled"))
    }
}
