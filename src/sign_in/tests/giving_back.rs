//! Sign-ins are given back: tokens are revoked, sessions logged out, and what the platform does not know is at an end.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use switchboard_kit::{Auth, ClientAuth, ErrorKind, Session, SessionTokens};
use tokio::net::TcpListener;

use super::{renewing::signed_in, world::World};
use crate::{
    credentials::{Renewal as _, RenewalError},
    oauth::{Ended, OAuthRenewal},
    tokens::{Method as Obtained, Record},
};

#[tokio::test]
async fn a_sign_in_that_was_given_back_is_over() {
    let (_world, renewal, record) = signed_in().await;
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::ByPlatform);
    assert!(matches!(renewal.renew(&record).await, Err(RenewalError::Refused { .. })));
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::ByPlatform, "it is no less over now");
}

/// A server that writes down what it is asked.
#[derive(Clone, Default)]
struct Platform(Arc<Mutex<Vec<String>>>);

impl Platform {
    async fn start(&self, auth: impl Into<Auth>) -> (OAuthRenewal, Record) {
        let router = Router::new()
            .route("/revoke", post(revoke))
            .route("/logout", post(log_out))
            .route("/refresh", post(refresh))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let world = World::around(origin.clone());
        let renewal = OAuthRenewal {
            http: world.http.clone(),
            bound: world.bound(auth.into()),
            client_secret: Some("s&".into()),
        };
        let mut record = Record::new("sandbox", Obtained::OAuth, "a1".into());
        record.client_id = Some("me".into());
        record.refresh_token = Some("r1".into());
        record.revoke_uri = Some(format!("{origin}/revoke"));
        record.token_uri = Some(format!("{origin}/refresh"));
        (renewal, record)
    }

    fn note(&self, request: String) {
        self.0.lock().unwrap().push(request);
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get("authorization").map_or("", |value| value.to_str().unwrap())
}

/// Revokes no access tokens, as the standard allows.
async fn revoke(State(platform): State<Platform>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    platform.note(format!("{}|{body}", authorization(&headers)));
    let status = if body.contains("token=a") { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    (status, Json(json!({ "error": "unsupported_token_type" })))
}

async fn log_out(State(platform): State<Platform>, headers: HeaderMap) -> StatusCode {
    let bearer = authorization(&headers);
    platform.note(format!("log out {bearer}"));
    if bearer == "Bearer a2" { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn refresh(State(platform): State<Platform>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    platform.note(format!("refresh {body}"));
    if body["refresh_token"] == "r1" {
        return (StatusCode::OK, Json(json!({ "access_token": "a2" })));
    }
    (StatusCode::UNAUTHORIZED, Json(json!({ "errcode": "M_UNKNOWN_TOKEN" })))
}

fn session() -> Session {
    let tokens = |answer: &Value| {
        Some(SessionTokens { access: answer["access_token"].as_str()?.into(), refresh: None, expires_in_ms: None })
    };
    Session::new("login", tokens).refresh("refresh").logout("logout")
}

#[tokio::test]
async fn the_refresh_token_goes_first_and_the_client_proves_itself_as_the_platform_wants_it() {
    let platform = Platform::default();
    let (renewal, record) = platform.start(World::oauth()).await;
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::ByPlatform);
    let secret = "client_id=me&client_secret=s%26";
    assert_eq!(platform.asked(), [format!("|token=r1&{secret}"), format!("|token=a1&{secret}")]);

    let platform = Platform::default();
    let (renewal, record) = platform.start(World::oauth().client_auth(ClientAuth::Basic)).await;
    renewal.give_back(&record).await.unwrap();
    assert_eq!(platform.asked()[0], "Basic bWU6cyUyNg==|token=r1");
}

#[tokio::test]
async fn an_access_token_alone_must_be_revoked() {
    let platform = Platform::default();
    let (renewal, mut record) = platform.start(World::oauth()).await;
    record.refresh_token = None;
    assert_eq!(renewal.give_back(&record).await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_session_whose_access_token_is_too_old_is_renewed_to_be_ended() {
    let platform = Platform::default();
    let (renewal, mut record) = platform.start(session()).await;
    record.method = Obtained::Session;
    record.revoke_uri = record.revoke_uri.map(|at| at.replace("revoke", "logout"));
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::ByPlatform);
    let asked = platform.asked();
    assert_eq!(asked, ["log out Bearer a1", r#"refresh {"refresh_token":"r1"}"#, "log out Bearer a2"]);
    record.refresh_token = Some("gone".into());
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::ByPlatform, "the platform knows of no session");
}

#[tokio::test]
async fn what_only_the_user_can_end_is_said_to_be_so() {
    let platform = Platform::default();
    let (renewal, mut record) = platform.start(World::oauth()).await;
    record.method = Obtained::Static;
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::OnlyByUser);
    record.method = Obtained::OAuth;
    record.revoke_uri = None;
    assert_eq!(renewal.give_back(&record).await.unwrap(), Ended::OnlyByUser);
    record.revoke_uri = Some("http://chat.example.com/revoke".into());
    assert!(renewal.give_back(&record).await.is_err(), "secrets do not go over plain http");
    assert_eq!(platform.asked(), [""; 0]);
}
