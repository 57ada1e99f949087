//! An account belongs to one person at one place: nobody else's sign-in takes its place unasked, and none is mixed with another.

use axum::Router;
use serde_json::{Value, json};
use switchboard_kit::{
    Auth, Endpoints, ErrorKind, Identity,
    host::{ExposeSecret as _, Method, Outgoing, header},
};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use super::{
    by_session::{all, homeserver, paula, session},
    world::{Browser, FakeTerminal, World, start},
};
use crate::{
    sign_in::{Completed, sign_in},
    tokens::{Death, Method as Obtained, Record},
};

/// Whom the stored access token belongs to, as the platform sees it.
async fn owner(world: &World) -> String {
    let record = world.record().await.unwrap();
    let bearer = format!("Bearer {}", record.token.expose_secret()).parse().unwrap();
    let me = Outgoing::new(Method::GET, Url::parse(&format!("{}/api/me", world.origin)).unwrap());
    let answer = world.http.execute(me.header(header::AUTHORIZATION, bearer)).await.unwrap();
    answer.json::<Value>().unwrap()["name"].as_str().unwrap().into()
}

/// A sign-in as `hint` that has come as far as the platform's answer; returns the address that completes it.
async fn answered(world: &World, hint: &str) -> (JoinHandle<switchboard_kit::Result<Completed>>, Browser, String) {
    let terminal = FakeTerminal::new(&[]);
    let auth = World::oauth().client("switchboard").parameter("login_hint", hint);
    let running = start(world.request(auth, &terminal));
    let (address, browser) = (terminal.start().await, Browser::new());
    let callback = browser.visit_until(&format!("{address}&again=1"), |url| url.contains("/auth/callback?")).await.url;
    (running, browser, callback)
}

#[tokio::test]
async fn nobody_elses_account_takes_the_place_of_a_pinned_one() {
    let world = World::new().await;
    let first = world.sign_in_as("deny", |_| ()).await.unwrap_err();
    assert_eq!((first.kind(), first.to_string().as_str()), (ErrorKind::Forbidden, "the sign-in was declined"));
    assert!(world.record().await.is_none());
    assert_eq!(world.sign_in_as("mara", |_| ()).await.unwrap().identity.name, "Mara Lindqvist");
    let error = world.sign_in_as("kenji", |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().starts_with("`test` belongs to Mara Lindqvist (`P"), "{error}");
    assert_eq!(world.record().await.unwrap().identity.unwrap().name, "Mara Lindqvist");
    let replaced = world.sign_in_as("kenji", |request| request.replace = true).await.unwrap();
    assert_eq!(replaced.identity.name, "Kenji Watanabe");
    assert_eq!(world.noted().len(), 2, "what is not stored is not noted");
    assert_eq!(world.record().await.unwrap().generation, 2);
}

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

#[tokio::test]
async fn a_refused_sign_in_changes_no_byte() {
    let world = World::new().await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    world.tamper(|record| drop(record.other.insert("of another program".into(), json!([1, 2])))).await;
    let before = world.stored();
    for hint in ["kenji", "robin", "deny"] {
        world.sign_in_as(hint, |_| ()).await.unwrap_err();
        assert_eq!(world.stored(), before, "{hint}");
    }
    assert_eq!(owner(&world).await, "Mara Lindqvist");
}

#[tokio::test]
async fn a_static_token_of_somebody_else_is_refused() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let with = |name, value| world.request(all(), &FakeTerminal::new(&[(name, value)]));
    start(with("SWITCHBOARD_TOKEN", "good")).await.unwrap().unwrap();
    let before = world.stored();
    let error = start(with("SWITCHBOARD_TOKEN", "other")).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.to_string(), "`test` belongs to Paula <x> (`P1`), but Otto (`P2`) signed in");
    assert_eq!(error.hint_text(), Some("sign in as Paula <x>, or add `--replace` to the command"));
    assert_eq!(world.stored(), before);
}

