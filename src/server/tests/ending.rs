use std::sync::Arc;

use serde_json::json;

use super::world::{Client, Script, Scripted, text};

#[tokio::test]
async fn a_call_is_answered_though_the_client_has_hung_up() {
    for stop in [false, true] {
        let script = Arc::new(Script::default());
        let mut client = Client::legacy(Arc::new(Scripted(script.clone())), json!({})).await;
        let call = json!({ "name": "wait", "arguments": {}, "_meta": { "progressToken": "p" } });
        let id = client.begin("tools/call", call).await;
        script.begun.notified().await;
        if stop {
            client.stop();
        } else {
            client.hang_up().await;
        }
        script.go.notify_one();
        assert_eq!(text(&client.answer(id).await), "\"waited\"");
        assert!(client.message().await.is_none());
        client.serving.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_end_is_waited_for_only_so_long() {
    let script = Arc::new(Script::default());
    let mut client = Client::legacy(Arc::new(Scripted(script.clone())), json!({})).await;
    client.begin("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    script.begun.notified().await;
    client.hang_up().await;
    client.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_waits_for_the_answer_of_a_client_that_is_gone() {
    let elicitation = json!({ "elicitation": {} });
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), elicitation.clone()).await;
    let id = client.begin("tools/call", json!({ "name": "form", "arguments": {} })).await;
    client.wait_for("/method", &json!("elicitation/create")).await;
    client.hang_up().await;
    assert!(text(&client.answer(id).await).contains("did not ask its user: the client is gone"));
    client.serving.await.unwrap().unwrap();
    // The question comes after the end.
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), elicitation).await;
    let id = client.begin("tools/call", json!({ "name": "form", "arguments": {} })).await;
    client.hang_up().await;
    assert!(text(&client.answer(id).await).contains("the client is gone"));
    client.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_listens_does_not_hold_up_the_end() {
    let mut client = Client::modern(Arc::new(Scripted(Arc::default())), json!({})).await;
    client.begin("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })).await;
    client.wait_for("/method", &json!("notifications/subscriptions/acknowledged")).await;
    client.hang_up().await;
    client.serving.await.unwrap().unwrap();
}
