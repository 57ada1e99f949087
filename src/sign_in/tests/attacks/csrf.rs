//! Requests that a web page makes a browser send: answers of somebody else's sign-in, starts and renewals.

use switchboard_kit::host::ExposeSecret as _;

use super::{FOREIGN, Target, changed, value, wire};
use crate::sign_in::tests::world::{Browser, World};

#[tokio::test]
async fn another_browsers_answer_links_nobody() {
    let target = Target::new().await;
    let (_attacker, callback) = target.begun().await;
    let refused = wire::stray("403 Forbidden", FOREIGN);
    assert_eq!(target.get(&callback).await, refused);
    // A victim who has begun a sign-in of their own has a cookie, but another.
    let (victim, _) = target.begun().await;
    assert_eq!(target.get_as(&victim, &callback).await, refused);
    let name = format!("switchboard_sign_in_{}", target.port());
    for cookie in [format!("{name}="), name.clone(), format!("{name}=A; {name}=B"), "a=b".into(), ";=;".into()] {
        let first = format!("GET {callback} HTTP/1.1");
        assert_eq!(target.ask(&first, &[&format!("Cookie: {cookie}")]).await, refused, "{cookie}");
    }
    target.stands().await;
}

#[tokio::test]
async fn the_state_in_the_terminal_is_of_no_use_to_a_browser() {
    let target = Target::new().await;
    let authorize = target.terminal.says(|line| line.contains("/oauth/authorize?")).await;
    let begun = Browser::new().visit_until(&authorize, |url| url.contains("code=")).await;
    let (own, _) = target.begun().await;
    let refused = wire::stray("403 Forbidden", FOREIGN);
    assert_eq!(target.get(target.path(&begun.url)).await, refused);
    assert_eq!(target.get_as(&own, target.path(&begun.url)).await, refused);
    target.stands().await;
}

#[tokio::test]
async fn another_persons_code_is_of_no_use_with_ones_own_state() {
    let target = Target::new().await;
    let ((_attacker, theirs), (victim, own)) = (target.begun().await, target.begun().await);
    let forged = changed(&own, "code", &[&value(&theirs, "code")]);
    let refused =
        wire::refusal("502 Bad Gateway", "The sign-in did not work", "Nothing was linked. The terminal says more.");
    assert_eq!(target.get_as(&victim, &forged).await, refused);
    let error = target.running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the authorization server refused the sign-in (`invalid_grant`)");
    assert!(target.world.record().await.is_none());
}

#[tokio::test]
async fn only_who_sees_the_terminal_begins_a_sign_in() {
    let target = Target::new().await;
    let refused = wire::notice("403 Forbidden", &[], "Open the address that the terminal shows");
    let nonce = target.nonce();
    assert_eq!(nonce.len(), 43);
    let wrong =
        ["A".repeat(43), nonce[..42].into(), format!("{nonce}A"), nonce.to_lowercase(), format!("A&nonce={nonce}")];
    let mut paths: Vec<_> = wrong.iter().map(|wrong| format!("/auth?nonce={wrong}")).collect();
    paths.extend([
        "/auth".into(),
        "/auth?".into(),
        "/auth?nonce".into(),
        "/auth?nonce=".into(),
        format!("/auth?NONCE={nonce}"),
    ]);
    for path in paths {
        assert_eq!(target.get(&path).await, refused, "{path}");
    }
    target.stands().await;
}

#[tokio::test]
async fn a_page_elsewhere_begins_nothing() {
    let target = Target::new().await;
    let refused = wire::notice("403 Forbidden", &[], "Open the address that the terminal shows");
    let (browser, _) = target.begun().await;
    let cookies = format!("Cookie: {}", browser.cookies("127.0.0.1"));
    for headers in [
        &["Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"][..],
        &["Referer: https://evil.example/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
        &["Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: iframe"],
    ] {
        let headers = [headers, &[&cookies]].concat();
        assert_eq!(target.ask("GET /auth HTTP/1.1", &headers).await, refused, "{headers:?}");
    }
    target.stands().await;
}

/// A sign-in that waits while an earlier one is stored.
async fn signed_in() -> Target {
    let world = World::new().await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    Target::of(world, |_| ()).await
}

#[tokio::test]
async fn a_forged_renewal_renews_nothing() {
    let target = signed_in().await;
    let before = target.world.record().await.unwrap();
    let refused = wire::json("403 Forbidden", r#"{"error":"nonce_required"}"#);
    let nonce = target.nonce();
    for header in [
        "Origin: https://evil.example".into(),
        "X-Auth-Nonce:".into(),
        format!("X-Auth-Nonce: {}", "A".repeat(43)),
        format!("X-Auth-Nonce: {}", &nonce[..42]),
        format!("X-Auth-Nonce: {nonce}A"),
        format!("X-Auth-Nonce: {nonce}, {nonce}"),
        format!("X-Auth-Nonce: A\r\nX-Auth-Nonce: {nonce}"),
        format!("Cookie: x-auth-nonce={nonce}"),
        format!("X-Nonce: {nonce}"),
    ] {
        assert_eq!(target.ask("POST /auth/refresh HTTP/1.1", &[&header]).await, refused, "{header}");
    }
    let query = format!("POST /auth/refresh?nonce={nonce}&x-auth-nonce={nonce} HTTP/1.1");
    assert_eq!(target.ask(&query, &[]).await, refused);
    let form = format!("nonce={nonce}&x-auth-nonce={nonce}");
    let length = format!("Content-Length: {}\r\n\r\n{form}", form.len());
    let kind = "Content-Type: application/x-www-form-urlencoded";
    assert_eq!(target.ask("POST /auth/refresh HTTP/1.1", &[kind, &length]).await, refused);
    let after = target.world.record().await.unwrap();
    assert_eq!((after.generation, after.token.expose_secret()), (before.generation, before.token.expose_secret()));

    let own = format!("X-Auth-Nonce: {nonce}");
    let renewed = wire::json("200 OK", r#"{"expires_in_s":3599,"state":"signed_in"}"#);
    assert_eq!(target.ask("POST /auth/refresh HTTP/1.1", &[&own]).await, renewed);
    assert_ne!(target.world.record().await.unwrap().token.expose_secret(), before.token.expose_secret());
}

#[tokio::test]
async fn no_page_elsewhere_is_given_permission() {
    let target = signed_in().await;
    let origin = "Origin: https://evil.example";
    for (path, allowed) in [("/auth/refresh", "POST"), ("/status", "GET"), ("/auth", "GET"), ("/auth/callback", "GET")]
    {
        let asks = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-auth-nonce", origin];
        let refused =
            wire::notice("405 Method Not Allowed", &[&format!("allow: {allowed}")], "This page is not used that way");
        assert_eq!(target.ask(&format!("OPTIONS {path} HTTP/1.1"), &asks).await, refused, "{path}");
    }
    let account = r#"{"account":"test","expires_in_s":3599,"scopes":["chat:read"],"state":"signed_in"}"#;
    assert_eq!(target.ask("GET /status HTTP/1.1", &[origin]).await, wire::json("200 OK", account));
}
