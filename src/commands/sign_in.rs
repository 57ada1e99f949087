//! `--local-auth`.

use std::sync::Arc;

use switchboard_kit::Result;

use crate::{
    accounts::Accounts,
    cli::SignInOptions,
    sign_in::{OwnTerminal, sign_in as run},
};

/// Signs in to the one account that the flags name.
pub(super) async fn sign_in(accounts: &Accounts, options: &SignInOptions) -> Result<()> {
    let mut request = accounts.sign_in(accounts.only()?, Arc::new(OwnTerminal::default()))?;
    request.host.clone_from(&options.host);
    request.port = options.port;
    request.open_browser = !options.no_browser;
    request.device = options.device;
    request.keep_running = options.keep_running;
    request.replace = options.replace;
    run(request).await.map(drop)
}
