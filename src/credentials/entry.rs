//! One principal's tokens of one account, within this process: at most one renewal is under way, shared by all who wait.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use jiff::Timestamp;
use switchboard_kit::{Error, ErrorKind, Result, host::Secret};
use tokio::task::AbortHandle;
use tracing::warn;

use super::{
    Sources,
    judgement::{Verdict, is_live, judge, same},
    transaction::Transaction,
};
use crate::tokens::{Record, TokenKey};

/// How long a live token is used without another attempt after one failed.
const REST: Duration = Duration::from_secs(5);

/// One entry of the token store, as this process sees it.
pub(super) struct Entry {
    pub(super) key: TokenKey,
    pub(super) sign_in: Arc<str>,
    pub(super) sources: Sources,
    flight: Mutex<Option<Flight>>,
    rest: Mutex<Option<Rest>>,
    /// Tokens that were received but could not be written yet.
    pub(super) unsaved: Mutex<Option<Unsaved>>,
}

/// A renewal under way.
struct Flight {
    outcome: Shared<BoxFuture<'static, Result<Record, Arc<Error>>>>,
    task: AbortHandle,
}

/// A live token that need not be renewed before a while has passed.
struct Rest {
    generation: u64,
    until: Timestamp,
}

/// Tokens that were received in exchange for `spent`.
pub(super) struct Unsaved {
    pub(super) spent: Secret,
    pub(super) received: Record,
}

impl Entry {
    pub(super) fn new(key: TokenKey, sign_in: Arc<str>, sources: Sources) -> Self {
        let (flight, rest, unsaved) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { key, sign_in, sources, flight, rest, unsaved }
    }

    /// Returns what is stored.
    pub(super) async fn stored(&self) -> Result<Record> {
        match self.sources.store.load(&self.key).await {
            Ok(Some(record)) => Ok(record),
            Ok(None) => Err(self.sign_in_required(&format!("not signed in to `{}`", self.key.account))),
            Err(error) if error.kind() == ErrorKind::StoreCorrupt => {
                Err(error.hint(format!("repair the file, or run `{}` to replace it (a copy is kept)", self.sign_in)))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns a record whose token may be sent: `record` itself, or what it is renewed to.
    pub(super) async fn usable(self: &Arc<Self>, record: Record, used: Option<&Secret>) -> Result<Record> {
        let now = self.sources.clock.now();
        match judge(&record, used, now) {
            Verdict::Use => return Ok(record),
            Verdict::SignIn => return Err(self.gone(&record)),
            Verdict::Renew if used.is_none() && is_live(&record, now) && self.rests(&record, now) => return Ok(record),
            Verdict::Renew => {}
        }
        match self.renewed(used).await {
            Err(error) if used.is_none() && is_live(&record, self.sources.clock.now()) => {
                warn!(account = %self.key.account, %error, "Could not renew a token early; using it while it lasts");
                self.rest(&record, error.retry_after());
                Ok(record)
            }
            renewed => renewed,
        }
    }

    async fn renewed(self: &Arc<Self>, used: Option<&Secret>) -> Result<Record> {
        let renewed = self.join(used).await?;
        match used {
            // The flight that was joined began before the platform refused what it returned.
            Some(used) if same(used, &renewed.token) => self.join(Some(used)).await,
            _ => Ok(renewed),
        }
    }

    async fn join(self: &Arc<Self>, used: Option<&Secret>) -> Result<Record> {
        let outcome = {
            let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
            match &*flight {
                Some(flight) if !flight.task.is_finished() => flight.outcome.clone(),
                _ => flight.insert(self.start(used.cloned())).outcome.clone(),
            }
        };
        outcome.await.map_err(|shared| repeat(&shared))
    }

    /// Starts a renewal that ends even if nobody waits for it any more.
    fn start(self: &Arc<Self>, used: Option<Secret>) -> Flight {
        let transaction = Transaction { entry: Arc::clone(self), used };
        let running = self.sources.tasks.spawn(transaction.run());
        let task = running.abort_handle();
        let outcome = running.map(|ended| {
            ended
                .unwrap_or_else(|broken| Err(Error::unexpected("the renewal of a token broke off").caused_by(broken)))
                .map_err(Arc::new)
        });
        Flight { outcome: outcome.boxed().shared(), task }
    }

    fn rests(&self, record: &Record, now: Timestamp) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.as_ref().is_some_and(|rest| rest.generation == record.generation && now < rest.until)
    }

    fn rest(&self, record: &Record, wait: Option<Duration>) {
        let until = self.sources.clock.now().checked_add(wait.unwrap_or(REST)).unwrap_or(Timestamp::MAX);
        self.rest_until(record, until);
    }

    /// Uses a live token without another attempt until then.
    pub(super) fn rest_until(&self, record: &Record, until: Timestamp) {
        let rest = Rest { generation: record.generation, until };
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
    }

    /// Reports a sign-in that can no longer be renewed.
    pub(super) fn gone(&self, record: &Record) -> Error {
        let account = &self.key.account;
        self.sign_in_required(&match &record.dead {
            Some(dead) => format!("the platform ended the sign-in to `{account}` (`{}`)", dead.reason),
            None => format!("the sign-in to `{account}` has ended"),
        })
    }

    fn sign_in_required(&self, message: &str) -> Error {
        Error::new(ErrorKind::SignInRequired, message).hint(format!("run `{}`", self.sign_in))
    }
}

/// Gives everyone who waited an error of their own.
fn repeat(shared: &Arc<Error>) -> Error {
    let mut error = Error::new(shared.kind(), shared.message());
    if let Some(hint) = shared.hint_text() {
        error = error.hint(hint);
    }
    if let Some(wait) = shared.retry_after() {
        error = error.after(wait);
    }
    error.caused_by(Arc::clone(shared))
}
