//! An error answer of the chat API: a status, a code for programs and a message for people.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::oauth::Scope;

/// Why the API does not do what it was asked.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    challenge: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), challenge: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    /// What a caller may not see does not exist for it either.
    pub(crate) fn not_found(what: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} `{name}` that you can see"))
    }

    /// There are platforms that only list.
    pub(crate) fn no_lookup() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "no_lookup", "this workspace looks no names up; read the list")
    }

    pub(crate) fn invalid_token() -> Self {
        Self {
            challenge: Some("Bearer error=\"invalid_token\"".into()),
            ..Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "the access token is missing, expired or revoked")
        }
    }

    pub(crate) fn insufficient_scope(scope: Scope) -> Self {
        let name = scope.name();
        Self {
            challenge: Some(format!("Bearer error=\"insufficient_scope\", scope=\"{name}\"")),
            ..Self::new(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                format!("the sign-in lacks `{name}`; sign in again and ask for it"),
            )
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "The sandbox state cannot be used");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the sandbox state cannot be used")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.code, "message": self.message }));
        match self.challenge {
            Some(challenge) => (self.status, [(header::WWW_AUTHENTICATE, challenge)], body).into_response(),
            None => (self.status, body).into_response(),
        }
    }
}
