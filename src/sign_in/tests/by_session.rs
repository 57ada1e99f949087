//! A platform's own logins and pasted tokens, against a small homeserver of our own.

use axum::{
    Extension, Json, Router,
    extract::Query,
    http::{HeaderMap, StatusCode},
    response::Redirect,
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use switchboard_kit::{Auth, ErrorKind, Session, SessionTokens, Sso, StaticToken, host::ExposeSecret as _};
use tokio::net::TcpListener;

use super::world::{Browser, FakeTerminal, World, start};
use crate::{
    credentials::{Renewal as _, RenewalError},
    oauth::OAuthRenewal,
    tokens::Method as Obtained,
};

/// Knows a person by password, single sign-on and token, and Otto by password. `flows` are the logins that it offers.
pub(super) async fn homeserver(flows: &'static [&'static str], person: Value) -> World {
    let offer = move || async move {
        Json(json!({ "flows": flows.iter().map(|kind| json!({ "type": kind })).collect::<Vec<_>>() }))
    };
    let router = Router::new()
        .route("/login", get(offer).post(login))
        .route("/sso", get(sso))
        .route("/refresh", post(refresh))
        .route("/logout", post(logout))
        .route("/api/me", get(async move |ended, headers| me(&ended, &headers, person)));
    let router = router.layer(Extension(Ended::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    World::around(origin)
}

async fn login(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    if body["password"] == "right" && body["user"] == "paula" || body["token"] == "once" {
        let tokens = json!({ "access_token": "good", "refresh_token": "fresh", "expires_in_ms": 60_000 });
        return (StatusCode::OK, Json(tokens));
    }
    if body["password"] == "right" && body["user"] == "otto" {
        return (StatusCode::OK, Json(json!({ "access_token": "other", "refresh_token": "others" })));
    }
    (StatusCode::FORBIDDEN, Json(json!({ "errcode": "M_FORBIDDEN", "error": "<b>no</b>" })))
}

async fn refresh(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    match body["refresh_token"].as_str() {
        Some("fresh") => (StatusCode::OK, Json(json!({ "access_token": "better", "expires_in_ms": 500 }))),
        // As a proxy before the homeserver says it.
        Some("elsewhere") => (StatusCode::UNAUTHORIZED, Json(json!("Log in to the network first"))),
        Some("busy") => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
        _ => (StatusCode::UNAUTHORIZED, Json(json!({ "errcode": "M_UNKNOWN_TOKEN" }))),
    }
}

async fn sso(Query(query): Query<BTreeMap<String, String>>) -> Redirect {
    Redirect::to(&format!("{}&loginToken=once", query["redirectUrl"]))
}

/// Tokens that are good no longer.
type Ended = Arc<Mutex<BTreeSet<String>>>;

async fn logout(Extension(ended): Extension<Ended>, headers: HeaderMap) -> Json<Value> {
    ended.lock().unwrap().insert(headers["authorization"].to_str().unwrap().into());
    Json(json!({}))
}

fn me(Extension(ended): &Extension<Ended>, headers: &HeaderMap, person: Value) -> (StatusCode, Json<Value>) {
    let bearer = headers.get("authorization").map_or("", |it| it.to_str().unwrap());
    match bearer {
        _ if ended.lock().unwrap().contains(bearer) => {}
        "Bearer good" => return (StatusCode::OK, Json(person)),
        "Bearer other" => {
            let otto = json!({ "id": "P2", "name": "Otto", "workspace": { "name": "home" } });
            return (StatusCode::OK, Json(otto));
        }
        _ => {}
    }
    (StatusCode::UNAUTHORIZED, Json(json!({ "message": "who are you?" })))
}

pub(super) fn paula() -> Value {
    json!({ "id": "P1\u{202e}", "name": "Paula\n\u{1b}<x>", "workspace": { "name": "ho\u{7}me" } })
}

pub(super) fn session() -> Session {
    let tokens = |answer: &Value| {
        Some(SessionTokens {
            access: answer["access_token"].as_str()?.into(),
            refresh: answer["refresh_token"].as_str().map(Into::into),
            expires_in_ms: answer["expires_in_ms"].as_u64(),
        })
    };
    Session::new("login", tokens)
        .refresh("refresh")
        .logout("logout")
        .password(|user, password| json!({ "user": user, "password": password }))
        .sso(Sso {
            path: "sso",
            redirect_parameter: "redirectUrl",
            token_parameter: "loginToken",
            body: |token| json!({ "token": token }),
        })
}

pub(super) fn all() -> Auth {
    let token = StaticToken::new("Access token", "Make one in the settings.");
    Auth::FirstOf(vec![World::oauth().registering().into(), session().into(), token.into()])
}

#[tokio::test]
async fn single_sign_on_ends_at_our_page() {
    let world = homeserver(&["m.login.sso", "m.login.token", "m.login.password"], paula()).await;
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(all(), &terminal));
    let page = Browser::new().visit(&terminal.start().await).await;
    assert_eq!((page.status, page.title()), (200, "Signed in as Paula &lt;x&gt;"));
    running.await.unwrap().unwrap();
    let record = world.record().await.unwrap();
    assert_eq!(record.method, Obtained::Session);
    assert_eq!(world.noted(), ["P1"]);
    assert_eq!(record.token_uri, Some(format!("{}/refresh", world.origin)));
    assert_eq!(record.expires_in, Some(60.0));
    let bound = world.bound(all());
    let renewal = OAuthRenewal { http: world.http.clone(), bound, client_secret: None };
    let renewed = renewal.renew(&record).await.unwrap();
    assert_eq!((renewed.access.expose_secret(), renewed.expires_in), ("better", Some(0.5)));
    let mut worn = record.clone();
    worn.refresh_token = Some("worn".into());
    assert!(matches!(renewal.renew(&worn).await, Err(RenewalError::Refused { code }) if code == "M_UNKNOWN_TOKEN"));
    for passing in ["busy", "elsewhere"] {
        worn.refresh_token = Some(passing.into());
        let error = renewal.renew(&worn).await.unwrap_err();
        assert!(matches!(error, RenewalError::Transient { ambiguous: true, .. }), "{passing}: {error:?}");
    }
}

#[tokio::test]
async fn a_stray_one_time_token_signs_nobody_in() {
    let world = homeserver(&["m.login.sso"], paula()).await;
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(session(), &terminal));
    let callback = terminal.start().await.split_once("/auth?").unwrap().0.to_owned() + "/auth/callback?loginToken=once";
    assert_eq!(Browser::new().get(&callback).await.status, 400);
    assert!(world.record().await.is_none());
    running.abort();
}

