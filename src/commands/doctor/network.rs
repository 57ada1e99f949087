//! Whether the platform and its authorization server answer, and whether they agree on the time.

use std::{error::Error as _, time::Duration};

use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{
    AccountKey, Error, Response, Result,
    host::{Method, Outgoing},
};
use tokio::time::timeout;
use url::Url;

use super::{super::standing::length, check::Check};
use crate::{
    accounts::Accounts,
    oauth, sandbox,
    tokens::{Method as Obtained, TokenStore as _},
};

/// How long anyone may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far the clock may be off before tokens seem to live longer or shorter than they do.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(60);

/// Checks one account's hosts. Nothing secret is sent.
pub(super) async fn examine(accounts: &Accounts, key: &AccountKey) -> Vec<Check> {
    let endpoints = match accounts.account(key).endpoints() {
        Ok(endpoints) if sandbox::is_embedded(&endpoints) => return vec![Check::ok("api", "inside this program")],
        Ok(endpoints) => endpoints,
        Err(error) => return vec![Check::refused("api", &error)],
    };
    let api = match endpoints.url("api") {
        Ok(api) => api,
        Err(error) => return vec![Check::refused("api", &error)],
    };
    let (answer, server) = tokio::join!(ask(accounts, &api), sign_in_server(accounts, key, &api));
    let mut checks = vec![reached("api", &api, answer.as_ref())];
    checks.extend(server);
    let date = answer.ok().and_then(|answer| date(&answer));
    checks.extend(date.map(|date| clock(date, Timestamp::now(), api.host_str().unwrap_or_default())));
    checks
}

/// Checks the server where tokens are got and renewed, unless it is where the API is.
async fn sign_in_server(accounts: &Accounts, key: &AccountKey, api: &Url) -> Option<Check> {
    const NAME: &str = "authorization server";
    let token = match timeout(PATIENCE, token_endpoint(accounts, key)).await {
        Ok(Ok(token)) => token?,
        Ok(Err(error)) => return Some(Check::refused(NAME, &error)),
        // What did not answer is the API, which is a check of its own.
        Err(_) => return None,
    };
    if token.origin() == api.origin() {
        return None;
    }
    Some(reached(NAME, &token, ask(accounts, &token).await.as_ref()))
}

/// Finds it in the token record, or as a sign-in would.
async fn token_endpoint(accounts: &Accounts, key: &AccountKey) -> Result<Option<Url>> {
    let config = accounts.account(key);
    let Some(description) = oauth::description(&config.bound.auth()) else { return Ok(None) };
    if let Ok(Some(record)) = accounts.store().load(&Accounts::token_key(key)).await {
        let token = record.token_uri.filter(|_| record.method == Obtained::OAuth);
        return Ok(token.and_then(|token| Url::parse(&token).ok()));
    }
    match oauth::discover(accounts.http(), &description, &config.endpoints()?).await {
        Ok(server) => Ok(server.map(|server| server.token)),
        Err(error) if error.kind() == switchboard_kit::ErrorKind::Unavailable => Ok(None),
        Err(error) => Err(error),
    }
}

async fn ask(accounts: &Accounts, at: &Url) -> Result<Response> {
    let mut request = Outgoing::new(Method::HEAD, at.clone());
    (request.patience, request.limit) = (PATIENCE, 1 << 20);
    accounts.http().execute(request).await
}

/// Any answer will do: who asks without a token is told to go away.
fn reached(name: &'static str, at: &Url, answer: Result<&Response, &Error>) -> Check {
    let origin = at.origin().ascii_serialization();
    match answer {
        Ok(_) => Check::ok(name, format!("`{origin}` answers")),
        Err(error) => {
            let fix = "check the address in the configuration, then the network and its proxy";
            Check::failed(name, format!("`{origin}`: {error}{}", cause(error)), Some(fix))
        }
    }
}

/// Returns the innermost cause, where the operating system or TLS says what it is.
fn cause(error: &Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map(|cause| format!(" ({cause})")).unwrap_or_default()
}

fn date(answer: &Response) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?.timestamp())
}

fn clock(theirs: Timestamp, ours: Timestamp, host: &str) -> Check {
    let ahead = theirs.duration_until(ours);
    if ahead.abs() <= CLOCK_SLACK {
        return Check::ok("clock", format!("agrees with `{host}`"));
    }
    let side = if ahead.is_positive() { "ahead of" } else { "behind" };
    let message = format!("this machine's clock is {} {side} the one of `{host}`", length(ahead.abs()));
    Check::warning("clock", message, "set the clock, or let the system keep it by NTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_said_to_be_so_and_by_how_much() {
        let theirs: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let judged = |off: i64| clock(theirs, theirs + SignedDuration::from_secs(off), "chat.example");
        assert_eq!(judged(59).message, "agrees with `chat.example`");
        assert_eq!(judged(-60).fix, None);
        assert_eq!(judged(600).message, "this machine's clock is 10 min ahead of the one of `chat.example`");
        assert_eq!(judged(-7200).message, "this machine's clock is 2 h behind the one of `chat.example`");
        assert!(judged(61).fix.is_some());
    }
}
