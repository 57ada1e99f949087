//! The process that a server starts to renew a token: it ends when its work is done, whatever becomes of the server.

use std::time::Duration;

use switchboard_kit::{AccountKey, Error, ErrorKind, Principal, Result};

use crate::{
    accounts::Accounts,
    credentials::{Answer, Cause},
    signals,
    tokens::{Record, TokenStore as _},
};

/// Renews, with the lock that the server has passed on, and says in one line how that went.
pub(super) async fn renew(accounts: &Accounts, cause: &Cause) -> Result<()> {
    signals::ignored();
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        if let Ok(lock) = std::io::stdin().as_fd().try_clone_to_owned() {
            accounts.store().inherit(lock.into());
        }
    }
    let key = accounts.only()?;
    let credentials = accounts.credentials(key, false)?;
    let answer = match credentials.renew(&Principal::local(), cause).await {
        Ok(renewed) if is_stored(accounts, key, &renewed).await => Answer::Renewed,
        Ok(_) => Answer::from(
            &Error::new(ErrorKind::StoreWriteFailed, format!("the renewed token of `{key}` cannot be written"))
                .hint("make room on the disk and make it writable: writing is tried for hours"),
        ),
        Err(error) => Answer::from(&error),
    };
    let answer = serde_json::to_string(&answer)
        .map_err(|error| Error::unexpected("the answer cannot be written as JSON").caused_by(error))?;
    // The server may no longer want to know.
    drop(super::print(&answer));
    // A token that could not be written yet is only here.
    accounts.finish_within(Duration::from_hours(12)).await;
    Ok(())
}

async fn is_stored(accounts: &Accounts, key: &AccountKey, renewed: &Record) -> bool {
    let stored = accounts.store().load(&Accounts::token_key(key)).await;
    matches!(stored, Ok(Some(stored)) if stored.generation >= renewed.generation)
}
