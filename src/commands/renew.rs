//! The process that a server starts to renew a token: it ends when its work is done, whatever becomes of the server.

use std::time::Duration;

use switchboard_kit::{Error, Principal, Result};

use crate::{
    accounts::Accounts,
    credentials::{Answer, Cause},
    signals,
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
    let credentials = accounts.credentials(accounts.only()?, false)?;
    let answer = match credentials.renew(&Principal::local(), cause).await {
        Ok(_) => Answer::Renewed,
        Err(error) => Answer::from(&error),
    };
    let answer = serde_json::to_string(&answer)
        .map_err(|error| Error::unexpected("the answer cannot be written as JSON").caused_by(error))?;
    // The server may no longer want to know.
    drop(super::print(&answer));
    // A token that could not be written yet is only here.
    accounts.finish_within(Duration::from_mins(10)).await;
    Ok(())
}
