//! Signs in on another device: shows a page and a code, and waits (RFC 8628).

use switchboard_kit::{Error, Result};

use super::{Completed, SignIn, link, way::ByOAuth};
use crate::chat::sanitise;

/// Shows the code and waits until the user has decided.
pub(super) async fn run(request: &SignIn, by: &ByOAuth) -> Result<Completed> {
    let codes = by.client.begin_device(&by.scopes).await?;
    request.terminal.say("On any device, open this page and type the code:");
    for written in [codes.page(), codes.code()] {
        request.terminal.say(&sanitise::line(written));
    }
    let tokens = by.client.finish_device(&codes).await.map_err(Error::from)?;
    let linked = link::link(request, link::oauth_record(request, by, tokens)).await?;
    request.terminal.say(&format!("Signed in as {} to {}.", linked.identity.name, linked.account));
    Ok(linked)
}
