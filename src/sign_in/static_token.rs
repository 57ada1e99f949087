//! Takes a token that the user made in the platform's settings: from the environment, the terminal or a pipe.

use jiff::Timestamp;
use switchboard_kit::{
    Error, ErrorKind, Result, StaticToken,
    host::{ExposeSecret as _, Secret},
};

use super::{Completed, SignIn, link};
use crate::tokens::{Method, Record};

/// Asks for the token, verifies it by a call and stores it.
pub(super) async fn run(request: &SignIn, description: &StaticToken) -> Result<Completed> {
    let mut token = request.terminal.variable("SWITCHBOARD_TOKEN").map(Secret::from);
    if token.is_none() {
        request.terminal.say(&description.help);
        token = request.terminal.secret_line(&description.prompt).await;
    }
    let token = token.map(|token| Secret::from(token.expose_secret().trim()));
    let token = token.filter(|token| !token.expose_secret().is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::SignInRequired, "no token was given").hint("paste it, or set SWITCHBOARD_TOKEN")
    })?;
    let mut record = Record::new(request.bound.platform(), Method::Static, token);
    record.good_for(Timestamp::now(), None, None);
    let linked = link::link(request, record).await?;
    request.terminal.say(&format!("Signed in as {} to {}.", linked.identity.name, linked.account));
    Ok(linked)
}
