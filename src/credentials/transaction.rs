//! One renewal from lock to disk: read again, spend the refresh token, write, and only then tell anyone.

use std::{process::Stdio, sync::Arc, time::Duration};

use jiff::Timestamp;
use switchboard_kit::{Error, ErrorKind, Result, host::in_time};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::{
    detached::{DetachedError, DetachedRenewal},
    entry::{Entry, PATIENCE, Unsaved},
    judgement::{Cause, Eagerness, LONGEST_REST, Verdict, fingerprint, is_live, judge, same},
    renewal::{RenewalError, Renewed},
};
use crate::tokens::{Death, LockedTokens, Record};

/// One deadline over all tries, and one for each: a little more than its request takes to give up by itself.
const TRIES: Duration = Duration::from_secs(18);
const TRY: Duration = Duration::from_millis(6_250);

/// Least time that a try is begun with: a platform that acts while nobody listens any more has ended a strict sign-in.
const LEAST: Duration = Duration::from_secs(3);

/// Waits between the tries, at least.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// How long every process leaves a platform alone that failed and did not say for how long.
const TROUBLE: Duration = Duration::from_secs(2);

/// Milliseconds between attempts to write what was received, while the lock is held.
const WRITE_WAITS: [u64; 5] = [50, 250, 1000, 2000, 4000];

/// A renewal for everyone who waits in this process.
pub(super) struct Transaction {
    pub(super) entry: Arc<Entry>,
    pub(super) cause: Cause,
}

/// Who acts.
enum Turn {
    /// This transaction, on this record.
    Ours(Box<dyn LockedTokens>, Box<Record>),
    /// Nobody: there is a token to use.
    Settled(Box<Record>),
}

/// What became of the refresh token.
enum Spent {
    /// It was traded in, by a request that was sent then.
    Renewed(Renewed, Timestamp),
    /// Someone else wrote a newer record, without the lock.
    Foreign(Box<Record>),
    /// The platform refused it.
    Refused(String),
    /// Nobody knows; it may work later.
    InTrouble(Error),
}

impl Transaction {
    pub(super) async fn run(self) -> Result<Record> {
        let began = Instant::now();
        let (mut locked, mut record) = match self.turn(began).await? {
            Turn::Ours(locked, record) => (locked, *record),
            Turn::Settled(record) => return Ok(*record),
        };
        if let Some(detached) = &self.entry.sources.detached
            && let Some(lock) = locked.hand_over()
        {
            // From here on the lock is the other process's, even if this one ends.
            drop(locked);
            if let Some(ended) = self.elsewhere(&**detached, lock, began).await {
                return ended;
            }
            (locked, record) = match self.turn(began).await? {
                Turn::Ours(locked, record) => (locked, *record),
                Turn::Settled(record) => return Ok(*record),
            };
        }
        match self.spend(&record, began + TRIES).await? {
            Spent::Renewed(renewed, sent) => self.keep(&record, renewed, sent, locked).await,
            Spent::Foreign(foreign) => self.settled(&foreign).unwrap_or_else(|| Err(self.entry.in_trouble(TROUBLE))),
            Spent::Refused(code) => self.bury(record, code, &mut *locked).await,
            Spent::InTrouble(error) => self.leave_alone(record, error, &mut *locked).await,
        }
    }

    /// Takes the lock and looks again: what was to be renewed may have been meanwhile.
    async fn turn(&self, began: Instant) -> Result<Turn> {
        let locked = tokio::select! {
            biased;
            locked = self.entry.sources.store.lock(&self.entry.key) => locked?,
            record = self.renewed_by_others() => return Ok(Turn::Settled(Box::new(record))),
        };
        let record = match locked.current() {
            Some(record) => record.clone(),
            None => self.entry.stored().await?,
        };
        if let Some(settled) = self.settled(&record) {
            return settled.map(|record| Turn::Settled(Box::new(record)));
        }
        if began.elapsed() + TRY > TRIES {
            // Whoever held the lock so long has tried in vain, and there is no time left to hear an answer.
            return Err(self.entry.in_trouble(TROUBLE));
        }
        Ok(Turn::Ours(locked, Box::new(record)))
    }

