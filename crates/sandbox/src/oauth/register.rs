//! `POST /oauth/register`: dynamic registration of public clients (RFC 7591).

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::clients::add_client;
use super::token::DEVICE_CODE;
use super::{Denial, grants};
use crate::host::is_loopback;
use crate::sandbox::Sandbox;

#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Registration {
    client_name: String,
    redirect_uris: Vec<String>,
    grant_types: Vec<String>,
}

impl Default for Registration {
    fn default() -> Self {
        let grant_types = vec!["authorization_code".into()];
        Self { client_name: "Unnamed application".into(), redirect_uris: vec![], grant_types }
    }
}

pub(super) async fn register(
    State(sandbox): State<Sandbox>,
    registration: Result<Json<Registration>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Denial> {
    let refused = |reason: String| Denial::new("invalid_client_metadata", reason);
    let Json(registration) = registration.map_err(|rejection| refused(rejection.body_text()))?;
    let Registration { client_name, redirect_uris, grant_types } = registration;
    if redirect_uris.is_empty() && grant_types.iter().any(|grant| grant == "authorization_code") {
        return Err(Denial::new("invalid_redirect_uri", "`redirect_uris` is empty"));
    }
    if let Some(uri) = redirect_uris.iter().find(|uri| !is_acceptable(uri)) {
        let reason = format!("`{uri}` is neither https nor http on a loopback address, or has a fragment");
        return Err(Denial::new("invalid_redirect_uri", reason));
    }
    let id = grants::random("client");
    let answer = json!({
        "client_id": id,
        "client_id_issued_at": grants::now() / 1000,
        "client_name": client_name,
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    sandbox.store.write(move |state| add_client(state, &id, &client_name, &redirect_uris)).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

fn is_acceptable(uri: &str) -> bool {
    let is_safe = |url: &Url| url.scheme() == "https" || url.scheme() == "http" && is_loopback(url);
    // Redirects are kept in one text, apart by spaces.
    !uri.contains(char::is_whitespace) && Url::parse(uri).is_ok_and(|url| url.fragment().is_none() && is_safe(&url))
}
