//! What others may try: forged, replayed, rebound and mixed-up requests, each answered with a page that echoes nothing.

use axum::Router;
use switchboard_kit::{
    Endpoints, ErrorKind,
    host::{Method, header},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::world::{Browser, FakeTerminal, Page, World, start};
use crate::sign_in::sign_in;

const HEADERS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("content-type", "text/html; charset=utf-8"),
];

/// Checks a page to the last byte, but for its reference number.
fn expect(page: &Page, status: u16, title: &str, advice: &str) {
    assert_eq!((page.status, page.title()), (status, title), "{}", page.text);
    for (name, value) in HEADERS {
        assert_eq!(page.answer.header(name), Some(value), "{name}");
    }
    let policy = page.answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.ends_with("'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"), "{policy}");
    let (_, main) = page.text.split_once("<main>\n").unwrap();
    let (main, _) = main.split_once("\n</main>").unwrap();
    let rest = main.strip_prefix(&format!("<h1>{title}</h1>\n<p>{advice}</p>")).unwrap_or_else(|| panic!("{main}"));
    let reference = rest.strip_prefix("\n<p class=\"quiet\">Reference ").map(|rest| rest.trim_end_matches("</p>"));
    assert!(rest.is_empty() || reference.is_some_and(|id| id.len() == 8 && id.chars().all(|c| c.is_ascii_hexdigit())));
}

const STRAY: &str = "Nothing was linked. Open the address that the terminal shows, in this browser.";
const BACK: &str = "Go back to the terminal to see what to do next.";
const UNKNOWN: &str = "This sign-in is unknown, used or too old";

/// A sign-in that waits, and the address of its start.
async fn waiting(
    world: &World,
) -> (String, tokio::task::JoinHandle<switchboard_kit::Result<crate::sign_in::Completed>>) {
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(World::oauth().client("switchboard"), &terminal));
    (terminal.start().await, running)
}

fn is_callback(url: &str) -> bool {
    url.contains("/auth/callback")
}

#[tokio::test]
async fn another_browsers_answer_links_nobody() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    let (attacker, victim) = (Browser::new(), Browser::new());
    let callback = attacker.visit_until(&start, is_callback).await.url;
    expect(&victim.get(&callback).await, 403, "This sign-in was begun in another browser", STRAY);
    // A victim who has begun a sign-in of their own has a cookie, but another.
    victim.get(&start).await;
    expect(&victim.get(&callback).await, 403, "This sign-in was begun in another browser", STRAY);
    assert!(world.record().await.is_none() && !running.is_finished());
    running.abort();
}

#[tokio::test]
async fn the_state_in_the_terminal_is_of_no_use_to_a_browser() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let running = start(world.request(World::oauth().client("switchboard"), &terminal));
    let authorize = terminal.says(|line| line.contains("/oauth/authorize?")).await;
    let callback = Browser::new().visit_until(&authorize, is_callback).await.url;
    expect(&Browser::new().get(&callback).await, 403, "This sign-in was begun in another browser", STRAY);
    running.abort();
}

#[tokio::test]
async fn a_state_is_good_once() {
    let world = World::new().await;
    let terminal = FakeTerminal::new(&[]);
    let mut request = world.request(World::oauth().client("switchboard"), &terminal);
    request.keep_running = true;
    let running = start(request);
    let browser = Browser::new();
    let callback = browser.visit_until(&terminal.start().await, is_callback).await.url;
    let first = browser.get(&callback).await;
    assert_eq!((first.status, first.answer.header("location")), (303, Some("/auth/done")));
    expect(&browser.get(&callback).await, 400, UNKNOWN, STRAY);
    let made_up = Url::parse(&callback).unwrap().join("/auth/callback?state=AAAA&code=BBBB").unwrap();
    expect(&browser.get(made_up.as_str()).await, 400, UNKNOWN, STRAY);
    running.abort();
}

