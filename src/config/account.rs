//! One account's block: as it is written, and as it is once it was checked.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use switchboard_kit::{Endpoints, Result, host};
use url::Url;

use super::{Source, complaint};
use crate::chat::{Budget, Confirm, Guards, Rules, Targets};

/// One account's block.
#[derive(Debug)]
pub struct AccountConfig {
    /// Its provider.
    pub platform: String,
    /// The name to show.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// Where its tokens are; the default place if missing.
    pub token_path: Option<PathBuf>,
    /// Where its OAuth client is; the default place if missing.
    pub credentials_path: Option<PathBuf>,
    /// The redirect URL that is registered with the platform.
    pub callback_url: Option<Url>,
    /// Ports for signing in, tried in order.
    pub ports: Vec<u16>,
    /// Scopes to ask for instead of the platform's own.
    pub scopes: Option<Scopes>,
    /// What it may be used for, if the file says so.
    pub access: Option<Access>,
    /// What the user lets be done in it, as far as the file says; `access` and flags decide whether it is written to.
    pub rules: Rules,
    /// Platform tools to offer, by toolset.
    pub toolsets: Vec<String>,
    /// Addresses to use instead of the platform's own.
    pub endpoints: BTreeMap<String, String>,
    /// The platform, with those settings read.
    pub bound: Arc<dyn host::Bound>,
}

/// What an account may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    Write,
}

/// Scopes to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "`scopes` takes a list, or lists under `read` and `write` only")]
pub enum Scopes {
    /// The same for reading and writing.
    All(Vec<String>),
    /// Some for reading, others besides for writing.
    ByAccess {
        /// For reading.
        #[serde(default)]
        read: Vec<String>,
        /// Besides, for writing.
        #[serde(default)]
        write: Vec<String>,
    },
}

impl Scopes {
    /// Returns the scopes for the access in force.
    pub fn for_access(&self, write: bool) -> Vec<String> {
        match self {
            Self::All(scopes) => scopes.clone(),
            Self::ByAccess { read, write: more } if write => read.iter().chain(more).cloned().collect(),
            Self::ByAccess { read, .. } => read.clone(),
        }
    }
}

/// A block as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub(super) struct Block {
    platform: Option<Spanned<String>>,
    name: Option<String>,
    description: Option<String>,
    token_path: Option<Spanned<PathBuf>>,
    credentials_path: Option<Spanned<PathBuf>>,
    callback_url: Option<Spanned<String>>,
    port: Option<u16>,
    #[serde(default)]
    ports: Vec<u16>,
    scopes: Option<Scopes>,
    access: Option<Access>,
    #[serde(default)]
    allow: Targets,
    #[serde(default)]
    deny: Targets,
    #[serde(default)]
    confirm: Confirm,
    #[serde(default)]
    reply_only: bool,
    #[serde(default)]
    budget: Budget,
    #[serde(default)]
    call_everyone: bool,
    #[serde(default)]
    guards: Guards,
    #[serde(default)]
    link_hosts: Vec<String>,
    #[serde(default)]
    lockdown: bool,
    #[serde(default)]
    mark_read: bool,
    #[serde(default)]
    toolsets: Vec<String>,
    #[serde(default)]
    endpoints: BTreeMap<String, Spanned<String>>,
    settings: Option<Spanned<BTreeMap<String, Spanned<Value>>>>,
}

impl Block {
    /// Checks a block. The built-in file may name platforms that a lean build lacks; a user's own may not.
    pub(super) fn read(self, place: &complaint::Place<'_>) -> Result<Option<AccountConfig>> {
        if !place.account.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') || place.account.is_empty()
        {
            return Err(place.error("the key of an account is made of letters, digits, `_` and `-`"));
        }
        let platform = self.platform.as_ref().map_or(place.account, |platform| platform.value.as_str()).to_owned();
        let Some(def) = host::platforms().into_iter().find(|def| def.key == platform) else {
            if *place.source == Source::BuiltIn {
                return Ok(None);
            }
            let place = place.at(self.platform.as_ref().map(|platform| platform.referenced.line()));
            return Err(place.unknown_platform(&platform));
        };
        let settings = self.settings.map(|settings| (settings.referenced.line(), settings.value));
        let line = settings.as_ref().map(|(line, _)| *line);
        let (lines, settings): (BTreeMap<String, u64>, serde_json::Map<String, Value>) = settings
            .map(|(_, settings)| settings)
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| ((key.clone(), value.referenced.line()), (key, value.value)))
            .unzip();
        let bound = (def.bind)(Value::Object(settings));
        let bound = bound.map_err(|error| place.at(line).settings_error(&error, &(def.settings)(), &lines))?;
        for (name, url) in &self.endpoints {
            place.at(Some(url.referenced.line())).literal(&format!("endpoints.{name}"), &url.value)?;
        }
        let endpoints: BTreeMap<_, _> = self.endpoints.into_iter().map(|(name, url)| (name, url.value)).collect();
        bound.endpoints().overridden(&endpoints).and_then(Endpoints::checked).map_err(|error| place.wrap(&error))?;
        let callback_url = match &self.callback_url {
            Some(url) => Some(place.at(Some(url.referenced.line())).callback("callback_url", &url.value)?),
            None => None,
        };
        let path = |path: Option<Spanned<PathBuf>>, key| match path {
            Some(path) => place.at(Some(path.referenced.line())).path(key, &path.value).map(Some),
            None => Ok(None),
        };
        Ok(Some(AccountConfig {
            name: self.name.unwrap_or_else(|| place.account.to_owned()),
            description: self.description.unwrap_or_default(),
            token_path: path(self.token_path, "token_path")?,
            credentials_path: path(self.credentials_path, "credentials_path")?,
            callback_url,
            ports: self.port.into_iter().chain(self.ports).collect(),
            scopes: self.scopes,
            access: self.access,
            rules: Rules {
                write: false,
                mark_read: self.mark_read,
                allow: self.allow,
                deny: self.deny,
                confirm: self.confirm,
                confirm_writes: false,
                reply_only: self.reply_only,
                budget: self.budget,
                call_everyone: self.call_everyone,
                guards: self.guards,
                link_hosts: self.link_hosts,
                lockdown: self.lockdown,
            },
            toolsets: self.toolsets,
            endpoints,
            bound,
            platform,
        }))
    }
}

impl AccountConfig {
    /// Returns where the platform is, with the file's own addresses in place of the usual ones.
    pub fn endpoints(&self) -> Result<Endpoints> {
        self.bound.endpoints().overridden(&self.endpoints)
    }
}
