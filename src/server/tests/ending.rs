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

#[tokio::test(start_paused = true)]
async fn what_could_not_be_done_in_time_is_said_to_be_not() {
    let script = Arc::new(Script::default());
    let mut client = Client::legacy(Arc::new(Scripted(script.clone())), json!({})).await;
    let begun = tokio::time::Instant::now();
    let id = client.begin("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    script.begun.notified().await;
    client.hang_up().await;
    assert_eq!(client.answer(id).await["error"]["message"], "the server ends before the call does");
    client.serving.await.unwrap().unwrap();
    assert_eq!(begun.elapsed().as_secs(), 6, "with no second wait after it");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_holds_up_no_end() {
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), json!({})).await;
    client.stop_reading();
    let begun = tokio::time::Instant::now();
    for _ in 0..500 {
        client.begin("tools/list", json!({})).await;
    }
    client.hang_up().await;
    client.serving.await.unwrap().unwrap();
    assert!(begun.elapsed().as_secs() < 10, "by the clock of the test, which nothing slows down");
}

#[tokio::test]
async fn a_session_begins_with_a_request_whatever_comes_before() {
    let mut client = Client::modern(Arc::new(Scripted(Arc::default())), json!({})).await;
    client.request("server/discover", json!({})).await;
    client.say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })).await;
    client.say(json!({ "jsonrpc": "2.0", "id": 7, "result": {} })).await;
    assert_eq!(text(&client.call("report").await), "\"reported\"");
}

#[tokio::test]
async fn a_request_whose_id_is_under_way_is_refused_and_the_first_answered() {
    let script = Arc::new(Script::default());
    let mut client = Client::legacy(Arc::new(Scripted(script.clone())), json!({})).await;
    let id = client.begin("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    script.begun.notified().await;
    client.say(json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).await;
    client.wait_for("/error/code", &json!(-32600)).await;
    script.go.notify_one();
    assert_eq!(text(&client.answer(id).await), "\"waited\"");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_neither_reads_nor_is_read_is_taken_to_be_gone() {
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), json!({})).await;
    client.stop_reading();
    let sending = async {
        loop {
            client.begin("tools/list", json!({})).await;
        }
    };
    // In the end the pipe is full, and stays so.
    drop(tokio::time::timeout(std::time::Duration::from_secs(1), sending).await);
    client.serving.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_has_only_so_much_under_way() {
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), json!({})).await;
    client.stop_reading();
    let mut sent = 0;
    let sending = async {
        loop {
            client.begin("tools/list", json!({})).await;
            sent += 1;
        }
    };
    // In the end the pipe is full, and stays so.
    drop(tokio::time::timeout(std::time::Duration::from_secs(3), sending).await);
    assert!(sent < 3_000, "{sent} were taken");
}

#[tokio::test]
async fn a_question_of_a_call_that_is_cancelled_is_taken_back() {
    let mut client = Client::legacy(Arc::new(Scripted(Arc::default())), json!({ "elicitation": {} })).await;
    let id = client.begin("tools/call", json!({ "name": "form", "arguments": {} })).await;
    let asked = client.wait_for("/method", &json!("elicitation/create")).await;
    client.say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })).await;
    let taken_back = client.wait_for("/method", &json!("notifications/cancelled")).await;
    assert_eq!(taken_back["params"]["requestId"], asked["id"]);
}
