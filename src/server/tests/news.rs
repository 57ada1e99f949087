use std::sync::Arc;

use serde_json::json;

use super::world::{Client, Script, Scripted};
use crate::server::Change;

#[tokio::test]
async fn progress_only_grows_and_comes_before_the_answer() {
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), json!({})).await;
    let call = json!({ "name": "report", "arguments": {}, "_meta": { "progressToken": "p" } });
    let answer = client.request("tools/call", call).await;
    assert!(answer.get("error").is_none(), "{answer}");
    let told: Vec<_> = client.heard.iter().map(|message| message["params"]["progress"].as_f64()).collect();
    assert_eq!(told, [Some(0.0), Some(2.0), Some(3.0)]);
}

#[tokio::test]
async fn who_did_not_ask_for_progress_hears_none() {
    let mut client = Client::modern(Arc::new(Scripted(Arc::default())), json!({})).await;
    client.call("report").await;
    assert!(client.heard.is_empty(), "{:?}", client.heard);
}

#[tokio::test]
async fn a_legacy_client_hears_what_has_changed() {
    let script = Arc::new(Script::default());
    let mut client = Client::legacy(Arc::new(Scripted(script.clone())), json!({})).await;
    client.request("resources/subscribe", json!({ "uri": "x://watched" })).await;
    let changes = script.changes.get().unwrap();
    for change in [Change::Tools, Change::Resource("x://other".into()), Change::Resource("x://watched".into())] {
        changes.tell(change);
    }
    client.wait_for("/method", &json!("notifications/tools/list_changed")).await;
    let updated = client.wait_for("/method", &json!("notifications/resources/updated")).await;
    assert_eq!(updated["params"]["uri"], "x://watched");
}

#[tokio::test]
async fn a_modern_client_hears_what_it_listens_to() {
    let script = Arc::new(Script::default());
    let mut client = Client::modern(Arc::new(Scripted(script.clone())), json!({})).await;
    let filter = json!({ "notifications": { "promptsListChanged": true, "resourceSubscriptions": ["x://watched"] } });
    client.begin("subscriptions/listen", filter).await;
    client.wait_for("/method", &json!("notifications/subscriptions/acknowledged")).await;
    // Whoever is told first has begun to listen.
    let changes = script.changes.get().unwrap();
    loop {
        changes.tell(Change::Tools);
        changes.tell(Change::Prompts);
        tokio::task::yield_now().await;
        if let Ok(message) = tokio::time::timeout(std::time::Duration::from_millis(50), client.message()).await {
            assert_eq!(message.unwrap()["method"], "notifications/prompts/list_changed");
            break;
        }
    }
    changes.tell(Change::Resource("x://watched".into()));
    client.wait_for("/method", &json!("notifications/resources/updated")).await;
    let strays = client.heard.iter().filter(|message| message["method"] == "notifications/tools/list_changed");
    assert_eq!(strays.count(), 0);
}

#[tokio::test]
async fn what_a_provider_changes_is_heard_listed_and_called_at_once() {
    let script = Arc::new(Script::default());
    let mut client = Client::legacy(Arc::new(Scripted(script.clone())), json!({})).await;
    // What is watched is told only to who has begun to follow.
    client.request("resources/subscribe", json!({ "uri": "x://watched" })).await;
    for (more, number) in [(Some("first"), 7), (Some("second"), 7), (None, 6)] {
        *script.more.lock().unwrap() = more;
        script.changes.get().unwrap().tell(Change::Tools);
        client.wait_for("/method", &json!("notifications/tools/list_changed")).await;
        assert_eq!(client.tools().await.len(), number);
        for name in ["first", "second"] {
            let failed = client.call(name).await["result"]["isError"].as_bool().unwrap();
            assert_eq!(failed, more != Some(name), "{name}");
        }
    }
}
