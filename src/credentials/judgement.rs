//! Whether a stored token will do: decided on the record and the time alone.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use switchboard_kit::host::{ExposeSecret as _, Secret};

use crate::tokens::{Method, Record};

/// Lifetime that is assumed of a token that does not tell.
const USUAL_LIFE: f64 = 3600.0;

/// How far the clock may have moved before it says nothing about a token any more, in seconds.
const CLOCK_SLACK: f64 = 60.0;

/// Longest lifetime that is believed, in seconds.
const LONGEST_LIFE: f64 = 10.0 * 365.0 * 86_400.0;

/// What to do about a stored token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it.
    Use,
    /// Renew it first.
    Renew,
    /// Only the user can help.
    SignIn,
}

/// Judges `record`: for a request, or after the platform refused the token `used`.
pub(super) fn judge(record: &Record, used: Option<&Secret>, now: Timestamp) -> Verdict {
    if is_dead(record) {
        return Verdict::SignIn;
    }
    let usable = match used {
        Some(used) => !same(used, &record.token) && is_live(record, now),
        None => is_fresh(record, now),
    };
    if usable {
        Verdict::Use
    } else if is_renewable(record) {
        Verdict::Renew
    } else if used.is_none() && is_live(record, now) {
        Verdict::Use
    } else {
        Verdict::SignIn
    }
}

/// Whether the access token has not expired.
pub(super) fn is_live(record: &Record, now: Timestamp) -> bool {
    left(record, now).is_none_or(|left| left > 0.0)
}

/// Whether it has not nearly expired.
fn is_fresh(record: &Record, now: Timestamp) -> bool {
    left(record, now).is_none_or(|left| left > (0.10 * life(record)).clamp(0.2, 60.0))
}

fn is_renewable(record: &Record) -> bool {
    record.method != Method::Static && record.refresh_token.is_some()
}

/// Whether the platform ended this sign-in, and no other since: the mark is only set once the access token is of no use.
fn is_dead(record: &Record) -> bool {
    let (Some(dead), Some(refresh)) = (&record.dead, &record.refresh_token) else { return false };
    dead.refresh_token_sha256 == fingerprint(refresh)
}

/// Returns the seconds that are left; nothing if it never expires, or if the clock has moved and only the platform knows.
fn left(record: &Record, now: Timestamp) -> Option<f64> {
    let left = now.duration_until(record.expiry?).as_secs_f64();
    let before = record.obtained_at.is_some_and(|obtained| now.duration_until(obtained).as_secs_f64() > CLOCK_SLACK);
    let longer = record.expires_in.is_some_and(|life| left > life + CLOCK_SLACK);
    (!before && !longer).then_some(left)
}

fn life(record: &Record) -> f64 {
    let measured = || Some(record.obtained_at?.duration_until(record.expiry?).as_secs_f64());
    record.expires_in.or_else(measured).filter(|life| life.is_finite()).unwrap_or(USUAL_LIFE)
}

/// Returns a lifetime that can be reckoned with, and the time when it ends.
pub(super) fn expiry(expires_in: Option<f64>, now: Timestamp) -> Option<(f64, Timestamp)> {
    let life = expires_in.filter(|life| life.is_finite())?.clamp(0.0, LONGEST_LIFE);
    Some((life, now.saturating_add(SignedDuration::from_secs_f64(life)).ok()?))
}

/// Returns what stands for a refresh token where it must not itself be written.
pub(super) fn fingerprint(secret: &Secret) -> String {
    Sha256::digest(secret.expose_secret()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether two secrets are the same one.
pub(super) fn same(one: &Secret, other: &Secret) -> bool {
    one.expose_secret() == other.expose_secret()
}
