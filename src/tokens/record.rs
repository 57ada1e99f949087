//! What is stored of one sign-in: a superset of google-auth's `authorized_user`, with unknown keys kept.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use switchboard_kit::{
    Identity,
    host::{ExposeSecret as _, Secret},
};

/// Longest lifetime that is believed, in seconds.
const LONGEST_LIFE: f64 = 10.0 * 365.0 * 86_400.0;

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
    /// When the refresh token expires if it is not used; unknown if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expiry: Option<Timestamp>,
    /// Seconds that the refresh token was good for when received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expires_in: Option<f64>,
    /// When it may be renewed again after the platform failed: every process leaves it alone until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_after: Option<Timestamp>,
    /// Grows with every replacement.
    #[serde(default)]
    pub generation: u64,
    /// Set when the platform refused the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<Death>,
    /// What others have written beside it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A refusal to renew: only this refresh token is refused, one that came later is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// SHA-256 of the refresh token that was refused, in hexadecimal.
    pub refresh_token_sha256: String,
    /// The error code that the platform gave, such as `invalid_grant`.
    pub reason: String,
    /// Whether the access token was still good: perhaps it was only too early, so it is tried once more at the expiry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub early: bool,
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
            refresh_expiry: None,
            refresh_expires_in: None,
            renew_after: None,
            generation: 1,
            dead: None,
            other: Map::new(),
        }
    }

    /// Notes that the tokens came now, and for how many seconds each is good.
    pub fn good_for(&mut self, now: Timestamp, access: Option<f64>, refresh: Option<f64>) {
        self.obtained_at = Some(now);
        (self.expires_in, self.expiry) = end(access, now).unzip();
        (self.refresh_expires_in, self.refresh_expiry) = end(refresh, now).unzip();
    }
}

/// Returns a lifetime that can be reckoned with, and its end. No time at all, or less, is a server's mistake.
fn end(seconds: Option<f64>, now: Timestamp) -> Option<(f64, Timestamp)> {
    let life = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0)?.min(LONGEST_LIFE);
    Some((life, now.saturating_add(SignedDuration::from_secs_f64(life)).ok()?))
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
