//! A platform's answer, read in full.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{Error, ErrorKind, Result};

/// What a platform answered.
#[derive(Clone, Debug)]
pub struct Response {
    url: Url,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(url: Url, status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { url, status, headers, body }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body, consuming the answer.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Returns a header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the URL that answered.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Reads the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::unexpected(format!("`{}` answered something unexpected", self.url.path())).caused_by(error)
        })
    }

    /// Returns how long the platform asks to wait: `Retry-After` in seconds, whole or not, or as a date (RFC 9110 §10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        wait(self.header("retry-after")?, Timestamp::now())
    }

    /// Turns a status of 400 and above into the error that it stands for.
    pub fn error_for_status(&self) -> Result<()> {
        if self.status < 400 {
            return Ok(());
        }
        let (kind, what) = match self.status {
            401 => (ErrorKind::SignInRequired, "the platform no longer accepts the sign-in"),
            403 => (ErrorKind::Forbidden, "the platform does not allow it"),
            404 | 410 => (ErrorKind::NotFound, "the platform does not know it"),
            409 => (ErrorKind::Conflict, "the platform says it is there already"),
            413 => (ErrorKind::InvalidInput, "the platform says it is too large"),
            429 => (ErrorKind::RateLimited, "the platform asks to slow down"),
            500.. => (ErrorKind::Unavailable, "the platform is failing"),
            _ => (ErrorKind::Unexpected, "the platform refused the request"),
        };
        let error = Error::new(kind, format!("{what} (HTTP {})", self.status));
        Err(match self.retry_after() {
            Some(wait) if matches!(self.status, 429 | 503) => error.after(wait),
            _ => error,
        })
    }
}

/// Reads a `Retry-After`. Some platforms send fractions of a second, which the standard does not know.
fn wait(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).ok();
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default().min(Duration::from_hours(24)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            any::<f64>().prop_map(|seconds| seconds.to_string()),
            "[+-]?[0-9]{0,400}[.]?[0-9]{0,40}(e[+-]?[0-9]{1,5})?",
            "(Mon|Sat), [0-9]{1,3} (Feb|Nov) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3} (GMT|[+-][0-9]{4,6})",
            Just("infinity".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn nobody_is_made_to_wait_for_more_than_a_day(value in written(), second in -377_705_023_201..253_402_207_200_i64) {
            let now = Timestamp::from_second(second).unwrap();
            prop_assert!(wait(&value, now).is_none_or(|wait| wait <= Duration::from_hours(24)));
        }

        #[test]
        fn seconds_are_taken_at_their_word(seconds in 0..=86_400_u64, more in 86_400..u64::MAX) {
            let now = Timestamp::UNIX_EPOCH;
            prop_assert_eq!(wait(&seconds.to_string(), now), Some(Duration::from_secs(seconds)));
            prop_assert_eq!(wait(&format!("-{seconds}"), now), Some(Duration::ZERO));
            prop_assert_eq!(wait(&more.to_string(), now), Some(Duration::from_hours(24)));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(wait("3", now), Some(Duration::from_secs(3)));
        assert_eq!(wait(" 19.87 ", now), Some(Duration::from_secs_f64(19.87)));
        assert_eq!(wait("Sat, 21 Nov 2026 12:00:07 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sat, 21 Nov 2026 11:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("soon", now), None);
        assert_eq!(wait("-1", now), Some(Duration::ZERO));
        assert_eq!(wait("NaN", now), None);
    }
}
