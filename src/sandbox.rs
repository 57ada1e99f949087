//! The embedded sandbox: started on the first request to it, signed in to through the ordinary flow.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use switchboard_kit::{
    Endpoints, Error, ErrorKind, Principal, Result,
    host::{Close, CredentialSource, Credentials, Embedded, Http, Method, Outgoing, Secret},
};
use switchboard_sandbox::{ISSUER, Sandbox};
use tokio::{
    net::TcpListener,
    sync::{Mutex, OnceCell, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;
use url::Url;

use crate::{
    credentials::StoredCredentials,
    sign_in::{SignIn, Terminal, sign_in},
    tokens::{Disk as _, RealDisk},
};

/// The provider, and its account's usual key.
pub(crate) const KEY: &str = "sandbox";

/// Lets requests to the sandbox's declared origin reach one inside this process, with its state in this file.
pub(crate) fn embed(http: Http, state: PathBuf) -> Http {
    let host = ISSUER.trim_start_matches("https://");
    let (stop, serving) = (CancellationToken::new(), TaskTracker::new());
    http.embedding(host, Arc::new(EmbeddedSandbox { state, address: OnceCell::new(), stop, serving }))
}

struct EmbeddedSandbox {
    state: PathBuf,
    address: OnceCell<SocketAddr>,
    stop: CancellationToken,
    serving: TaskTracker,
}

#[async_trait]
impl Embedded for EmbeddedSandbox {
    async fn address(&self) -> Result<SocketAddr> {
        let start = || async {
            let sandbox = open(self.state.clone()).await?;
            let listener =
                TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| no_port(&error))?;
            let address = listener.local_addr().map_err(|error| no_port(&error))?;
            let stop = self.stop.clone().cancelled_owned();
            self.serving.spawn(async move {
                if let Err(error) = sandbox.serve(listener, stop).await {
                    warn!(%error, "The sandbox ended");
                }
            });
            Ok(address)
        };
        self.address.get_or_try_init(start).await.copied()
    }
}

#[async_trait]
impl Close for EmbeddedSandbox {
    async fn close(&self) -> Result<()> {
        self.stop.cancel();
        self.serving.close();
        self.serving.wait().await;
        Ok(())
    }
}

/// Returns whether these are the addresses of the sandbox inside this process.
pub(crate) fn is_embedded(endpoints: &Endpoints) -> bool {
    endpoints.origins().iter().eq([ISSUER])
}

/// Credentials that sign in by themselves when nobody has: there is no account to ask for.
pub(crate) struct SelfSignIn {
    stored: StoredCredentials,
    request: Mutex<SignIn>,
}

impl SelfSignIn {
    pub(crate) fn new(stored: StoredCredentials, request: SignIn) -> Self {
        let request = SignIn { write: true, ..request };
        Self { stored, request: Mutex::new(request) }
    }

    async fn or_sign_in(&self, principal: &Principal, origin: &str, found: Result<Credentials>) -> Result<Credentials> {
        if found.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::SignInRequired) {
            return found;
        }
        let request = self.request.lock().await;
        // Another call may have signed in while this one waited.
        match self.stored.fresh(principal, origin).await {
            Err(error) if error.kind() == ErrorKind::SignInRequired => {
                sign_in(request.clone()).await?;
                self.stored.fresh(principal, origin).await
            }
            found => found,
        }
    }
}

#[async_trait]
impl CredentialSource for SelfSignIn {
    async fn fresh(&self, principal: &Principal, origin: &str) -> Result<Credentials> {
        let found = self.stored.fresh(principal, origin).await;
        self.or_sign_in(principal, origin, found).await
    }

    async fn refused(&self, principal: &Principal, origin: &str, used: &Credentials) -> Result<Credentials> {
        let found = self.stored.refused(principal, origin, used).await;
        self.or_sign_in(principal, origin, found).await
    }
}

/// Returns somebody who opens the address that a sign-in offers, agrees, and pastes where that ended.
pub(crate) fn visitor(http: &Arc<Http>) -> Arc<dyn Terminal> {
    let (offer, offers) = mpsc::unbounded_channel();
    Arc::new(Visitor { http: http.clone(), offer, offers: Mutex::new(offers) })
}

struct Visitor {
    http: Arc<Http>,
    offer: mpsc::UnboundedSender<Url>,
    offers: Mutex<mpsc::UnboundedReceiver<Url>>,
}

#[async_trait]
impl Terminal for Visitor {
    fn say(&self, line: &str) {
        let offered = Url::parse(line).ok().filter(|url| url.origin().ascii_serialization() == ISSUER);
        if let Some(url) = offered {
            // The receiver is in the same struct.
            drop(self.offer.send(url));
        }
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    async fn line(&self) -> Option<String> {
        let mut url = self.offers.lock().await.recv().await?;
        url.query_pairs_mut().append_pair("prompt", "none");
        let answer = self.http.execute(Outgoing::new(Method::GET, url)).await.ok()?;
        answer.header("location").map(str::to_owned)
    }

    async fn secret_line(&self, _: &str) -> Option<Secret> {
        None
    }

    /// Opens nothing, so that the sign-in offers an address to paste from.
    fn open(&self, _: &Url) -> bool {
        false
    }
}

/// Opens a workspace, off the thread that answers clients.
pub(crate) async fn open(state: PathBuf) -> Result<Sandbox> {
    let opened = tokio::task::spawn_blocking(move || {
        // Its tokens come to lie beside it. What hinders here hinders the sandbox too, which says so.
        let _ = state.parent().map(|folder| RealDisk.create_folder(folder));
        Sandbox::open(&state)
    })
    .await;
    let opened = opened.map_err(|error| Error::unexpected("the sandbox could not be opened").caused_by(error))?;
    opened.map_err(|error| Error::new(ErrorKind::Unavailable, format!("the sandbox: {error}")))
}

/// Says that there is no port to listen on.
pub(crate) fn no_port(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the sandbox cannot listen: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchboard_kit::host::Shared;

    use super::*;

    #[tokio::test]
    async fn it_is_started_by_the_first_request_and_ended_with_what_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("sandbox.db");
        let shared = Shared::new(Arc::new(embed(Http::default(), state.clone())));
        let ask = async || {
            let at = Url::parse(ISSUER).unwrap().join("/.well-known/oauth-authorization-server").unwrap();
            shared.http().execute(Outgoing::new(Method::GET, at)).await
        };
        assert!(!state.exists());
        assert_eq!(ask().await.unwrap().status(), 200);
        assert!(state.exists());
        shared.close(Duration::from_secs(3)).await;
        assert_eq!(ask().await.unwrap_err().kind(), ErrorKind::Unavailable);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["sandbox.db"], "the database is not closed");
    }
}
