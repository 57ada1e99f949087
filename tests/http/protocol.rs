//! Both eras of the protocol, and what each mistake is answered with.

use serde_json::json;

use super::{
    client::{message, modern},
    server::embedded,
};
use crate::switchboard::Home;

#[test]
fn a_session_is_opened_used_and_ended() {
    let home = Home::new();
    let server = embedded(&home, &[]);
    let mut client = server.client();
    let opened = client.open_session();
    assert_eq!(opened.header("content-type"), Some("text/event-stream"));
    assert_eq!(opened.message()["result"]["protocolVersion"], "2025-11-25");
    let listed = client.post("", &message("tools/list", &json!({})));
    assert_eq!((listed.status, listed.header("content-type")), (200, Some("text/event-stream")));
    assert!(listed.message()["result"]["tools"].as_array().unwrap().len() > 5);
    let whoami = message("tools/call", &json!({ "name": "whoami", "arguments": {} }));
    assert!(client.post("", &whoami).text().contains("Robin"));
    let mut stream = server.client();
    stream.headers.clone_from(&client.headers);
    stream.begin("GET /mcp", "Accept: text/event-stream\r\n", "");
    assert!(stream.head().unwrap().contains("200 OK"));
    assert_eq!(client.ask("DELETE /mcp", "", "").status, 204);
    while stream.chunk().unwrap().is_some() {}
    assert_eq!(client.ask("DELETE /mcp", "", "").status, 404);
    assert_eq!(client.post("", &whoami).status, 404);
}

#[test]
fn a_call_without_a_session_is_answered_as_json() {
    let home = Home::new();
    let server = embedded(&home, &[]);
    let mut client = server.client();
    let (headers, body) = modern("server/discover", &json!({}));
    let discovered = client.post(&headers, &body);
    assert!(discovered.message()["result"]["supportedVersions"][0].is_string(), "{discovered:?}");
    let answer = client.call("read_messages", &json!({ "target": "#general", "limit": 2 }));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.text().contains("#general"));
}

#[test]
fn a_session_that_a_client_makes_up_forgets_nothing() {
    let home = Home::new();
    // Unlike in the built-in configuration, what was read in private is guarded; nothing else would have to be agreed to.
    let config = home.write("config.yaml", "providers:\n  sandbox: { access: write, allow: [\"*\"] }\n");
    let server = embedded(&home, &["--config", config.to_str().unwrap()]);
    let mut client = server.client();
    client.call("read_messages", &json!({ "target": "#hiring" }));
    for session in ["", "Mcp-Session-Id: made-up\r\n"] {
        client.headers = session.to_owned();
        let answer = client.call("send_message", &json!({ "target": "#general", "text": "Imani" }));
        assert!(answer.text().contains("messages of the private conversation"), "{session}{answer:?}");
    }
}

#[cfg(unix)]
#[test]
fn sessions_whose_calls_are_under_way_are_not_given_away() {
    let signed = super::server::Signed::in_with("strict", "1h");
    let server = signed.serve();
    let mut clients: Vec<_> = (0..64).map(|_| server.client()).collect();
    for client in &mut clients {
        client.open_session();
    }
    signed.set(&json!({ "api_delay_ms": 60_000 }));
    let call = message("tools/call", &json!({ "name": "list_conversations", "arguments": {} }));
    for (number, client) in clients.iter_mut().enumerate() {
        client.begin("POST /mcp", "Content-Type: application/json\r\n", &call);
        client.head().unwrap();
        if number % 2 == 0 {
            // Who hangs up does not cancel.
            *client = server.client();
        }
    }
    let refused = server.client().post("", &message("initialize", &super::server::hello()));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    assert_eq!(server.client().ask("GET /health", "", "").status, 200);
}

#[test]
fn each_mistake_has_its_answer() {
    let home = Home::new();
    let server = embedded(&home, &[]);
    let json = "Content-Type: application/json\r\n";
    let hello = message("initialize", &super::server::hello());
    let expected = [
        ("GET /", "", "", 404, 0),
        ("GET /mcp/", "", "", 404, 0),
        ("PUT /mcp", "", "", 405, 0),
        ("POST /health", "", "", 405, 0),
        ("GET /mcp", "", "", 400, 0),
        ("GET /mcp", "Mcp-Session-Id: gone\r\n", "", 404, 0),
        ("DELETE /mcp", "", "", 400, 0),
        ("POST /mcp", "", &hello, 415, 0),
        ("POST /mcp", "Content-Type: text/plain\r\n", &hello, 415, 0),
        ("POST /mcp", "Content-Type: application/json\r\nAccept: application/json\r\n", &hello, 406, 0),
        ("POST /mcp", "Content-Type: application/json\r\nAccept: text/*;q=1, */*;q=0.1\r\n", &hello, 200, 0),
        ("POST /mcp", json, &hello, 200, 0),
        ("POST /mcp", json, "", 400, -32700),
        ("POST /mcp", json, r#"{"jsonrpc":"2.0","#, 400, -32700),
        ("POST /mcp", json, "\u{feff}{}", 400, -32700),
        ("POST /mcp", json, "{}", 400, -32600),
        ("POST /mcp", json, "7", 400, -32600),
        ("POST /mcp", json, &format!("[{hello}]"), 400, -32600),
        ("POST /mcp", json, &hello.replace("2.0", "1.0"), 400, -32600),
        ("POST /mcp", json, &format!("[{}0]", "0,".repeat(10_001)), 413, -32600),
        ("POST /mcp", json, &format!("\"{}\"", ",".repeat(10_001)), 400, -32600),
        ("POST /mcp", json, &"[".repeat(1_000), 400, -32700),
        ("POST /mcp", "Content-Type: application/json\r\nMCP-Protocol-Version: 1999-01-01\r\n", &hello, 400, 0),
    ];
    for (line, headers, body, status, code) in expected {
        let answer = server.client().ask(line, headers, body);
        assert_eq!(answer.status, status, "{line} {headers} {body:.80}: {answer:?}");
        if code != 0 {
            let message = answer.message();
            assert_eq!((message["error"]["code"].as_i64(), &message["id"]), (Some(code), &json!(null)), "{body:.80}");
        }
    }
    let (headers, body) = modern("no/such", &json!({}));
    let unknown = server.client().post(&headers, &body);
    assert_eq!((unknown.status, unknown.message()["error"]["code"].as_i64()), (404, Some(-32601)));
}

#[test]
fn its_health_says_nothing_about_any_platform() {
    let home = Home::new();
    // Nobody has signed in there, and nothing answers there.
    let config =
        home.write("config.yaml", "providers:\n  matrix:\n    settings: { homeserver: \"http://127.0.0.1:9\" }\n");
    let arguments = ["--config", config.to_str().unwrap(), "serve", "--http", "localhost:0"];
    let server = super::server::Server::of(&mut home.command(&arguments));
    let answer = server.client().ask("GET /health", "", "");
    assert_eq!(answer.message(), json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
    let mut client = server.client();
    client.begin("HEAD /health", "", "");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(server.client().ask("GET /health", "Host: evil.example\r\n", "").status, 403);
}
