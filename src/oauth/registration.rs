//! Registers this program with an authorization server, as a public client on this machine (RFC 7591).

use serde::Deserialize;
use serde_json::json;
use switchboard_kit::{
    Error, ErrorKind, Result,
    host::{Http, Method, Outgoing, Secret, is_loopback},
};
use url::Url;

use super::{Server, failure};

/// Where people who are asked for consent may read about us. Matrix requires one.
const ABOUT: &str = "https://switchboard.invalid/";

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: Option<Secret>,
}

/// Registers a client that is sent back to this machine on any port, or to `callback`; returns its id and secret.
pub async fn register(http: &Http, server: &Server, callback: Option<&Url>) -> Result<(String, Option<Secret>)> {
    let Some(endpoint) = &server.registration else {
        return Err(Error::new(ErrorKind::Config, "the authorization server registers no clients by itself")
            .hint("register one by hand and put its `client_id` into credentials.json"));
    };
    // Loopback addresses are registered without a port; any port is then good (RFC 8252, section 7.3).
    let loopback = ["127.0.0.1", "[::1]", "localhost"].map(|host| format!("http://{host}/auth/callback"));
    let mut redirects = Vec::from(loopback);
    redirects.extend(callback.filter(|callback| !is_loopback(callback)).map(Url::to_string));
    let mut grants = vec!["authorization_code", "refresh_token"];
    if server.device.is_some() {
        grants.push("urn:ietf:params:oauth:grant-type:device_code");
    }
    let metadata = json!({
        "client_name": "Switchboard",
        "client_uri": ABOUT,
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "grant_types": grants,
        "response_types": ["code"],
        "redirect_uris": redirects,
    });
    let mut request =
        Outgoing::new(Method::POST, endpoint.clone()).body("application/json", metadata.to_string().into());
    request.limit = 1 << 20;
    let answer = http.execute(request).await?;
    if answer.status() >= 400 {
        let code = failure::code(answer.body()).map(|code| format!(" (`{code}`)")).unwrap_or_default();
        let kind = if answer.status() >= 500 { ErrorKind::Unavailable } else { ErrorKind::Config };
        return Err(Error::new(kind, format!("the authorization server refused to register a client{code}"))
            .hint("register one by hand and put its `client_id` into credentials.json"));
    }
    let registered: Registered = answer.json()?;
    Ok((registered.client_id, registered.client_secret))
}
