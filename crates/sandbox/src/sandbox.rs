//! Opens the state file and serves it over HTTP.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fmt, io};

use axum::{Router, middleware};
use tokio::net::TcpListener;

use crate::oauth::Faults;
use crate::store::Store;
use crate::{Result, chat, control, host, oauth};

/// The origin that an embedded sandbox declares for itself, whatever port it listens on.
pub const ISSUER: &str = "https://sandbox.switchboard.invalid";

/// Says how a sandbox serves; the default is what the embedded one needs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Origin to declare in place of [`ISSUER`], such as `http://127.0.0.1:4000`.
    pub public_url: Option<String>,
    /// Approves every sign-in at once, as if each request said `prompt=none`.
    pub auto_approve: bool,
    /// Serves `/control/`: faults, counters, revocation and expiry, open to every caller.
    pub control: bool,
    /// Refuses to look up conversations and people by what they are called, as platforms do that only list them.
    pub no_lookup: bool,
    /// How the OAuth server behaves at first.
    pub faults: Faults,
}

/// A chat workspace in one file, ready to be served.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) faults: Arc<Mutex<Faults>>,
    pub(crate) calls: Arc<chat::Calls>,
}

impl Sandbox {
    /// Opens the workspace at `path`, creating and seeding it if there is none; blocks while it does.
    pub fn open(path: &Path) -> Result<Self> {
        let store = Store::open(path)?;
        Ok(Self { store, options: Options::default(), faults: Arc::default(), calls: Arc::default() })
    }

    /// Adds made-up people and channels, in one transaction, until there are so many; blocks while it does.
    pub fn crowded(self, people: u32, conversations: u32) -> Result<Self> {
        self.store.crowd(people, conversations)?;
        Ok(self)
    }

    /// Sets how it serves.
    pub fn with(mut self, options: Options) -> Self {
        self.faults = Arc::new(Mutex::new(options.faults.clone()));
        self.options = options;
        self
    }

    /// Serves on `listener` until `shutdown` completes, then gives requests under way one second.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (stopping, mut stopped) = tokio::sync::watch::channel(false);
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(async move {
            shutdown.await;
            stopping.send_replace(true);
        });
        tokio::select! {
            served = serving => served,
            () = async {
                // An error means that the sender is gone, and it goes only after the shutdown.
                let _ = stopped.wait_for(|stopped| *stopped).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            } => Ok(()),
        }
    }

    /// Returns the origin that the sandbox declares for itself, without a slash at its end.
    pub fn issuer(&self) -> &str {
        self.options.public_url.as_deref().map_or(ISSUER, |url| url.trim_end_matches('/'))
    }

    fn router(self) -> Router {
        let count = middleware::from_fn_with_state(self.clone(), chat::count);
        let mut router = Router::new().merge(oauth::routes()).merge(chat::routes().route_layer(count));
        if self.options.control {
            router = router.merge(control::routes());
        }
        let check = middleware::from_fn_with_state(self.clone(), host::check);
        router.layer(check).with_state(self)
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sandbox").field("options", &self.options).finish_non_exhaustive()
    }
}
