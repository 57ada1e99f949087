//! `switchboard logout`: ends sign-ins, at the platform and then here.

use std::{fs, path::Path};

use switchboard_kit::{AccountKey, Error, ErrorKind, Result};
use tracing::warn;

use crate::{
    accounts::Accounts,
    audit::{Entry, Event},
    chat::sanitise,
    oauth::Ended,
    tokens::{Record, TokenStore as _},
};

/// Logs out of the accounts that the flags name, or of all.
pub(super) async fn logout(accounts: &Accounts, all: bool) -> Result<()> {
    let keys: Vec<_> = match (accounts.are_named(), all) {
        (true, false) => accounts.keys().to_vec(),
        (false, true) => accounts.config().accounts.keys().cloned().collect(),
        (true, true) => {
            return Err(Error::new(ErrorKind::Config, "`--all` and `--provider` exclude each other").hint("choose one"));
        }
        (false, false) => {
            let key = accounts.keys().first().map_or("NAME", AccountKey::as_str);
            return Err(Error::new(ErrorKind::Config, "logging out takes the names of the accounts")
                .hint(format!("say `--provider {key}`, or `--all` for every account")));
        }
    };
    let mut outcomes = Vec::new();
    for key in keys {
        outcomes.push(end(accounts, &key).await);
    }
    accounts.finish().await;
    super::report(outcomes)
}

/// Ends one sign-in: no other process renews it meanwhile, and none of its tokens is kept, whatever the platform says.
async fn end(accounts: &Accounts, key: &AccountKey) -> Result<String> {
    let (store, token_key) = (accounts.store(), Accounts::token_key(key));
    if let Ok(None) = store.load(&token_key).await {
        return Ok(format!("{key}: not signed in"));
    }
    let mut locked = store.lock(&token_key).await?;
    let person = locked.current().and_then(|record| Some(record.identity.as_ref()?.id.clone()));
    let ended = match locked.current() {
        Some(record) => give_back(accounts, key, record).await,
        None => Err(Error::new(ErrorKind::StoreCorrupt, "the token file could not be read")),
    };
    locked.remove().await?;
    let entry = Entry { person, ..Entry::now(Event::SignedOut, &token_key.principal, key) };
    if let Err(error) = accounts.audit().write(&entry).await {
        warn!(%error, "A logout could not be noted");
    }
    let mut kept = kept_copies(&accounts.token_file(key)?);
    if let Err(error) = accounts.forget(key).await {
        kept = format!("{kept}; what was remembered of it is still there: {}", sanitise::line(error.message()));
    }
    match ended {
        Ok(Ended::ByPlatform) => Ok(format!("{key}: logged out; the platform no longer accepts the tokens{kept}")),
        Ok(Ended::OnlyByUser) => Ok(format!("{key}: logged out here; {}{kept}", by_hand(accounts, key)?)),
        Err(error) => {
            let message = format!(
                "`{key}` is logged out here, but its tokens could not be revoked: {}{kept}",
                sanitise::line(error.message())
            );
            Err(Error::new(ErrorKind::Unavailable, message).hint(by_hand(accounts, key)?))
        }
    }
}

async fn give_back(accounts: &Accounts, key: &AccountKey, record: &Record) -> Result<Ended> {
    accounts.renewal(key)?.give_back(record).await
}

/// Says what only the user can do.
fn by_hand(accounts: &Accounts, key: &AccountKey) -> Result<String> {
    let hosts: Vec<_> = accounts.account(key).endpoints()?.origins().into_iter().collect();
    let (platform, hosts) = (&accounts.account(key).platform, hosts.join(", "));
    Ok(format!(
        "to end it at {platform} ({hosts}) as well, remove the session, the connected app or the token in its settings"
    ))
}

/// Names the copies that the store has kept of files that it could not read: there may be tokens in them.
fn kept_copies(tokens: &Path) -> String {
    let prefix = format!("{}.corrupt-", tokens.file_name().unwrap_or_default().to_string_lossy());
    let entries = tokens.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let copies = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
    let copies: Vec<_> = copies.map(|copy| format!("`{}`", copy.path().display())).collect();
    match copies.as_slice() {
        [] => String::new(),
        copies => format!("; delete {} as well: what the store could not read was kept there", copies.join(", ")),
    }
}
