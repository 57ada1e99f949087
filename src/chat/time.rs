//! What people say of time: instants, dates, how long ago, and how long.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil, tz::TimeZone};
use switchboard_kit::{Error, Result};

/// Instants from the first on, and before the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Window {
    /// Reads two arguments.
    pub(crate) fn read(since: Option<&str>, until: Option<&str>) -> Result<Self> {
        let now = Zoned::now();
        let read = |name, text: Option<&str>| text.map(|text| instant(name, text, &now)).transpose();
        let window = Self { since: read("since", since)?, until: read("until", until)? };
        match (window.since, window.until) {
            (Some(since), Some(until)) if since >= until => {
                Err(Error::invalid("`since` is not before `until`").hint("swap them; a date means its first instant"))
            }
            _ => Ok(window),
        }
    }

    /// Returns whether `time` is in it.
    pub(crate) fn has(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// Returns the zone in which times are shown and dates are meant.
pub(crate) fn zone() -> TimeZone {
    TimeZone::system()
}

/// Returns the zone's name, or its distance from UTC if it has none.
pub(crate) fn zone_name(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some("Etc/UTC") => "UTC".to_owned(),
        Some(name) => name.to_owned(),
        None => zone.to_offset(Timestamp::now()).to_string(),
    }
}

fn instant(name: &str, text: &str, now: &Zoned) -> Result<Timestamp> {
    let text = text.trim();
    read(text, now).ok_or_else(|| {
        Error::invalid(format!("argument `{name}`: `{text}` is not a time"))
            .hint("write `2026-11-20`, `2026-11-20T09:30:00Z`, `90m`, `1d`, `2w`, `today` or `yesterday`")
    })
}

fn read(text: &str, now: &Zoned) -> Option<Timestamp> {
    let zone = now.time_zone();
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    let start = |date: civil::Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    match text {
        "now" => return Some(now.timestamp()),
        "today" => return start(now.date()),
        "yesterday" => return start(now.date().checked_sub(1.day()).ok()?),
        _ => {}
    }
    if let Ok(date) = civil::Date::strptime("%Y-%m-%d", text) {
        return start(date);
    }
    if let Ok(moment) = text.parse::<civil::DateTime>() {
        return Some(moment.to_zoned(zone.clone()).ok()?.timestamp());
    }
    now.timestamp().checked_sub(SignedDuration::from_secs(seconds(text)?)).ok()
}

/// Returns an instant to the minute, as answers say it.
pub(super) fn minute(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Reads how long something is to take.
pub(super) fn duration(name: &str, text: &str) -> Result<Duration> {
    let read = seconds(text.trim()).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    read.ok_or_else(|| {
        Error::invalid(format!("argument `{name}`: `{text}` is not a duration")).hint("write `6s`, `90s` or `5m`")
    })
}

/// Returns a duration as people say it.
pub(super) fn duration_name(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} m", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// Reads a number of seconds, minutes, hours, days or weeks.
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Zoned = "2026-11-21T12:00:00+01:00[Europe/Paris]".parse().unwrap();
        for (text, expected) in [
            ("2026-11-20T09:30:00Z", "2026-11-20T09:30:00Z"),
            ("2026-11-20T09:30:00+02:00", "2026-11-20T07:30:00Z"),
            ("2026-11-20T09:30", "2026-11-20T08:30:00Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
            ("today", "2026-11-20T23:00:00Z"),
            ("yesterday", "2026-11-19T23:00:00Z"),
            ("90m", "2026-11-21T09:30:00Z"),
            ("1d", "2026-11-20T11:00:00Z"),
            ("2w", "2026-11-07T11:00:00Z"),
        ] {
            assert_eq!(read(text, &now), Some(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "d", "soon", "-1d", "1y", "2026-13-01", "99999999999999999999w", "9223372036854775807w", "é"]
        {
            assert_eq!(read(text, &now), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_said_as_people_do() {
        for (text, seconds) in [("0s", 0), ("90s", 90), (" 5m ", 300), ("1h", 3_600)] {
            assert_eq!(duration("timeout", text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "5", "-1s", "soon", "today", "9223372036854775807w"] {
            assert!(duration("timeout", text).is_err(), "{text}");
        }
        assert_eq!(
            (duration_name(Duration::from_secs(90)), duration_name(Duration::from_mins(5))),
            ("90 s".into(), "5 m".into())
        );
    }

    #[test]
    fn a_wrong_time_is_named_with_the_ways_to_write_one() {
        let error = Window::read(Some("soonish"), None).unwrap_err();
        assert_eq!(error.to_string(), "argument `since`: `soonish` is not a time");
        assert!(error.hint_text().unwrap().contains("`90m`"));
        assert!(Window::read(Some("1d"), Some("2d")).is_err());
    }

    #[test]
    fn a_window_has_its_first_instant_and_not_its_last() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = Window { since: Some(at("2026-11-20T00:00:00Z")), until: Some(at("2026-11-21T00:00:00Z")) };
        assert!(window.has(at("2026-11-20T00:00:00Z")) && !window.has(at("2026-11-21T00:00:00Z")));
    }
}
