//! One call: for whom it is made, until when, and how to tell that it is no longer wanted.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Error, ErrorKind, Result};

/// Whom a call acts for. Caches, cursors and tokens are kept apart by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// Who vouches for the subject; `local` for the person whose machine this is.
    pub issuer: Arc<str>,
    /// The caller's name with that issuer.
    pub subject: Arc<str>,
}

impl Principal {
    /// Returns the person whose machine this is.
    pub fn local() -> Self {
        Self { issuer: "local".into(), subject: "local".into() }
    }
}

type Progress = dyn Fn(f64, Option<f64>, &str) + Send + Sync;

/// What goes along with every call. Cheap to clone.
#[derive(Clone)]
pub struct Call {
    principal: Principal,
    deadline: Instant,
    cancellation: CancellationToken,
    progress: Arc<Progress>,
}

impl Call {
    /// Starts a call of `principal` that may take `patience`.
    pub fn new(principal: Principal, patience: Duration) -> Self {
        Self {
            principal,
            deadline: Instant::now() + patience,
            cancellation: CancellationToken::new(),
            progress: Arc::new(|_, _, _| {}),
        }
    }

    /// Ends the call when `cancellation` does.
    pub fn cancelled_by(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// Sends progress to `report` as done, total and a message.
    pub fn reporting_to(mut self, report: impl Fn(f64, Option<f64>, &str) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(report);
        self
    }

    /// Moves the deadline, but never beyond the caller's own.
    pub fn within(mut self, patience: Duration) -> Self {
        self.deadline = self.deadline.min(Instant::now() + patience);
        self
    }

    /// Returns whom the call acts for.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns how much time is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Tells the caller how far the work has come.
    pub fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        (self.progress)(done, total, message);
    }

    /// Runs `work`, unless the deadline passes or the caller gives up first; then `work` is dropped.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the caller no longer wants the answer")),
            result = tokio::time::timeout_at(self.deadline, work) => {
                result.unwrap_or_else(|_| Err(Error::new(ErrorKind::TimedOut, "the platform did not answer in time")))
            }
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("principal", &self.principal)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
