//! What a stored sign-in is worth: judged on the record, the time, and what the account is wanted for.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{Error, ErrorKind};

use super::moment::seen_from;
use crate::{
    chat::sanitise,
    tokens::{Method, Record},
};

/// From when on a token that cannot be renewed is said to end soon, unless it lives shorter than that.
const NOTICE: SignedDuration = SignedDuration::from_hours(72);

/// From when on a token is said to be about to be renewed, unless it lives shorter than that.
const SOON: SignedDuration = SignedDuration::from_mins(5);

/// How a sign-in stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing to do.
    Ok,
    /// The next call renews it.
    RenewalDue,
    /// It ends soon, and only the user can do something about it.
    EndsSoon,
    /// It does not allow all that the access in force needs.
    ScopesMissing,
    /// Nobody has signed in.
    NotSignedIn,
    /// It is for other hosts than the configuration names, and goes nowhere else.
    OtherHosts,
    /// It is over.
    Ended,
    /// The store does not give it.
    Unreadable(ErrorKind),
}

impl State {
    /// Returns its stable name.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RenewalDue => "renewal_due",
            Self::EndsSoon => "ends_soon",
            Self::ScopesMissing => "scopes_missing",
            Self::NotSignedIn => "not_signed_in",
            Self::OtherHosts => "other_hosts",
            Self::Ended => "ended",
            Self::Unreadable(kind) => kind.code(),
        }
    }
}

/// How a sign-in stands, in words, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) state: State,
    pub(super) message: String,
    pub(super) fix: Option<String>,
}

impl Health {
    fn fine(state: State, message: &str) -> Self {
        Self { state, message: message.into(), fix: None }
    }
}

/// What an account is to be used for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Scopes that the access in force needs.
    pub(super) scopes: Vec<String>,
    /// Origins that the configuration names.
    pub(super) origins: BTreeSet<String>,
    /// The command that signs in.
    pub(super) sign_in: String,
    /// Whether it signs in by itself.
    pub(super) by_itself: bool,
}

impl Wanted {
    /// Judges what the store gave.
    pub(super) fn judge(&self, stored: Result<Option<&Record>, &Error>, now: Timestamp) -> Health {
        let fix = Some(format!("run `{}`", self.sign_in));
        match stored {
            Ok(Some(record)) => self.judge_record(record, now),
            Ok(None) if self.by_itself => Health::fine(State::NotSignedIn, "not signed in; the first call does that"),
            Ok(None) => Health { state: State::NotSignedIn, message: "not signed in".into(), fix },
            Err(error) => {
                let fix = match error.kind() {
                    ErrorKind::StoreCorrupt => {
                        Some(format!("repair the file, or run `{}` to replace it (a copy is kept)", self.sign_in))
                    }
                    _ => error.hint_text().map(sanitise::line),
                };
                Health { state: State::Unreadable(error.kind()), message: sanitise::line(error.message()), fix }
            }
        }
    }

    fn judge_record(&self, record: &Record, now: Timestamp) -> Health {
        let health = |state, message: String| Health { state, message, fix: Some(format!("run `{}`", self.sign_in)) };
        if let Some(dead) = &record.dead {
            let reason = sanitise::name(&dead.reason);
            return health(State::Ended, format!("ended: the platform no longer accepts it (`{reason}`)"));
        }
        if let Some(elsewhere) = self.elsewhere(record) {
            return elsewhere;
        }
        let renewable = is_renewable(record, now);
        let left = record.expiry.map(|expiry| (expiry, now.duration_until(expiry)));
        if let Some((expiry, left)) = left
            && !renewable
            && !left.is_positive()
        {
            return health(State::Ended, format!("ended: it expired {}", seen_from(now, expiry)));
        }
        let missing = self.missing(record);
        if !missing.is_empty() {
            let message = format!("not allowed what it is wanted for: {} missing", listed(missing));
            return health(State::ScopesMissing, message);
        }
        let within = |notice: SignedDuration| {
            left.filter(|(_, left)| *left < life(record).map_or(notice, |life| notice.min(life / 5)))
        };
        match (renewable, within(if renewable { SOON } else { NOTICE })) {
            (_, None) => Health::fine(State::Ok, "ok"),
            (true, Some((_, left))) if left.is_positive() => {
                Health::fine(State::RenewalDue, "expires soon, renewed by itself")
            }
            (true, Some(_)) => Health::fine(State::RenewalDue, "expired, renewed by itself on the next call"),
            (false, Some((expiry, _))) => {
                health(State::EndsSoon, format!("ends {} and cannot be renewed", seen_from(now, expiry)))
            }
        }
    }

