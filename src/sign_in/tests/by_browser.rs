//! The whole way through a browser.

use switchboard_kit::host::{ExposeSecret as _, Method};

use super::world::{Browser, FakeTerminal, World, start};
use crate::tokens::Method as Obtained;

#[tokio::test]
async fn a_browser_signs_in_and_sees_who_it_is() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().client("switchboard"), &terminal);
    request.write = true;
    request.token_path = "/somewhere/token.json".into();
    let running = start(request);
    let page = Browser::new().visit(&terminal.start().await).await;
    assert_eq!(page.status, 200);
    assert!(page.url.ends_with("/auth/done"), "{}", page.url);
    let linked = running.await.unwrap().unwrap();
    assert_eq!(page.title(), format!("Signed in as {}", linked.identity.name));
    assert!(page.text.contains("You can close this tab."));
    let said = terminal.said();
    assert!(said.contains("/somewhere/token.json") && said.contains("/auth/callback"), "{said}");
    assert!(said.ends_with(&format!("Signed in as {} to test.", linked.identity.name)), "{said}");

    let record = world.record().await.unwrap();
    assert_eq!(record.method, Obtained::OAuth);
    assert_eq!(record.identity.as_ref(), Some(&linked.identity));
    assert_eq!(record.issuer.as_deref(), Some(world.origin.as_str()));
    assert_eq!(record.api_hosts.iter().collect::<Vec<_>>(), [&world.origin]);
    assert_eq!(record.client_id.as_deref(), Some("switchboard"));
    assert_eq!(record.token_uri, Some(format!("{}/oauth/token", world.origin)));
    assert_eq!(record.revoke_uri, Some(format!("{}/oauth/revoke", world.origin)));
    assert_eq!(record.scopes, ["chat:read", "chat:write"]);
    assert_eq!(record.generation, 1);
    assert_eq!(world.noted(), [linked.identity.id.as_str()]);
    assert!(record.expiry.is_some() && record.refresh_token.is_some());
    for secret in [&record.token, record.refresh_token.as_ref().unwrap()] {
        assert!(!said.contains(secret.expose_secret()) && !page.text.contains(secret.expose_secret()));
    }
}

#[tokio::test]
async fn a_client_is_registered_once_and_kept() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for generation in 1..=2 {
        let terminal = FakeTerminal::new(&[]);
        let running = start(world.request(World::oauth().registering(), &terminal));
        Browser::new().visit(&format!("{}&again=1", terminal.start().await)).await;
        running.await.unwrap().unwrap();
        let record = world.record().await.unwrap();
        assert_eq!(record.generation, generation);
        clients.push(record.client_id.unwrap());
    }
    assert_ne!(clients[0], "switchboard");
    assert_eq!(clients[0], clients[1]);
}

#[tokio::test]
async fn a_device_scope_is_made_up() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(World::oauth().registering().device_scope("device:"), &terminal));
    let authorize = terminal.says(|line| line.contains("/oauth/authorize?")).await;
    let (_, scope) = authorize.split_once("device%3A").unwrap();
    assert!(scope.chars().take(10).all(|letter| letter.is_ascii_uppercase()), "{scope}");
    running.abort();
}

#[tokio::test]
async fn a_good_sign_in_is_not_repeated_without_asking() {
    let world = World::new().await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(World::oauth().client("switchboard"), &terminal));
    let start = terminal.start().await;
    let browser = Browser::new();
    let page = browser.get(&start).await;
    assert_eq!((page.status, page.title()), (200, "Account test is signed in already"));
    let json = browser.fetch(Method::GET, &start, &[("accept", "application/json")]).await;
    assert_eq!(json.text, r#"{"account":"test","status":"already_authenticated"}"#);
    assert_eq!(browser.get(&format!("{start}&again=1")).await.status, 303);
    running.abort();
}

#[tokio::test]
async fn the_server_can_stay_and_renew() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().client("switchboard"), &terminal);
    request.keep_running = true;
    let running = start(request);
    let start = terminal.start().await;
    let (origin, nonce) = start.split_once("/auth?nonce=").unwrap();
    let browser = Browser::new();
    let status = browser.get(&format!("{origin}/status")).await;
    assert_eq!(status.text, r#"{"account":"test","expires_in_s":null,"scopes":[],"state":"signed_out"}"#);
    browser.visit(&start).await;
    terminal.says(|line| line.starts_with("Signed in as")).await;
    let status: serde_json::Value = browser.get(&format!("{origin}/status")).await.answer.json().unwrap();
    assert_eq!(status["state"], "signed_in");
    let before = world.record().await.unwrap();
    let refresh = format!("{origin}/auth/refresh");
    let forged = browser.fetch(Method::POST, &refresh, &[]).await;
    assert_eq!((forged.status, forged.text.as_str()), (403, r#"{"error":"nonce_required"}"#));
    assert_eq!(browser.fetch(Method::POST, &refresh, &[("x-auth-nonce", nonce)]).await.status, 200);
    let after = world.record().await.unwrap();
    assert_ne!(before.token.expose_secret(), after.token.expose_secret());
    running.abort();
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let world = World::new().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut request = world.request(World::oauth().client("switchboard"), &FakeTerminal::new(&[]));
    request.port = Some(port);
    let error = start(request).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), format!("port `{port}` is taken on 127.0.0.1"));
}
