//! Signing in: every flow of the OAuth server, and what it refuses.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{REDIRECT, Served, VERIFIER, answered, parts, tokens};

#[tokio::test]
async fn metadata_declares_the_origin_it_was_given() {
    let served = Served::fresh().await;
    let response = served.request(Method::GET, "/.well-known/oauth-authorization-server").send().await.unwrap();
    let metadata = parts(response).await.1;
    assert_eq!(metadata["issuer"], served.origin.as_str());
    assert_eq!(metadata["token_endpoint"], format!("{}/oauth/token", served.origin));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}

#[tokio::test]
async fn a_code_becomes_tokens_that_work() {
    let served = Served::fresh().await;
    let response = served.authorize(&[("prompt", "none")]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(answered(&response, "state").unwrap(), "the state");
    assert_eq!(answered(&response, "iss").unwrap(), served.origin);
    let (status, body) = served.exchange(&answered(&response, "code").unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "chat:read chat:write");
    let me = served.get(&tokens(&body).access, "/api/me").await;
    assert_eq!(me["name"], "Robin Vega");
}

#[tokio::test]
async fn the_page_asks_and_its_answer_counts() {
    let served = Served::fresh().await;
    let response = served.authorize(&[("state", "<script>")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let address = response.url().clone();
    let page = response.text().await.unwrap();
    assert!(page.contains("Robin Vega") && page.contains("chat:write") && !page.contains("<script>"), "{page}");
    let path = format!("/oauth/authorize?{}", address.query().unwrap());
    let press = |decision| served.request(Method::POST, &path).form(&[("decision", decision)]).send();
    assert!(answered(&press("allow").await.unwrap(), "code").is_some());
    assert_eq!(answered(&press("deny").await.unwrap(), "error").unwrap(), "access_denied");
}

#[tokio::test]
async fn login_hint_chooses_the_account_and_may_deny() {
    let served = Served::fresh().await;
    let tokens = served.sign_in_with(&[("login_hint", "mara@kestrel.example")]).await;
    assert_eq!(served.get(&tokens.access, "/api/me").await["handle"], "mara");
    let denied = served.authorize(&[("login_hint", "deny")]).await;
    assert_eq!(answered(&denied, "error").unwrap(), "access_denied");
    let nobody = served.authorize(&[("login_hint", "deploys"), ("prompt", "none")]).await;
    assert_eq!(answered(&nobody, "error").unwrap(), "login_required");
}

#[tokio::test]
async fn unsound_requests_are_refused() {
    let served = Served::fresh().await;
    for (extra, error) in [
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "chat:admin"), "invalid_scope"),
    ] {
        let response = served.authorize(&[extra, ("prompt", "none")]).await;
        assert_eq!(answered(&response, "error").unwrap(), error);
    }
    for extra in [
        ("redirect_uri", "http://evil.example/auth/callback"),
        ("redirect_uri", "http://127.0.0.1:1/elsewhere"),
        ("client_id", "nobody"),
    ] {
        let response = served.authorize(&[extra, ("prompt", "none")]).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{extra:?}");
    }
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_its_redirect() {
    let served = Served::fresh().await;
    let code = served.code(&[]).await;
    let wrong = [VERIFIER, "another"].concat();
    for (redirect, verifier) in [(REDIRECT, wrong.as_str()), ("http://127.0.0.1:1/auth/callback", VERIFIER)] {
        let form = [("code", code.as_str()), ("redirect_uri", redirect), ("code_verifier", verifier)];
        let form: Vec<_> = form.into_iter().chain([("grant_type", "authorization_code")]).collect();
        let (status, body) = served.token(&form).await;
        assert_eq!((status, body["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    }
    assert_eq!(served.exchange(&code).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_replayed_code_revokes_what_it_gave() {
    let served = Served::fresh().await;
    let code = served.code(&[]).await;
    let first = tokens(&served.exchange(&code).await.1);
    assert!(served.is_signed_in(&first.access).await);
    assert_eq!(served.exchange(&code).await.1["error"], "invalid_grant");
    assert!(!served.is_signed_in(&first.access).await);
    assert_eq!(served.refresh(&first.refresh).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_device_waits_until_the_person_has_decided() {
    let served = Served::fresh().await;
    served.faults(json!({ "device_interval": 0 })).await;
    for (hint, expected) in [("you", None), ("deny", Some("access_denied"))] {
        let form = [("client_id", "switchboard"), ("scope", "chat:read")];
        let begun = served.request(Method::POST, "/oauth/device").form(&form).send().await.unwrap();
        let begun = parts(begun).await.1;
        let code = begun["device_code"].as_str().unwrap().to_owned();
        let poll = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.as_str())];
        assert_eq!(served.token(&poll).await.1["error"], "authorization_pending");
        let complete = begun["verification_uri_complete"].as_str().unwrap();
        let path = format!("{}&prompt=none&login_hint={hint}", complete.strip_prefix(&served.origin).unwrap());
        assert_eq!(served.request(Method::GET, &path).send().await.unwrap().status(), StatusCode::OK);
        let (_, body) = served.token(&poll).await;
        if let Some(error) = expected {
            assert_eq!(body["error"], error);
        } else {
            assert!(served.is_signed_in(&tokens(&body).access).await);
            assert_eq!(served.token(&poll).await.1["error"], "invalid_grant");
        }
    }
}

#[tokio::test]
async fn a_hasty_device_is_told_to_slow_down() {
    let served = Served::fresh().await;
    let begun =
        served.request(Method::POST, "/oauth/device").form(&[("client_id", "switchboard")]).send().await.unwrap();
    let code = parts(begun).await.1["device_code"].as_str().unwrap().to_owned();
    let poll = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.as_str())];
    assert_eq!(served.token(&poll).await.1["error"], "authorization_pending");
    assert_eq!(served.token(&poll).await.1["error"], "slow_down");
}

#[tokio::test]
async fn clients_register_themselves_with_redirects_that_are_safe() {
    let served = Served::fresh().await;
    let register = |body| served.request(Method::POST, "/oauth/register").json(&body).send();
    let unsafe_redirect = register(json!({ "redirect_uris": ["http://evil.example/"] })).await.unwrap();
    assert_eq!(parts(unsafe_redirect).await.1["error"], "invalid_redirect_uri");
    let redirect = "http://127.0.0.1/elsewhere";
    let response = register(json!({ "client_name": "Test", "redirect_uris": [redirect] })).await.unwrap();
    let (status, client) = parts(response).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(client["token_endpoint_auth_method"], "none");
    let asked = [
        ("client_id", client["client_id"].as_str().unwrap()),
        ("redirect_uri", "http://127.0.0.1:4321/elsewhere"),
        ("prompt", "none"),
    ];
    assert!(answered(&served.authorize(&asked).await, "code").is_some());
}

#[tokio::test]
async fn a_revoked_sign_in_is_over_with_all_its_tokens() {
    let served = Served::fresh().await;
    let tokens = served.sign_in().await;
    let form = [("client_id", "switchboard"), ("token", tokens.refresh.as_str())];
    let revoke = || served.request(Method::POST, "/oauth/revoke").form(&form).send();
    assert_eq!(revoke().await.unwrap().status(), StatusCode::OK);
    assert!(!served.is_signed_in(&tokens.access).await);
    assert_eq!(revoke().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_reading_token_does_not_write() {
    let served = Served::fresh().await;
    let tokens = served.sign_in_with(&[("scope", "chat:read")]).await;
    let post = served.request(Method::POST, "/api/conversations/C1/messages").bearer_auth(&tokens.access);
    let response = post.json(&json!({ "text": "hello" })).send().await.unwrap();
    assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
    let (status, body) = parts(response).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::FORBIDDEN, Some("insufficient_scope")));
}

#[tokio::test]
async fn a_request_for_another_host_is_not_answered() {
    let served = Served::fresh().await;
    let response = served.request(Method::GET, "/oauth/authorize").header("host", "evil.example").send().await;
    assert_eq!(response.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
}
