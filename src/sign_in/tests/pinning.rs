//! An account belongs to one person at one place: nobody else's sign-in takes its place unasked, and none is mixed with another.

use axum::Router;
use switchboard_kit::{Endpoints, ErrorKind};
use tokio::net::TcpListener;

use super::world::{Browser, FakeTerminal, World, start};
use crate::sign_in::sign_in;

#[tokio::test]
async fn another_host_is_asked_nothing_until_it_may_replace_the_pinned_one() {
    let world = World::new().await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let evil = format!("http://{}", listener.local_addr().unwrap());
    let mut request = world.request(World::oauth().registering(), &FakeTerminal::new(&[]));
    request.endpoints = Endpoints::api(&evil);
    let error = sign_in(request.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let message = format!("`test` is signed in at `{}`, but is now configured for `{evil}`", world.origin);
    assert_eq!(error.to_string(), message);
    assert!(error.hint_text().unwrap().contains("`--replace`"));
    request.replace = true;
    let running = start(request);
    listener.accept().await.unwrap();
    running.abort();
}

#[tokio::test]
async fn a_client_that_was_registered_for_one_host_is_not_used_for_another() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(World::oauth().registering(), &terminal));
    Browser::new().visit(&terminal.start().await).await;
    running.await.unwrap().unwrap();
    let registered = world.record().await.unwrap().client_id.unwrap();

    let metadata = Browser::new().get(&format!("{}/.well-known/oauth-authorization-server", world.origin)).await.text;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(async || metadata)).await });
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().registering(), &terminal);
    (request.endpoints, request.replace) = (Endpoints::api(&relay), true);
    let running = start(request);
    let authorize = terminal.says(|line| line.contains("/oauth/authorize?")).await;
    assert!(authorize.starts_with(&world.origin) && !authorize.contains(&registered), "{authorize}");
    running.abort();
}
