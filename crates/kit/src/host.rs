//! What only the server needs of the kit. A provider that reaches in here fails a test.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

pub use crate::{
    call::Caller,
    credentials::{CredentialSource, Credentials},
    endpoints::is_loopback,
    http::{Embedded, Http, Outgoing},
    patience::in_time,
    platform::{Bound, Live, PlatformDef, myself},
    schema::nearest,
    shared::{Close, Shared},
    tool::{Content, Effect, IntoReply, JsonObject, Reply, ResourceBody, ResourceContents, ToolCall, ToolDef},
};
pub use inventory;
pub use reqwest::{Method, header};
pub use secrecy::{ExposeSecret, SecretString as Secret};

use crate::{AccountKey, Call, Endpoints, Error, ErrorKind, Principal, Result};

/// Most requests that are under way to one account at a time.
const PARALLEL: usize = 16;

/// One configured account: where it is, and how to prove who its user is.
pub struct Account {
    /// Its key in the configuration.
    pub key: AccountKey,
    /// Where its platform is.
    pub endpoints: Endpoints,
    /// Where its credentials come from.
    pub credentials: Arc<dyn CredentialSource>,
    /// What its calls share with those of others.
    pub shared: Arc<Shared>,
    pub(crate) pace: Pace,
}

impl Account {
    /// Puts an account together.
    pub fn new(
        key: AccountKey,
        endpoints: Endpoints,
        credentials: Arc<dyn CredentialSource>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { key, endpoints, credentials, shared, pace: Pace::default() }
    }

    /// Returns an account that reaches nothing, to ask a platform what it can do.
    pub(crate) fn detached() -> Arc<Self> {
        let (key, nowhere) = (AccountKey::new("detached"), Endpoints::api("https://detached.invalid"));
        Arc::new(Self::new(key, nowhere, Arc::new(Nobody), Arc::default()))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The pace that a platform allows an account, over all its calls.
pub(crate) struct Pace {
    permits: Semaphore,
    held_until: Mutex<Option<Instant>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { permits: Semaphore::new(PARALLEL), held_until: Mutex::new(None) }
    }
}

impl Pace {
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    /// Holds every request of the account for `wait`.
    pub(crate) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |held| held.max(until)));
    }

    pub(crate) async fn wait(&self) {
        let held = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = held {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// The credentials of nobody.
struct Nobody;

#[async_trait]
impl CredentialSource for Nobody {
    async fn fresh(&self, _: &Principal, _: &str) -> Result<Credentials> {
        Err(Error::new(ErrorKind::SignInRequired, "nobody is signed in"))
    }

    async fn refused(&self, principal: &Principal, origin: &str, _: &Credentials) -> Result<Credentials> {
        self.fresh(principal, origin).await
    }
}

/// Returns every linked platform, sorted by key: link order is not an order.
pub fn platforms() -> Vec<&'static PlatformDef> {
    let mut platforms: Vec<_> = inventory::iter::<PlatformDef>().collect();
    platforms.sort_unstable_by_key(|platform| platform.key);
    platforms
}

/// Returns every linked tool, sorted by host and name.
pub fn tools() -> Vec<&'static ToolDef> {
    let mut tools: Vec<_> = inventory::iter::<ToolDef>().collect();
    tools.sort_unstable_by_key(|tool| (tool.host, tool.name));
    tools
}

/// Starts a call of the person whose machine this is.
pub fn local_call(patience: Duration) -> Call {
    Call::new(Principal::local(), patience)
}
