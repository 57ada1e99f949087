//! All that can be said of one account's sign-in without asking anyone: who, for what, until when, and where it is kept.

mod health;
mod moment;

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use switchboard_kit::{AccountKey, Result};

use crate::{
    accounts::Accounts,
    chat::{Rules, sanitise},
    sandbox,
    tokens::{Holder, Method, Record, TokenStore as _},
};
pub(super) use health::{Health, State};
use health::{Wanted, is_renewable};
pub(super) use moment::length;
use moment::seen_from;

/// How one account stands.
pub(super) struct Standing {
    key: AccountKey,
    platform: String,
    rules: Rules,
    wanted: Wanted,
    stored: Option<Record>,
    pub(super) health: Health,
    place: PathBuf,
    pub(super) holder: Option<Holder>,
}

impl Standing {
    /// Looks it up.
    pub(super) async fn of(accounts: &Accounts, key: &AccountKey, now: Timestamp) -> Result<Self> {
        let stored = accounts.store().load(&Accounts::token_key(key)).await;
        let endpoints = accounts.account(key).endpoints()?;
        let wanted = Wanted {
            scopes: accounts.scopes(key),
            origins: endpoints.origins(),
            sign_in: accounts.sign_in_command(key),
            by_itself: sandbox::is_embedded(&endpoints),
        };
        let health = wanted.judge(stored.as_ref().map(Option::as_ref), now);
        Ok(Self {
            key: key.clone(),
            platform: accounts.account(key).platform.clone(),
            rules: accounts.rules(key),
            wanted,
            stored: stored.ok().flatten(),
            health,
            place: accounts.token_path(key)?,
            // A store that cannot tell has told why when it was asked for the record.
            holder: accounts.store().holder(&Accounts::token_key(key)).await.ok().flatten(),
        })
    }

    /// Describes it in a block of lines.
    pub(super) fn block(&self, now: Timestamp) -> String {
        let mut lines = vec![format!("{}: {}", self.key, self.health.message)];
        let mut line = |name: &str, text: &str| lines.push(format!("  {name:<11}{text}"));
        if let Some(fix) = &self.health.fix {
            line("to do", fix);
        }
        line("platform", &self.platform_and_hosts());
        if let Some(record) = &self.stored {
            line("signed in", &who(record));
        }
        line("access", &self.rules.access());
        if let Some(record) = &self.stored {
            if !record.scopes.is_empty() {
                let scopes: Vec<_> = record.scopes.iter().map(|scope| sanitise::name(scope)).collect();
                line("granted", &scopes.join(", "));
            }
            let missing = self.wanted.missing(record);
            if !missing.is_empty() {
                line("missing", &missing.join(", "));
            }
            line("token", &token(record, now));
            if let Some(refresh) = refresh(record, now) {
                line("refresh", &refresh);
            }
        }
        line("stored in", &self.place.display().to_string());
        if let Some(holder) = &self.holder {
            line("locked by", &holding(holder, now));
        }
        lines.join("\n")
    }

    fn platform_and_hosts(&self) -> String {
        let hosts: Vec<_> = self.wanted.origins.iter().map(String::as_str).collect();
        format!("{} at {}", self.platform, hosts.join(", "))
    }

    /// Describes it for programs.
    pub(super) fn json(&self) -> Value {
        let record = self.stored.as_ref();
        let line = |text: &String| sanitise::line(text);
        json!({
            "account": self.key,
            "platform": self.platform,
            "state": self.health.state.code(),
            "message": self.health.message,
            "fix": self.health.fix,
            "identity": record.and_then(|record| record.identity.as_ref()).map(|identity| json!({
                "id": sanitise::line(&identity.id),
                "name": sanitise::name(&identity.name),
                "workspace": identity.workspace.as_ref().map(line),
            })),
            "access": if self.rules.write { "write" } else { "read" },
            "scopes": {
                "granted": record.map(|record| record.scopes.iter().map(line).collect::<Vec<_>>()),
                "needed": self.wanted.scopes,
                "missing": record.map(|record| self.wanted.missing(record)),
            },
            "access_token": record.map(|record| json!({ "expires_at": record.expiry })),
            "refresh_token": record.filter(|record| record.refresh_token.is_some()).map(|record| json!({ "expires_at": record.refresh_expiry })),
            "stored_in": self.place,
            "lock": self.holder.map(|holder| json!({ "process": holder.process, "since": holder.since })),
        })
    }

