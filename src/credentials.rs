//! Credentials out of the token store: read anew for every request, renewed once for everyone, never lost.

mod detached;
mod entry;
mod judgement;
mod renewal;
#[cfg(test)]
mod tests;
mod transaction;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Principal, Result,
    host::{CredentialSource, Credentials},
};
use tokio_util::task::TaskTracker;

use crate::tokens::{Record, TokenKey, TokenStore};
pub use detached::{Answer, DetachedError, DetachedProcess, DetachedRenewal};
use entry::{Entry, PATIENCE};
pub use judgement::Cause;
use judgement::fingerprint;
pub(crate) use judgement::{Refused, refused};
pub use renewal::{Renewal, RenewalError, Renewed};

/// Tells the time. Expiry follows the wall clock: the other clock stops while the machine sleeps.
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Timestamp;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What the credentials of one account rest on.
#[derive(Clone)]
pub struct Sources {
    /// Where its tokens are.
    pub store: Arc<dyn TokenStore>,
    /// How its platform renews them.
    pub renewal: Arc<dyn Renewal>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What renews where the end of this process would lose a sign-in; nothing where it would not.
    pub detached: Option<Arc<dyn DetachedRenewal>>,
    /// Where renewals run: wait for it before the process ends, or a rotated token may be lost.
    pub tasks: TaskTracker,
}

/// One account's credentials.
pub struct StoredCredentials {
    account: AccountKey,
    sign_in: Arc<str>,
    sources: Sources,
    entries: Mutex<HashMap<Principal, Arc<Entry>>>,
}

impl StoredCredentials {
    /// Keeps credentials for `account`, which the user signs in to with the command `sign_in`.
    pub fn new(account: AccountKey, sign_in: &str, sources: Sources) -> Self {
        Self { account, sign_in: sign_in.into(), sources, entries: Mutex::default() }
    }

    fn entry(&self, principal: &Principal) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(principal.clone()).or_insert_with(|| {
            let key = TokenKey { principal: principal.clone(), account: self.account.clone() };
            Arc::new(Entry::new(key, Arc::clone(&self.sign_in), self.sources.clone()))
        });
        Arc::clone(entry)
    }

    /// Renews now, whatever the clock says, unless another process has just done so.
    pub async fn renew_now(&self, principal: &Principal) -> Result<Record> {
        let stored = self.entry(principal).stored().await?;
        self.renew(principal, &Cause::Asked(fingerprint(&stored.token))).await
    }

    /// Renews if that is called for.
    pub async fn renew(&self, principal: &Principal, cause: &Cause) -> Result<Record> {
        self.entry(principal).renewed(cause, PATIENCE).await
    }

    async fn credentials(&self, principal: &Principal, origin: &str, cause: &Cause) -> Result<Credentials> {
        let entry = self.entry(principal);
        let record = entry.stored().await?;
        self.check(&record, origin)?;
        let renewed = entry.usable(record, cause).await?;
        // Whoever signed in meanwhile may have signed in elsewhere.
        self.check(&renewed, origin)?;
        Ok(Credentials { scheme: "Bearer", secret: renewed.token })
    }

    /// Ends what is under way here, as the end of the process would.
    #[cfg(test)]
    fn kill(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).drain().for_each(|(_, entry)| entry.kill());
    }

    fn check(&self, record: &Record, origin: &str) -> Result<()> {
        let pinned = &record.api_hosts;
        if pinned.contains(origin) {
            return Ok(());
        }
        let named = pinned.iter().map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", ");
        let named = if named.is_empty() { "no host".to_owned() } else { named };
        let message = format!("the sign-in to `{}` is for {named} and does not go to `{origin}`", self.account);
        Err(Error::new(ErrorKind::Forbidden, message).hint(format!(
            "correct the address in the configuration, or, if you trust the new one, run `{} --replace`",
            self.sign_in
        )))
    }
}

#[async_trait]
impl CredentialSource for StoredCredentials {
    async fn fresh(&self, principal: &Principal, origin: &str) -> Result<Credentials> {
        self.credentials(principal, origin, &Cause::Request).await
    }

    async fn refused(&self, principal: &Principal, origin: &str, used: &Credentials) -> Result<Credentials> {
        self.credentials(principal, origin, &Cause::Refused(fingerprint(&used.secret))).await
    }
}
