//! What becomes of a call over standard input and output when the client no longer waits for it.

use serde_json::json;

use crate::{
    service::{self, Service},
    switchboard::{Home, Session},
};

fn signed_in() -> (Home, Service, Session) {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let config = service.configure(&home);
    service::sign_in(&home, &config);
    let session = home.session(&["--config", &config, "--provider", "sandbox"]);
    (home, service, session)
}

#[test]
fn a_call_that_is_cancelled_stops_its_request_to_the_platform() {
    let (_home, service, mut session) = signed_in();
    service.set(&json!({ "api_delay_ms": 600_000 }));
    session.begin("list_conversations");
    service.wait_until("api_calls_under_way", |calls| calls == 1);
    session.cancel();
    service.wait_until("api_calls_under_way", |calls| calls == 0);
    service.set(&json!({}));
    session.call("list_conversations", json!({})).unwrap();
    session.end();
}

#[test]
fn a_call_is_answered_though_the_client_has_hung_up() {
    let (_home, service, mut session) = signed_in();
    service.set(&json!({ "api_delay_ms": 700 }));
    session.begin("list_conversations");
    service.wait_until("api_calls_under_way", |calls| calls == 1);
    let said = session.hang_up();
    let [answer] = said.as_slice() else { panic!("{said:?}") };
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("#general"), "{answer}");
}

#[test]
fn a_platform_that_does_not_answer_holds_up_no_end() {
    let (_home, service, mut session) = signed_in();
    service.set(&json!({ "api_delay_ms": 600_000 }));
    session.begin("list_conversations");
    service.wait_until("api_calls_under_way", |calls| calls == 1);
    drop(session.hang_up());
    service.wait_until("api_calls_under_way", |calls| calls == 0);
}
