//! MCP over standard input and output, as a client speaks it.

use serde_json::{Value, json};

use crate::{
    service::{self, Service},
    switchboard::{Home, Session, printed},
};

const READ: [&str; 9] = [
    "catch_up",
    "find_people",
    "get_conversation",
    "get_file",
    "list_conversations",
    "read_messages",
    "search_messages",
    "wait_for_messages",
    "whoami",
];
const WRITE: [&str; 4] = ["delete_message", "edit_message", "react", "send_message"];

#[test]
fn tools_are_listed_without_a_sign_in_and_without_writing() {
    let home = Home::new();
    let mut session = home.session(&["--provider", "matrix"]);
    let listed = session.request("tools/list", &json!({}));
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, READ);
    for tool in listed["tools"].as_array().unwrap() {
        let hints = &tool["annotations"];
        assert_eq!(hints["readOnlyHint"], true);
        for hint in ["destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(hints[hint].is_boolean(), "{tool}");
        }
        assert!(tool["title"].is_string());
    }
    let refusal = session.call("read_messages", json!({ "target": "#general" })).unwrap_err();
    assert!(refusal.contains("--provider matrix --local-auth"), "{refusal}");
    session.end();
}

#[test]
fn a_call_without_a_sign_in_offers_it_to_the_user_and_goes_on() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let mut command = home.command(&["--config", &service.configure(&home), "--provider", "sandbox"]);
    command.stderr(std::process::Stdio::null());
    let mut session = Session::spawn(command);
    session.greet_as(&json!({ "elicitation": { "url": {} } })).unwrap();
    let call = json!({ "name": "read_messages", "arguments": { "target": "#general" } });
    let mut asked = 0;
    let answer = session.ask_and_answer("tools/call", &call, |request| {
        asked += 1;
        assert_eq!((&request["method"], &request["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
        let page = request["params"]["url"].as_str().unwrap().to_owned();
        std::thread::spawn(move || service::visit(page));
        json!({ "action": "accept" })
    });
    let answer = answer.unwrap();
    assert!(answer["content"][0]["text"].as_str().unwrap().contains("#general"), "{answer}");
    // From then on it is signed in.
    session.call("list_conversations", json!({})).unwrap();
    assert_eq!(asked, 1);
    session.end();
}

#[test]
fn a_modern_client_calls_again_once_its_user_has_agreed_to_sign_in() {
    let home = Home::new();
    let service = Service::with(&home, "strict", "1h");
    let mut command = home.command(&["--config", &service.configure(&home), "--provider", "sandbox"]);
    command.stderr(std::process::Stdio::null());
    let mut session = Session::spawn(command);
    let call = |more: Value| {
        let mut call = json!({ "name": "read_messages", "arguments": { "target": "#general" }, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        } });
        call.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        call
    };
    let asked = session.request("tools/call", &call(json!({})));
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, request) = asked["inputRequests"].as_object().unwrap().iter().next().unwrap();
    let page = request["params"]["url"].as_str().unwrap().to_owned();
    let visitor = std::thread::spawn(move || service::visit(page));
    let agreed = json!({ "requestState": asked["requestState"], "inputResponses": { key: { "action": "accept" } } });
    let answer = session.request("tools/call", &call(agreed));
    assert!(answer["content"][0]["text"].as_str().unwrap().contains("#general"), "{answer}");
    visitor.join().unwrap();
    session.end();
}

#[test]
fn writing_is_offered_when_it_is_on_and_read_only_wins() {
    let home = Home::new();
    let names = |arguments: &[&str]| {
        let mut session = home.session(arguments);
        let listed = session.request("tools/list", &json!({}));
        let tools = listed["tools"].as_array().unwrap().iter();
        let names: Vec<_> = tools.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        session.end();
        names
    };
    let mut all: Vec<_> = READ.into_iter().chain(WRITE).collect();
    all.sort_unstable();
    assert_eq!(names(&["--provider", "sandbox"]), all);
    assert_eq!(names(&["--provider", "matrix", "--allow-write"]), all);
    assert_eq!(names(&["--provider", "sandbox", "--read-only"]), READ);
}

