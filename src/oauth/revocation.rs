//! Gives tokens back (RFC 7009). Ours, since `oauth2` refuses plain http even on loopback.

use switchboard_kit::{
    Error, Result,
    host::{ExposeSecret as _, Http, Method, Outgoing, Secret},
};
use url::{Url, form_urlencoded};

/// Revokes a token; one that the server no longer knows counts as revoked.
pub async fn revoke(http: &Http, endpoint: &Url, client: &str, secret: Option<&Secret>, token: &Secret) -> Result<()> {
    let body = form(client, secret, token).into_bytes();
    let mut request = Outgoing::new(Method::POST, endpoint.clone()).body("application/x-www-form-urlencoded", body);
    request.limit = 1 << 20;
    let answer = http.execute(request).await?;
    answer.error_for_status().map_err(|error: Error| error.context("giving a token back"))
}

fn form(client: &str, secret: Option<&Secret>, token: &Secret) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token.expose_secret()).append_pair("client_id", client);
    if let Some(secret) = secret {
        form.append_pair("client_secret", secret.expose_secret());
    }
    form.finish()
}
