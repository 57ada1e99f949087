//! Begins sign-ins at the platform and completes them by what comes back, wherever it comes back to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use switchboard_kit::{
    Error, ErrorKind, Result,
    host::{ExposeSecret as _, Secret},
};
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::{
    Completed, SignIn, link,
    pending::{Flow, Origin, Pending, Stray, unguessable},
    session,
    way::{Browser, ByOAuth},
};
use crate::oauth;

/// Why an answer was not taken. Browsers are told this much and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No sign-in under way has this state.
    Unknown,
    /// Another browser began it.
    ForeignBrowser,
    /// Another authorization server answered than was asked.
    WrongIssuer,
    /// There is neither a code nor an error in it.
    Malformed,
    /// The person, or the platform, said no.
    Declined,
    /// Somebody else is signed in to this account.
    OtherPerson,
    /// The platform did not give tokens, or they could not be kept.
    Failed,
}

impl Refusal {
    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Forbidden => Self::Declined,
            ErrorKind::Conflict => Self::OtherPerson,
            _ => Self::Failed,
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Unknown | Self::WrongIssuer | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::ForeignBrowser | Self::Declined => StatusCode::FORBIDDEN,
            Self::OtherPerson => StatusCode::CONFLICT,
            Self::Failed => StatusCode::BAD_GATEWAY,
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Unknown => "This sign-in is unknown, used or too old",
            Self::ForeignBrowser => "This sign-in was begun in another browser",
            Self::WrongIssuer => "Another server answered than was asked",
            Self::Malformed => "This answer is not complete",
            Self::Declined => "The sign-in was declined",
            Self::OtherPerson => "Somebody else is signed in to this account",
            Self::Failed => "The sign-in did not work",
        }
    }

    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Unknown | Self::ForeignBrowser | Self::WrongIssuer | Self::Malformed => {
                "Nothing was linked. Open the address that the terminal shows, in this browser."
            }
            Self::Declined | Self::OtherPerson | Self::Failed => "Nothing was linked. The terminal says more.",
        }
    }
}

impl From<Stray> for Refusal {
    fn from(stray: Stray) -> Self {
        match stray {
            Stray::Unknown => Self::Unknown,
            Stray::ForeignBrowser => Self::ForeignBrowser,
        }
    }
}

/// The sign-ins of one run of the command.
pub(super) struct Attempt {
    by: Browser,
    pending: Mutex<Pending>,
}

impl Attempt {
    pub(super) fn new(by: Browser) -> Self {
        Self { by, pending: Mutex::default() }
    }

    /// Returns the page of the platform's that browsers are sent to, without its parameters.
    pub(super) fn place(&self, request: &SignIn) -> Result<Url> {
        let mut place = match &self.by {
            Browser::Code(by) => by.client.server.authorize.clone(),
            Browser::Sso(_, sso) => session::below(request, sso.path)?,
        };
        place.set_query(None);
        Ok(place)
    }

    pub(super) fn scopes(&self) -> &[String] {
        match &self.by {
            Browser::Code(by) => &by.scopes,
            Browser::Sso(..) => &[],
        }
    }

    pub(super) fn knows(&self, browser: &str) -> bool {
        self.pending().knows(browser)
    }

    /// Begins a sign-in; returns where to send the browser.
    pub(super) fn begin(&self, request: &SignIn, origin: Origin, redirect: &Url) -> Result<Url> {
        let state = unguessable();
        let (target, verifier) = match &self.by {
            Browser::Code(by) => {
                let authorization = by.client.authorize(redirect, &by.scopes, &state);
                (authorization.url, authorization.verifier)
            }
            Browser::Sso(_, sso) => {
                let mut back = redirect.clone();
                back.query_pairs_mut().append_pair("state", &state);
                let mut target = session::below(request, sso.path)?;
                target.query_pairs_mut().append_pair(sso.redirect_parameter, back.as_str());
                (target, None)
            }
        };
        self.pending().insert(state, Flow { origin, redirect: redirect.clone(), verifier }, Instant::now());
        Ok(target)
    }

    /// Completes the sign-in that the query answers. The outer error is a stray answer, the inner one its end.
    pub(super) async fn complete(
        &self,
        request: &SignIn,
        query: &str,
        origin: &Origin,
    ) -> Result<Result<Completed>, Refusal> {
        let _exchange = request.exchanges.token();
        let given = |name| only(query, name);
        let state = given("state")?.ok_or(Refusal::Malformed)?;
        let flow = self.pending().take(&state, origin, Instant::now())?;
        let record = match &self.by {
            Browser::Code(by) => {
                check_issuer(by, given("iss")?.as_deref())?;
                if let Some(code) = given("error")? {
                    return Ok(Err(oauth::in_place_of_code(&code)));
                }
                let code = Secret::from(given("code")?.ok_or(Refusal::Malformed)?);
                let tokens = by.client.exchange(&code, &flow.redirect, flow.verifier).await;
                tokens.map(|tokens| link::oauth_record(request, by, tokens)).map_err(Error::from)
            }
            Browser::Sso(session, sso) => {
                let token = Secret::from(given(sso.token_parameter)?.ok_or(Refusal::Malformed)?);
                let body = (sso.body)(token.expose_secret());
                session::login(request, session, &body, "the sign-in by browser").await
            }
        };
        Ok(match record {
            Ok(record) => link::link(request, record).await,
            Err(error) => Err(error),
        })
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a parameter that may not come twice (RFC 6749 §3.1): one of the two would be somebody else's.
fn only(query: &str, name: &str) -> Result<Option<String>, Refusal> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(Into::into)),
        _ => Err(Refusal::Malformed),
    }
}

/// A server that answers in another's place would get the code (RFC 9207).
fn check_issuer(by: &ByOAuth, named: Option<&str>) -> Result<(), Refusal> {
    let server = &by.client.server;
    match (named, &server.issuer) {
        (Some(named), Some(issuer)) if named != issuer => Err(Refusal::WrongIssuer),
        (None, _) if server.names_itself => Err(Refusal::WrongIssuer),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_parameter_counts_once(pairs in proptest::collection::vec(("(state|code|iss|[a-z%&=+]{0,3})", any::<String>()), 0..6)) {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            for name in ["state", "code", "iss"] {
                let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
                let expected = match (values.next(), values.next()) {
                    (value, None) => Ok(value),
                    _ => Err(Refusal::Malformed),
                };
                prop_assert_eq!(only(&query, name), expected);
            }
        }

        #[test]
        fn any_query_is_read(query in any::<String>()) {
            let _ = only(&query, "state");
        }
    }
}
