//! Rotation and the missteps that tests of token stores rest on.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Served, Tokens, parts, tokens};

/// Refreshes, and returns the tokens of the answer.
async fn rotated(served: &Served, token: &str) -> Tokens {
    let (status, body) = served.refresh(token).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    tokens(&body)
}

#[tokio::test]
async fn without_rotation_the_refresh_token_stays() {
    let served = Served::fresh().await;
    served.faults(json!({ "rotation": "none" })).await;
    let first = served.sign_in().await;
    for _ in 0..3 {
        let next = rotated(&served, &first.refresh).await;
        assert_eq!(next.refresh, "");
        assert!(served.is_signed_in(&next.access).await);
    }
    assert_eq!((served.counter("refreshes").await, served.counter("reuses").await), (3, 0));
}

#[tokio::test]
async fn benign_rotation_forgives_reuse() {
    let served = Served::fresh().await;
    served.faults(json!({ "rotation": "benign" })).await;
    let first = served.sign_in().await;
    let second = rotated(&served, &first.refresh).await;
    assert_ne!(first.refresh, second.refresh);
    rotated(&served, &first.refresh).await;
    rotated(&served, &second.refresh).await;
    assert_eq!((served.counter("refreshes").await, served.counter("reuses").await), (3, 1));
    assert_eq!(served.counter("most_uses_of_one_refresh_token").await, 2);
}

#[tokio::test]
async fn strict_rotation_revokes_the_family_on_reuse() {
    let served = Served::fresh().await;
    let first = served.sign_in().await;
    let other = served.sign_in().await;
    let second = rotated(&served, &first.refresh).await;
    assert!(served.is_signed_in(&first.access).await);
    let (status, body) = served.refresh(&first.refresh).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    assert!(!served.is_signed_in(&second.access).await);
    assert_eq!(served.refresh(&second.refresh).await.1["error"], "invalid_grant");
    assert!(served.is_signed_in(&other.access).await);
    assert_eq!(served.counter("reuses").await, 1);
}

#[tokio::test]
async fn grace_lasts_as_long_as_it_says() {
    let served = Served::fresh().await;
    served.faults(json!({ "rotation": { "grace": 60 } })).await;
    let first = served.sign_in().await;
    rotated(&served, &first.refresh).await;
    rotated(&served, &first.refresh).await;
    served.faults(json!({ "rotation": { "grace": 0 } })).await;
    assert_eq!(served.refresh(&first.refresh).await.1["error"], "invalid_grant");
    assert!(!served.is_signed_in(&first.access).await);
}

#[tokio::test]
async fn access_tokens_expire_and_overstate_themselves_when_told_to() {
    let served = Served::fresh().await;
    served.faults(json!({ "access_lifetime": 0, "expires_in_skew": 600 })).await;
    let (_, body) = served.exchange(&served.code(&[]).await).await;
    assert_eq!(body["expires_in"], 600);
    let response = served.request(Method::GET, "/api/me").bearer_auth(tokens(&body).access).send().await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    let (status, body) = parts(response).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::UNAUTHORIZED, Some("invalid_token")));
}

#[tokio::test]
async fn missteps_that_do_not_act_leave_the_refresh_token_unspent() {
    let served = Served::fresh().await;
    let tokens = served.sign_in().await;
    let next = json!([{ "status": 503 }, { "rate_limited": 7 }, "error_in_200", "refuse_early_refresh"]);
    served.faults(json!({ "next": next })).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    assert_eq!(served.refresh(&tokens.refresh).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let limited = served.token_response(&form).await.unwrap();
    assert_eq!(
        (limited.status(), &limited.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"7".parse().unwrap())
    );
    let (status, body) = served.refresh(&tokens.refresh).await;
    assert_eq!((status, body["ok"].as_bool()), (StatusCode::OK, Some(false)));
    assert_eq!(served.refresh(&tokens.refresh).await.1["error"], "invalid_grant");
    assert!(served.is_signed_in(&tokens.access).await);
    rotated(&served, &tokens.refresh).await;
    assert_eq!(served.counter("refreshes").await, 1);
}

#[tokio::test]
async fn missteps_that_act_spend_the_refresh_token() {
    let served = Served::fresh().await;
    served
        .faults(json!({ "rotation": "benign", "next": ["truncated_json", "omit_expires_in", "omit_refresh_token"] }))
        .await;
    // The first misstep is for this exchange, whose answer nobody can read.
    let (status, body) = served.exchange(&served.code(&[]).await).await;
    assert!(status == StatusCode::OK && body.is_string(), "{body}");
    let (_, body) = served.exchange(&served.code(&[]).await).await;
    assert_eq!(body["expires_in"], Value::Null);
    let first = tokens(&body);
    assert_eq!(served.refresh(&first.refresh).await.1["refresh_token"], Value::Null);
    rotated(&served, &first.refresh).await;
    assert_eq!(served.counter("reuses").await, 1);
}

#[tokio::test]
async fn a_dropped_answer_has_spent_the_refresh_token() {
    let served = Served::fresh().await;
    let first = served.sign_in().await;
    served.faults(json!({ "next": ["drop_after_commit"] })).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str())];
    let error = served.token_response(&form).await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(served.refresh(&first.refresh).await.1["error"], "invalid_grant");
    assert!(!served.is_signed_in(&first.access).await);
}

#[tokio::test]
async fn a_missing_answer_has_spent_nothing() {
    let served = Served::fresh().await;
    let first = served.sign_in().await;
    served.faults(json!({ "next": ["no_answer"] })).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str())];
    tokio::select! {
        answer = served.token_response(&form) => panic!("{answer:?}"),
        // The misstep is taken off the queue when the request has arrived.
        () = async { while served.missteps_left().await > 0 {} } => {}
    }
    rotated(&served, &first.refresh).await;
}

#[tokio::test]
async fn control_expires_and_revokes_the_tokens_of_one_person() {
    let served = Served::fresh().await;
    let (robin, mara) = (served.sign_in().await, served.sign_in_with(&[("login_hint", "mara")]).await);
    let order = |path| served.request(Method::POST, path).send();
    assert_eq!(order("/control/expire?person=robin").await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(!served.is_signed_in(&robin.access).await);
    assert!(served.is_signed_in(&mara.access).await);
    let robin = rotated(&served, &robin.refresh).await;
    assert_eq!(order("/control/revoke").await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(served.refresh(&robin.refresh).await.1["error"], "invalid_grant");
    assert!(!served.is_signed_in(&mara.access).await);
    assert_eq!(order("/control/revoke?person=nobody").await.unwrap().status(), StatusCode::NOT_FOUND);
}
