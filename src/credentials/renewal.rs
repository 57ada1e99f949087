//! What a platform does with a refresh token: the one step of a renewal that is not the store's.

use std::time::Duration;

use async_trait::async_trait;
use switchboard_kit::{Error, host::Secret};

use crate::tokens::Record;

/// Trades a refresh token for an access token. Sends it once: whether to try again is the caller's decision.
#[async_trait]
pub trait Renewal: Send + Sync {
    /// Renews `record`, which holds a refresh token.
    async fn renew(&self, record: &Record) -> Result<Renewed, RenewalError>;
}

/// What the platform gave.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// The new access token.
    pub access: Secret,
    /// The refresh token that takes the place of the one that was spent; the old one stays if missing.
    pub refresh: Option<Secret>,
    /// Seconds that the access token is good for; until further notice if missing.
    pub expires_in: Option<f64>,
    /// Seconds that the refresh token is good for if it is not used, if the platform says.
    pub refresh_expires_in: Option<f64>,
    /// Scopes, if the platform named them.
    pub scopes: Option<Vec<String>>,
}

/// Why the platform gave none.
#[derive(Debug)]
pub enum RenewalError {
    /// It may well give one later.
    Transient {
        /// What happened.
        error: Error,
        /// How long the platform asked to wait.
        retry_after: Option<Duration>,
        /// Whether the platform may have spent the refresh token all the same.
        ambiguous: bool,
    },
    /// It never will for this refresh token.
    Refused {
        /// The platform's error code, such as `invalid_grant`.
        code: String,
    },
    /// It would not for any: the client, not the token, is wrong.
    Config(Error),
}
