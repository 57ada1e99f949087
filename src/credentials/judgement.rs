//! Whether a stored token will do: decided on the record and the time alone.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use switchboard_kit::host::{ExposeSecret as _, Secret};

use crate::tokens::{Method, Record};

/// Lifetime that is assumed of a token that does not tell.
const USUAL_LIFE: f64 = 3600.0;

/// How far the clock may have moved before it says nothing about a token any more, in seconds.
const CLOCK_SLACK: f64 = 60.0;

/// Longest that one process's trouble with the platform keeps the others from trying.
pub(super) const LONGEST_REST: Duration = Duration::from_mins(5);

/// What to do about a stored token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Send it.
    Use,
    /// Send it, and renew it meanwhile.
    UseAndRenew,
    /// Renew it first.
    Renew,
    /// Renew it first, but not yet: the platform is in trouble.
    Wait(Duration),
    /// Only the user can help.
    SignIn,
}

/// Why a token is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A request is about to be sent.
    Request,
    /// The platform refused the token with this fingerprint.
    Refused(String),
    /// The user wants another in place of the token with this fingerprint.
    Asked(String),
}

/// As the process that renews is told it.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("request"),
            Self::Refused(used) => write!(f, "refused:{used}"),
            Self::Asked(used) => write!(f, "asked:{used}"),
        }
    }
}

impl FromStr for Cause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "request" => Ok(Self::Request),
            Some(("refused", used)) => Ok(Self::Refused(used.into())),
            Some(("asked", used)) => Ok(Self::Asked(used.into())),
            _ => Err(format!("`{text}` is no cause to renew a token")),
        }
    }
}

/// How early a process renews ahead. Each has its own, so that one of them is first and the others adopt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eagerness(f64);

impl Eagerness {
    pub(super) const MOST: Self = Self(1.0);

    pub(super) fn random() -> Self {
        Self(rand::random_range(0.8..=Self::MOST.0))
    }
}

/// Judges `record`.
pub(super) fn judge(record: &Record, cause: &Cause, eagerness: Eagerness, now: Timestamp) -> Verdict {
    if refused(record) == Some(Refused::ForGood) {
        return Verdict::SignIn;
    }
    if let Cause::Refused(used) | Cause::Asked(used) = cause {
        return match *used != fingerprint(&record.token) && is_live(record, now) {
            true => Verdict::Use,
            false => renewal(record, now),
        };
    }
    let left = left(record, now);
    if left.is_none_or(|left| left > soft(record) * eagerness.0) && !fades(record, now) {
        return Verdict::Use;
    }
    match renewal(record, now) {
        Verdict::Renew if left.is_none_or(|left| left > 0.0) && refused(record).is_some() => Verdict::Use,
        Verdict::Renew if left.is_none_or(|left| left > hard(record)) => Verdict::UseAndRenew,
        Verdict::Wait(_) | Verdict::SignIn if left.is_none_or(|left| left > 0.0) => Verdict::Use,
        verdict => verdict,
    }
}

/// Whether, and when, a record can be renewed.
fn renewal(record: &Record, now: Timestamp) -> Verdict {
    if record.method == Method::Static || record.refresh_token.is_none() {
        return Verdict::SignIn;
    }
    let rest = record.renew_after.map_or(0.0, |after| now.duration_until(after).as_secs_f64());
    // A rest that is too long was written under another clock.
    if rest > 0.0 && rest <= LONGEST_REST.as_secs_f64() {
        Verdict::Wait(Duration::from_secs_f64(rest))
    } else {
        Verdict::Renew
    }
}

/// Whether the access token has not expired.
pub(super) fn is_live(record: &Record, now: Timestamp) -> bool {
    left(record, now).is_none_or(|left| left > 0.0)
}

/// How a platform refused a record's refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// While the access token was good: perhaps it was only too early.
    Early,
    /// When it was of no use any more.
    ForGood,
}

