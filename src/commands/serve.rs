//! The MCP server.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use futures::future::join;
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout};

use crate::{
    accounts::Accounts,
    chat,
    server::{BearerToken, Handler, HttpAddress, HttpOptions, serve_http, serve_stdio},
};

const TOKEN_VARIABLE: &str = "SWITCHBOARD_HTTP_TOKEN";
/// How long everything may take to end, told from when it began to.
const FAREWELL: Duration = Duration::from_millis(9_800);

// No words here: they would be shown in place of the command's.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeOptions {
    /// Serve over HTTP at this address, such as `127.0.0.1:8080`; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<HttpAddress>,

    /// File that holds the bearer token that every caller must show; only you may read it.
    #[arg(long, value_name = "FILE", requires = "http")]
    bearer_file: Option<PathBuf>,

    /// Name by which clients reach the server, such as `chat.example.com`; repeat it for more.
    #[arg(long, value_name = "HOST", requires = "http")]
    allowed_host: Vec<String>,

    /// Web page that may ask, such as `https://chat.example.com`; repeat it for more.
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allowed_origin: Vec<String>,
}

impl ServeOptions {
    /// Returns whether clients may be on other machines: the pages that sign in are on this one.
    fn is_for_others(&self) -> bool {
        self.http.is_some_and(|address| !address.is_loopback() || !self.allowed_host.is_empty())
    }
}

/// Serves one client over standard input and output, or many over HTTP.
pub(super) async fn serve(accounts: &Accounts, options: &ServeOptions) -> Result<()> {
    let served = match options.is_for_others() {
        true => accounts.clone().without_invitations().served()?,
        false => accounts.served()?,
    };
    let instructions = chat::instructions(&served, &accounts.config().tools);
    let all = Arc::new(super::offered(accounts, served)?);
    let handler = Handler::new(all, instructions);
    let served = match handler.start().await {
        Ok(()) => attend(handler.clone(), options).await,
        Err(error) => Err(error),
    };
    let told = served.as_ref().copied().unwrap_or_else(|_| Instant::now());
    let rest = FAREWELL.saturating_sub(told.elapsed());
    let (_, ()) = join(timeout(rest, handler.stop()), accounts.finish_within(rest)).await;
    served.map(drop)
}

/// Answers clients until the end, and returns when that began.
async fn attend(handler: Handler, options: &ServeOptions) -> Result<Instant> {
    let Some(address) = options.http else { return serve_stdio(handler).await };
    let http = HttpOptions {
        address,
        token: token(options)?,
        hosts: options.allowed_host.clone(),
        origins: options.allowed_origin.clone(),
    };
    serve_http(handler, http).await
}

/// Returns the token that callers must show, if there is one.
fn token(options: &ServeOptions) -> Result<Option<BearerToken>> {
    let variable = env::var_os(TOKEN_VARIABLE).map(|token| {
        let token = token.into_string().unwrap_or_default();
        BearerToken::new(&token, &format!("`{TOKEN_VARIABLE}`"))
    });
    let file = options.bearer_file.as_deref().map(BearerToken::read);
    if variable.is_some() && file.is_some() {
        let message = format!("both `{TOKEN_VARIABLE}` and `--bearer-file` give a bearer token");
        return Err(Error::new(ErrorKind::Config, message).hint("keep one of them"));
    }
    variable.or(file).transpose()
}
