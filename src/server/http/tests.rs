//! What takes too long, in no time.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{converse, gate::Gate, site::Site};
use crate::{
    connections::{
        self,
        slowness::{after, settle, waits},
    },
    server::{Aggregate, Handler},
};

const HEAD: &str = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

async fn served() -> (SocketAddr, Arc<Site<Handler>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gate = Gate::new(address, &[], &[], None).unwrap();
    let site = Arc::new(Site::new(Handler::new(Arc::new(Aggregate::new([])), String::new()), gate));
    let own = site.clone();
    tokio::spawn(async move {
        let room = own.room.clone();
        connections::accept(listener, &room, std::future::pending(), |stream| converse(stream, own.clone())).await
    });
    (address, site)
}

async fn sent(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    settle().await;
    stream
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A connection that is reset has said all that it will.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_header_has_ten_seconds() {
    let (address, _) = served().await;
    for first in ["", "G", HEAD] {
        let mut stream = sent(address, first).await;
        after(9).await;
        assert!(waits(&stream), "{first}");
        after(2).await;
        assert_eq!(rest(&mut stream).await, "", "{first}");
    }
}

#[tokio::test]
async fn a_body_has_thirty_seconds_however_it_trickles() {
    let (address, _) = served().await;
    let mut stream = sent(address, &format!("{HEAD}Content-Length: 100\r\n\r\n{{")).await;
    for _ in 0..29 {
        after(1).await;
        assert!(waits(&stream));
        stream.write_all(b" ").await.unwrap();
    }
    settle().await;
    after(2).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn long_messages_that_do_not_come_in_hold_others_up_for_thirty_seconds_at_most() {
    let (address, _) = served().await;
    let long = |length: usize| {
        format!("{HEAD}Content-Length: {length}\r\nConnection: close\r\n\r\n\"{}", "a".repeat(length - 2))
    };
    let mut held = Vec::new();
    for _ in 0..2 {
        // All but the last byte.
        held.push(sent(address, &long(4 << 20)).await);
    }
    let mut short = sent(address, &format!("{}\"", long(30 << 10))).await;
    assert!(rest(&mut short).await.starts_with("HTTP/1.1 400 "));
    let mut late = sent(address, &format!("{}\"", long(40 << 10))).await;
    assert!(waits(&late));
    after(31).await;
    assert!(rest(&mut late).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up() {
    let (address, site) = served().await;
    settle().await;
    let free = site.room.available_permits();
    let deaf = TcpStream::connect(address).await.unwrap();
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000);
    // Asks until it is not even read any more.
    let mut refused = 0;
    while refused < 3 {
        refused += 1;
        if deaf.try_write(request.as_bytes()).is_ok() {
            refused = 0;
        }
        settle().await;
    }
    assert_eq!(site.room.available_permits(), free - 1);
    after(25).await;
    assert_eq!(site.room.available_permits(), free - 1);
    after(6).await;
    assert_eq!(site.room.available_permits(), free);
}

#[tokio::test]
async fn where_there_is_little_room_a_connection_on_which_nobody_was_let_in_has_two_seconds() {
    let (address, site) = served().await;
    let mut known = sent(address, &format!("{HEAD}Content-Length: 2\r\n\r\n{{}}")).await;
    while !waits(&known) {
        assert!(known.read(&mut [0; 4096]).await.unwrap() > 0);
    }
    let (idle, half) = (sent(address, "").await, sent(address, HEAD).await);
    after(3).await;
    assert!(waits(&idle) && waits(&half), "there is room");
    let none_left = u32::try_from(site.room.available_permits()).unwrap();
    let _taken = site.room.try_acquire_many(none_left).unwrap();
    after(3).await;
    assert!(!waits(&idle) && !waits(&half));
    assert!(waits(&known));
}
