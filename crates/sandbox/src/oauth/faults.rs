//! The knobs that make the OAuth server misbehave, and the chat service slow.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the OAuth server behaves; the default is a well-behaved, strict one, and a quick chat service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seconds for which an access token is good.
    pub access_lifetime: u64,
    /// What becomes of a refresh token once it is used.
    pub rotation: Rotation,
    /// Milliseconds before the token endpoint acts.
    pub delay_before_commit_ms: u64,
    /// Milliseconds between the act and the answer.
    pub delay_after_commit_ms: u64,
    /// Seconds by which `expires_in` overstates the lifetime.
    pub expires_in_skew: i64,
    /// Seconds that a device must leave between polls.
    pub device_interval: u64,
    /// Milliseconds before the chat service acts.
    pub api_delay_ms: u64,
    /// What the next answers of the token endpoint are like, one each.
    pub next: VecDeque<Misstep>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            access_lifetime: 3600,
            rotation: Rotation::Strict,
            delay_before_commit_ms: 0,
            delay_after_commit_ms: 0,
            expires_in_skew: 0,
            device_interval: 5,
            api_delay_ms: 0,
            next: VecDeque::new(),
        }
    }
}

impl Faults {
    pub(crate) fn delay_before_commit(&self) -> Duration {
        Duration::from_millis(self.delay_before_commit_ms)
    }

    pub(crate) fn delay_after_commit(&self) -> Duration {
        Duration::from_millis(self.delay_after_commit_ms)
    }

    pub(crate) fn api_delay(&self) -> Duration {
        Duration::from_millis(self.api_delay_ms)
    }

    pub(crate) fn access_lifetime_ms(&self) -> i64 {
        i64::try_from(self.access_lifetime).unwrap_or(i64::MAX).saturating_mul(1000)
    }

    pub(crate) fn expires_in(&self) -> i64 {
        i64::try_from(self.access_lifetime).unwrap_or(i64::MAX).saturating_add(self.expires_in_skew)
    }
}

/// What becomes of a refresh token once it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It stays, and the answer names no other.
    None,
    /// It is replaced, and stays good.
    Benign,
    /// It is replaced, and stays good for this many seconds; later use is reuse, as in `Strict`.
    Grace(u32),
    /// It is replaced; using it again revokes the whole sign-in.
    Strict,
}

/// One misbehaviour of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misstep {
    /// Acts, then closes the connection without an answer.
    DropAfterCommit,
    /// Does nothing and answers with this HTTP status.
    Status(u16),
    /// Does nothing and answers 429 with this many seconds in `Retry-After`.
    RateLimited(u32),
    /// Does nothing and never answers.
    NoAnswer,
    /// Does nothing and answers 200 with an error in the body.
    #[serde(rename = "error_in_200")]
    ErrorIn200,
    /// Does nothing and answers `invalid_grant`, though the refresh token is good.
    RefuseEarlyRefresh,
    /// Acts, and cuts the answer in half.
    TruncatedJson,
    /// Acts, and leaves out `expires_in`.
    OmitExpiresIn,
    /// Acts, and leaves out `refresh_token`.
    OmitRefreshToken,
}
