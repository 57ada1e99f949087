//! One renewal from lock to disk: read again, spend the refresh token, write, and only then tell anyone.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use switchboard_kit::{Error, ErrorKind, Result, host::Secret};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::{
    entry::{Entry, Unsaved},
    judgement::{Verdict, expiry, fingerprint, is_live, judge, same},
    renewal::{RenewalError, Renewed},
};
use crate::tokens::{Death, LockedTokens, Record};

/// One deadline over all tries, and one for each.
const PATIENCE: Duration = Duration::from_secs(18);
const TRY: Duration = Duration::from_secs(6);

/// Waits between the tries, at least.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// Waits between attempts to write what was received.
const WRITE_WAITS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// A renewal for everyone who waits in this process.
pub(super) struct Transaction {
    pub(super) entry: Arc<Entry>,
    /// The token that the platform refused, if that is why.
    pub(super) used: Option<Secret>,
}

/// What became of the refresh token.
enum Spent {
    /// It was traded in.
    Renewed(Renewed),
    /// Someone else wrote a newer record, without the lock.
    Foreign(Box<Record>),
    /// The platform refused it.
    Refused(String),
}

impl Transaction {
    pub(super) async fn run(self) -> Result<Record> {
        let mut locked = tokio::select! {
            biased;
            locked = self.entry.sources.store.lock(&self.entry.key) => locked?,
            record = self.renewed_by_others() => return Ok(record),
        };
        let mut record = match locked.current() {
            Some(record) => record.clone(),
            None => self.entry.stored().await?,
        };
        match self.judge(&record) {
            Verdict::Use => return Ok(record),
            Verdict::SignIn => return Err(self.entry.gone(&record)),
            Verdict::Renew => {}
        }
        if let Some(saved) = self.save_what_was_unsaved(&record, &mut *locked).await? {
            if self.judge(&saved) == Verdict::Use {
                return Ok(saved);
            }
            record = saved;
        }
        match self.spend(&record).await? {
            Spent::Renewed(renewed) => self.keep(&record, renewed, &mut *locked).await,
            Spent::Foreign(foreign) => match self.judge(&foreign) {
                Verdict::Use => Ok(*foreign),
                Verdict::SignIn => Err(self.entry.gone(&foreign)),
                Verdict::Renew => Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("another program is changing the tokens of `{}`", self.entry.key.account),
                )
                .after(Duration::from_secs(1))),
            },
            Spent::Refused(code) => self.bury(record, code, &mut *locked).await,
        }
    }

    fn judge(&self, record: &Record) -> Verdict {
        judge(record, self.used.as_ref(), self.entry.sources.clock.now())
    }

    /// Ends when another process has renewed: whoever waits for the lock need not wait any longer.
    async fn renewed_by_others(&self) -> Record {
        loop {
            sleep(Duration::from_millis(rand::random_range(10..=50))).await;
            if let Ok(Some(record)) = self.entry.sources.store.load(&self.entry.key).await
                && self.judge(&record) == Verdict::Use
            {
                return record;
            }
        }
    }

    /// Writes what an earlier renewal received but could not write, unless others have moved on since.
    async fn save_what_was_unsaved(&self, record: &Record, locked: &mut dyn LockedTokens) -> Result<Option<Record>> {
        let unsaved = self.entry.unsaved.lock().unwrap_or_else(PoisonError::into_inner).take();
        match unsaved {
            Some(unsaved) if record.refresh_token.as_ref().is_some_and(|stored| same(stored, &unsaved.spent)) => {
                let mut received = unsaved.received;
                received.generation = record.generation + 1;
                self.write(&unsaved.spent, received, locked).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Sends the refresh token until the platform answers for good.
    async fn spend(&self, record: &Record) -> Result<Spent> {
        let (deadline, mut waits) = (Instant::now() + PATIENCE, WAITS.iter());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let renewal = self.entry.sources.renewal.renew(record);
            let (error, retry_after, ambiguous) = match timeout(TRY.min(left), renewal).await {
                Ok(Ok(renewed)) => return Ok(Spent::Renewed(renewed)),
                Ok(Err(RenewalError::Config(error))) => return Err(error),
                Ok(Err(RenewalError::Refused { code })) => {
                    return Ok(self.foreign(record).await.map_or(Spent::Refused(code), Spent::Foreign));
                }
                Ok(Err(RenewalError::Transient { error, retry_after, ambiguous })) => (error, retry_after, ambiguous),
                Err(_) => {
                    let message = "the platform did not renew the token in time";
                    (Error::new(ErrorKind::Unavailable, message), None, true)
                }
            };
            let wait = waits
                .next()
                .map(|wait| wait.mul_f64(rand::random_range(1.0..=1.25)).max(retry_after.unwrap_or_default()));
            match wait {
                Some(wait) if Instant::now() + wait < deadline => sleep(wait).await,
                _ => return Err(retry_after.into_iter().fold(error, Error::after)),
            }
            if ambiguous && let Some(foreign) = self.foreign(record).await {
                return Ok(Spent::Foreign(foreign));
            }
        }
    }

    /// Returns what is stored if it is no longer `record`: a program that knows no locks was here.
    async fn foreign(&self, record: &Record) -> Option<Box<Record>> {
        let stored = self.entry.sources.store.load(&self.entry.key).await.ok()??;
        let moved = match (&stored.refresh_token, &record.refresh_token) {
            (Some(stored), Some(spent)) => !same(stored, spent),
            (stored, spent) => stored.is_some() != spent.is_some(),
        };
        (moved || !same(&stored.token, &record.token)).then(|| Box::new(stored))
    }

    /// Puts what was received in the place of `record`.
    async fn keep(&self, record: &Record, renewed: Renewed, locked: &mut dyn LockedTokens) -> Result<Record> {
        let now = self.entry.sources.clock.now();
        let mut next = record.clone();
        next.token = renewed.access;
        next.refresh_token = renewed.refresh.or(next.refresh_token);
        (next.expires_in, next.expiry) = expiry(renewed.expires_in, now).unzip();
        next.obtained_at = Some(now);
        next.scopes = renewed.scopes.unwrap_or(next.scopes);
        next.generation += 1;
        next.dead = None;
        let spent = record.refresh_token.clone().unwrap_or_default();
        let next = self.write(&spent, next, locked).await?;
        info!(account = %self.entry.key.account, generation = next.generation, "Renewed a token");
        Ok(next)
    }

    /// Writes, more than once if it must: the refresh token is spent, and this is all there is instead.
    async fn write(&self, spent: &Secret, received: Record, locked: &mut dyn LockedTokens) -> Result<Record> {
        let mut waits = WRITE_WAITS.iter();
        loop {
            let Err(error) = locked.replace(received.clone()).await else { return Ok(received) };
            warn!(account = %self.entry.key.account, %error, "Could not write a renewed token");
            let Some(wait) = waits.next() else {
                let unsaved = Unsaved { spent: spent.clone(), received };
                *self.entry.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(unsaved);
                return Err(error);
            };
            sleep(*wait).await;
        }
    }

    /// Marks the refresh token as dead, unless the access token still lives: the platform may only have found it too early.
    async fn bury(&self, record: Record, code: String, locked: &mut dyn LockedTokens) -> Result<Record> {
        if self.used.is_none() && is_live(&record, self.entry.sources.clock.now()) {
            if let Some(expiry) = record.expiry {
                self.entry.rest_until(&record, expiry);
            }
            return Ok(record);
        }
        let mut dead = record;
        let refresh_token_sha256 = dead.refresh_token.as_ref().map(fingerprint).unwrap_or_default();
        dead.dead = Some(Death { refresh_token_sha256, reason: code });
        dead.generation += 1;
        if let Err(error) = locked.replace(dead.clone()).await {
            warn!(account = %self.entry.key.account, %error, "Could not note that a sign-in has ended");
        }
        Err(self.entry.gone(&dead))
    }
}