#[tokio::test]
async fn a_password_comes_from_the_terminal_or_the_environment() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let terminal = FakeTerminal::new(&[]);
    terminal.types("paula");
    terminal.types("right");
    start(world.request(all(), &terminal)).await.unwrap().unwrap();
    assert!(!terminal.said().contains("right"));
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_USER", "paula"), ("SWITCHBOARD_PASSWORD", "right")]);
    start(world.request(session(), &terminal)).await.unwrap().unwrap();
    assert_eq!(world.record().await.unwrap().generation, 2);
    assert_eq!(world.noted(), ["P1", "P1"]);
}

#[tokio::test]
async fn a_wrong_password_leaves_nothing() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_USER", "paula"), ("SWITCHBOARD_PASSWORD", "wrong")]);
    let error = start(world.request(session(), &terminal)).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the platform refused the user name or the password");
    let silent = FakeTerminal::new(&[]);
    silent.ends();
    let error = start(world.request(session(), &silent)).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "no user name was given");
    assert!(world.record().await.is_none() && world.noted().is_empty());
}

#[tokio::test]
async fn a_pasted_token_is_tried_before_it_is_kept() {
    let world = homeserver(&[], paula()).await;
    let terminal = FakeTerminal::new(&[]);
    terminal.types("bad");
    let error = start(world.request(all(), &terminal)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignInRequired);
    assert!(world.record().await.is_none());
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_TOKEN", "good")]);
    start(world.request(all(), &terminal)).await.unwrap().unwrap();
    let record = world.record().await.unwrap();
    assert_eq!((record.method, record.token.expose_secret()), (Obtained::Static, "good"));
    let identity = record.identity.unwrap();
    assert_eq!((identity.id.as_str(), identity.name.as_str()), ("P1", "Paula <x>"));
    assert_eq!(identity.workspace.as_deref(), Some("home"));
    assert_eq!(world.noted(), ["P1"]);
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_noted_is_one() {
    let world = homeserver(&[], paula()).await;
    world.close_audit();
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_TOKEN", "good")]);
    start(world.request(all(), &terminal)).await.unwrap().unwrap();
    assert!(world.record().await.is_some());
}
