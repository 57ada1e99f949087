//! Sessions whose clients ask for more than they have room for, and leave without a word.

use serde_json::json;

use super::{
    client::{Client, message, modern},
    server::{Server, Signed, hello},
};
use crate::{service::Service, switchboard::Home};

/// A server whose user has yet to sign in, and so is asked to by every call.
fn unlinked(home: &Home, service: &Service) -> Server {
    let config = service.configure(home);
    Server::of(&mut home.command(&["--config", &config, "--provider", "sandbox", "serve", "--http", "127.0.0.1:0"]))
}

/// A session whose client can ask its user.
fn asking(server: &Server) -> Client {
    let mut hello = hello();
    hello["capabilities"] = json!({ "elicitation": { "url": {} } });
    let mut client = server.client();
    let answer = client.post("", &message("initialize", &hello));
    client.headers = format!("Mcp-Session-Id: {}\r\n", answer.header("mcp-session-id").unwrap());
    client.post("", &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
    client
}

fn call(id: usize, tool: &str) -> String {
    let parameters = json!({ "name": tool, "arguments": {} });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": parameters }).to_string()
}

/// Calls in a session until the user is asked; returns the connection.
fn asks(server: &Server, session: &Client, id: usize) -> Client {
    let mut client = server.client();
    client.headers.clone_from(&session.headers);
    client.begin("POST /mcp", "Content-Type: application/json\r\n", &call(id, "list_conversations"));
    assert!(client.head().unwrap().contains(" 200 "));
    while !client.chunk().unwrap().unwrap().contains("elicitation/create") {}
    client
}

#[test]
fn a_request_that_comes_twice_is_answered_once() {
    let signed = Signed::in_with("strict", "1h");
    let server = signed.serve();
    let mut first = server.client();
    first.open_session();
    let mut second = server.client();
    second.headers.clone_from(&first.headers);
    signed.set(&json!({ "api_delay_ms": 500 }));
    first.begin("POST /mcp", "Content-Type: application/json\r\n", &call(7, "list_conversations"));
    signed.wait_for("api_calls_under_way", 1);
    let refused = second.post("", &call(7, "list_conversations"));
    assert_eq!((refused.status, &refused.message()["error"]["code"]), (400, &json!(-32600)), "{refused:?}");
    assert!(first.answer().unwrap().text().contains("#general"));
    assert!(second.post("", &call(7, "list_conversations")).text().contains("#general"));
}

#[test]
fn calls_that_wait_for_their_users_take_no_place_that_others_need() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let server = unlinked(&home, &service);
    let mut sessions: Vec<_> = (0..5).map(|_| asking(&server)).collect();
    let waiting: Vec<_> = sessions.iter().flat_map(|session| (0..32).map(|id| asks(&server, session, id))).collect();
    let refused = sessions[0].post("", &call(32, "list_conversations"));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    let ping = json!({ "jsonrpc": "2.0", "id": "ping", "method": "ping" }).to_string();
    assert_eq!(sessions[0].post("", &ping).status, 200);
    let (headers, body) = modern("tools/list", &json!({}));
    assert_eq!(server.client().post(&headers, &body).status, 200);
    let mut other = server.client();
    other.open_session();
    assert_eq!(other.post("", &call(1, "whoami")).status, 200);
    drop(waiting);
}

#[test]
fn sessions_left_with_a_question_give_way() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let server = unlinked(&home, &service);
    for _ in 0..64 {
        asks(&server, &asking(&server), 1);
    }
    let initialize = message("initialize", &hello());
    // The server has yet to see that the last ones have hung up.
    while server.client().post("", &initialize).status == 503 {}
}

#[test]
fn a_session_that_is_ended_ends_its_calls() {
    let signed = Signed::in_with("strict", "1h");
    let server = signed.serve();
    let mut session = server.client();
    session.open_session();
    let headers = session.headers.clone();
    signed.set(&json!({ "api_delay_ms": 60_000 }));
    session.begin("POST /mcp", "Content-Type: application/json\r\n", &call(1, "list_conversations"));
    signed.wait_for("api_calls_under_way", 1);
    signed.set(&json!({ "api_delay_ms": 1_000 }));
    assert_eq!(server.client().ask("DELETE /mcp", &headers, "").status, 204);
    // What begins only now is over before the library gives up waiting for the call.
    assert!(server.client().call("list_conversations", &json!({})).text().contains("#general"));
    assert_eq!(signed.service.counters()["api_calls_under_way"], 0);
}
