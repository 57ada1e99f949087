//! What is written over standard input and output only after the user has agreed, in both eras.

use serde_json::{Value, json};

use crate::switchboard::{Home, Session};

/// A client that can show a form.
fn capable() -> Value {
    json!({ "elicitation": { "form": {} } })
}

fn start(home: &Home) -> Session {
    let mut command = home.command(&["--provider", "sandbox", "--confirm-writes"]);
    command.stderr(std::process::Stdio::null());
    Session::spawn(command)
}

fn sending(text: &str) -> Value {
    json!({ "name": "send_message", "arguments": { "target": "#random", "text": text } })
}

/// Makes a request one of 2026-07-28.
fn modern(mut call: Value, capabilities: &Value, more: Value) -> Value {
    call["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    });
    let Value::Object(more) = more else { unreachable!() };
    call.as_object_mut().unwrap().extend(more);
    call
}

fn text(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

/// Asserts what a client is told that cannot show the question.
fn unconfirmed(answer: &Value) {
    let text = text(answer);
    assert!(answer["isError"] == true && text.contains("the user has to agree first"), "{text}");
    assert!(text.contains("hint: ") && text.ends_with("code: confirmation_required"), "{text}");
}

#[test]
fn a_legacy_client_is_asked_before_anything_is_sent() {
    let home = Home::new();
    let mut session = start(&home);
    session.greet_as(&capable()).unwrap();
    for (action, said) in [("decline", "the user declined"), ("cancel", "the user did not decide")] {
        let answer = session.ask_and_answer("tools/call", &sending("Not sent"), |_| json!({ "action": action }));
        let answer = answer.unwrap();
        assert!(answer["isError"] == true && text(&answer).contains(said), "{answer}");
    }
    let mut asked = Vec::new();
    let answer = session.ask_and_answer("tools/call", &sending("Lunch?"), |request| {
        asked.push(request["params"]["message"].as_str().unwrap().to_owned());
        json!({ "action": "accept", "content": {} })
    });
    assert!(text(&answer.unwrap()).starts_with("sent to #random (sandbox:C5)"));
    let [question] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(question.starts_with("Send to #random (sandbox:C5), 6 people:\n│ Lunch?\n"), "{question}");
    let read = session.call("read_messages", json!({ "target": "#random" })).unwrap();
    assert!(read.contains("Lunch?") && !read.contains("Not sent"), "{read}");
    session.end();
}

#[test]
fn a_modern_client_is_asked_before_anything_is_sent() {
    let home = Home::new();
    let mut session = start(&home);
    let call = |text: &str, more: Value| modern(sending(text), &capable(), more);
    let asked = session.request("tools/call", &call("Lunch?", json!({})));
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, request) = asked["inputRequests"].as_object().unwrap().iter().next().unwrap();
    let question = request["params"]["message"].as_str().unwrap();
    assert!(question.starts_with("Send to #random (sandbox:C5), 6 people:\n│ Lunch?\n"), "{question}");
    let agreed = json!({ "requestState": asked["requestState"], "inputResponses": { key: { "action": "accept" } } });
    let answer = session.request("tools/call", &call("Lunch?", agreed));
    assert!(text(&answer).starts_with("sent to #random (sandbox:C5)"), "{answer}");
    let asked = session.request("tools/call", &call("Not sent", json!({})));
    let key = asked["inputRequests"].as_object().unwrap().keys().next().unwrap();
    let declined = json!({ "requestState": asked["requestState"], "inputResponses": { key: { "action": "decline" } } });
    let answer = session.request("tools/call", &call("Not sent", declined));
    assert!(answer["isError"] == true && text(&answer).contains("the user declined"), "{answer}");
    let read = json!({ "name": "read_messages", "arguments": { "target": "#random" } });
    let read = session.request("tools/call", &modern(read, &capable(), json!({})));
    assert!(text(&read).contains("Lunch?") && !text(&read).contains("Not sent"), "{read}");
    session.end();
}

#[test]
fn an_answer_that_nobody_gave_sends_nothing() {
    let home = Home::new();
    let mut session = start(&home);
    let call = |text: &str, more: Value| modern(sending(text), &capable(), more);
    let asked = session.request("tools/call", &call("Lunch?", json!({})));
    let key = asked["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let (state, accept) = (asked["requestState"].as_str().unwrap(), json!({ &key: { "action": "accept" } }));
    let answered = |state: &str| json!({ "requestState": state, "inputResponses": accept });
    let again = session.request("tools/call", &call("Lunch?", json!({ "inputResponses": accept })));
    assert_eq!(again["resultType"], "input_required", "{again}");
    let changed = |at: usize| {
        let other = if &state[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &state[..at], &state[at + 1..])
    };
    let forged = (0..40).map(|number| changed(number * (state.len() - 1) / 40));
    for state in forged.chain([String::new(), "x".into(), state[..state.len() / 2].into(), state.repeat(2)]) {
        assert_eq!(session.refused("tools/call", &call("Lunch?", answered(&state))), -32602, "{state}");
    }
    // What was asked about one text is no leave for another.
    assert_eq!(session.refused("tools/call", &call("Dinner?", answered(state))), -32602);
    let read = json!({ "name": "read_messages", "arguments": { "target": "#random" } });
    let read = modern(read, &capable(), json!({}));
    let shown = session.request("tools/call", &read);
    assert!(!text(&shown).contains("Lunch?") && !text(&shown).contains("Dinner?"), "{shown}");
    let sent = session.request("tools/call", &call("Lunch?", answered(state)));
    assert!(text(&sent).starts_with("sent to #random"), "{sent}");
    assert_eq!(session.refused("tools/call", &call("Lunch?", answered(state))), -32602);
    let shown = session.request("tools/call", &read);
    assert_eq!(text(&shown).matches("Lunch?").count(), 1, "{shown}");
    session.end();
}

#[test]
fn a_client_that_cannot_show_the_question_sends_nothing() {
    let home = Home::new();
    for capabilities in [json!({}), json!({ "elicitation": { "url": {} } })] {
        let mut session = start(&home);
        session.greet_as(&capabilities).unwrap();
        unconfirmed(&session.request("tools/call", &sending("Not sent")));
        session.end();
        let mut session = start(&home);
        unconfirmed(&session.request("tools/call", &modern(sending("Not sent"), &capabilities, json!({}))));
        session.end();
    }
}
