//! `switchboard doctor`: everything that a call rests on, checked one by one.

mod check;
mod disk;
mod network;

use std::{path::Path, sync::Arc};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use switchboard_kit::{AccountKey, Auth, Error, ErrorKind, Result};

use super::standing::{Health, Standing, State};
use crate::{
    accounts::Accounts,
    cli::Options,
    config::{self, Config, Source},
    oauth, sandbox,
    sign_in::{OwnTerminal, free_port},
};
use check::{Check, Mark};

/// Checks what the flags ask for, and prints a line for each check, or JSON.
pub(super) async fn doctor(options: &Options, as_json: bool) -> Result<()> {
    let checks = match Config::load(config::locate(options.config.clone())) {
        Err(error) => vec![Check::refused("configuration", &error)],
        Ok(config) => {
            let place = match &config.source {
                Source::File(path) => format!("`{}` is valid", path.display()),
                Source::BuiltIn => match config::own_file() {
                    Some(path) => format!("the built-in one, as there is no `{}`", path.display()),
                    None => "the built-in one".into(),
                },
            };
            let accounts = Accounts::of(config, options)?;
            let found = join_all(accounts.keys().iter().map(|key| examine(&accounts, key))).await;
            let mut checks = vec![Check::ok("configuration", place)];
            checks.extend(found.into_iter().flatten());
            checks
        }
    };
    if as_json {
        super::print_json(&Value::Array(checks.iter().map(Check::json).collect()))?;
    } else {
        super::print(&check::report(&checks))?;
    }
    match checks.iter().filter(|check| check.mark == Mark::Failed).count() {
        0 => Ok(()),
        failed => Err(Error::new(ErrorKind::Unavailable, format!("{failed} of {} checks failed", checks.len()))
            .hint("follow the fix of each")),
    }
}

/// Checks one account.
async fn examine(accounts: &Accounts, key: &AccountKey) -> Vec<Check> {
    let now = Timestamp::now();
    let client = accounts.client(key);
    let mut checks: Vec<_> = match &client {
        Ok(client) => credentials(accounts, key, client.is_some()).into_iter().collect(),
        Err(error) => vec![Check::refused("credentials", error)],
    };
    checks.extend(match accounts.token_path(key) {
        // Before the store has a look: it closes what others could read.
        Ok(place) => match disk::permissions(&place).await {
            Ok(permissions) => sign_in(accounts, key, &place, permissions, now).await,
            Err(stuck) => vec![stuck],
        },
        Err(error) => vec![Check::refused("tokens", &error)],
    });
    checks.into_iter().map(|check| check.of(key)).collect()
}

/// Checks what is stored, where it is, and whom it is for.
async fn sign_in(
    accounts: &Accounts,
    key: &AccountKey,
    place: &Path,
    permissions: Check,
    now: Timestamp,
) -> Vec<Check> {
    let standing = match Standing::of(accounts, key, now).await {
        Ok(standing) => standing,
        Err(error) => return vec![permissions, Check::refused("tokens", &error)],
    };
    let signed_in = standing.health.state == State::Ok;
    let (port, network, lock) = tokio::join!(
        port(accounts, key, signed_in),
        network::examine(accounts, key),
        disk::lock(place, standing.holder, now)
    );
    port.into_iter().chain(network).chain([permissions, lock, tokens(&standing, now)]).collect()
}

/// Judges whether there is an OAuth client where the platform does not bring or register one.
fn credentials(accounts: &Accounts, key: &AccountKey, is_there: bool) -> Option<Check> {
    let place = accounts.client_path(key).map_or_else(|| "credentials.json".into(), |path| path.display().to_string());
    if is_there {
        return Some(Check::ok("credentials", format!("`{place}` holds an OAuth client")));
    }
    let needs_one = |auth: &Auth| matches!(auth, Auth::OAuth(oauth) if oauth.client_id.is_none() && !oauth.registers);
    let needed = match accounts.account(key).bound.auth() {
        Auth::FirstOf(ways) => !ways.is_empty() && ways.iter().all(needs_one),
        way => needs_one(&way),
    };
    needed.then(|| {
        let fix = format!("register an OAuth client with the platform and put its `client_id` into `{place}`");
        Check::failed("credentials", "signing in needs an OAuth client of your own", Some(&fix))
    })
}

/// Checks whether a sign-in by browser could listen. Nobody who is signed in needs that right now.
async fn port(accounts: &Accounts, key: &AccountKey, signed_in: bool) -> Option<Check> {
    let auth = accounts.account(key).bound.auth();
    let request = accounts.sign_in(key, Arc::new(OwnTerminal::default())).ok()?;
    if !by_browser(&auth) || sandbox::is_embedded(&request.endpoints) {
        return None;
    }
    let redirect = oauth::description(&auth).map(|description| description.redirect);
    Some(match free_port(&request, redirect.as_ref()).await {
        Ok(Some(port)) => Check::ok("port", format!("`{port}` is free for signing in")),
        Ok(None) => Check::ok("port", "any that is free will do for signing in"),
        Err(error) if signed_in => Check { mark: Mark::Warning, ..Check::refused("port", &error) },
        Err(error) => Check::refused("port", &error),
    })
}

fn by_browser(auth: &Auth) -> bool {
    match auth {
        Auth::OAuth(_) => true,
        Auth::Session(session) => session.sso.is_some(),
        Auth::FirstOf(ways) => ways.iter().any(by_browser),
        _ => false,
    }
}

fn tokens(standing: &Standing, now: Timestamp) -> Check {
    const NAME: &str = "tokens";
    let Health { state, message, fix } = &standing.health;
    let mark = match state {
        State::Ok => return Check::ok(NAME, standing.summary(now)),
        State::RenewalDue => Mark::Ok,
        State::NotSignedIn if fix.is_none() => Mark::Ok,
        State::NotSignedIn | State::EndsSoon | State::RenewalRefused | State::ScopesMissing => Mark::Warning,
        State::OtherHosts | State::Ended | State::Unreadable(_) => Mark::Failed,
    };
    Check::new(NAME, mark, message, fix.as_deref())
}
