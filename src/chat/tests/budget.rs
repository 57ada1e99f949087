//! What the list of verbs costs a model, as MCP sends it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use switchboard_kit::host::{local_call, platforms};

use super::{forgery, hostile::Hostile, workspace::Workspace};
use crate::{
    chat::ServedAccount,
    server::{Linked, Provider as _, listed},
};

/// Most bytes: 4,000 tokens at four bytes for one.
const MOST: usize = 16_000;

/// Lists the verbs of three platforms, one of them with every facet, two accounts of another, writing on everywhere.
async fn verbs() -> Vec<Value> {
    let (workspace, hostile) = (Workspace::open().await, Hostile::new(1));
    let matrix = |key: &str| {
        let platform = platforms().into_iter().find(|platform| platform.key == "matrix").unwrap();
        let settings = json!({ "homeserver": "https://matrix.invalid" });
        ServedAccount { bound: (platform.bind)(settings).unwrap(), ..forgery::account(key, &hostile) }
    };
    let accounts = vec![
        workspace.stranger("sandbox"),
        matrix("matrix"),
        matrix("matrix_work"),
        forgery::account("hostile", &hostile),
    ];
    let linked = Linked::new(workspace.serve(accounts).0, &BTreeMap::new()).unwrap();
    let tools = linked.list_tools(&local_call(Duration::from_secs(1))).await.unwrap();
    tools.into_iter().map(listed).collect()
}

#[tokio::test]
async fn the_list_of_verbs_is_frugal() {
    let verbs = verbs().await;
    let bytes = json!({ "tools": verbs }).to_string().len();
    let each: Vec<_> = verbs.iter().map(|verb| format!("{} {}", verb["name"], verb.to_string().len())).collect();
    assert!(bytes < MOST, "{bytes} bytes: {each:?}");
}

#[tokio::test]
async fn every_verb_keeps_the_rules_that_clients_and_models_rely_on() {
    for verb in verbs().await {
        let name = verb["name"].as_str().unwrap();
        assert!(name.len() <= 24 && verb["title"].as_str().is_some_and(|title| !title.is_empty()), "{name}");
        assert!(verb["description"].as_str().unwrap().len() < 700, "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(verb["annotations"][hint].is_boolean(), "{name} says nothing of {hint}");
        }
        // No answer is sent twice, so none has a schema.
        assert!(verb.get("outputSchema").is_none(), "{name}");
        let mut choices = 0;
        for (argument, schema) in verb["inputSchema"]["properties"].as_object().into_iter().flatten() {
            let kind = schema["type"].as_str().unwrap_or_default();
            let flat = kind != "object" && (kind != "array" || schema["items"]["type"] == "string");
            assert!(
                flat && schema["description"].as_str().is_some_and(|text| text.len() < 90),
                "{name} {argument}: {schema}"
            );
            choices += usize::from(schema.get("enum").is_some());
            assert!(schema["enum"].as_array().is_none_or(|values| values.len() <= 6), "{name} {argument}");
            let words = schema.to_string();
            for wasted in ["$schema", "$ref", "\"title\"", "anyOf", "oneOf", "allOf", "null", "\"format\":"] {
                assert!(!words.contains(wasted), "{name} {argument} has {wasted}");
            }
            if ["since", "until"].contains(&argument.as_str()) {
                assert_eq!(kind, "string", "{name} {argument}: any way to write a time");
            }
        }
        assert!(choices <= 3, "{name} has {choices} enums");
    }
}

#[tokio::test]
async fn an_unknown_argument_gets_the_name_that_is_nearest() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    for (verb, wrong, right) in [
        ("read_messages", "targt", "target"),
        ("read_messages", "untill", "until"),
        ("search_messages", "qery", "query"),
        ("send_message", "idempotencykey", "idempotency_key"),
    ] {
        let error = robin.refused(verb, json!({ wrong: "x" })).await;
        let hint = error.hint_text().unwrap_or_default();
        assert!(hint.contains(&format!("`{right}`")), "{verb} {wrong}: {error} {hint}");
    }
}

#[tokio::test]
async fn every_time_is_read_in_every_form() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    for time in ["90m", "1d", "2w", "2026-11-20", "2026-11-20T09:30:00Z", "today", "yesterday"] {
        robin.call("read_messages", json!({ "target": "#general", "since": time })).await;
        robin.call("search_messages", json!({ "query": "x", "since": time })).await;
    }
}