    fn elsewhere(&self, record: &Record) -> Option<Health> {
        if self.origins.is_subset(&record.api_hosts) {
            return None;
        }
        let (pinned, now) = (listed(&record.api_hosts), listed(&self.origins));
        Some(Health {
            state: State::OtherHosts,
            message: format!("signed in at {pinned}, but configured for {now}"),
            fix: Some(format!(
                "correct the address in the configuration, or, if you trust the new one, run `{} --replace`",
                self.sign_in
            )),
        })
    }

    /// Returns the scopes that are needed and were not granted, as far as the platform said what it granted.
    pub(super) fn missing(&self, record: &Record) -> Vec<&str> {
        if record.method != Method::OAuth || record.scopes.is_empty() {
            return Vec::new();
        }
        self.scopes.iter().filter(|scope| !record.scopes.contains(scope)).map(String::as_str).collect()
    }
}

/// Whether the next call can renew it.
pub(super) fn is_renewable(record: &Record, _now: Timestamp) -> bool {
    record.method != Method::Static && record.refresh_token.is_some()
}

fn life(record: &Record) -> Option<SignedDuration> {
    let measured = || Some(record.obtained_at?.duration_until(record.expiry?));
    let told = record.expires_in.and_then(|life| SignedDuration::try_from_secs_f64(life).ok());
    told.or_else(measured).filter(SignedDuration::is_positive)
}

fn listed(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items = items.into_iter().map(|item| format!("`{}`", sanitise::name(item.as_ref())));
    let items = items.collect::<Vec<_>>().join(", ");
    if items.is_empty() { "nowhere".into() } else { items }
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Result;

    use super::*;

    const HOST: &str = "https://chat.example";

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn wanted() -> Wanted {
        Wanted {
            scopes: vec!["read".into()],
            origins: [HOST.to_owned()].into(),
            sign_in: "sign in".into(),
            by_itself: false,
        }
    }

    /// A sign-in whose token is good for an hour, of which so many seconds are left.
    fn record(left: i64) -> Record {
        let mut record = Record::new("chat", Method::OAuth, "t".into());
        record.api_hosts = wanted().origins;
        record.scopes = vec!["read".into()];
        record.refresh_token = Some("r".into());
        record.expires_in = Some(3600.0);
        record.expiry = Some(now() + SignedDuration::from_secs(left));
        record
    }

    fn judged(change: impl FnOnce(&mut Record), left: i64) -> (State, String) {
        let mut record = record(left);
        change(&mut record);
        let health = wanted().judge(Ok(Some(&record)), now());
        assert_eq!(health.fix.is_some(), !matches!(health.state, State::Ok | State::RenewalDue), "{health:?}");
        (health.state, health.message)
    }

    #[test]
    fn what_renews_itself_needs_nobody() {
        assert_eq!(judged(|_| (), 600).0, State::Ok);
        assert_eq!(judged(|_| (), 299), (State::RenewalDue, "expires soon, renewed by itself".into()));
        assert_eq!(judged(|_| (), -600).0, State::RenewalDue);
        assert_eq!(judged(|record| record.expires_in = Some(5.0), 2).0, State::Ok);
        assert_eq!(judged(|record| record.expiry = None, 0).0, State::Ok);
    }

    #[test]
    fn what_does_not_renew_itself_ends_with_notice() {
        let alone = |record: &mut Record| record.refresh_token = None;
        assert_eq!(judged(alone, 3600).0, State::Ok);
        assert_eq!(judged(alone, 600), (State::EndsSoon, "ends in 10 min and cannot be renewed".into()));
        assert_eq!(judged(alone, -7200), (State::Ended, "ended: it expired 2 h ago".into()));
        assert_eq!(judged(|record| record.method = Method::Static, -7200).0, State::Ended);
    }

    #[test]
    fn what_is_missing_or_elsewhere_is_named() {
        let (state, message) = judged(|record| record.scopes = vec!["other".into()], 3600);
        assert_eq!((state, &*message), (State::ScopesMissing, "not allowed what it is wanted for: `read` missing"));
        assert_eq!(judged(|record| record.scopes.clear(), 3600).0, State::Ok, "the platform did not say");
        let (state, message) = judged(|record| record.api_hosts = ["https://old.example".into()].into(), 3600);
        assert_eq!(state, State::OtherHosts);
        assert_eq!(message, format!("signed in at `https://old.example`, but configured for `{HOST}`"));
    }

    #[test]
    fn what_the_store_does_not_give_says_why() {
        let health = |stored: Result<Option<&Record>, &Error>| wanted().judge(stored, now());
        let nobody = health(Ok(None));
        assert_eq!((nobody.state.code(), nobody.fix.as_deref()), ("not_signed_in", Some("run `sign in`")));
        let corrupt = health(Err(&Error::new(ErrorKind::StoreCorrupt, "no record")));
        assert_eq!((corrupt.state.code(), &*corrupt.message), ("store_corrupt", "no record"));
        assert!(corrupt.fix.unwrap().starts_with("repair the file, or run `sign in`"));
    }
}
