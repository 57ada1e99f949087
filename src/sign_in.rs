//! Signs a person in to one account: by browser, device code, password or pasted token, whichever the platform offers.

mod attempt;
mod browser;
mod callback;
mod device;
mod invitation;
mod link;
mod pages;
mod pending;
mod session;
mod site;
mod static_token;
mod terminal;
#[cfg(test)]
mod tests;
mod way;

use std::{fmt, sync::Arc};

use serde::Deserialize;
use switchboard_kit::{
    AccountKey, Endpoints, Identity, Principal, Result,
    host::{Bound, Http, Secret},
};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::{
    audit::Audit,
    tokens::{TokenKey, TokenStore},
};

pub(crate) use browser::free_port;
pub use invitation::Invitations;
pub use terminal::{OwnTerminal, Terminal};
pub(crate) use way::usual_scopes;

/// What to sign in to, and how.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct SignIn {
    /// The account's key in the configuration.
    pub account: AccountKey,
    /// The account's platform.
    pub bound: Arc<dyn Bound>,
    /// Where the platform is, after the configuration had its say.
    pub endpoints: Endpoints,
    /// What sends requests.
    pub http: Arc<Http>,
    /// Where the tokens go.
    pub store: Arc<dyn TokenStore>,
    /// Where the person is.
    pub terminal: Arc<dyn Terminal>,
    /// The user's own OAuth client, if there is one.
    pub client: Option<ClientCredentials>,
    /// Scopes to ask for in place of the platform's.
    pub scopes: Option<Vec<String>>,
    /// Whether writing is on, and so its scopes are asked for.
    pub write: bool,
    /// Address of this machine to listen on.
    pub host: String,
    /// Port to listen on, before all others.
    pub port: Option<u16>,
    /// Ports to try in turn; any that is free when there are none.
    pub ports: Vec<u16>,
    /// The address that the platform sends the browser back to, if it is not our own.
    pub callback_url: Option<Url>,
    /// Whether to open the browser.
    pub open_browser: bool,
    /// Whether to go on serving after a sign-in.
    pub keep_running: bool,
    /// Whether to sign in by device code.
    pub device: bool,
    /// Whether another person's sign-in may be replaced.
    pub replace: bool,
    /// Where the tokens go, in words for the user.
    pub token_path: String,
    /// The command that signs in, for hints.
    pub command: String,
    /// Where it is noted who signed in.
    pub audit: Option<Audit>,
    /// Where it is counted while a code is exchanged: it is good for one try, so that the process should not end meanwhile.
    pub exchanges: TaskTracker,
}

/// An OAuth client of the user's own.
#[derive(Clone, Debug, Deserialize)]
pub struct ClientCredentials {
    /// Its id.
    #[serde(rename = "client_id")]
    pub id: String,
    /// Its secret, if it has one.
    #[serde(rename = "client_secret")]
    pub secret: Option<Secret>,
}

/// A sign-in that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The account that it belongs to.
    pub account: AccountKey,
    /// Who signed in.
    pub identity: Identity,
}

impl SignIn {
    /// Prepares a sign-in in the browser of this machine, for reading.
    pub fn new(
        account: AccountKey,
        bound: Arc<dyn Bound>,
        http: Arc<Http>,
        store: Arc<dyn TokenStore>,
        terminal: Arc<dyn Terminal>,
    ) -> Self {
        let endpoints = bound.endpoints();
        let command = format!("switchboard --provider {account} --local-auth");
        Self {
            account,
            bound,
            endpoints,
            http,
            store,
            terminal,
            client: None,
            scopes: None,
            write: false,
            host: "127.0.0.1".into(),
            port: None,
            ports: Vec::new(),
            callback_url: None,
            open_browser: true,
            keep_running: false,
            device: false,
            replace: false,
            token_path: String::new(),
            command,
            audit: None,
            exchanges: TaskTracker::new(),
        }
    }

    fn key(&self) -> TokenKey {
        TokenKey { principal: Principal::local(), account: self.account.clone() }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Signs in and stores the tokens. Returns when that is done, or, with `keep_running`, when the user interrupts.
pub async fn sign_in(request: SignIn) -> Result<Completed> {
    let request = Arc::new(request);
    request.terminal.say(&format!("Signing in to {} as account `{}`.", request.bound.platform(), request.account));
    for origin in request.endpoints.origins() {
        request.terminal.say(&format!("  endpoint  {origin}"));
    }
    if !request.token_path.is_empty() {
        request.terminal.say(&format!("  tokens    {}", request.token_path));
    }
    at_pinned_hosts(&request).await?;
    match way::choose(&request).await? {
        way::Way::Browser(by) => browser::run(&request, by).await,
        way::Way::Device(by) => device::run(&request, &by).await,
        way::Way::Password(by) => session::run(&request, &by).await,
        way::Way::Token(by) => static_token::run(&request, &by).await,
    }
}

/// A configuration that was tampered with would lead the sign-in to hosts that the account's tokens are not for.
async fn at_pinned_hosts(request: &SignIn) -> Result<()> {
    // A file that cannot be read pins nothing; storing will tell.
    match request.store.load(&request.key()).await {
        Ok(Some(record)) if !request.replace => link::at_pinned_hosts(request, &record),
        _ => Ok(()),
    }
}
