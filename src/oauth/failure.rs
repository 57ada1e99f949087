//! What a token endpoint's refusal means: that the sign-in is over, that the client is wrong, or that it may work later.

use oauth2::{ErrorResponse, RequestTokenError};
use serde_json::Value;
use switchboard_kit::{Error, ErrorKind};

/// Why there are no tokens.
#[derive(Debug)]
pub enum Failure {
    /// It may work later.
    Transient {
        /// What happened.
        error: Error,
        /// Whether the server may have acted on the request all the same.
        ambiguous: bool,
    },
    /// The code or refresh token is no good, for good.
    Refused {
        /// The server's error code.
        code: String,
    },
    /// The client or the request is wrong; trying again will not help.
    Config(Error),
}

impl Failure {
    /// Judges what went wrong on the way there and back.
    pub(super) fn transport(error: Error) -> Self {
        let unsent = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_connect);
        let ambiguous = !unsent && error.kind() != ErrorKind::RateLimited;
        Self::Transient { error, ambiguous }
    }

    /// Judges an error code of a token endpoint, standard or of a platform's own.
    pub(super) fn answered(code: String) -> Self {
        let config = |what: &str, hint: &str| {
            Self::Config(
                Error::new(ErrorKind::Config, format!("the authorization server {what} (`{code}`)")).hint(hint),
            )
        };
        match code.as_str() {
            "invalid_grant"
            | "invalid_refresh_token"
            | "token_revoked"
            | "token_expired"
            | "M_UNKNOWN_TOKEN"
            | "access_denied"
            | "expired_token" => Self::Refused { code },
            "invalid_client"
            | "unauthorized_client"
            | "invalid_client_id"
            | "bad_client_secret"
            | "client_not_found" => config(
                "does not accept this client",
                "check `client_id` and `client_secret` in credentials.json, then sign in again",
            ),
            "invalid_scope" => {
                config("does not know a scope", "correct `scopes` in provider-config.yaml, then sign in again")
            }
            "unsupported_grant_type" | "invalid_request" | "invalid_target" => {
                config("does not understand the request", "sign in again, and report it if that does not help")
            }
            _ => {
                let message = format!("the authorization server gave no tokens (`{code}`)");
                Self::Transient { error: Error::new(ErrorKind::Unavailable, message), ambiguous: true }
            }
        }
    }

    pub(super) fn unreadable() -> Self {
        let error = Error::unexpected("the authorization server's answer holds no tokens");
        Self::Transient { error, ambiguous: true }
    }
}

impl<T: ErrorResponse> From<RequestTokenError<Error, T>> for Failure {
    fn from(error: RequestTokenError<Error, T>) -> Self {
        match error {
            RequestTokenError::ServerResponse(answer) => {
                let code = serde_json::to_value(&answer).ok().and_then(|answer| code_in(&answer));
                Self::answered(code.unwrap_or_else(|| "unknown".into()))
            }
            RequestTokenError::Request(error) => Self::transport(error),
            // Neither is passed on: both may quote the answer, and so a token.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Self::unreadable(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Transient { error, .. } | Failure::Config(error) => error,
            Failure::Refused { code } if code == "access_denied" => declined(),
            Failure::Refused { code } => {
                Self::new(ErrorKind::SignInRequired, format!("the authorization server refused the sign-in (`{code}`)"))
                    .hint("sign in again")
            }
        }
    }
}

/// Says what came back in the browser's address in place of a code, where anybody may have written it.
pub(crate) fn in_place_of_code(code: &str) -> Error {
    match code_in(&serde_json::json!({ "error": code })).as_deref() {
        Some("access_denied") => declined(),
        code => {
            let code = code.unwrap_or("unknown");
            Error::new(ErrorKind::SignInRequired, format!("the authorization server refused to sign you in (`{code}`)"))
                .hint("try again; if it goes on, check `scopes` in provider-config.yaml")
        }
    }
}

fn declined() -> Error {
    Error::new(ErrorKind::Forbidden, "the sign-in was declined").hint("sign in again and allow it")
}

/// Returns the error code of an answer, if it has one that is safe to show.
pub(super) fn code(body: &[u8]) -> Option<String> {
    code_in(&serde_json::from_slice(body).ok()?)
}

/// Platforms put it in `error`, Matrix in `errcode`. Only what looks like a code is taken for one: it will be shown.
pub(super) fn code_in(answer: &Value) -> Option<String> {
    let code = answer.get("errcode").or_else(|| answer.get("error"))?.as_str()?;
    let is_code = code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    Some(if is_code && !code.is_empty() { code.to_owned() } else { "unknown".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_none_is_not_shown() {
        assert_eq!(code(br#"{"error":"invalid_grant"}"#).as_deref(), Some("invalid_grant"));
        assert_eq!(code(br#"{"errcode":"M_UNKNOWN_TOKEN","error":"Soft logout"}"#).as_deref(), Some("M_UNKNOWN_TOKEN"));
        assert_eq!(code(br#"{"error":"<b>token abc</b>"}"#).as_deref(), Some("unknown"));
        assert_eq!(code(b"not json"), None);
    }

    #[test]
    fn refusals_are_told_apart() {
        assert!(matches!(Failure::answered("invalid_grant".into()), Failure::Refused { .. }));
        assert!(matches!(Failure::answered("invalid_client".into()), Failure::Config(_)));
        assert!(matches!(Failure::answered("internal_error".into()), Failure::Transient { ambiguous: true, .. }));
    }
}
