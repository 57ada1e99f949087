//! What a server that is told to end still does.

use std::net::TcpStream;

use serde_json::json;

use super::server::Signed;

#[test]
fn an_answer_under_way_goes_out_and_no_stream_holds_the_end_up() {
    let signed = Signed::in_with("strict", "1h");
    let server = signed.serve();
    let mut session = server.client();
    session.open_session();
    let mut stream = server.client();
    stream.headers.clone_from(&session.headers);
    stream.begin("GET /mcp", "Accept: text/event-stream\r\n", "");
    stream.head().unwrap();
    let mut listening = server.client();
    let (headers, body) = super::client::modern("subscriptions/listen", &json!({ "notifications": {} }));
    listening.begin("POST /mcp", &format!("Content-Type: application/json\r\n{headers}"), &body);
    let mut half = server.client();
    half.send(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        .unwrap();
    signed.set(&json!({ "api_delay_ms": 700 }));
    let mut modern = server.client();
    modern.begin_call("list_conversations", &json!({}));
    let call = super::client::message("tools/call", &json!({ "name": "list_conversations", "arguments": {} }));
    session.begin("POST /mcp", "Content-Type: application/json\r\n", &call);
    signed.wait_for("api_calls_under_way", 2);
    server.terminate();
    for client in [&mut modern, &mut session] {
        let answer = client.answer().unwrap();
        assert!(answer.text().contains("#general"), "{answer:?}");
    }
    while let Ok(Some(_)) = stream.chunk() {}
    let authority = server.authority.clone();
    let (status, said) = server.end();
    assert!(status.success(), "{status}: {said}");
    assert!(TcpStream::connect(authority).is_err());
}

#[test]
fn a_renewal_under_way_keeps_its_tokens() {
    // With `benign` the server renews by itself, with `strict` a process of its own does.
    for rotation in ["benign", "strict"] {
        let signed = Signed::in_with(rotation, "1h");
        let server = signed.serve();
        signed.set(&json!({ "rotation": rotation, "delay_after_commit_ms": 700 }));
        signed.expire();
        let mut client = server.client();
        client.begin_call("whoami", &json!({}));
        signed.wait_for("refreshes", 1);
        server.terminate();
        let answer = client.answer().unwrap();
        assert!(answer.text().contains("Robin"), "{rotation}: {answer:?}");
        let (status, said) = server.end();
        assert!(status.success(), "{status}: {said}");
        assert!(signed.calls("whoami"), "{rotation}");
        let counters = signed.service.counters();
        assert_eq!((&counters["refreshes"], &counters["reuses"]), (&json!(1), &json!(0)), "{rotation}: {counters}");
    }
}
