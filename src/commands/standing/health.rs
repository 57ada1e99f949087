//! What a stored sign-in is worth: judged on the record, the time, and what the account is wanted for.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{Error, ErrorKind};

use super::moment::seen_from;
use crate::{
    chat::sanitise,
    credentials::{Refused, refused},
    tokens::{Method, Record},
};

/// From when on a token that cannot be renewed is said to end soon, unless it lives shorter than that.
const NOTICE: SignedDuration = SignedDuration::from_hours(72);

/// From when on a token is said to be about to be renewed, unless it lives shorter than that.
const SOON: SignedDuration = SignedDuration::from_mins(5);

/// How a sign-in stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing to do.
    Ok,
    /// The next call renews it.
    RenewalDue,
    /// It ends soon, and only the user can do something about it.
    EndsSoon,
    /// The platform would not renew it, perhaps only because that was too early.
    RenewalRefused,
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
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RenewalDue => "renewal_due",
            Self::EndsSoon => "ends_soon",
            Self::RenewalRefused => "renewal_refused",
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
pub(crate) struct Health {
    pub(crate) state: State,
    pub(crate) message: String,
    pub(crate) fix: Option<String>,
}

impl Health {
    fn fine(state: State, message: &str) -> Self {
        Self { state, message: message.into(), fix: None }
    }
}

/// What an account is to be used for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Scopes that the access in force needs.
    pub(crate) scopes: Vec<String>,
    /// Origins that the configuration names.
    pub(crate) origins: BTreeSet<String>,
    /// The command that signs in.
    pub(crate) sign_in: String,
    /// Whether it signs in by itself.
    pub(crate) by_itself: bool,
}

impl Wanted {
    /// Judges what the store gave.
    pub(crate) fn judge(&self, stored: Result<Option<&Record>, &Error>, now: Timestamp) -> Health {
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
        let reason = || record.dead.as_ref().map(|dead| sanitise::name(&dead.reason)).unwrap_or_default();
        if refused(record) == Some(Refused::ForGood) {
            return health(State::Ended, format!("ended: the platform no longer accepts it (`{}`)", reason()));
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
        if refused(record) == Some(Refused::Early) {
            let message = format!("the platform refused to renew it (`{}`); asked again at the expiry", reason());
            return Health { fix: None, ..health(State::RenewalRefused, message) };
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
            (true, Some((_, left))) => Health::fine(
                State::RenewalDue,
                match (left.is_positive(), record.renew_after.is_some_and(|after| after > now)) {
                    (true, false) => "expires soon, renewed by itself",
                    (false, false) => "expired, renewed by itself on the next call",
                    (true, true) => "expires soon, and the platform is not ready to renew it",
                    (false, true) => "expired, and the platform is not ready to renew it",
                },
            ),
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
    pub(crate) fn missing(&self, record: &Record) -> Vec<&str> {
        if record.method != Method::OAuth || record.scopes.is_empty() {
            return Vec::new();
        }
        self.scopes.iter().filter(|scope| !record.scopes.contains(scope)).map(String::as_str).collect()
    }
}

/// Whether it can be renewed, as far as we know.
pub(crate) fn is_renewable(record: &Record, now: Timestamp) -> bool {
    let good = record.refresh_expiry.is_none_or(|expiry| expiry > now);
    record.method != Method::Static && record.refresh_token.is_some() && good
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
    use crate::tokens::Death;

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
        assert_eq!(
            health.fix.is_some(),
            !matches!(health.state, State::Ok | State::RenewalDue | State::RenewalRefused),
            "{health:?}"
        );
        (health.state, health.message)
    }

    #[test]
    fn what_renews_itself_needs_nobody() {
        assert_eq!(judged(|_| (), 600).0, State::Ok);
        assert_eq!(judged(|_| (), 299), (State::RenewalDue, "expires soon, renewed by itself".into()));
        assert_eq!(judged(|_| (), -600).0, State::RenewalDue);
        assert_eq!(judged(|record| record.expires_in = Some(5.0), 2).0, State::Ok);
        assert_eq!(judged(|record| record.expiry = None, 0).0, State::Ok);
        let (state, message) = judged(|record| record.renew_after = Some(now() + SignedDuration::from_secs(9)), -1);
        assert_eq!((state, &*message), (State::RenewalDue, "expired, and the platform is not ready to renew it"));
    }

    #[test]
    fn what_the_platform_refused_is_over_until_another_refresh_token_comes() {
        let refused = |record: &mut Record, early| {
            let refresh_token_sha256 = "454349e422f05297191ead13e21d3db520e5abef52055e4964b82fb213f593a1".into();
            record.dead = Some(Death { refresh_token_sha256, reason: "invalid_grant".into(), early });
        };
        let (state, message) = judged(|record| refused(record, false), 3600);
        assert_eq!((state, &*message), (State::Ended, "ended: the platform no longer accepts it (`invalid_grant`)"));
        assert_eq!(judged(|record| refused(record, true), 3600).0, State::RenewalRefused, "perhaps it was too early");
        let other = |record: &mut Record| (refused(record, false), record.refresh_token = Some("other".into())).0;
        assert_eq!(judged(other, 3600).0, State::Ok);
    }

    #[test]
    fn what_does_not_renew_itself_ends_with_notice() {
        let alone = |record: &mut Record| record.refresh_token = None;
        assert_eq!(judged(alone, 3600).0, State::Ok);
        assert_eq!(judged(alone, 600), (State::EndsSoon, "ends in 10 min and cannot be renewed".into()));
        assert_eq!(judged(alone, -7200), (State::Ended, "ended: it expired 2 h ago".into()));
        assert_eq!(judged(|record| record.method = Method::Static, -7200).0, State::Ended);
        assert_eq!(judged(|record| record.refresh_expiry = Some(now()), -7200).0, State::Ended);
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
