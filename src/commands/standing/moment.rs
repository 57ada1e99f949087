//! How far away a moment is, in the words of a person.

use jiff::{SignedDuration, Timestamp};

/// Says when `at` is, seen from `now`: `in 42 min` or `3 h ago`.
pub(crate) fn seen_from(now: Timestamp, at: Timestamp) -> String {
    let away = now.duration_until(at);
    if away.is_negative() { format!("{} ago", length(-away)) } else { format!("in {}", length(away)) }
}

/// Says how long a time is, in the largest unit that leaves a number to speak of.
pub(crate) fn length(time: SignedDuration) -> String {
    let rounded = |unit: i64| (time.as_secs() + unit / 2) / unit;
    match time.as_secs() {
        seconds @ ..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", rounded(60)),
        5_400..129_600 => format!("{} h", rounded(3_600)),
        _ => format!("{} days", rounded(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_named_as_people_do() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        for (at, words) in [
            ("2026-11-21T12:00:00Z", "in 0 s"),
            ("2026-11-21T12:01:29Z", "in 89 s"),
            ("2026-11-21T12:42:10Z", "in 42 min"),
            ("2026-11-21T12:59:59Z", "in 60 min"),
            ("2026-11-21T09:00:00Z", "3 h ago"),
            ("2026-11-21T11:59:59Z", "1 s ago"),
            ("2026-11-23T01:00:00Z", "in 2 days"),
            ("2027-11-21T12:00:00Z", "in 365 days"),
        ] {
            assert_eq!(seen_from(now, at.parse().unwrap()), words, "{at}");
        }
    }
}
