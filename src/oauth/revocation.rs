//! Gives sign-ins back: tokens by revoking them (RFC 7009), sessions by logging out.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use switchboard_kit::{
    ClientAuth, Error, ErrorKind, Result,
    host::{ExposeSecret as _, Http, Method, Outgoing, Secret, header},
};
use url::{Url, form_urlencoded};

use super::{OAuthRenewal, description, secure};
use crate::{
    credentials::{Renewal as _, RenewalError},
    tokens::{Method as Obtained, Record},
};

/// How long one request may take: a sign-in is given back under the lock of its tokens, where others may be waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who can end a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The platform has: it accepts none of the tokens any more.
    ByPlatform,
    /// Only the user can, in the platform's settings.
    OnlyByUser,
}

impl OAuthRenewal {
    /// Ends a sign-in at its platform. The record is of no use afterwards.
    pub async fn give_back(&self, record: &Record) -> Result<Ended> {
        let Some(at) = &record.revoke_uri else { return Ok(Ended::OnlyByUser) };
        let at = secure("revoke_uri", at)?;
        match (record.method, &record.client_id) {
            (Obtained::OAuth, Some(client)) => self.revoke_all(record, client, &at).await?,
            (Obtained::Session, _) => self.log_out(record, &at).await?,
            _ => return Ok(Ended::OnlyByUser),
        }
        Ok(Ended::ByPlatform)
    }

    /// Revokes the refresh token first: with it goes, at most servers, all that came of it.
    async fn revoke_all(&self, record: &Record, client: &str, at: &Url) -> Result<()> {
        let secret = record.client_secret.as_ref().or(self.client_secret.as_ref());
        let proof = description(&self.bound.auth()).map_or(ClientAuth::Body, |description| description.client_auth);
        let revoke = |token| revoke(&self.http, at, Client { id: client, secret, proof }, token);
        let Some(refresh_token) = &record.refresh_token else { return revoke(&record.token).await };
        revoke(refresh_token).await?;
        match revoke(&record.token).await {
            // A server need not revoke access tokens (RFC 7009, section 2).
            Err(error) if error.kind() == ErrorKind::Unexpected => Ok(()),
            revoked => revoked,
        }
    }

    /// Logs out, with a renewed access token if the stored one is too old for that.
    async fn log_out(&self, record: &Record, at: &Url) -> Result<()> {
        if logged_out(&self.http, at, &record.token).await? || record.refresh_token.is_none() {
            return Ok(());
        }
        match self.renew(record).await {
            Ok(renewed) if logged_out(&self.http, at, &renewed.access).await? => Ok(()),
            Ok(_) => Err(Error::unexpected("the platform renews the session, but does not end it")),
            Err(RenewalError::Refused { .. }) => Ok(()),
            Err(RenewalError::Transient { error, .. } | RenewalError::Config(error)) => Err(error),
        }
    }
}

/// Ends the session; returns false if the platform does not know the token.
async fn logged_out(http: &Http, at: &Url, token: &Secret) -> Result<bool> {
    let mut request = Outgoing::new(Method::POST, at.clone());
    (request.patience, request.limit) = (PATIENCE, 1 << 20);
    request.headers.insert(header::AUTHORIZATION, sensitive(format!("Bearer {}", token.expose_secret()))?);
    let answer = http.execute(request).await?;
    if answer.status() == 401 {
        return Ok(false);
    }
    answer.error_for_status().map(|()| true).map_err(|error| error.context("logging out"))
}

/// The client that tokens were given to.
#[derive(Clone, Copy)]
struct Client<'a> {
    /// Its id.
    id: &'a str,
    /// Its secret, if it has one.
    secret: Option<&'a Secret>,
    /// How it proves itself.
    proof: ClientAuth,
}

/// Revokes a token; one that the server no longer knows counts as revoked. Ours, since `oauth2` refuses plain http even
/// on loopback.
async fn revoke(http: &Http, endpoint: &Url, client: Client<'_>, token: &Secret) -> Result<()> {
    let answer = http.execute(revocation(endpoint, client, token)?).await?;
    answer.error_for_status().map_err(|error| error.context("giving a token back"))
}

fn revocation(endpoint: &Url, client: Client<'_>, token: &Secret) -> Result<Outgoing> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token.expose_secret());
    let mut request = Outgoing::new(Method::POST, endpoint.clone());
    match (client.secret, client.proof) {
        (Some(secret), ClientAuth::Basic) => {
            request.headers.insert(header::AUTHORIZATION, basic(client.id, secret)?);
        }
        (Some(secret), ClientAuth::Body) => {
            form.append_pair("client_id", client.id).append_pair("client_secret", secret.expose_secret());
        }
        (None, _) => {
            form.append_pair("client_id", client.id);
        }
    }
    (request.patience, request.limit) = (PATIENCE, 1 << 20);
    Ok(request.body("application/x-www-form-urlencoded", form.finish().into_bytes()))
}

/// Both parts are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic(id: &str, secret: &Secret) -> Result<header::HeaderValue> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret.expose_secret()));
    sensitive(format!("Basic {}", STANDARD.encode(pair)))
}

fn sensitive(text: String) -> Result<header::HeaderValue> {
    let mut value = header::HeaderValue::try_from(text)
        .map_err(|_| Error::unexpected("the token file holds a token that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}
