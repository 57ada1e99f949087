//! Whether the workspace looks names up: one that has refused to is left in peace for some minutes.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use switchboard_kit::{Error, ErrorKind, Result};

use crate::Sandbox;

/// How long a refusal is remembered.
const LASTS: Duration = Duration::from_mins(10);

impl Sandbox {
    /// Looks a name up, unless the workspace has said that it does not.
    pub(crate) async fn look_up<T>(&self, lookup: impl Future<Output = Result<T>>) -> Result<T> {
        let refused = self.api.cached("refused lookup", async { Ok(Mutex::new(None::<Instant>)) }).await?;
        let last = *refused.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < LASTS) {
            return Err(Error::unsupported("this workspace looks no names up"));
        }
        let found = lookup.await;
        if found.as_ref().err().is_some_and(|error| error.kind() == ErrorKind::Unsupported) {
            *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        found
    }
}
