//! The OAuth server: signs people of the workspace in, and says whose token a request bears.

mod authorize;
mod clients;
mod device;
mod faults;
mod grants;
mod metadata;
mod page;
mod register;
mod revoke;
mod scope;
mod token;

use axum::Json;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

pub(crate) use clients::add_client;
pub use faults::{Faults, Misstep, Rotation};
pub(crate) use grants::{bearer, expire_all, revoke_all};
pub(crate) use scope::Scope;

use crate::sandbox::Sandbox;

/// The client that every workspace knows from the start.
pub(crate) const BUILT_IN_CLIENT: &str = "switchboard";

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/oauth/authorize", get(authorize::ask).post(authorize::decide))
        .route("/oauth/token", post(token::token))
        .route("/oauth/device", post(device::begin))
        .route("/device", get(device::ask).post(device::decide))
        .route("/oauth/register", post(register::register))
        .route("/oauth/revoke", post(revoke::revoke))
}

/// An error answer of the OAuth endpoints (RFC 6749, section 5.2).
#[derive(Debug)]
pub(crate) struct Denial {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl Denial {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }
}

impl From<rusqlite::Error> for Denial {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "The sandbox state cannot be used");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: "server_error",
            description: "the sandbox state cannot be used".into(),
        }
    }
}

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}
