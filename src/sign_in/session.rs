//! A login of the platform's own: what its server offers, and the login itself, by password or one-time token.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use switchboard_kit::{
    Error, ErrorKind, Result, Session,
    host::{ExposeSecret as _, Method as HttpMethod, Outgoing, Secret},
};
use url::Url;

use super::{Completed, SignIn, link};
use crate::tokens::{Method, Record};

/// What the server offers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) sso: bool,
    pub(super) password: bool,
}

/// Asks which logins there are, as Matrix tells it; a server that does not tell is taken to offer all.
pub(super) async fn offers(request: &SignIn, session: &Session) -> Result<Offers> {
    let at = below(request, session.login)?;
    let answer = request.http.execute(Outgoing::new(HttpMethod::GET, at)).await?;
    if answer.status() == 429 || answer.status() >= 500 {
        answer.error_for_status().map_err(|error| error.context("finding out how to sign in"))?;
    }
    Ok(read(answer.body()))
}

fn read(body: &[u8]) -> Offers {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(flows) = answer.get("flows").and_then(Value::as_array) else {
        return Offers { sso: true, password: true };
    };
    let offers = |kind: &str| {
        let mut types = flows.iter().filter_map(|flow| flow.get("type")?.as_str());
        types.any(|it| it.rsplit('.').next() == Some(kind))
    };
    Offers { sso: offers("sso"), password: offers("password") }
}

/// Signs in with a name and a password.
pub(super) async fn run(request: &SignIn, session: &Session) -> Result<Completed> {
    let (user, password) = name_and_password(request).await?;
    let body = session.password.map(|body| body(&user, password.expose_secret()));
    let body = body.ok_or_else(|| Error::unsupported("the platform takes no passwords"))?;
    let record = login(request, session, &body, "the user name or the password").await?;
    let linked = link::link(request, record).await?;
    request.terminal.say(&format!("Signed in as {} to {}.", linked.identity.name, linked.account));
    Ok(linked)
}

async fn name_and_password(request: &SignIn) -> Result<(String, Secret)> {
    let terminal = &request.terminal;
    if let (Some(user), Some(password)) =
        (terminal.variable("SWITCHBOARD_USER"), terminal.variable("SWITCHBOARD_PASSWORD"))
    {
        return Ok((user, password.into()));
    }
    let missing = |what: &str| {
        Error::new(ErrorKind::SignInRequired, format!("no {what} was given"))
            .hint("type it, or set SWITCHBOARD_USER and SWITCHBOARD_PASSWORD")
    };
    terminal.say("User name:");
    let user = terminal.line().await.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    let user = user.ok_or_else(|| missing("user name"))?;
    let password = terminal.secret_line("Password").await.filter(|line| !line.expose_secret().is_empty());
    Ok((user, password.ok_or_else(|| missing("password"))?))
}

/// Logs in with `body`; `proof` says in words what the server judges.
pub(super) async fn login(request: &SignIn, session: &Session, body: &Value, proof: &str) -> Result<Record> {
    let at = below(request, session.login)?;
    let mut outgoing = Outgoing::new(HttpMethod::POST, at).body("application/json", body.to_string().into());
    (outgoing.patience, outgoing.limit) = (Duration::from_secs(30), 1 << 20);
    let answer = request.http.execute(outgoing).await?;
    if matches!(answer.status(), 400..=403) {
        return Err(Error::new(ErrorKind::SignInRequired, format!("the platform refused {proof}")).hint("try again"));
    }
    answer.error_for_status().map_err(|error| error.context("signing in"))?;
    let tokens = answer.json().ok().and_then(|answer: Value| (session.tokens)(&answer));
    let tokens = tokens.ok_or_else(|| Error::unexpected("the platform's login answered without a token"))?;
    let mut record = Record::new(request.bound.platform(), Method::Session, tokens.access.into());
    record.refresh_token = tokens.refresh.map(Into::into);
    let address = |path| below(request, path).map(|at| at.to_string());
    record.token_uri = session.refresh.map(address).transpose()?;
    record.revoke_uri = session.logout.map(address).transpose()?;
    let lifetime = tokens.expires_in_ms.map(|milliseconds| Duration::from_millis(milliseconds).as_secs_f64());
    record.good_for(Timestamp::now(), lifetime, None);
    Ok(record)
}

/// Returns an address below the API's.
pub(super) fn below(request: &SignIn, path: &str) -> Result<Url> {
    let base = request.endpoints.url("api")?;
    base.join(path).map_err(|error| Error::unexpected("a login path is no URL").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_which_logins_it_offers() {
        let both = br#"{"flows":[{"type":"m.login.sso"},{"type":"m.login.token"},{"type":"m.login.password"}]}"#;
        assert_eq!(read(both), Offers { sso: true, password: true });
        assert_eq!(read(br#"{"flows":[{"type":"m.login.password"}]}"#), Offers { sso: false, password: true });
        assert_eq!(read(b"Not Found"), Offers { sso: true, password: true });
    }
}