/// Returns how the platform refused to renew the record, if it did.
pub(crate) fn refused(record: &Record) -> Option<Refused> {
    let (dead, refresh) = (record.dead.as_ref()?, record.refresh_token.as_ref()?);
    (dead.refresh_token_sha256 == fingerprint(refresh)).then_some(if dead.early {
        Refused::Early
    } else {
        Refused::ForGood
    })
}

/// Returns the latest that an answer is waited for before a token is sent again, in seconds before its expiry.
fn hard(record: &Record) -> f64 {
    (0.10 * life(record)).clamp(0.2, 60.0)
}

/// Returns when renewing ahead may begin, in seconds before the expiry.
fn soft(record: &Record) -> f64 {
    (0.20 * life(record)).clamp(0.4, 300.0)
}

/// Whether the refresh token will soon be gone if nobody uses it.
fn fades(record: &Record, now: Timestamp) -> bool {
    let (Some(expiry), Some(life)) = (record.refresh_expiry, record.refresh_expires_in) else { return false };
    // Once it should be gone, it is, or the platform was wrong: nothing is gained by using it ahead.
    !clock_moved(record, now) && (0.0..0.25 * life).contains(&now.duration_until(expiry).as_secs_f64())
}

/// Returns the seconds that are left; nothing if it never expires, or if the clock has moved and only the platform knows.
pub(super) fn left(record: &Record, now: Timestamp) -> Option<f64> {
    let left = now.duration_until(record.expiry?).as_secs_f64();
    let longer = record.expires_in.is_some_and(|life| left > life + CLOCK_SLACK);
    (!clock_moved(record, now) && !longer).then_some(left)
}

/// Whether it is earlier now than when the tokens came.
fn clock_moved(record: &Record, now: Timestamp) -> bool {
    record.obtained_at.is_some_and(|obtained| now.duration_until(obtained).as_secs_f64() > CLOCK_SLACK)
}

fn life(record: &Record) -> f64 {
    let measured = || Some(record.obtained_at?.duration_until(record.expiry?).as_secs_f64());
    record.expires_in.or_else(measured).filter(|life| life.is_finite()).unwrap_or(USUAL_LIFE)
}

