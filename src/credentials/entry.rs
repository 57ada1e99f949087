//! One principal's tokens of one account, within this process: at most one renewal is under way, shared by all who wait.

use std::{
    iter::repeat_with,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use jiff::Timestamp;
use switchboard_kit::{Error, ErrorKind, Result, host::Secret};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};
use tracing::warn;

use super::{
    Sources,
    judgement::{Cause, Eagerness, Verdict, fingerprint, is_live, judge, left, same},
    transaction::Transaction,
};
use crate::tokens::{LockedTokens, Record, TokenKey};

/// Longest that a caller waits for a renewal, whoever makes it.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long a live token is used without another attempt after one failed.
const REST: Duration = Duration::from_secs(5);

/// Seconds between attempts to write what could not be written; the last wait repeats.
const SAVE_WAITS: [u64; 3] = [1, 2, 5];

/// One entry of the token store, as this process sees it.
pub(super) struct Entry {
    pub(super) key: TokenKey,
    pub(super) sign_in: Arc<str>,
    pub(super) sources: Sources,
    eagerness: Eagerness,
    flight: Mutex<Option<Flight>>,
    rest: Mutex<Option<Timestamp>>,
    /// Tokens that were received but could not be written yet.
    unsaved: Mutex<Option<Unsaved>>,
}

/// A renewal under way.
struct Flight {
    outcome: Outcome,
    task: AbortHandle,
}

type Outcome = Shared<BoxFuture<'static, Result<Record, Arc<Error>>>>;

/// Tokens that were received in place of an access token that is still the one on disk.
#[derive(Clone)]
pub(super) struct Unsaved {
    pub(super) in_place_of: Secret,
    pub(super) received: Record,
}

impl Entry {
    pub(super) fn new(key: TokenKey, sign_in: Arc<str>, sources: Sources) -> Self {
        let (flight, rest, unsaved) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { key, sign_in, sources, eagerness: Eagerness::random(), flight, rest, unsaved }
    }