#[tokio::test]
async fn a_login_of_somebody_else_is_refused_and_ended() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let as_user = |user| FakeTerminal::new(&[("SWITCHBOARD_USER", user), ("SWITCHBOARD_PASSWORD", "right")]);
    start(world.request(session(), &as_user("paula"))).await.unwrap().unwrap();
    let before = world.stored();
    let error = start(world.request(session(), &as_user("otto"))).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(world.stored(), before);
    // Nobody is left signed in who was not wanted, but who was there is.
    for (token, kind) in [("other", Some(ErrorKind::SignInRequired)), ("good", None)] {
        let terminal = FakeTerminal::new(&[("SWITCHBOARD_TOKEN", token)]);
        let outcome = start(world.request(all(), &terminal)).await.unwrap();
        assert_eq!(outcome.err().map(|error| error.kind()), kind, "{token}");
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_stored_is_ended() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_USER", "paula"), ("SWITCHBOARD_PASSWORD", "right")]);
    world.close_store();
    let error = start(world.request(session(), &terminal)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreWriteFailed);
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_TOKEN", "good")]);
    let error = start(world.request(all(), &terminal)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignInRequired, "the platform still accepts what nobody has");
}

#[tokio::test]
async fn a_name_tells_nobody_apart_and_a_workspace_does() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let again = || start(world.request(all(), &FakeTerminal::new(&[("SWITCHBOARD_TOKEN", "good")])));
    again().await.unwrap().unwrap();
    let mut expected = world.record().await.unwrap().identity.unwrap();
    world.tamper(|record| record.identity.as_mut().unwrap().name = "Paula before she married".into()).await;
    assert_eq!(again().await.unwrap().unwrap().identity, expected);
    expected.workspace = Some("another".into());
    world.tamper(|record| record.identity = Some(expected.clone())).await;
    assert_eq!(again().await.unwrap().unwrap_err().kind(), ErrorKind::Conflict);
    expected.workspace = None;
    world.tamper(|record| record.identity = Some(expected)).await;
    assert_eq!(again().await.unwrap().unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn what_replaces_a_sign_in_takes_over_nothing_of_it() {
    let world = World::new().await;
    let fresh = world.sign_in_as("kenji", |_| ()).await.unwrap().identity;
    let unmixed = |record: &Record| {
        assert_eq!(record.identity.as_ref(), Some(&fresh));
        assert_eq!((record.scopes.as_slice(), record.method), (&["chat:read".to_owned()][..], Obtained::OAuth));
        assert_eq!(record.client_id.as_deref(), Some("switchboard"));
        assert!(record.client_secret.is_none() && record.dead.is_none() && record.other.is_empty());
        assert_eq!((record.issuer.as_deref(), record.expires_in), (Some(&*world.origin), Some(3600.0)));
        assert_eq!(record.api_hosts.iter().collect::<Vec<_>>(), [&world.origin]);
        assert_eq!(record.token_uri, Some(format!("{}/oauth/token", world.origin)));
        assert_eq!(record.revoke_uri, Some(format!("{}/oauth/revoke", world.origin)));
    };
    unmixed(&world.record().await.unwrap());
    let theirs = |record: &mut Record| {
        record.identity = Some(Identity { id: "P9".into(), name: "Nobody".into(), workspace: None });
        record.method = Obtained::Session;
        record.scopes = vec!["admin".into()];
        record.issuer = Some("https://issuer.example".into());
        record.api_hosts = ["https://api.example".into()].into();
        (record.client_id, record.client_secret) = (Some("theirs".into()), Some("of theirs".into()));
        (record.token, record.refresh_token) = ("their token".into(), Some("their refresh token".into()));
        record.token_uri = Some("https://token.example".into());
        record.revoke_uri = Some("https://revoke.example".into());
        (record.expiry, record.obtained_at, record.expires_in) = (None, None, Some(1.0));
        record.generation = 41;
        record.dead = Some(Death { refresh_token_sha256: "ab".into(), reason: "invalid_grant".into(), early: false });
        record.other =
            [("device_scope".to_owned(), json!("device:THEIRS")), ("more".to_owned(), json!(1))].into_iter().collect();
    };
    world.tamper(theirs).await;
    world.sign_in_as("kenji", |request| request.replace = true).await.unwrap();
    let record = world.record().await.unwrap();
    unmixed(&record);
    assert_eq!(record.generation, 42);
    assert!(record.expiry.is_some() && record.obtained_at.is_some() && record.refresh_token.is_some());
    assert_eq!(owner(&world).await, "Kenji Watanabe");
    assert!(!String::from_utf8(world.stored()).unwrap().contains("their"));
}

#[tokio::test]
async fn a_static_token_that_replaces_a_sign_in_is_all_there_is() {
    let world = homeserver(&["m.login.password"], paula()).await;
    let terminal = FakeTerminal::new(&[("SWITCHBOARD_USER", "paula"), ("SWITCHBOARD_PASSWORD", "right")]);
    start(world.request(session(), &terminal)).await.unwrap().unwrap();
    world.tamper(|record| drop(record.other.insert("more".into(), json!(1)))).await;
    let mut request = world.request(all(), &FakeTerminal::new(&[("SWITCHBOARD_TOKEN", "other")]));
    request.replace = true;
    start(request).await.unwrap().unwrap();
    let mut stored: Value = serde_json::from_slice(&world.stored()).unwrap();
    assert!(stored.as_object_mut().unwrap().remove("obtained_at").is_some());
    let expected = json!({
        "version": 1, "platform": "sandbox", "method": "static", "token": "other", "generation": 3, "scopes": [],
        "identity": { "id": "P2", "name": "Otto", "workspace": "home" }, "api_hosts": [world.origin],
    });
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn a_registered_client_and_its_device_stay_with_their_person() {
    let world = World::new().await;
    let asks = async |replace| {
        let terminal = FakeTerminal::new(&[]);
        let mut request = world.request(World::oauth().registering().device_scope("device:"), &terminal);
        request.replace = replace;
        let running = start(request);
        let authorize = terminal.says(|line| line.contains("/oauth/authorize?")).await;
        running.abort();
        authorize
    };
    world.sign_in_as("mara", |_| ()).await.unwrap();
    world
        .tamper(|record| {
            record.client_id = Some("registered".into());
            record.other.insert("device_scope".into(), json!("device:MARAS"));
        })
        .await;
    let again = asks(false).await;
    assert!(again.contains("client_id=registered&") && again.ends_with("device%3AMARAS"), "{again}");
    let anew = asks(true).await;
    assert!(!anew.contains("client_id=registered&") && !anew.contains("device%3AMARAS"), "{anew}");
}

#[tokio::test]
async fn of_two_people_who_race_one_has_the_account() {
    let world = World::new().await;
    let (mara, kenji) = tokio::join!(world.sign_in_as("mara", |_| ()), world.sign_in_as("kenji", |_| ()));
    let (linked, error) = match (mara, kenji) {
        (Ok(linked), Err(error)) | (Err(error), Ok(linked)) => (linked, error),
        both => panic!("{both:?}"),
    };
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let record = world.record().await.unwrap();
    assert_eq!((record.identity.as_ref(), record.generation), (Some(&linked.identity), 1));
    assert_eq!(owner(&world).await, linked.identity.name);
}

#[tokio::test]
async fn who_comes_first_while_another_is_still_at_the_platform_has_the_account() {
    let world = World::new().await;
    let (running, browser, callback) = answered(&world, "kenji").await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    let before = world.stored();
    let page = browser.get(&callback).await;
    assert_eq!((page.status, page.title()), (409, "Somebody else is signed in to this account"));
    assert!(!page.text.contains("Mara") && !page.text.contains("Kenji"), "{}", page.text);
    assert_eq!(running.await.unwrap().unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(world.stored(), before);
}

#[tokio::test]
async fn the_same_person_elsewhere_is_somebody_else() {
    let (here, there) = (homeserver(&[], paula()).await, homeserver(&["m.login.password"], paula()).await);
    let terminal = FakeTerminal::new(&[]);
    let mut request = there.request(Auth::from(session()), &terminal);
    request.store = here.store.clone();
    let running = start(request);
    terminal.says(|line| line == "User name:").await;
    // Nothing was stored when it began, so only the one who stores can tell.
    start(here.request(all(), &FakeTerminal::new(&[("SWITCHBOARD_TOKEN", "good")]))).await.unwrap().unwrap();
    let before = here.stored();
    terminal.types("paula");
    terminal.types("right");
    let error = running.await.unwrap().unwrap_err();
    let message = format!("`test` is signed in at `{}`, but is now configured for `{}`", here.origin, there.origin);
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Forbidden, message));
    assert_eq!(here.stored(), before);
}
