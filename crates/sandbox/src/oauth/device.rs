//! Signing in on another device: `/oauth/device` hands out codes, `/device` asks the person (RFC 8628).

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::json;

use super::authorize::Decision;
use super::clients::Client;
use super::grants::{self, Issued};
use super::page::Page;
use super::{Denial, Faults, scope};
use crate::chat::people;
use crate::sandbox::Sandbox;

const LIFETIME_SECONDS: i64 = 600;

#[derive(Deserialize)]
pub(super) struct Request {
    client_id: String,
    scope: Option<String>,
}

/// `POST /oauth/device`.
pub(super) async fn begin(State(sandbox): State<Sandbox>, Form(request): Form<Request>) -> Result<Response, Denial> {
    let scope = scope::requested(request.scope.as_deref())?;
    let interval = sandbox.faults().device_interval;
    let (device_code, user_code) = (grants::random("device"), user_code());
    let row = (grants::hash(&device_code), user_code.clone());
    sandbox
        .store
        .write(move |state| {
            let client = Client::find(state, &request.client_id)?;
            state.execute(
                "INSERT INTO devices (hash, user_code, client, scope, interval, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    row.0,
                    row.1,
                    client.id,
                    scope,
                    i64::try_from(interval).unwrap_or(i64::MAX),
                    grants::now() + LIFETIME_SECONDS * 1000,
                ),
            )?;
            Ok::<_, Denial>(())
        })
        .await?;
    let page = format!("{}/device", sandbox.issuer());
    let answer = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": LIFETIME_SECONDS,
        "interval": interval,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Visit {
    user_code: String,
    login_hint: Option<String>,
    prompt: Option<String>,
}

/// `GET /device`.
pub(super) async fn ask(State(sandbox): State<Sandbox>, Query(visit): Query<Visit>) -> Response {
    if visit.login_hint.as_deref() == Some("deny") {
        return settle(&sandbox, visit, false).await;
    }
    if visit.prompt.as_deref() == Some("none") || sandbox.options.auto_approve {
        return settle(&sandbox, visit, true).await;
    }
    if visit.user_code.is_empty() {
        let lines = ["Open the complete link that the device shows, or add `?user_code=` and its code.".into()];
        return Page { title: "Connect a device", lines: &lines, question: false }.show(StatusCode::OK);
    }
    let lines = [format!("Does your device show the code {}?", visit.user_code)];
    Page { title: "Connect a device", lines: &lines, question: true }.show(StatusCode::OK)
}

/// `POST /device`.
pub(super) async fn decide(
    State(sandbox): State<Sandbox>,
    Query(visit): Query<Visit>,
    Form(decision): Form<Decision>,
) -> Response {
    settle(&sandbox, visit, decision.decision == "allow").await
}

async fn settle(sandbox: &Sandbox, visit: Visit, allowed: bool) -> Response {
    let settled = sandbox.store.write(move |state| {
        let hint = visit.login_hint.filter(|hint| hint != "deny");
        let Some(person) = people::hinted(state, hint.as_deref())? else {
            return Ok(0);
        };
        state.execute(
            "UPDATE devices SET person = ?2, denied = NOT ?3
             WHERE user_code = upper(?1) AND person IS NULL AND expires_at > ?4",
            (visit.user_code, person.id, allowed, grants::now()),
        )
    });
    let (status, title) = match settled.await {
        Ok(1) if allowed => (StatusCode::OK, "The device is connected"),
        Ok(1) => (StatusCode::OK, "The device was refused"),
        _ => (StatusCode::BAD_REQUEST, "This code is unknown, used or too old"),
    };
    Page { title, lines: &["You can close this page.".into()], question: false }.show(status)
}

/// What a poll of the token endpoint gets.
pub(super) fn poll(
    connection: &Connection,
    client: &str,
    device_code: &str,
    faults: &Faults,
) -> rusqlite::Result<Result<Issued, Denial>> {
    let hash = grants::hash(device_code);
    let found = connection
        .prepare_cached(
            "SELECT person, scope, denied, interval, polled_at, expires_at FROM devices
             WHERE hash = ?1 AND client = ?2 AND grant_id IS NULL",
        )?
        .query_row((hash, client), |row| {
            Ok((
                row.get::<_, Option<i64>>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, Option<i64>>(4)?,
                row.get::<_, i64>(5)?,
            ))
        })
        .optional()?;
    let Some((person, scope, denied, interval, polled_at, expires_at)) = found else {
        return Ok(Err(Denial::invalid_grant("the device code is unknown or used")));
    };
    if expires_at <= grants::now() {
        return Ok(Err(Denial::new("expired_token", "the device code is too old; begin again")));
    }
    if denied {
        return Ok(Err(Denial::new("access_denied", "the person said no")));
    }
    if let Some(person) = person {
        let grant = grants::open(connection, client, person, &scope)?;
        connection.execute("UPDATE devices SET grant_id = ?2 WHERE hash = ?1", (hash, grant))?;
        grants::log(connection, "device_exchanged", &hash)?;
        return grants::issue(connection, grant, scope, faults).map(Ok);
    }
    let early = polled_at.is_some_and(|polled_at| grants::now() < polled_at + interval * 1000);
    connection.execute(
        "UPDATE devices SET polled_at = ?2, interval = interval + ?3 WHERE hash = ?1",
        (hash, grants::now(), if early { 5 } else { 0 }),
    )?;
    Ok(Err(if early {
        Denial::new("slow_down", "poll less often")
    } else {
        Denial::new("authorization_pending", "the person has not decided yet")
    }))
}

/// Eight consonants, as RFC 8628, section 6.1 suggests: no words, nothing to mistake.
fn user_code() -> String {
    const LETTERS: [char; 20] =
        ['B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z'];
    let mut code: String = (0..8).map(|_| LETTERS[rand::random_range(0..LETTERS.len())]).collect();
    code.insert(4, '-');
    code
}