    /// Says in one line who is signed in and for how long.
    pub(super) fn summary(&self, now: Timestamp) -> String {
        match &self.stored {
            Some(record) => format!("{}; token {}", who(record), token(record, now)),
            None => self.health.message.clone(),
        }
    }
}

fn who(record: &Record) -> String {
    let Some(identity) = &record.identity else { return "somebody: the file does not name them".into() };
    let (id, name) = (sanitise::line(&identity.id), sanitise::name(&identity.name));
    let person = if id == name { name } else { format!("{name} ({id})") };
    match identity.workspace.as_deref().map(sanitise::name) {
        Some(workspace) => format!("{person}, {workspace}"),
        None => person,
    }
}

fn token(record: &Record, now: Timestamp) -> String {
    let renewed = if is_renewable(record, now) { ", renewed by itself" } else { "" };
    match record.expiry {
        None => "never expires".into(),
        Some(expiry) if expiry > now => format!("expires {}{renewed}", seen_from(now, expiry)),
        Some(expiry) => format!("expired {}{renewed}", seen_from(now, expiry)),
    }
}

fn refresh(record: &Record, now: Timestamp) -> Option<String> {
    Some(match (&record.refresh_token, record.refresh_expiry) {
        (Some(_), Some(expiry)) if expiry > now => {
            format!("expires {} unless it is used before", seen_from(now, expiry))
        }
        (Some(_), Some(expiry)) => format!("expired {}", seen_from(now, expiry)),
        (Some(_), None) => "never expires, as far as the platform tells".into(),
        (None, _) if record.expiry.is_some() => "none: sign in again when the token expires".into(),
        (None, _) if record.method == Method::Static => "none: the token was pasted".into(),
        (None, _) => return None,
    })
}

/// Says who holds a lock, and for how long.
pub(super) fn holding(holder: &Holder, now: Timestamp) -> String {
    let process = holder.process.map_or_else(|| "a process".into(), |process| format!("process {process}"));
    match holder.since {
        Some(since) => format!("{process} for {}", length(since.duration_until(now))),
        None => process,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use switchboard_kit::Identity;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn people_are_named_so_that_one_cannot_be_taken_for_another() {
        let mut record = Record::new("chat", Method::OAuth, "t".into());
        assert_eq!(who(&record), "somebody: the file does not name them");
        let identity = |id: &str, name: &str, workspace: Option<&str>| {
            Some(Identity { id: id.into(), name: name.into(), workspace: workspace.map(Into::into) })
        };
        record.identity = identity("@ana:a.example", "@ana:a.example", Some("a.example"));
        assert_eq!(who(&record), "@ana:a.example, a.example");
        record.identity = identity("P1", "Ma\u{1b}[2Jra\nmatrix: ok", None);
        assert_eq!(who(&record), "Ma[2Jra matrix: ok (P1)");
    }

    #[test]
    fn both_tokens_say_when_they_expire_and_what_then() {
        let at = |minutes| Some(now() + SignedDuration::from_mins(minutes));
        let mut record = Record::new("chat", Method::Static, "t".into());
        let said = |record: &Record| (token(record, now()), refresh(record, now()).unwrap_or_default());
        assert_eq!(said(&record), ("never expires".into(), "none: the token was pasted".into()));
        record.method = Method::OAuth;
        assert_eq!(said(&record), ("never expires".into(), String::new()));
        record.expiry = at(42);
        let (token, refresh) = said(&record);
        assert_eq!((&*token, &*refresh), ("expires in 42 min", "none: sign in again when the token expires"));
        record.refresh_token = Some("r".into());
        let (token, refresh) = said(&record);
        assert_eq!(
            (&*token, &*refresh),
            ("expires in 42 min, renewed by itself", "never expires, as far as the platform tells")
        );
        (record.expiry, record.refresh_expiry) = (at(-180), at(60 * 24 * 29));
        let (token, refresh) = said(&record);
        assert_eq!(
            (&*token, &*refresh),
            ("expired 3 h ago, renewed by itself", "expires in 29 days unless it is used before")
        );
        record.refresh_expiry = at(-1);
        assert_eq!(said(&record), ("expired 3 h ago".into(), "expired 60 s ago".into()));
    }

    #[test]
    fn a_lock_says_whose_it_is_as_far_as_is_known() {
        let since = Some(now() - SignedDuration::from_secs(3));
        assert_eq!(holding(&Holder { process: Some(7), since }, now()), "process 7 for 3 s");
        assert_eq!(holding(&Holder { process: None, since: None }, now()), "a process");
    }
}
