//! Long arguments for a platform that is slow, in both eras.

use serde_json::{Value, json};

use super::{
    client::{Client, message, modern},
    server::Signed,
};

#[test]
fn long_arguments_at_a_slow_platform_leave_memory_and_room_for_others() {
    for in_session in [false, true] {
        let signed = Signed::in_with("strict", "1h");
        let server = signed.serve();
        let client = || {
            let mut client = server.client();
            if in_session {
                client.open_session();
            }
            client
        };
        signed.set(&json!({ "api_delay_ms": 60_000 }));
        let call = json!({ "name": "list_conversations", "arguments": { "query": "a".repeat(3 << 20) } });
        let begin = |client: &mut Client| begin(client, in_session, "tools/call", &call);
        let mut held: Vec<_> = (0..2).map(|_| client()).collect();
        for (number, client) in held.iter_mut().enumerate() {
            begin(client);
            signed.wait_for("api_calls_under_way", number as u64 + 1);
        }
        if in_session {
            // Who hangs up does not cancel.
            drop(held);
        }
        let mut late: Vec<_> = (0..20).map(|_| client()).collect();
        late.iter_mut().for_each(begin);
        for mut client in late {
            let answer = client.answer().unwrap();
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
        }
        let mut other = client();
        let padded = json!({ "_meta": { "padding": "a".repeat(40 << 10) } });
        self::begin(&mut other, in_session, "tools/list", &padded);
        let answer = other.answer().unwrap();
        assert!(answer.status == 200 && answer.message()["result"]["tools"][0].is_object(), "{answer:?}");
        server.is_small("long arguments");
    }
}

#[test]
fn what_lasts_is_short() {
    let home = crate::switchboard::Home::new();
    let server = super::server::embedded(&home, &[]);
    let mut hello = super::server::hello();
    hello["clientInfo"]["name"] = "a".repeat(40 << 10).into();
    let answer = server.client().post("", &message("initialize", &hello));
    assert_eq!(answer.status, 413, "{answer:?}");
}

/// Sends a request as either era has it.
fn begin(client: &mut Client, in_session: bool, method: &str, parameters: &Value) {
    let (mut headers, body) = match in_session {
        true => (String::new(), message(method, parameters)),
        false => modern(method, parameters),
    };
    if let Some(name) = parameters["name"].as_str().filter(|_| !in_session) {
        headers += &format!("Mcp-Name: {name}\r\n");
    }
    client.begin("POST /mcp", &format!("Content-Type: application/json\r\n{headers}"), &body);
}