#[tokio::test]
async fn another_issuer_is_refused_and_so_is_none() {
    let world = World::new().await;
    for issuer in [Some("https://evil.example"), None] {
        let (start, running) = waiting(&world).await;
        let browser = Browser::new();
        let mut callback = Url::parse(&browser.visit_until(&start, is_callback).await.url).unwrap();
        let kept: Vec<_> = callback.query_pairs().into_owned().filter(|(name, _)| name != "iss").collect();
        callback.query_pairs_mut().clear().extend_pairs(kept);
        if let Some(issuer) = issuer {
            callback.query_pairs_mut().append_pair("iss", issuer);
        }
        expect(&browser.get(callback.as_str()).await, 400, "Another server answered than was asked", STRAY);
        assert!(world.record().await.is_none() && !running.is_finished());
        running.abort();
    }
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
async fn a_name_that_is_bound_to_this_machine_is_not_served() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    let (origin, _) = start.split_once("/auth").unwrap();
    let port = origin.rsplit(':').next().unwrap();
    for path in ["/status", "/auth", "/auth/callback", "/nothing"] {
        for host in [format!("evil.example:{port}"), "127.0.0.1".into(), format!("127.0.0.1.evil.example:{port}")] {
            let page = Browser::new().fetch(Method::GET, &format!("{origin}{path}"), &[("host", &host)]).await;
            expect(&page, 403, "This address is not served here", BACK);
        }
    }
    let named = format!("localhost:{port}");
    let page = Browser::new().fetch(Method::GET, &format!("{origin}/status"), &[("host", &named)]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.answer.header("access-control-allow-origin"), None);
    running.abort();
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_allowed() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    for elsewhere in ["https://evil.example/", "http://127.0.0.1:1/auth/callback", "//evil.example", ""] {
        let page = Browser::new().get(&format!("{start}&callback_url={elsewhere}")).await;
        expect(&page, 400, "This callback address is not allowed", BACK);
    }
    let own = start.replace("/auth?", "/auth/callback?");
    let own = own.split('?').next().unwrap();
    let page = Browser::new().get(&format!("{start}&callback_url={own}")).await;
    assert_eq!(page.status, 303);
    let cookie = page.answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");
    running.abort();
}

#[tokio::test]
async fn only_who_sees_the_terminal_begins_a_sign_in() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    let (address, nonce) = start.split_once("?nonce=").unwrap();
    assert_eq!(nonce.len(), 43);
    for wrong in [address.to_owned(), format!("{address}?nonce="), format!("{address}?nonce={}", "A".repeat(43))] {
        expect(&Browser::new().get(&wrong).await, 403, "Open the address that the terminal shows", BACK);
    }
    running.abort();
}

#[tokio::test]
async fn what_the_platform_writes_reaches_no_page() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    let browser = Browser::new();
    let mut callback = Url::parse(&browser.visit_until(&start, is_callback).await.url).unwrap();
    let kept: Vec<_> = callback.query_pairs().into_owned().filter(|(name, _)| name != "code").collect();
    callback.query_pairs_mut().clear().extend_pairs(kept);
    let script = "<script>alert(1)</script>";
    callback.query_pairs_mut().append_pair("error", script).append_pair("error_description", script);
    let page = browser.get(callback.as_str()).await;
    expect(&page, 502, "The sign-in did not work", "Nothing was linked. The terminal says more.");
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the authorization server refused to sign you in (`unknown`)");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    let (origin, _) = start.split_once("/auth").unwrap();
    let browser = Browser::new();
    let nowhere = browser.get(&format!("{origin}/../etc/passwd")).await;
    expect(&nowhere, 404, "There is no such page", BACK);
    for (method, path, allowed) in [
        (Method::POST, "/auth/callback", "GET"),
        (Method::PUT, "/status", "GET"),
        (Method::DELETE, "/auth", "GET"),
        (Method::GET, "/auth/refresh", "POST"),
    ] {
        let page = browser.fetch(method, &format!("{origin}{path}"), &[]).await;
        expect(&page, 405, "This page is not used that way", BACK);
        assert_eq!(page.answer.header(header::ALLOW.as_str()), Some(allowed));
    }
    expect(&browser.get(&format!("{origin}/auth/done")).await, 404, "Nobody has signed in yet", BACK);
    running.abort();
}

#[tokio::test]
async fn a_long_header_is_cut_off() {
    let world = World::new().await;
    let (start, running) = waiting(&world).await;
    let url = Url::parse(&start).unwrap();
    let mut stream = TcpStream::connect(url.authority()).await.unwrap();
    let long = format!("GET /status HTTP/1.1\r\nhost: {}\r\nx-long: {}\r\n\r\n", url.authority(), "a".repeat(9000));
    stream.write_all(long.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The rest of a request that is not read resets the connection at times.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    running.abort();
}
