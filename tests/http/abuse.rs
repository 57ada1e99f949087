//! Those who mean no good, all at one server, whose memory stays small and whose answers stay right.

use std::{
    env,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::json;

use super::{
    client::{Client, message},
    server::{Server, Signed, hello},
};

/// Where the server is that a share of the thousand calls.
const AUTHORITY: &str = "SWITCHBOARD_TEST_AUTHORITY";

#[test]
fn what_abuses_a_server_leaves_it_small_and_right() {
    let signed = Signed::in_with("strict", "1h");
    let server = signed.serve();
    let small = |after: &str| {
        server.is_small(after);
        let answer = server.client().call("list_conversations", &json!({}));
        assert!(answer.text().contains("#general"), "after {after}: {answer:?}");
    };
    small("nothing");
    let slow = dawdlers(&server);
    let deaf = never_readers(&server);
    small("clients that dawdle");
    too_long(&server);
    small("messages that are too long");
    a_thousand_at_once(&signed, &server);
    small("a thousand calls at once");
    ten_thousand_sessions(&server);
    small("ten thousand sessions");
    drop((slow, deaf));
    server.process.kill();
    let (_, said) = server.end();
    assert_eq!(said.lines().count(), 1, "abuse fills no logs: {said}");
}

/// Clients that send a byte and then nothing, of a header, of a body, of a long body.
fn dawdlers(server: &Server) -> Vec<Client> {
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length:";
    let starts =
        ["P".into(), format!("{head} 100\r\n\r\n{{"), format!("{head} 4194304\r\n\r\n{}", " ".repeat(40 << 10))];
    let begin = |start: &String| {
        let mut client = server.client();
        client.send(start).unwrap();
        client
    };
    starts.iter().cycle().take(60).map(begin).collect()
}

/// Clients that ask and ask, and read nothing.
fn never_readers(server: &Server) -> Vec<Client> {
    let mut clients: Vec<_> = (0..8).map(|_| server.client()).collect();
    let list = message("tools/list", &json!({}));
    for client in &mut clients {
        client.open_session();
        let stream = client.stream.get_mut();
        // Once it no longer reads us either, it has done what it can.
        stream.set_write_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        let head =
            format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}", client.headers);
        let request = format!("{head}Content-Length: {}\r\n\r\n{list}", list.len());
        for _ in 0..2_000 {
            if client.send(&request).is_err() {
                break;
            }
        }
    }
    clients
}

/// Messages one byte over the limit, declared and in chunks, eight at a time.
fn too_long(server: &Server) {
    let text = format!("\"{}\"", "a".repeat((4 << 20) - 1));
    let chunked = format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    thread::scope(|scope| {
        for turn in 0..8 {
            let (text, chunked) = (&text, &chunked);
            scope.spawn(move || {
                let mut client = server.client();
                if turn % 2 == 0 {
                    client.begin("POST /mcp", "Content-Type: application/json\r\n", text);
                } else {
                    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
                    client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunked}")).unwrap();
                }
                let answer = client.answer().unwrap();
                assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{answer:?}");
                assert_eq!(answer.message()["error"]["code"], -32600);
                let mut client = server.client();
                client.begin("POST /mcp", "Content-Type: application/json\r\n", &text[1..]);
                assert_eq!(client.answer().unwrap().status, 400);
            });
        }
    });
}

/// A thousand connections are more files than a process may usually have open: four processes have a share each.
fn a_thousand_at_once(signed: &Signed, server: &Server) {
    let share = |_| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "http::abuse::a_share_of_a_thousand"]).env(AUTHORITY, &server.authority);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // None is through before all have begun.
    signed.set(&json!({ "api_delay_ms": 20 }));
    let shares: Vec<_> = (0..4).map(share).collect();
    for share in shares {
        let output = share.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    signed.set(&json!({}));
    let most = signed.service.counters()["most_api_calls_at_once"].as_u64().unwrap();
    assert!((2..=16).contains(&most), "{most} calls at once reached the platform");
}

#[test]
#[ignore = "a part of the test above, in a process of its own"]
fn a_share_of_a_thousand() {
    let Ok(authority) = env::var(AUTHORITY) else { return };
    let mut clients: Vec<_> = (0..250).map(|_| Client::of(&authority)).collect();
    for client in &mut clients {
        client.begin_call("list_conversations", &json!({}));
    }
    for mut client in clients {
        let answer = client.answer().unwrap();
        assert!(answer.status == 200 && answer.text().contains("#general"), "{answer:?}");
    }
}

/// Opens sessions and forgets them. One that is in use stays.
fn ten_thousand_sessions(server: &Server) {
    let mut used = server.client();
    used.open_session();
    let (opened, initialize) = (AtomicUsize::new(0), message("initialize", &hello()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = server.client();
                while opened.fetch_add(1, Ordering::Relaxed) < 10_000 {
                    let answer = client.post("", &initialize);
                    assert!(answer.status == 200 && answer.header("mcp-session-id").is_some(), "{answer:?}");
                }
            });
        }
    });
    assert_eq!(used.post("", &message("ping", &json!({}))).status, 404, "the one idle for longest is gone");
    used.headers.clear();
    used.open_session();
    assert_eq!(used.post("", &message("tools/list", &json!({}))).status, 200);
}
