//! What is stored of one sign-in: a superset of google-auth's `authorized_user`, with unknown keys kept.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use switchboard_kit::{
    Identity,
    host::{ExposeSecret as _, Secret},
};

/// How a token was got, and so how it is renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By OAuth 2: renewed at `token_uri` with the refresh grant.
    #[default]
    OAuth,
    /// By a login of the platform's own: renewed at `token_uri` as the platform describes.
    Session,
    /// Pasted by the user: never renewed.
    Static,
}

/// One sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    /// Version of this format: 1.
    #[serde(default = "one")]
    pub version: u32,
    /// Platform that issued the tokens.
    #[serde(default)]
    pub platform: String,
    /// How they were got.
    #[serde(default)]
    pub method: Method,
    /// Who signed in: pinned, so that another person's tokens are never mixed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The authorization server's issuer, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Origins that the access token may be sent to: pinned at sign-in, and stronger than any configuration.
    #[serde(default)]
    pub api_hosts: BTreeSet<String>,
    /// OAuth client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client's secret, only where registration (RFC 7591) or an imported file brought one.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional")]
    pub client_secret: Option<Secret>,
    /// Access token.
    #[serde(serialize_with = "exposed")]
    pub token: Secret,
    /// Refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional")]
    pub refresh_token: Option<Secret>,
    /// Where to renew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_uri: Option<String>,
    /// Where to revoke (RFC 7009), or to log out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_uri: Option<String>,
    /// Scopes that were granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When the access token expires; never if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Timestamp>,
    /// When the tokens were received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtained_at: Option<Timestamp>,
    /// Seconds that the access token was good for when received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<f64>,
    /// Grows with every replacement.
    #[serde(default)]
    pub generation: u64,
    /// Set when the platform refused the refresh token for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<Death>,
    /// What others have written beside it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The end of a sign-in: only this refresh token is dead, one that came later is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// SHA-256 of the refresh token that was refused, in hexadecimal.
    pub refresh_token_sha256: String,
    /// The error code that the platform gave, such as `invalid_grant`.
    pub reason: String,
}

impl Record {
    /// Starts a record with the first access token.
    pub fn new(platform: &str, method: Method, token: Secret) -> Self {
        Self {
            version: 1,
            platform: platform.into(),
            method,
            identity: None,
            issuer: None,
            api_hosts: BTreeSet::new(),
            client_id: None,
            client_secret: None,
            token,
            refresh_token: None,
            token_uri: None,
            revoke_uri: None,
            scopes: Vec::new(),
            expiry: None,
            obtained_at: None,
            expires_in: None,
            generation: 1,
            dead: None,
            other: Map::new(),
        }
    }
}

/// Shows no secret.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("platform", &self.platform)
            .field("generation", &self.generation)
            .field("expiry", &self.expiry)
            .field("dead", &self.dead.is_some())
            .finish_non_exhaustive()
    }
}

fn one() -> u32 {
    1
}

fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn optional<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => exposed(secret, serializer),
        None => serializer.serialize_none(),
    }
}
