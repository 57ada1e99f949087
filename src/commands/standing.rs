//! All that can be said of one account's sign-in without asking anyone: who, for what, until when, and where it is kept.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use switchboard_kit::{AccountKey, Result};

use super::{
    health::{Health, Wanted, is_renewable},
    moment::{length, seen_from},
};
use crate::{
    accounts::Accounts,
    chat::sanitise,
    sandbox,
    tokens::{Holder, Method, Record, TokenStore as _},
};

/// How one account stands.
pub(super) struct Standing {
    key: AccountKey,
    platform: String,
    may_write: bool,
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
            may_write: accounts.may_write(key),
            wanted,
            stored: stored.ok().flatten(),
            health,
            place: accounts.token_path(key)?,
            // Who cannot be asked about the lock has it free, or the file says why not.
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
        line("access", if self.may_write { "read and write" } else { "read only" });
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
            "access": if self.may_write { "write" } else { "read" },
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

/// Says who holds a lock, and since when.
pub(super) fn holding(holder: &Holder, now: Timestamp) -> String {
    let process = holder.process.map_or_else(|| "a process".into(), |process| format!("process {process}"));
    match holder.since {
        Some(since) => format!("{process}, since {}", length(since.duration_until(now))),
        None => process,
    }
}
