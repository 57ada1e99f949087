use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value, json};

use super::world::{Client, Script, Scripted, text};

fn provider() -> (Arc<Script>, Arc<Scripted>) {
    let script = Arc::new(Script::default());
    (script.clone(), Arc::new(Scripted(script)))
}

fn accept(content: &Value) -> Value {
    json!({ "action": "accept", "content": content })
}

async fn ask_again(client: &mut Client, tool: &str, arguments: Value, state: &Value, responses: Value) -> Value {
    let again = json!({ "name": tool, "arguments": arguments, "requestState": state, "inputResponses": responses });
    client.request("tools/call", again).await
}

#[tokio::test]
async fn a_legacy_client_is_asked_in_mid_call() {
    let mut client = Client::legacy(provider().1, json!({ "elicitation": {} })).await;
    for (answer, expected) in [
        (accept(&json!({ "sure": true })), "{\"sure\":true}"),
        (json!({ "action": "decline" }), "the user declined\ncode: permission"),
        (json!({ "action": "cancel" }), "the user did not decide\ncode: permission"),
    ] {
        let id = client.begin("tools/call", json!({ "name": "form", "arguments": {} })).await;
        let asked = client.wait_for("/method", &json!("elicitation/create")).await;
        assert_eq!(asked["params"]["message"], "Sure?");
        assert_eq!(asked["params"]["requestedSchema"]["properties"]["sure"]["type"], "boolean");
        client.reply(&asked, answer).await;
        assert_eq!(text(&client.answer(id).await), expected);
    }
}

#[tokio::test]
async fn a_modern_client_calls_again_with_the_answer() {
    let (script, provider) = provider();
    let mut client = Client::modern(provider, json!({ "elicitation": { "form": {} } })).await;
    let asked = client.call("form").await["result"].clone();
    assert_eq!(asked["resultType"], "input_required");
    assert_eq!(asked["inputRequests"]["sure"]["method"], "elicitation/create");
    assert_eq!(script.done.load(Ordering::Relaxed), 0);
    let (state, responses) = (&asked["requestState"], json!({ "sure": accept(&json!({ "sure": true })) }));
    let answered = ask_again(&mut client, "form", json!({}), state, responses.clone()).await;
    assert_eq!(text(&answered), "{\"sure\":true}");
    assert_eq!(answered["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "switchboard");
    let replayed = ask_again(&mut client, "form", json!({}), state, responses).await;
    assert_eq!(replayed["error"]["code"], -32602, "{replayed}");
    assert_eq!(script.done.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_is_for_the_call_that_asked() {
    let (script, provider) = provider();
    let mut client = Client::modern(provider, json!({ "elicitation": { "form": {} } })).await;
    let asked = client.call("form").await["result"].clone();
    let responses = json!({ "sure": accept(&json!({})) });
    for (tool, arguments) in [("form", json!({ "other": 1 })), ("two", json!({}))] {
        let refused = ask_again(&mut client, tool, arguments, &asked["requestState"], responses.clone()).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    assert_eq!(script.done.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn questions_of_one_moment_come_together_and_steps_one_by_one() {
    let mut client = Client::modern(provider().1, json!({ "elicitation": { "form": {} } })).await;
    let asked = client.call("two").await["result"].clone();
    assert_eq!(asked["inputRequests"].as_object().unwrap().len(), 2);
    let first = json!({ "first": accept(&json!({ "sure": true })) });
    let asked = client.call("steps").await["result"].clone();
    let asked = ask_again(&mut client, "steps", json!({}), &asked["requestState"], first).await["result"].clone();
    assert_eq!(asked["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["second"]);
    let second = json!({ "second": accept(&json!({ "sure": false })) });
    let answered = ask_again(&mut client, "steps", json!({}), &asked["requestState"], second).await;
    assert_eq!(text(&answered), "[{\"sure\":true},{\"sure\":false}]");
}

#[tokio::test]
async fn a_client_without_the_means_is_not_asked() {
    for capabilities in [json!({}), json!({ "elicitation": { "form": {} } })] {
        let expected = "the user has to be asked, which this client cannot do: Look\ncode: unsupported";
        let mut legacy = Client::legacy(provider().1, capabilities.clone()).await;
        assert_eq!(text(&legacy.call("page").await), expected);
        let mut modern = Client::modern(provider().1, capabilities).await;
        assert_eq!(text(&modern.call("page").await), expected);
    }
    let mut client = Client::modern(provider().1, json!({ "elicitation": { "url": {} } })).await;
    assert_eq!(client.call("page").await["result"]["inputRequests"]["page"]["params"]["mode"], "url");
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_not_called_its_method() {
    let mut client = Client::legacy(provider().1, json!({})).await;
    for parameters in [json!({}), json!({ "name": "form", "arguments": [1] }), json!({ "name": 5 })] {
        let answer = client.request("tools/call", parameters.clone()).await;
        assert_eq!(answer["error"]["code"], -32602, "{parameters}: {answer}");
    }
    assert_eq!(client.request("tools/cal", json!({})).await["error"]["code"], -32601);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused_and_each_tool_listed_once() {
    for mut client in [Client::legacy(provider().1, json!({})).await, Client::modern(provider().1, json!({})).await] {
        assert_eq!(client.tools().await, ["form", "page", "report", "steps", "two", "wait"]);
        let refused = client.request("tools/list", json!({ "cursor": "x" })).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
}
