//! Signing in from a machine without a browser: by pasting an address, or by a code on another device.

use switchboard_kit::host::ExposeSecret as _;

use super::world::{Browser, FakeTerminal, World, start};

#[tokio::test]
async fn a_pasted_address_completes_the_sign_in() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(World::oauth().client("switchboard"), &terminal));
    let authorize = terminal.says(|line| line.contains("/oauth/authorize?")).await;
    let callback = Browser::new().visit_until(&authorize, |url| url.contains("/auth/callback")).await.url;
    terminal.types("");
    terminal.types("what is this?");
    terminal.types("https://evil.example/auth/callback?state=a&code=b");
    terminal.types(&callback.replace("state=", "state=x"));
    terminal.says(|line| line.starts_with("This sign-in is unknown, used or too old.")).await;
    terminal.types(&format!("  {callback} "));
    let linked = running.await.unwrap().unwrap();
    let said = terminal.said();
    assert_eq!(said.matches("This is not the address at which a sign-in ends.").count(), 2, "{said}");
    let record = world.record().await.unwrap();
    assert_eq!(record.identity, Some(linked.identity));
    let code = callback.split("code=").nth(1).unwrap().split('&').next().unwrap();
    assert!(!said.contains(code) && !said.contains(record.token.expose_secret()));
}

#[tokio::test]
async fn the_end_of_the_input_ends_nothing() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    terminal.ends();
    let running = start(world.request(World::oauth().client("switchboard"), &terminal));
    Browser::new().visit(&terminal.start().await).await;
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_code_on_another_device_signs_in() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().client("switchboard"), &terminal);
    request.device = true;
    world.faults(r#"{"device_interval":0}"#).await;
    let running = start(request);
    let code = terminal.says(|line| line.len() == 9 && line.as_bytes()[4] == b'-').await;
    let page = Browser::new().visit(&format!("{}/device?user_code={code}", world.origin)).await;
    assert_eq!(page.title(), "The device is connected");
    let linked = running.await.unwrap().unwrap();
    assert_eq!(world.record().await.unwrap().identity, Some(linked.identity));
    assert!(!terminal.said().contains("/auth?nonce="));
    assert_eq!(world.noted(), ["P1"]);
}