    /// Has another process renew, with the lock; returns nothing if it must be done here after all.
    async fn elsewhere(&self, by: &dyn DetachedRenewal, lock: Stdio, began: Instant) -> Option<Result<Record>> {
        let (key, patience) = (&self.entry.key, PATIENCE.saturating_sub(began.elapsed()));
        match by.renew(key, &self.cause, lock, patience).await {
            Ok(()) => {
                let renewed = self.read_again().await.transpose();
                if renewed.is_none() {
                    info!(account = %key.account, "A renewed token has expired already, or is not on disk: trying again");
                }
                renewed
            }
            // Its command line is not this one's, and so the command that it would have the user run may not be either.
            Err(DetachedError::Failed(error)) if error.kind() == ErrorKind::SignInRequired => {
                Some(Err(self.entry.stored().await.map_or_else(|own| own, |record| self.entry.gone(&record))))
            }
            Err(DetachedError::Failed(error)) => Some(Err(error)),
            Err(DetachedError::Broken(error)) => {
                warn!(account = %key.account, %error, "Renewing here: the process for it broke off");
                None
            }
        }
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

    /// Returns what comes of `record` if it need not, or cannot, be renewed now.
    fn settled(&self, record: &Record) -> Option<Result<Record>> {
        match self.judge(record) {
            Verdict::Use => Some(Ok(record.clone())),
            Verdict::SignIn => Some(Err(self.entry.gone(record))),
            Verdict::Wait(wait) => Some(Err(self.entry.in_trouble(wait))),
            Verdict::UseAndRenew | Verdict::Renew => None,
        }
    }

    /// With the lock in hand nobody is hesitant: otherwise two might each leave it to the other.
    fn judge(&self, record: &Record) -> Verdict {
        judge(record, &self.cause, Eagerness::MOST, self.entry.sources.clock.now())
    }

    /// Returns what another process of ours has renewed, if that is still of use.
    async fn read_again(&self) -> Result<Option<Record>> {
        let record = self.entry.stored().await?;
        match self.judge(&record) {
            Verdict::Use | Verdict::UseAndRenew => Ok(Some(record)),
            Verdict::SignIn => Err(self.entry.gone(&record)),
            Verdict::Renew => Ok(None),
            Verdict::Wait(wait) => Err(self.entry.in_trouble(wait)),
        }
    }

    /// Sends the refresh token until the platform answers for good.
    async fn spend(&self, record: &Record, deadline: Instant) -> Result<Spent> {
        let mut waits = WAITS.iter();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let sent = self.entry.sources.clock.now();
            let renewal = self.entry.sources.renewal.renew(record);
            let (error, retry_after, ambiguous) = match in_time(TRY.min(left), renewal).await {
                Some(Ok(renewed)) => return Ok(Spent::Renewed(renewed, sent)),
                Some(Err(RenewalError::Config(error))) => return Err(error),
                Some(Err(RenewalError::Refused { code })) => {
                    return Ok(self.foreign(record).await.map_or(Spent::Refused(code), Spent::Foreign));
                }
                Some(Err(RenewalError::Transient { error, retry_after, ambiguous })) => (error, retry_after, ambiguous),
                None => {
                    let message = "the platform did not renew the token in time";
                    (Error::new(ErrorKind::Unavailable, message), None, true)
                }
            };
            let wait = waits
                .next()
                .map(|wait| wait.mul_f64(rand::random_range(1.0..=1.25)).max(retry_after.unwrap_or_default()));
            match wait {
                Some(wait) if Instant::now() + wait + LEAST < deadline => sleep(wait).await,
                _ => {
                    let error = retry_after.into_iter().fold(error, Error::after);
                    return Ok(self.foreign(record).await.map_or(Spent::InTrouble(error), Spent::Foreign));
                }
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

    /// Puts what was received in the place of `record`. The token's life counts from the request: it was made some time after
    /// that, and the answer may have waited for a machine that slept.
    async fn keep(
        &self,
        record: &Record,
        renewed: Renewed,
        sent: Timestamp,
        mut locked: Box<dyn LockedTokens>,
    ) -> Result<Record> {
        let mut next = record.clone();
        next.good_for(sent, renewed.expires_in, renewed.refresh_expires_in);
        if renewed.refresh.is_none() && renewed.refresh_expires_in.is_none() {
            // The same refresh token, and not a word of it: what is left of its life is its life.
            next.refresh_expiry = record.refresh_expiry;
            next.refresh_expires_in = record.refresh_expiry.map(|expiry| sent.duration_until(expiry).as_secs_f64());
        }
        next.token = renewed.access;
        next.refresh_token = renewed.refresh.or(next.refresh_token);
        next.scopes = renewed.scopes.unwrap_or(next.scopes);
        next.generation += 1;
        (next.dead, next.renew_after) = (None, None);
        let mut waits = WRITE_WAITS.into_iter();
        while let Err(error) = locked.replace(next.clone()).await {
            warn!(account = %self.entry.key.account, %error, "Could not write a renewed token");
            let Some(wait) = waits.next() else {
                error!(
                    account = %self.entry.key.account, %error,
                    "A renewed token is not on disk: this process alone has it, and keeps trying to write it"
                );
                let in_place_of = record.token.clone();
                self.entry.keep_unsaved(Unsaved { in_place_of, received: next.clone() }, locked);
                return Ok(next);
            };
            sleep(Duration::from_millis(wait)).await;
        }
        info!(account = %self.entry.key.account, generation = next.generation, "Renewed a token");
        Ok(next)
    }

    /// Marks the refresh token as refused: for good, unless the access token still lives and it was only too early.
    async fn bury(&self, record: Record, code: String, locked: &mut dyn LockedTokens) -> Result<Record> {
        let used = matches!(&self.cause, Cause::Refused(used) if *used == fingerprint(&record.token));
        let early = !used && is_live(&record, self.entry.sources.clock.now());
        let refresh_token_sha256 = record.refresh_token.as_ref().map(fingerprint).unwrap_or_default();
        let mut next = record;
        next.dead = Some(Death { refresh_token_sha256, reason: code, early });
        next.generation += 1;
        if let Err(error) = locked.replace(next.clone()).await {
            warn!(account = %self.entry.key.account, %error, "Could not note that the platform refused to renew");
        }
        match (early, &self.cause) {
            (false, _) => Err(self.entry.gone(&next)),
            (true, Cause::Request) => Ok(next),
            (true, _) => Err(Error::new(
                ErrorKind::Unavailable,
                format!("the platform does not renew the sign-in to `{}` yet", self.entry.key.account),
            )
            .hint("go on: the token that is there is still good")),
        }
    }

    /// Notes for all processes that the platform is in trouble, so that they do not all try in vain.
    async fn leave_alone(&self, record: Record, error: Error, locked: &mut dyn LockedTokens) -> Result<Record> {
        let rest = error.retry_after().unwrap_or(TROUBLE).min(LONGEST_REST);
        let mut next = record;
        next.renew_after = self.entry.sources.clock.now().checked_add(rest).ok();
        next.generation += 1;
        if let Err(error) = locked.replace(next).await {
            warn!(account = %self.entry.key.account, %error, "Could not note that the platform is in trouble");
        }
        let transient = Error::new(ErrorKind::Unavailable, error.message());
        Err(transient.hint("try again in a moment; the sign-in itself is kept").after(rest).caused_by(error))
    }
}
