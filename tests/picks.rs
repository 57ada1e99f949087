//! Prompts, resources and suggestions, as clients of both eras pick them.

use serde_json::{Value, json};

use crate::switchboard::{Home, Session};

/// What a client of 2026-07-28 says with each request.
fn modern() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    })
}

/// A client of either era.
struct Client {
    session: Session,
    modern: bool,
}

impl Client {
    fn both(home: &Home) -> [Self; 2] {
        let free = "{ access: write, confirm: never, budget: { minute: 100000, day: 100000 } }";
        let config = home.write("config.yaml", &format!("providers:\n  sandbox: {free}\n"));
        let config = config.to_str().unwrap();
        [false, true].map(|modern| {
            let arguments = ["--config", config, "--provider", "sandbox"];
            let session = if modern {
                let mut command = home.command(&arguments);
                command.stderr(std::process::Stdio::null());
                Session::spawn(command)
            } else {
                home.session(&arguments)
            };
            Self { session, modern }
        })
    }

    fn request(&mut self, method: &str, mut parameters: Value) -> Value {
        if self.modern {
            parameters["_meta"] = modern();
        }
        self.session.request(method, &parameters)
    }
}

fn names<'v>(listed: &'v Value, field: &str) -> Vec<&'v str> {
    listed.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap()).collect()
}

#[test]
fn prompts_are_listed_rendered_and_completed_in_both_eras() {
    let home = Home::new();
    for mut client in Client::both(&home) {
        let listed = client.request("prompts/list", json!({}));
        let expected = ["catch_me_up", "channel_digest", "draft_an_announcement", "find_a_decision", "standup"];
        assert_eq!(names(&listed["prompts"], "name"), expected);
        let digest = json!({ "name": "channel_digest", "arguments": { "conversation": "#general" } });
        let said = client.request("prompts/get", digest);
        let message = &said["messages"][0];
        assert_eq!((&message["role"], &message["content"]["type"]), (&json!("user"), &json!("text")));
        assert!(message["content"]["text"].as_str().unwrap().contains("`read_messages`"), "{said}");
        client.request("resources/read", json!({ "uri": "chat://sandbox/%23general" }));
        let prompt = json!({ "type": "ref/prompt", "name": "channel_digest" });
        let typed = json!({ "ref": prompt, "argument": { "name": "conversation", "value": "gen" } });
        let completed = client.request("completion/complete", typed)["completion"].clone();
        assert_eq!(completed["values"], json!(["#general"]), "{completed}");
        client.session.end();
    }
}

#[test]
fn conversations_are_listed_and_read_in_both_eras() {
    let home = Home::new();
    for mut client in Client::both(&home) {
        let families = client.request("resources/templates/list", json!({}));
        let expected = ["chat://{account}/{conversation}", "chat://{account}/{conversation}/{message}"];
        assert_eq!(names(&families["resourceTemplates"], "uriTemplate"), expected);
        let read = client.request("resources/read", json!({ "uri": "chat://sandbox/%23general" }));
        let contents = &read["contents"][0];
        assert_eq!(
            (&contents["uri"], &contents["mimeType"]),
            (&json!("chat://sandbox/%23general"), &json!("text/plain"))
        );
        assert!(contents["text"].as_str().unwrap().starts_with("#general (sandbox:C1)"), "{read}");
        // What was read is remembered.
        let listed = client.request("resources/list", json!({}));
        assert!(names(&listed["resources"], "uri").contains(&"chat://sandbox/C1"), "{listed}");
        let typed = json!({
            "ref": { "type": "ref/resource", "uri": expected[0] },
            "argument": { "name": "conversation", "value": "#g" },
            "context": { "arguments": { "account": "sandbox" } },
        });
        let completed = client.request("completion/complete", typed);
        assert_eq!(completed["completion"]["values"], json!(["#general"]), "{completed}");
        client.session.end();
    }
}

const UPDATED: &str = "notifications/resources/updated";

#[test]
fn who_watches_a_conversation_hears_that_something_came_in_both_eras() {
    let home = Home::new();
    let uri = "chat://sandbox/%23random";
    for mut client in Client::both(&home) {
        let send = json!({ "name": "send_message", "arguments": { "target": "#random", "text": "lunch?" } });
        if client.modern {
            let filter = json!({ "notifications": { "resourceSubscriptions": [uri] }, "_meta": modern() });
            client.session.post("subscriptions/listen", &filter);
            client.session.hear("notifications/subscriptions/acknowledged");
        } else {
            client.request("resources/subscribe", json!({ "uri": uri }));
        }
        // A modern client is not told when the watch has begun.
        loop {
            let sent = client.request("tools/call", send.clone());
            assert_ne!(sent["isError"], true, "{sent}");
            if !client.modern || client.session.has_heard(UPDATED) {
                break;
            }
        }
        assert_eq!(client.session.hear(UPDATED)["params"]["uri"], uri);
        client.session.end();
    }
}

#[test]
fn what_can_be_picked_is_listed_without_a_sign_in() {
    let home = Home::new();
    let mut session = home.session(&["--provider", "matrix", "--read-only"]);
    let lists = ["prompts/list", "resources/templates/list"];
    let [prompts, families] = lists.map(|method| session.request(method, &json!({})));
    assert_eq!((names(&prompts["prompts"], "name").len(), names(&families["resourceTemplates"], "name").len()), (5, 2));
    assert_eq!(session.request("resources/list", &json!({}))["resources"], json!([]));
    let draft = json!({ "name": "draft_an_announcement", "arguments": { "about": "lunch" } });
    let said = session.request("prompts/get", &draft);
    assert!(!said.to_string().contains("send_message"), "{said}");
    session.end();
}
