use std::sync::Arc;

use serde_json::json;

use super::world::Client;
use crate::server::{Aggregate, Kinds, Provider as _, stub::Stub};

fn served() -> Arc<Aggregate> {
    Arc::new(Aggregate::new([]).of_kinds(Kinds::ALL))
}

fn stub() -> Arc<Stub> {
    Arc::new(Stub::new("late").tools(["find"]).prompts(["greet"]))
}

/// Lists and calls what the late provider has.
async fn check(client: &mut Client, there: bool) {
    let listed = client.request("tools/list", json!({})).await;
    let listed = listed["result"]["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "find");
    assert_eq!(listed, there);
    let called = client.request("tools/call", json!({ "name": "find", "arguments": {} })).await;
    assert_eq!(called["result"]["isError"] != true, there, "{called}");
    let prompted = client.request("prompts/get", json!({ "name": "greet" })).await;
    assert_eq!(prompted.get("error").is_none(), there, "{prompted}");
}

#[tokio::test]
async fn a_legacy_client_hears_of_a_provider_that_comes_and_goes() {
    let all = served();
    let mut client = Client::legacy(all.clone(), json!({})).await;
    check(&mut client, false).await;
    for there in [true, false] {
        let changed = if there { all.add(stub()).await } else { all.remove("late").await };
        changed.unwrap();
        client.wait_for("/method", &json!("notifications/tools/list_changed")).await;
        client.wait_for("/method", &json!("notifications/prompts/list_changed")).await;
        check(&mut client, there).await;
    }
    all.stop().await;
}

#[tokio::test]
async fn a_modern_client_hears_of_a_provider_that_comes() {
    let all = served();
    let mut client = Client::modern(all.clone(), json!({})).await;
    check(&mut client, false).await;
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    client.begin("subscriptions/listen", filter).await;
    client.wait_for("/method", &json!("notifications/subscriptions/acknowledged")).await;
    // The acknowledgement is sent a moment before the client is listened for.
    while client.heard.iter().all(|message| message["method"] != "notifications/tools/list_changed") {
        drop(all.remove("late").await);
        all.add(stub()).await.unwrap();
        client.request("tools/list", json!({})).await;
    }
    check(&mut client, true).await;
    all.stop().await;
}
