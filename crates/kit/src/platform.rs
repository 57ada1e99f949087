//! A chat platform: what its provider says of it, and the same with its type erased.

use std::{any::Any, fmt, sync::Arc};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Api, Auth, Call, Endpoints, Error, ErrorKind, Response, Result,
    chat::{Chat, Facets},
    host::Account,
};

/// Names one configured account: its key in `provider-config.yaml`. Tokens, logs, cursors and caches carry it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountKey(Arc<str>);

impl AccountKey {
    /// Names the account `key`.
    pub fn new(key: &str) -> Self {
        Self(key.into())
    }

    /// Returns the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who signed in, as the platform tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The platform's id of the person, unique within the workspace.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// Workspace, organization or server, if the platform has such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// A chat platform: how to sign in, where its API is, and what a client of it can do.
pub trait Platform: Sized + Send + Sync + 'static {
    /// Names the provider's directory, crate, feature and config key; `#[provider]` fills it in.
    const KEY: &'static str;

    /// The platform's own keys, under `settings:` in `provider-config.yaml`.
    type Settings: DeserializeOwned + JsonSchema + Send + Sync + 'static;

    /// Says how a user signs in.
    fn auth(settings: &Self::Settings) -> Auth;

    /// Says where the API is.
    fn endpoints(settings: &Self::Settings) -> Endpoints;

    /// Makes a client for one call; `api` already carries that caller's credentials.
    fn connect(api: Api, settings: &Self::Settings) -> Self;

    /// Turns the platform's way of reporting failure into an [`Error`].
    fn check(response: &Response) -> Result<()> {
        response.error_for_status()
    }

    /// Asks the platform who is signed in.
    fn whoami(&self) -> impl Future<Output = Result<Identity>> + Send;

    /// Returns the platform's share of the common verbs.
    fn chat(&self) -> Option<&dyn Chat> {
        None
    }
}

/// A registered platform; `#[provider]` writes it.
#[derive(Debug)]
pub struct PlatformDef {
    /// The platform's key.
    pub key: &'static str,
    /// The schema of its settings.
    pub settings: fn() -> Value,
    /// Reads settings.
    pub bind: fn(Value) -> Result<Arc<dyn Bound>>,
}

impl PlatformDef {
    /// Describes `P`.
    pub const fn new<P: Platform>() -> Self {
        Self { key: P::KEY, settings: || crate::schema::settings_schema::<P::Settings>(), bind: bind::<P> }
    }
}

inventory::collect!(PlatformDef);

/// A platform with its settings read, and its type forgotten.
pub trait Bound: Send + Sync {
    /// Names the platform.
    fn platform(&self) -> &'static str;
    /// Says how a user signs in.
    fn auth(&self) -> Auth;
    /// Says where the API is.
    fn endpoints(&self) -> Endpoints;
    /// Says which facets of chat the platform has, without a client.
    fn facets(&self) -> Facets;
    /// Makes a client of `account` for one call.
    fn connect(&self, account: &Arc<Account>, call: &Call) -> Box<dyn Live>;
}

impl fmt::Debug for dyn Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bound").field(&self.platform()).finish()
    }
}

/// A platform's client, with its type forgotten.
#[async_trait]
pub trait Live: Send + Sync {
    /// Returns itself, for a tool that knows its type.
    fn as_any(&self) -> &(dyn Any + Send + Sync);
    /// Asks the platform who is signed in.
    async fn whoami(&self) -> Result<Identity>;
    /// Returns the platform's share of the common verbs.
    fn chat(&self) -> Option<&dyn Chat>;
}

/// Returns who is signed in to an account, asking its client once as long as the token is the same.
pub async fn myself(live: &dyn Live, account: &Arc<Account>, call: &Call) -> Result<Arc<Identity>> {
    let api = Api::new(account.clone(), call.clone(), |_| Ok(()));
    api.cached_for_token("myself", live.whoami()).await
}

struct BoundPlatform<P: Platform>(P::Settings);

fn bind<P: Platform>(settings: Value) -> Result<Arc<dyn Bound>> {
    let settings = match settings {
        Value::Null => Value::Object(serde_json::Map::new()),
        settings => settings,
    };
    let settings = serde_path_to_error::deserialize(settings).map_err(|error| {
        let (path, cause) = (error.path().to_string(), error.into_inner());
        let at = if path == "." { String::new() } else { format!("`settings.{path}`: ") };
        Error::new(ErrorKind::Config, format!("{at}{cause}"))
    })?;
    P::endpoints(&settings).checked()?;
    Ok(Arc::new(BoundPlatform::<P>(settings)))
}

impl<P: Platform> Bound for BoundPlatform<P> {
    fn platform(&self) -> &'static str {
        P::KEY
    }

    fn auth(&self) -> Auth {
        P::auth(&self.0)
    }

    fn endpoints(&self) -> Endpoints {
        P::endpoints(&self.0)
    }

    fn facets(&self) -> Facets {
        let api = Api::new(Account::detached(), crate::host::local_call(std::time::Duration::ZERO), P::check);
        P::connect(api, &self.0).chat().map(Facets::of).unwrap_or_default()
    }

    fn connect(&self, account: &Arc<Account>, call: &Call) -> Box<dyn Live> {
        Box::new(P::connect(Api::new(account.clone(), call.clone(), P::check), &self.0))
    }
}

#[async_trait]
impl<P: Platform> Live for P {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    async fn whoami(&self) -> Result<Identity> {
        Platform::whoami(self).await
    }

    fn chat(&self) -> Option<&dyn Chat> {
        Platform::chat(self)
    }
}
