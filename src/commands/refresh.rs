//! `switchboard refresh`: renews tokens now, whatever the clock says.

use futures::future::join_all;
use jiff::Timestamp;
use switchboard_kit::{AccountKey, Error, ErrorKind, Principal, Result};

use super::standing::Standing;
use crate::{
    accounts::Accounts,
    signals::stopped,
    tokens::{Method, Record, TokenStore as _},
};

/// Renews the sign-ins of the served accounts and says how they stand then.
pub(super) async fn refresh(accounts: &Accounts) -> Result<()> {
    let renewals = join_all(accounts.keys().iter().map(|key| renew(accounts, key)));
    let outcomes = tokio::select! {
        outcomes = renewals => Ok(outcomes),
        () = stopped() => Err(Error::new(ErrorKind::Cancelled, "the renewal was interrupted")),
    };
    // What was sent must be kept, also when nobody waits for it any more.
    accounts.finish().await;
    super::report(outcomes?)
}

async fn renew(accounts: &Accounts, key: &AccountKey) -> Result<String> {
    let stored = accounts.store().load(&Accounts::token_key(key)).await?;
    if stored.is_none() && !accounts.are_named() {
        return Ok(format!("{key}: not signed in"));
    }
    if let Some(nothing) = stored.as_ref().and_then(nothing_to_renew) {
        return Ok(format!("{key}: nothing to renew: {nothing}"));
    }
    let renewed = accounts.credentials(key, true)?.renew_now(&Principal::local()).await;
    renewed.map_err(|error| {
        let code = error.kind().code();
        error.context(format!("`{key}` was not renewed ({code})"))
    })?;
    let now = Timestamp::now();
    Ok(format!("{key}: renewed: {}", Standing::of(accounts, key, now).await?.summary(now)))
}

fn nothing_to_renew(record: &Record) -> Option<&'static str> {
    match (record.method, &record.refresh_token) {
        (Method::Static, _) => Some("the token was pasted, and is good until the platform or its owner revokes it"),
        (_, None) => Some("the platform gave no refresh token"),
        _ => None,
    }
}
