//! The MCP server.

use std::sync::Arc;

use switchboard_kit::Result;

use crate::{
    accounts::Accounts,
    chat,
    server::{Aggregate, Handler, Linked, serve_stdio},
};

/// Serves one client over standard input and output.
pub(super) async fn serve(accounts: &Accounts) -> Result<()> {
    let served = accounts.served()?;
    let instructions = chat::instructions(&served);
    let all = Arc::new(Aggregate::new([Arc::new(Linked::new(served, &accounts.toolsets())?) as _]));
    let handler = Handler::new(all, instructions);
    let session = match handler.start().await {
        Ok(()) => serve_stdio(handler.clone()).await,
        failed => failed,
    };
    handler.stop().await;
    accounts.finish().await;
    session
}
