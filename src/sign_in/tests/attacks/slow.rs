//! Requests that are slow, large or many.

use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{Target, wire};
use crate::connections::slowness::{after, settle, waits};

const STATUS: &str = r#"{"account":"test","expires_in_s":null,"scopes":[],"state":"signed_out"}"#;

fn served() -> String {
    wire::json("200 OK", STATUS)
}

async fn connected(target: &Target, first: &str) -> TcpStream {
    let stream = connecting(target, first).await;
    settle().await;
    stream
}

async fn connecting(target: &Target, first: &str) -> TcpStream {
    let mut stream = TcpStream::connect(target.authority()).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_header_has_ten_seconds() {
    let target = Target::new().await;
    let half = format!("GET /status HTTP/1.1\r\nHost: {}\r\nX-More", target.authority());
    for first in ["", "G", "GET /status HTTP/1.1\r\n", &half] {
        let mut stream = connected(&target, first).await;
        after(6).await;
        assert!(waits(&stream), "{first:?}");
        after(5).await;
        assert!(!waits(&stream), "{first:?}");
        assert_eq!(wire::rest(&mut stream).await, "", "{first:?}");
    }
    let mut stream = connected(&target, &half).await;
    after(6).await;
    stream.write_all(b": all there\r\n\r\n").await.unwrap();
    assert_eq!(wire::rest(&mut stream).await, served());
    target.stands().await;
}

#[tokio::test]
async fn a_byte_now_and_then_buys_no_time() {
    let target = Target::new().await;
    let mut stream = connected(&target, "GET /status HTTP/1.1\r\nX-Slow: ").await;
    for _ in 0..3 {
        after(2).await;
        assert!(waits(&stream));
        stream.write_all(b"a").await.unwrap();
    }
    after(5).await;
    assert!(!waits(&stream));
    assert_eq!(wire::rest(&mut stream).await, "");
    target.stands().await;
}

#[tokio::test]
async fn a_header_has_eight_kilobytes() {
    let target = Target::new().await;
    let lines =
        |fill: usize| format!("GET /status HTTP/1.1\r\nHost: {}\r\nX-Long: {}", target.authority(), "a".repeat(fill));
    let room = (8 << 10) - lines(0).len();
    // The last letter that fits leaves no room for the end.
    assert_eq!(
        wire::send(target.authority(), lines(room).as_bytes()).await,
        wire::bare("431 Request Header Fields Too Large")
    );
    assert_eq!(target.say(&[&lines(room - 5)]).await, served());
    target.stands().await;
}

#[tokio::test]
async fn a_request_line_has_no_more() {
    let target = Target::new().await;
    let line = format!("GET /status?{}", "a".repeat((8 << 10) - "GET /status?".len()));
    assert_eq!(
        wire::send(target.authority(), line.as_bytes()).await,
        wire::bare("431 Request Header Fields Too Large")
    );
    let many = ["GET /status HTTP/1.1"].into_iter().chain(["X: a"; 101]);
    let answer = target.say(&many.collect::<Vec<_>>()).await;
    assert_eq!(answer, wire::bare("431 Request Header Fields Too Large"));
    target.stands().await;
}

#[tokio::test]
async fn what_floods_it_leaves_it_standing() {
    let target = Target::new().await;
    for first in [
        "GET /status HTTP/1.1\r\nX-Long: ",
        "GET /",
        "",
        "POST /auth/refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(target.authority()).await.unwrap();
        let flood = format!("{first}{}", "a".repeat(1 << 20));
        // It is reset half way through: nobody reads the rest.
        let _ = stream.write_all(flood.as_bytes()).await;
    }
    target.stands().await;
}

#[tokio::test]
async fn a_body_is_not_read_let_alone_taken_for_a_request() {
    let target = Target::new().await;
    let start = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target.path(&target.start), target.authority());
    for length in [
        format!("Content-Length: {}", start.len()),
        "Content-Length: 99999".into(),
        "Transfer-Encoding: chunked".into(),
    ] {
        assert_eq!(target.ask("GET /status HTTP/1.1", &[&length]).await, served(), "{length}");
    }
    let smuggled = format!("Content-Length: 0\r\n\r\n{start}");
    assert_eq!(target.ask("GET /status HTTP/1.1", &[&smuggled]).await, served());
    target.stands().await;
}

#[tokio::test]
async fn thirty_two_are_served_at_a_time() {
    let target = Target::new().await;
    let mut held = Vec::new();
    for _ in 0..32 {
        held.push(connecting(&target, "GET").await);
    }
    let request = format!("GET /status HTTP/1.1\r\nHost: {}\r\n\r\n", target.authority());
    let mut next = connected(&target, &request).await;
    assert!(waits(&next));
    held.pop();
    assert_eq!(wire::rest(&mut next).await, served());
    // All of them silent: ten seconds later there is room again.
    held.push(connected(&target, "").await);
    let mut next = connected(&target, &request).await;
    assert!(waits(&next));
    after(11).await;
    assert!(!waits(&next));
    assert_eq!(wire::rest(&mut next).await, served());
    target.stands().await;
}
