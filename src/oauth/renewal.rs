//! Renews a stored sign-in: by OAuth's refresh grant, or as a platform's own sessions are renewed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use switchboard_kit::{
    Auth, ClientAuth, Error, ErrorKind, OAuth, Session,
    host::{Bound, ExposeSecret as _, Http, Method, Outgoing, Secret},
};

use super::{Failure, exchange, failure, secure};
use crate::{
    credentials::{Renewal, RenewalError, Renewed},
    tokens::{Method as Obtained, Record},
};

/// Renews at the platform's authorization server or session endpoint.
pub struct OAuthRenewal {
    /// What sends the requests.
    pub http: Arc<Http>,
    /// Says how the platform's sign-in works.
    pub bound: Arc<dyn Bound>,
    /// The client's secret from credentials.json, if there is one.
    pub client_secret: Option<Secret>,
}

#[async_trait]
impl Renewal for OAuthRenewal {
    async fn renew(&self, record: &Record) -> Result<Renewed, RenewalError> {
        Ok(match record.method {
            Obtained::OAuth => self.refresh_grant(record).await?,
            Obtained::Session => self.session(record).await?,
            Obtained::Static => return Err(misfit("a pasted token cannot be renewed").into()),
        })
    }
}

impl OAuthRenewal {
    async fn refresh_grant(&self, record: &Record) -> Result<Renewed, Failure> {
        let (token, refresh_token) = needed(record)?;
        let Some(client) = &record.client_id else { return Err(misfit("the token file names no client")) };
        let description = description(&self.bound.auth());
        let proof = description.as_ref().map_or(ClientAuth::Body, |it| it.client_auth);
        let token_at = description.as_ref().map_or("", |it| it.token_at);
        let secret = record.client_secret.as_ref().or(self.client_secret.as_ref());
        let client = exchange::basic(client, secret, proof, &token);
        let tokens = exchange::refresh(&self.http, client, token_at, refresh_token).await?;
        let exchange::Tokens { access, refresh, expires_in, refresh_expires_in, scopes } = tokens;
        let documented = description.and_then(|it| it.refresh_lifetime).map(|life| life.as_secs_f64());
        Ok(Renewed { access, refresh, expires_in, refresh_expires_in: refresh_expires_in.or(documented), scopes })
    }

    async fn session(&self, record: &Record) -> Result<Renewed, Failure> {
        let (at, refresh_token) = needed(record)?;
        let session: Option<Session> = find(&self.bound.auth(), |auth| match auth {
            Auth::Session(session) => Some(session.clone()),
            _ => None,
        });
        let Some(session) = session else { return Err(misfit("the platform no longer has sessions")) };
        let body = (session.refresh_body)(refresh_token.expose_secret());
        let mut request = Outgoing::new(Method::POST, at).body("application/json", body.to_string().into());
        (request.patience, request.limit) = (Duration::from_secs(6), 1 << 20);
        let answer = self.http.execute(request).await.map_err(Failure::transport)?;
        if answer.status() == 401 {
            // Without a word of the platform's own it may be a proxy's, which knows nothing of the refresh token.
            let code = failure::code(answer.body());
            return Err(code.map_or_else(Failure::unreadable, |code| Failure::Refused { code }));
        }
        if answer.status() == 429 || answer.status() >= 500 {
            answer.error_for_status().map_err(Failure::transport)?;
        }
        if answer.status() >= 400 {
            return Err(Failure::answered(failure::code(answer.body()).unwrap_or_else(|| "unknown".into())));
        }
        let answer: Value = serde_json::from_slice(answer.body()).map_err(|_| Failure::unreadable())?;
        let tokens = (session.tokens)(&answer).ok_or_else(Failure::unreadable)?;
        Ok(Renewed {
            access: tokens.access.into(),
            refresh: tokens.refresh.map(Into::into),
            expires_in: tokens.expires_in_ms.map(|milliseconds| Duration::from_millis(milliseconds).as_secs_f64()),
            refresh_expires_in: None,
            scopes: None,
        })
    }
}

fn needed(record: &Record) -> Result<(url::Url, &Secret), Failure> {
    let token = record.token_uri.as_deref().ok_or_else(|| misfit("the token file does not say where to renew"))?;
    let token = secure("token_uri", token).map_err(Failure::Config)?;
    let refresh = record.refresh_token.as_ref().ok_or_else(|| misfit("the token file has no refresh token"))?;
    Ok((token, refresh))
}

fn misfit(why: &str) -> Failure {
    Failure::Config(Error::new(ErrorKind::Config, why).hint("sign in again"))
}

/// Returns how the platform does OAuth, if that is among its ways of signing in.
pub fn description(auth: &Auth) -> Option<OAuth> {
    find(auth, |auth| match auth {
        Auth::OAuth(description) => Some(description.clone()),
        _ => None,
    })
}

/// Returns the first way of signing in that `pick` takes.
fn find<T>(auth: &Auth, pick: fn(&Auth) -> Option<T>) -> Option<T> {
    match auth {
        Auth::FirstOf(ways) => ways.iter().find_map(|way| find(way, pick)),
        way => pick(way),
    }
}

impl From<Failure> for RenewalError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Transient { error, ambiguous } => {
                Self::Transient { retry_after: error.retry_after(), error, ambiguous }
            }
            Failure::Refused { code } => Self::Refused { code },
            Failure::Config(error) => Self::Config(error),
        }
    }
}
