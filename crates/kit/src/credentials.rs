//! Where proof of identity comes from: asked for anew before every request.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Principal, Result};

/// Proof of identity for one request.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authentication scheme, such as `Bearer`.
    pub scheme: &'static str,
    /// What follows it.
    pub secret: SecretString,
}

/// An account's credentials, always fresh. The token store is one; tests and hosts bring others.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// Returns credentials that may be sent to `origin` (scheme, host and port), renewed first if they were about to expire.
    async fn fresh(&self, principal: &Principal, origin: &str) -> Result<Credentials>;

    /// Returns others than `used`, which the platform at `origin` has just refused.
    async fn refused(&self, principal: &Principal, origin: &str, used: &Credentials) -> Result<Credentials>;
}
