//! What answers cost, and that what they show can be given back.

use serde_json::{Value, json};

use super::workspace::{Assistant, Workspace, ids};
use crate::chat::time;

/// What pages cost beyond what was said.
#[derive(Debug, Default)]
struct Cost {
    messages: usize,
    overhead: usize,
}

impl Cost {
    /// Reads a page in both forms. The overhead is all but the messages' texts and ids, and what they quote and call their
    /// files: header and footer, days, times, names, reactions, and what goes with a thread or a file.
    async fn add(&mut self, assistant: &Assistant, mut arguments: Value) -> Vec<Value> {
        let transcript = assistant.call("read_messages", arguments.clone()).await;
        arguments["format"] = "json".into();
        let page: Value = serde_json::from_str(&assistant.call("read_messages", arguments).await).unwrap();
        let messages = page["messages"].as_array().unwrap().clone();
        let length = |value: &Value| value.as_str().unwrap_or_default().len();
        let said = |message: &Value| {
            let files = message["files"].as_array().into_iter().flatten().map(|file| length(&file["name"]));
            length(&message["text"]) + length(&message["id"]) + length(&message["quote"]["text"]) + files.sum::<usize>()
        };
        self.messages += messages.len();
        // The name of this machine's zone may be long.
        let zone = time::zone_name(&time::zone()).len() - "UTC".len();
        self.overhead += transcript.len() - zone - messages.iter().map(said).sum::<usize>();
        messages
    }
}

#[tokio::test]
async fn a_page_costs_few_bytes_beyond_what_was_said() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let listed = robin.call("list_conversations", json!({ "format": "json" })).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut cost = Cost::default();
    for conversation in listed["conversations"].as_array().unwrap() {
        let target = &conversation["target"];
        for message in cost.add(&robin, json!({ "target": target })).await {
            if message["replies"].as_u64() > Some(0) {
                cost.add(&robin, json!({ "target": target, "thread": message["id"] })).await;
            }
        }
    }
    assert!(cost.messages > 80 && cost.overhead <= 40 * cost.messages, "{cost:?}");
}

#[tokio::test]
async fn a_shortened_id_is_refused_and_any_answer_names_its_thread() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let root = robin.send("#random", "Who is in?").await;
    let answer = json!({ "target": "#random", "text": "Me", "thread": root, "format": "json" });
    let answer: Value = serde_json::from_str(&robin.call("send_message", answer).await).unwrap();
    let whole = robin.call("read_messages", json!({ "target": "#random", "thread": root })).await;
    let same = robin.call("read_messages", json!({ "target": "#random", "thread": answer["ref"] })).await;
    assert_eq!(whole.lines().skip(1).collect::<Vec<_>>(), same.lines().skip(1).collect::<Vec<_>>());
    for (verb, arguments) in [
        ("read_messages", json!({ "target": "#random", "thread": "$Ab3dE…" })),
        ("read_messages", json!({ "target": "#random", "around": "$Ab3dE…" })),
        ("send_message", json!({ "target": "#random", "text": "x", "thread": "$Ab3dE…" })),
        ("react", json!({ "ref": "sandbox:C1/$Ab3dE…", "emoji": "👍" })),
    ] {
        let error = robin.refused(verb, arguments).await;
        assert!(error.to_string().contains("is a shortened id"), "{verb}: {error}");
    }
    for blank in ["", " ", "sandbox:"] {
        let error = robin.refused("send_message", json!({ "target": "#random", "text": "x", "thread": blank })).await;
        assert_eq!(error.to_string(), "argument `thread` is empty", "{blank:?}");
    }
}

#[tokio::test]
async fn a_url_reads_around_its_message_in_the_thread_if_that_is_where_it_is() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    for arguments in [json!({ "target": "#general" }), json!({ "target": "#general", "thread": "M13" })] {
        let mut asked = arguments.clone();
        asked["format"] = "json".into();
        let page: Value = serde_json::from_str(&robin.call("read_messages", asked).await).unwrap();
        for message in page["messages"].as_array().unwrap() {
            let around = robin.call("read_messages", json!({ "target": message["url"], "limit": 3 })).await;
            let id = message["id"].as_str().unwrap();
            assert!(around.contains(&format!("[{id}]")) && ids(&around).len() <= 3, "{}: {around}", message["url"]);
        }
    }
}
