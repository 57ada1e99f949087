//! Methods, paths and requests that mean nothing here.

use super::{Target, UNKNOWN, wire};

fn wrong_method(allowed: &str) -> String {
    wire::notice("405 Method Not Allowed", &[&format!("allow: {allowed}")], "This page is not used that way")
}

/// The same answer without what stands below its headers.
fn headers_of(answer: &str) -> String {
    let (headers, _) = answer.split_once("\n\n").unwrap();
    format!("{headers}\n\n")
}

#[tokio::test]
async fn each_page_has_one_method() {
    let target = Target::new().await;
    let (own, nonce) = (target.path(&target.start), target.nonce());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get"] {
        for path in [own, "/auth/callback", "/auth/done", "/status"] {
            let answer = target.ask(&format!("{method} {path} HTTP/1.1"), &[]).await;
            assert_eq!(answer, wrong_method("GET"), "{method} {path}");
        }
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer =
            target.ask(&format!("{method} /auth/refresh HTTP/1.1"), &[&format!("X-Auth-Nonce: {nonce}")]).await;
        assert_eq!(answer, wrong_method("POST"), "{method}");
    }
    target.stands().await;
}

#[tokio::test]
async fn an_answer_that_is_posted_or_only_looked_at_is_not_taken() {
    let target = Target::with(|request| request.keep_running = true).await;
    let (browser, callback) = target.begun().await;
    let cookies = format!("Cookie: {}", browser.cookies("127.0.0.1"));
    assert_eq!(target.ask(&format!("POST {callback} HTTP/1.1"), &[&cookies]).await, wrong_method("GET"));
    let looked_at = target.ask(&format!("HEAD {callback} HTTP/1.1"), &[&cookies]).await;
    assert_eq!(looked_at, headers_of(&wrong_method("GET")));
    let query = callback.split_once('?').unwrap().1;
    let form = format!("Content-Length: {}\r\n\r\n{query}", query.len());
    assert_eq!(target.ask("POST /auth/callback HTTP/1.1", &[&cookies, &form]).await, wrong_method("GET"));
    // All that has not used it up.
    assert_eq!(target.get_as(&browser, &callback).await, wire::redirect("/auth/done", &[]));
    assert_eq!(target.get_as(&browser, &callback).await, wire::stray("400 Bad Request", UNKNOWN));
    target.running.abort();
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let target = Target::new().await;
    let nowhere = wire::notice("404 Not Found", &[], "There is no such page");
    let nonce = target.nonce();
    for path in [
        "/",
        "/favicon.ico",
        "/.well-known/oauth-authorization-server",
        "/AUTH",
        "/auth/",
        "/status/",
        "//status",
        "/auth//callback",
        "/auth/./callback",
        "/auth/../status",
        "/../etc/passwd",
        "/..%2fstatus",
        "/%73tatus",
        "/auth%2Fcallback",
        "/status%00",
        "/status;a=b",
        "/status.json",
        "/auth/callback/x",
        &format!("//auth?nonce={nonce}"),
        &format!("/%61uth?nonce={nonce}"),
        &format!("/{}", "a".repeat(7000)),
        &format!("/status/{}", "../".repeat(2000)),
    ] {
        assert_eq!(target.get(path).await, nowhere, "{path}");
    }
    assert_eq!(target.ask("HEAD /nothing HTTP/1.1", &[]).await, headers_of(&nowhere));
    assert_eq!(target.ask("POST /nothing HTTP/1.1", &[]).await, nowhere);
    assert_eq!(target.ask("OPTIONS * HTTP/1.1", &[]).await, nowhere);
    assert_eq!(target.ask(&format!("CONNECT {} HTTP/1.1", target.authority()), &[]).await, nowhere);
    target.stands().await;
}

#[tokio::test]
async fn what_is_no_request_is_cut_off() {
    let target = Target::new().await;
    for lines in [
        "GET",
        "GET /status",
        "GET  /status HTTP/1.1",
        "GET /status HTTP/9.9",
        "GET /sta\0tus HTTP/1.1",
        ": /status HTTP/1.1",
    ] {
        assert_eq!(target.say(&[lines]).await, wire::bare("400 Bad Request"), "{lines:?}");
    }
    let host = format!("Host: {}", target.authority());
    for header in ["no colon", "a b: c", ": c", "x: \0", "Content-Length: -1", "Content-Length: 1\r\nContent-Length: 2"]
    {
        let answer = target.say(&["GET /status HTTP/1.1", &host, header]).await;
        assert_eq!(answer, wire::bare("400 Bad Request"), "{header:?}");
    }
    target.stands().await;
}
