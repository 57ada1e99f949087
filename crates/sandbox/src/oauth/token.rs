//! `POST /oauth/token`: gives tokens for a code, a refresh token or a device code, and misbehaves when told to.

use std::io;

use axum::body::Body;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::stream;
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::{Value, json};

use super::clients::Client;
use super::grants::{self, Issued};
use super::{Denial, Faults, Misstep, device};
use crate::sandbox::Sandbox;

/// The grant type of RFC 8628.
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    grant_type: String,
    client_id: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    refresh_token: String,
    device_code: String,
}

pub(super) async fn token(
    State(sandbox): State<Sandbox>,
    request: Result<Form<Request>, FormRejection>,
) -> Result<Response, Denial> {
    let Form(request) = request.map_err(|rejection| Denial::invalid_request(rejection.body_text()))?;
    let (faults, misstep) = sandbox.faults_and_next();
    if let Some(answer) = instead(misstep).await {
        return Ok(answer);
    }
    tokio::time::sleep(faults.delay_before_commit()).await;
    let rules = faults.clone();
    let issued = sandbox.store.write(move |state| grant(state, &request, &rules)).await?;
    tokio::time::sleep(faults.delay_after_commit()).await;
    Ok(answer(&issued?, &faults, misstep))
}

/// The missteps that take the place of acting.
async fn instead(misstep: Option<Misstep>) -> Option<Response> {
    Some(match misstep? {
        Misstep::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY).into_response(),
        Misstep::RateLimited(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Misstep::NoAnswer => std::future::pending().await,
        Misstep::ErrorIn200 => Json(json!({ "ok": false, "error": "internal_error" })).into_response(),
        Misstep::RefuseEarlyRefresh => Denial::invalid_grant("the access token has not expired yet").into_response(),
        Misstep::DropAfterCommit | Misstep::TruncatedJson | Misstep::OmitExpiresIn | Misstep::OmitRefreshToken => {
            return None;
        }
    })
}

/// The inner refusal is part of what happened: what it changed, such as a revocation, is kept.
fn grant(state: &Connection, request: &Request, faults: &Faults) -> Result<Result<Issued, Denial>, Denial> {
    let client = Client::find(state, &request.client_id)?;
    Ok(match request.grant_type.as_str() {
        "authorization_code" => exchange(state, &client.id, request, faults)?,
        "refresh_token" => grants::refresh(state, &client.id, &request.refresh_token, faults)?,
        DEVICE_CODE => device::poll(state, &client.id, &request.device_code, faults)?,
        _ => Err(Denial::new("unsupported_grant_type", "`grant_type` is none that the metadata lists")),
    })
}

/// A code in exchange for tokens: once, in time, by the client that asked and holds the verifier.
fn exchange(
    state: &Connection,
    client: &str,
    request: &Request,
    faults: &Faults,
) -> rusqlite::Result<Result<Issued, Denial>> {
    let hash = grants::hash(&request.code);
    let found = state
        .prepare_cached(
            "SELECT person, scope, redirect_uri, challenge, expires_at, grant_id FROM codes
             WHERE hash = ?1 AND client = ?2",
        )?
        .query_row((hash, client), |row| {
            Ok((
                row.get(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, Option<i64>>(5)?,
            ))
        })
        .optional()?;
    let Some((person, scope, redirect_uri, challenge, expires_at, used)) = found else {
        return Ok(Err(Denial::invalid_grant("the code is unknown")));
    };
    if let Some(grant) = used {
        grants::log(state, "code_replayed", &hash)?;
        grants::revoke(state, grant)?;
        return Ok(Err(Denial::invalid_grant("the code was used before; the sign-in is revoked")));
    }
    if expires_at <= grants::now() {
        return Ok(Err(Denial::invalid_grant("the code is too old")));
    }
    if redirect_uri != request.redirect_uri {
        return Ok(Err(Denial::invalid_grant("`redirect_uri` is not the one that the code was sent to")));
    }
    let verifier_fits = (43..=128).contains(&request.code_verifier.len());
    if !verifier_fits || URL_SAFE_NO_PAD.encode(grants::hash(&request.code_verifier)) != challenge {
        return Ok(Err(Denial::invalid_grant("`code_verifier` does not match the challenge")));
    }
    let grant = grants::open(state, client, person, &scope)?;
    state.prepare_cached("UPDATE codes SET grant_id = ?2 WHERE hash = ?1")?.execute((hash, grant))?;
    grants::log(state, "code_exchanged", &hash)?;
    grants::issue(state, grant, scope, faults).map(Ok)
}

fn answer(issued: &Issued, faults: &Faults, misstep: Option<Misstep>) -> Response {
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": faults.expires_in(),
        "scope": issued.scope,
    });
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = Value::from(refresh_token.as_str());
    }
    let mut leave_out = |field| body.as_object_mut().map(|fields| fields.remove(field));
    match misstep {
        Some(Misstep::OmitExpiresIn) => drop(leave_out("expires_in")),
        Some(Misstep::OmitRefreshToken) => drop(leave_out("refresh_token")),
        Some(Misstep::DropAfterCommit) => return dropped(),
        _ => {}
    }
    let mut text = body.to_string();
    if misstep == Some(Misstep::TruncatedJson) {
        text.truncate(text.len() / 2);
    }
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// A body that fails before its first byte makes the server close the connection, head unsent.
fn dropped() -> Response {
    Body::from_stream(stream::once(async { Err::<Vec<u8>, _>(io::Error::other("told to drop the connection")) }))
        .into_response()
}
