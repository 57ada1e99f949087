//! `--local-auth`.

use std::sync::Arc;

use switchboard_kit::Result;

use crate::{
    accounts::Accounts,
    cli::SignInOptions,
    sandbox,
    sign_in::{OwnTerminal, sign_in as run},
};

/// Signs in to the one account that the flags name.
pub(super) async fn sign_in(accounts: &Accounts, options: &SignInOptions) -> Result<()> {
    let key = accounts.only()?;
    if sandbox::is_embedded(&accounts.account(key).endpoints()?) {
        // No browser reaches a service inside this process.
        let linked = run(accounts.sign_in(key, sandbox::visitor(accounts.http()))?).await;
        accounts.finish().await;
        let linked = linked?;
        eprintln!("Signed in as {} to {}.", linked.identity.name, linked.account);
        return Ok(());
    }
    let mut request = accounts.sign_in(key, Arc::new(OwnTerminal::default()))?;
    request.host.clone_from(&options.host);
    request.port = options.port;
    request.open_browser = !options.no_browser;
    request.device = options.device;
    request.keep_running = options.keep_running;
    request.replace = options.replace;
    run(request).await?;
    // It may be another person's now, who has other conversations.
    if options.replace { accounts.forget(key).await } else { Ok(()) }
}