#[test]
fn what_the_user_hides_is_neither_listed_nor_called() {
    let home = Home::new();
    let text =
        "providers:\n  sandbox: { access: write }\ntools: { only: [\"*_message\", whoami], hide: [delete_message] }\n";
    let config = home.write("config.yaml", text);
    let arguments = ["--config", config.to_str().unwrap(), "--provider", "sandbox"];
    let left = ["edit_message", "send_message", "whoami"];
    let mut session = home.session(&arguments);
    let listed = session.request("tools/list", &json!({}));
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, left);
    let refusal = session.call("delete_message", json!({ "ref": "M1", "target": "#general" })).unwrap_err();
    assert!(refusal.contains("`delete_message` is not offered") && refusal.contains("`tools`"), "{refusal}");
    session.end();
    let run = |command: &[&str]| printed(&home.run(&[&arguments, command].concat()));
    let (code, out, _) = run(&["tools"]);
    let names: Vec<_> = out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!((code, names), (0, left.to_vec()));
    let (code, _, err) = run(&["call", "read_messages", "target=#general"]);
    assert!(code == 1 && err.contains("`read_messages` is not offered"), "{code} {err}");
}

#[test]
fn what_is_sent_is_read_changed_and_deleted() {
    let home = Home::new();
    let text = "providers:\n  sandbox: { access: write, confirm: never }\n";
    let config = home.write("config.yaml", text);
    let mut session = home.session(&["--config", config.to_str().unwrap(), "--provider", "sandbox"]);
    let mut call =
        |tool: &str, arguments| session.call(tool, arguments).unwrap_or_else(|error| panic!("{tool}: {error}"));
    call("send_message", json!({ "target": "#random", "text": "Who is in for **lunch**?" }));
    let read = call("read_messages", json!({ "target": "#random", "limit": 1, "format": "json" }));
    let start = read.find("\"id\":\"M").map_or_else(|| panic!("no message in {read}"), |at| at + 6);
    let id: String = read[start..].chars().take_while(|c| *c != '"').collect();
    call("react", json!({ "target": "#random", "ref": id, "emoji": "👍" }));
    call("edit_message", json!({ "target": "#random", "ref": id, "text": "Who is in for dinner?" }));
    let read = call("read_messages", json!({ "target": "#random", "limit": 1 }));
    assert!(read.contains("dinner") && read.contains("(edited)") && read.contains("👍"), "{read}");
    call("delete_message", json!({ "target": "#random", "ref": id }));
    let read = call("read_messages", json!({ "target": "#random", "limit": 1 }));
    assert!(!read.contains("dinner"), "{read}");
    session.end();
}

#[test]
fn a_wrong_argument_is_named_as_a_tool_error() {
    let home = Home::new();
    let mut session = home.session(&["--provider", "sandbox"]);
    let refusal = session.call("read_messages", json!({ "targt": "#general" })).unwrap_err();
    assert!(refusal.contains("unknown argument `targt`") && refusal.contains("say `target`"), "{refusal}");
    let refusal = session.call("send_mesage", json!({})).unwrap_err();
    assert!(refusal.contains("call `send_message`"), "{refusal}");
    session.end();
    let mut session = home.session(&["--provider", "sandbox", "--read-only"]);
    let refusal = session.call("send_message", json!({ "target": "#general", "text": "hello" })).unwrap_err();
    assert!(refusal.contains("not offered") && refusal.contains("`access: write`"), "{refusal}");
    session.end();
}

#[test]
fn nobody_needs_to_read_the_logs() {
    let home = Home::new();
    let mut command = home.command(&["--provider", "sandbox"]);
    let (reader, writer) = std::io::pipe().unwrap();
    command.env("RUST_LOG", "trace").stderr(writer);
    let mut session = Session::start(command);
    drop(reader);
    session.call("read_messages", json!({ "target": "#general" })).unwrap();
    session.end();
}
