//! The OAuth 2 client: finds an authorization server, registers with it, and gets, renews and gives back tokens.

mod device;
mod discovery;
mod exchange;
mod failure;
mod registration;
mod renewal;
mod revocation;

use std::{fmt, sync::Arc};

use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use switchboard_kit::{
    Error, OAuth, Pkce, Result,
    host::{Http, Secret, is_loopback},
};
use url::Url;

pub use device::DeviceCodes;
pub use discovery::{Server, discover};
pub use exchange::Tokens;
pub use failure::Failure;
pub(crate) use failure::in_place_of_code;
pub use registration::register;
pub use renewal::{OAuthRenewal, description};
pub use revocation::Ended;

/// A client of one authorization server.
pub struct Client {
    /// What sends its requests.
    pub http: Arc<Http>,
    /// The authorization server.
    pub server: Server,
    /// How the server differs from the standard.
    pub description: OAuth,
    /// The client's id.
    pub id: String,
    /// The client's secret, if it has one.
    pub secret: Option<Secret>,
}

/// An authorization request, and what is kept here to check and complete its answer.
pub struct Authorization {
    /// Where to send the browser.
    pub url: Url,
    /// What only the holder of this sign-in can present to the token endpoint.
    pub verifier: Option<PkceCodeVerifier>,
}

impl Client {
    /// Makes the address at which the user says yes. The answer will come to `redirect` and bear `state`.
    pub fn authorize(&self, redirect: &Url, scopes: &[String], state: &str) -> Authorization {
        let state = state.to_owned();
        let client = exchange::basic(&self.id, None, self.description.client_auth, &self.server.token)
            .set_auth_uri(AuthUrl::from_url(self.server.authorize.clone()))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let mut request = client.authorize_url(move || CsrfToken::new(state));
        if !scopes.is_empty() {
            request = request.add_scope(Scope::new(scopes.join(self.description.scope_separator)));
        }
        for (name, value) in &self.description.extra {
            request = request.add_extra_param(*name, value);
        }
        let mut verifier = None;
        if self.description.pkce == Pkce::S256 {
            let (challenge, kept) = PkceCodeChallenge::new_random_sha256();
            request = request.set_pkce_challenge(challenge);
            verifier = Some(kept);
        }
        Authorization { url: request.url().0, verifier }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Reads an address that secrets will be sent to: https, or http to this machine.
pub(crate) fn secure(name: &str, text: &str) -> Result<Url> {
    let wrong = |why: &str| Error::unexpected(format!("the authorization server's `{name}` {why}"));
    let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        return Err(wrong("is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("holds more than an address, a path and a query"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        for good in
            ["https://a.example/token", "http://127.0.0.1:9/token", "http://[::1]/t", "http://localhost:1/t?a=b"]
        {
            assert!(secure("token_endpoint", good).is_ok(), "{good}");
        }
        for bad in ["http://a.example/token", "ftp://a.example", "https://u:p@a.example/", "https://a.example/#x", "no"]
        {
            assert!(secure("token_endpoint", bad).is_err(), "{bad}");
        }
    }
}