    /// Returns what is stored, or what should be.
    pub(super) async fn stored(&self) -> Result<Record> {
        match self.sources.store.load(&self.key).await {
            Ok(Some(record)) => Ok(self.unsaved(&record).map_or(record, |unsaved| unsaved.received)),
            Ok(None) => Err(self.sign_in_required(&format!("not signed in to `{}`", self.key.account))),
            Err(error) if error.kind() == ErrorKind::StoreCorrupt => {
                Err(error.hint(format!("repair the file, or run `{}` to replace it (a copy is kept)", self.sign_in)))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns a record whose token may be sent: `record` itself, or what it is renewed to.
    pub(super) async fn usable(self: &Arc<Self>, record: Record, cause: &Cause) -> Result<Record> {
        let now = self.sources.clock.now();
        let spare = *cause == Cause::Request && is_live(&record, now);
        match judge(&record, cause, self.eagerness, now) {
            Verdict::Use => return Ok(record),
            Verdict::UseAndRenew | Verdict::Renew if spare && self.rests(now) => return Ok(record),
            Verdict::UseAndRenew => {
                drop(self.join(cause));
                return Ok(record);
            }
            Verdict::Wait(wait) => return Err(self.in_trouble(wait)),
            Verdict::SignIn => return Err(self.gone(&record)),
            Verdict::Renew => {}
        }
        let began = Instant::now();
        if spare {
            // A token that still lives is sent while it does, whatever becomes of its renewal.
            let patience = left(&record, now).map_or(PATIENCE, half);
            match timeout(patience, self.renewed(cause, PATIENCE)).await {
                Ok(Ok(renewed)) => return Ok(renewed),
                _ if is_live(&record, self.sources.clock.now()) => return Ok(record),
                Ok(failed) => return failed,
                // On a busy machine it died before anyone looked.
                Err(_) => {}
            }
        }
        self.renewed(cause, PATIENCE.saturating_sub(began.elapsed())).await
    }

    /// Returns what the entry is renewed to, if that takes no longer than `patience`.
    pub(super) async fn renewed(self: &Arc<Self>, cause: &Cause, patience: Duration) -> Result<Record> {
        let wait = async {
            let renewed = self.join(cause).await;
            match (cause, &renewed) {
                // The flight that was joined began before the platform refused what it returned.
                (Cause::Refused(used), Ok(renewed)) if *used == fingerprint(&renewed.token) => self.join(cause).await,
                _ => renewed,
            }
        };
        match timeout(patience, wait).await {
            Ok(renewed) => renewed.map_err(|shared| repeat(&shared)),
            Err(_) => Err(self.in_trouble(REST)),
        }
    }

    /// Joins the renewal under way, or starts one that ends even if nobody waits for it any more.
    fn join(self: &Arc<Self>, cause: &Cause) -> Outcome {
        let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        match &*flight {
            Some(flight) if !flight.task.is_finished() => flight.outcome.clone(),
            _ => flight.insert(self.start(cause.clone())).outcome.clone(),
        }
    }

    fn start(self: &Arc<Self>, cause: Cause) -> Flight {
        let entry = Arc::clone(self);
        let running = self.sources.tasks.spawn(async move {
            // Whoever asked is told anyway.
            let asked = matches!(cause, Cause::Asked(_));
            let renewed = Transaction { entry: Arc::clone(&entry), cause }.run().await;
            if let Err(error) = &renewed {
                if !asked {
                    warn!(account = %entry.key.account, %error, "Could not renew a token");
                }
                entry.rest(error.retry_after().unwrap_or(REST));
            }
            renewed
        });
        let task = running.abort_handle();
        let outcome = running.map(|ended| {
            ended
                .unwrap_or_else(|broken| Err(Error::unexpected("the renewal of a token broke off").caused_by(broken)))
                .map_err(Arc::new)
        });
        Flight { outcome: outcome.boxed().shared(), task }
    }

    #[cfg(test)]
    pub(super) fn kill(&self) {
        if let Some(flight) = self.flight.lock().unwrap_or_else(PoisonError::into_inner).take() {
            flight.task.abort();
        }
        *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn rests(&self, now: Timestamp) -> bool {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until)
    }

    fn rest(&self, wait: Duration) {
        let until = self.sources.clock.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Returns the tokens that were received for what is stored, but could not be written yet.
    pub(super) fn unsaved(&self, stored: &Record) -> Option<Unsaved> {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        // Once something else is stored, it has been written, or others have moved on.
        *unsaved = unsaved.take().filter(|unsaved| same(&unsaved.in_place_of, &stored.token));
        unsaved.clone()
    }

    /// Keeps tokens that could not be written, and goes on trying for as long as this process lives. Until then the lock is
    /// kept as well: another process would spend the same refresh token once more.
    pub(super) fn keep_unsaved(self: &Arc<Self>, unsaved: Unsaved, mut locked: Box<dyn LockedTokens>) {
        let received = unsaved.received.clone();
        *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(unsaved);
        let entry = Arc::downgrade(self);
        self.sources.tasks.spawn(async move {
            for wait in SAVE_WAITS.into_iter().chain(repeat_with(|| SAVE_WAITS[SAVE_WAITS.len() - 1])) {
                sleep(Duration::from_secs(wait)).await;
                let Some(entry) = entry.upgrade() else { return };
                let stored = entry.sources.store.load(&entry.key).await;
                let moved_on = stored.is_ok_and(|stored| stored.is_none_or(|stored| entry.unsaved(&stored).is_none()));
                if moved_on || locked.replace(received.clone()).await.is_ok() {
                    return;
                }
            }
        });
    }

    /// Reports a platform that must be left alone for a while.
    pub(super) fn in_trouble(&self, wait: Duration) -> Error {
        let message = format!("the sign-in to `{}` cannot be renewed at the moment", self.key.account);
        Error::new(ErrorKind::Unavailable, message)
            .hint("try again in a moment; the sign-in itself is kept")
            .after(wait)
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

fn half(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds / 2.0).clamp(0.0, PATIENCE.as_secs_f64()))
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