/// Returns what stands for a token where it must not itself be written: its SHA-256, in hexadecimal.
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::Death;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    /// A record of a token that was got `age` seconds ago for `life` seconds.
    fn record(age: f64, life: f64) -> Record {
        let mut record = Record::new("matrix", Method::OAuth, "a".into());
        record.refresh_token = Some("r".into());
        record.good_for(now() - SignedDuration::from_secs_f64(age), Some(life), None);
        record
    }

    fn request(record: &Record) -> Verdict {
        judge(record, &Cause::Request, Eagerness::MOST, now())
    }

    #[test]
    fn a_token_is_renewed_ahead_and_waited_for_only_near_its_end() {
        for (life, soft, hard) in [(1.0, 0.4, 0.2), (5.0, 1.0, 0.5), (600.0, 120.0, 60.0), (1e6, 300.0, 60.0)] {
            for (left, verdict) in [
                (soft + 0.01, Verdict::Use),
                (soft - 0.01, Verdict::UseAndRenew),
                (hard + 0.01, Verdict::UseAndRenew),
                (hard - 0.01, Verdict::Renew),
                (-1.0, Verdict::Renew),
            ] {
                assert_eq!(request(&record(life - left, life)), verdict, "{left} of {life} s left");
            }
        }
    }

    #[test]
    fn the_least_eager_waits_a_fifth_longer() {
        let least = Eagerness(0.8);
        assert_eq!(judge(&record(600.0 - 97.0, 600.0), &Cause::Request, least, now()), Verdict::Use);
        assert_eq!(judge(&record(600.0 - 95.0, 600.0), &Cause::Request, least, now()), Verdict::UseAndRenew);
        for _ in 0..100 {
            let Eagerness(eagerness) = Eagerness::random();
            assert!((0.8..=1.0).contains(&eagerness));
        }
    }

    #[test]
    fn an_idle_refresh_token_is_used_before_it_dies() {
        let month = 30.0 * 86_400.0;
        for (age, verdict) in [(0.7, Verdict::Use), (0.8, Verdict::UseAndRenew), (1.1, Verdict::Use)] {
            let mut record = record(age * month, 1e9);
            record.refresh_expiry = Some(now() + SignedDuration::from_secs_f64((1.0 - age) * month));
            record.refresh_expires_in = Some(month);
            assert_eq!(request(&record), verdict);
            record.refresh_token = None;
            assert_eq!(request(&record), Verdict::Use);
        }
    }

    #[test]
    fn a_clock_that_moved_leaves_the_judgement_to_the_platform() {
        let back = record(-61.0, 600.0);
        assert_eq!(request(&back), Verdict::Use);
        let mut longer = record(0.0, 600.0);
        longer.expiry = Some(now() + SignedDuration::from_secs(3600));
        assert_eq!(request(&longer), Verdict::Use);
        let refused = Cause::Refused(fingerprint(&longer.token));
        assert_eq!(judge(&longer, &refused, Eagerness::MOST, now()), Verdict::Renew);
    }

    #[test]
    fn a_server_that_says_no_time_at_all_is_asked_by_using_the_token() {
        for life in [0.0, -599.0, f64::NAN, f64::INFINITY] {
            assert_eq!(request(&record(0.0, life)), Verdict::Use, "{life}");
        }
    }

    #[test]
    fn an_early_refusal_is_tried_again_only_when_the_token_has_expired() {
        let death = |refresh: &str, early| {
            Some(Death { refresh_token_sha256: fingerprint(&refresh.into()), reason: "invalid_grant".into(), early })
        };
        for (age, refresh, early, verdict) in [
            (590.0, "r", true, Verdict::Use),
            (601.0, "r", true, Verdict::Renew),
            (0.0, "r", false, Verdict::SignIn),
            (590.0, "another", true, Verdict::Renew),
            (601.0, "another", false, Verdict::Renew),
        ] {
            let mut record = record(age, 600.0);
            record.dead = death(refresh, early);
            assert_eq!(request(&record), verdict, "{age} {refresh} {early}");
        }
    }

    #[test]
    fn trouble_with_the_platform_is_waited_for_unless_the_wait_is_from_another_clock() {
        for (age, rest, verdict) in [
            (590.0, 5, Verdict::Use),
            (601.0, 5, Verdict::Wait(Duration::from_secs(5))),
            (601.0, 301, Verdict::Renew),
            (601.0, -1, Verdict::Renew),
        ] {
            let mut record = record(age, 600.0);
            record.renew_after = Some(now() + SignedDuration::from_secs(rest));
            assert_eq!(request(&record), verdict, "{age} {rest}");
        }
    }

    #[test]
    fn a_cause_is_read_as_it_is_written() {
        for cause in [Cause::Request, Cause::Refused("ab".into()), Cause::Asked("cd".into())] {
            assert_eq!(cause.to_string().parse(), Ok(cause));
        }
        assert!("refused".parse::<Cause>().is_err());
    }

    proptest! {
        #[test]
        fn any_record_is_judged_without_panic(
            expiry in any::<i64>(), obtained in any::<i64>(), life in any::<f64>(), now in any::<i64>(),
        ) {
            let time = |seconds: i64| Timestamp::from_second(seconds % 250_000_000_000).ok();
            let mut record = record(0.0, 1.0);
            (record.expiry, record.obtained_at, record.expires_in) = (time(expiry), time(obtained), Some(life));
            (record.refresh_expiry, record.refresh_expires_in, record.renew_after) = (time(now), Some(life), time(obtained));
            let now = time(now).unwrap_or_default();
            for cause in [Cause::Request, Cause::Refused(fingerprint(&"a".into())), Cause::Asked(String::new())] {
                judge(&record, &cause, Eagerness::MOST, now);
            }
            record.good_for(now, Some(life), Some(-life));
        }
    }
}
