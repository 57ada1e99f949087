//! How names are found: what each costs in requests, what is remembered, and what is asked again.

use std::sync::Arc;

use serde_json::{Value, json};
use switchboard_kit::{
    Call, ErrorKind, Principal,
    host::{Caller, JsonObject, tools},
};
use tokio_util::sync::CancellationToken;

use super::workspace::{Assistant, Workspace, next};
use crate::chat::Chats;

impl Workspace {
    /// Returns how many requests `work` takes.
    async fn cost<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.count("api_calls").await;
        let done = work.await;
        (self.count("api_calls").await - before, done)
    }

    /// Returns how many requests it takes to find out what `target` is, and what is read there.
    async fn finding(&self, assistant: &Assistant, target: &str) -> (u64, String) {
        let (cost, text) = self.cost(assistant.call("read_messages", json!({ "target": target, "limit": 1 }))).await;
        (cost - 1, text)
    }

    /// Changes the workspace behind everyone's back.
    fn change(&self, statement: &str) {
        let state = rusqlite::Connection::open(self.folder.path().join("sandbox.db")).unwrap();
        state.execute_batch(statement).unwrap();
    }

    /// Changes what is remembered.
    fn remember(&self, statement: &str) {
        let state = rusqlite::Connection::open(self.folder.path().join("state.db")).unwrap();
        state.execute_batch(statement).unwrap();
    }
}

const DAY: &str = "UPDATE known_things SET read = read - 90000000; UPDATE known_lookups SET at = at - 90000000;
                   UPDATE known_listings SET whole = whole - 90000000, begun = begun - 90000000;";
const MINUTES: &str = "UPDATE known_things SET read = read - 600000; UPDATE known_lookups SET at = at - 600000;
                       UPDATE known_listings SET whole = whole - 600000, begun = begun - 600000;";

#[tokio::test]
async fn where_names_are_looked_up_a_name_takes_two_requests_at_most() {
    let workspace = Workspace::crowded(1_500, 1_500, false).await;
    let robin = workspace.robin().await;
    for (target, cold) in [
        ("#general", 1),
        ("#project-1501", 1),
        ("project-1421", 1),
        ("@mara", 2),
        ("@Kenji Watanabe", 2),
        ("C3", 1),
        ("https://sandbox.switchboard.invalid/C4", 1),
    ] {
        let target = if target == "#project-1501" { "#project-1001" } else { target };
        assert_eq!(workspace.finding(&robin, target).await.0, cold, "{target}");
        assert_eq!(workspace.finding(&robin, target).await.0, 0, "{target} again");
        // Another process, as far as it matters.
        assert_eq!(workspace.finding(&workspace.robin().await, target).await.0, 0, "{target} elsewhere");
    }
    let (cost, text) = workspace.finding(&robin, "mara@kestrel.example").await;
    assert!(cost == 1 && text.starts_with("@Mara Lindqvist (sandbox:C7)"), "{cost} {text}");
}

#[tokio::test]
async fn where_names_are_only_listed_they_take_a_page_per_thousand_once() {
    let workspace = Workspace::crowded(2_500, 2_100, true).await;
    let robin = workspace.robin().await;
    // The refusal, and three pages.
    assert_eq!(workspace.finding(&robin, "#project-2001").await.0, 1 + 3);
    for target in ["#project-2001", "#general", "@Mara Lindqvist", "@mara"] {
        assert_eq!(workspace.finding(&robin, target).await.0, 0, "{target}");
        assert_eq!(workspace.finding(&workspace.robin().await, target).await.0, 0, "{target} elsewhere");
    }
    // People have a list of their own, and the refusal is remembered.
    let (cost, text) = workspace.finding(&robin, "mara@kestrel.example").await;
    assert!(cost == 3 && text.starts_with("@Mara Lindqvist (sandbox:C7)"), "{cost} {text}");
    let ask = async || robin.refused("read_messages", json!({ "target": "@p2000" })).await.to_string();
    let (cost, error) = workspace.cost(ask()).await;
    assert_eq!((cost, error.as_str()), (1, "there is no direct chat with `Ada Abel` yet"), "only the direct chat");
}

#[tokio::test]
async fn what_is_not_there_is_looked_for_once_in_some_minutes() {
    let workspace = Workspace::crowded(0, 1_100, true).await;
    let robin = workspace.robin().await;
    let ask = async || robin.refused("read_messages", json!({ "target": "#genral" })).await;
    let (cost, error) = workspace.cost(ask()).await;
    assert_eq!((cost, error.kind()), (1 + 2, ErrorKind::NotFound));
    assert!(error.hint_text().unwrap().contains("did you mean `#general`?"), "{error:?}");
    assert_eq!(workspace.cost(ask()).await.0, 0);
    workspace.remember(MINUTES);
    assert_eq!(workspace.cost(ask()).await.0, 2, "perhaps it is new");
    assert_eq!(workspace.finding(&robin, "#general").await.0, 0);
    workspace.remember(MINUTES);
    assert_eq!(workspace.finding(&robin, "#general").await.0, 0, "a name that is there is believed for longer");
    workspace.remember(DAY);
    assert_eq!(workspace.finding(&robin, "#general").await.0, 2, "and not for ever");
}

#[tokio::test]
async fn what_is_too_long_for_a_name_is_looked_for_nowhere() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    robin.call("list_conversations", json!({})).await;
    for sign in ["#", "@"] {
        let arguments = json!({ "target": format!("{sign}{}", "a".repeat(3 << 20)) });
        let (cost, error) = workspace.cost(robin.refused("read_messages", arguments)).await;
        assert_eq!((cost, error.kind()), (0, ErrorKind::NotFound), "{error}");
        assert!(error.to_string().len() < 300, "{error}");
    }
}

#[tokio::test]
async fn a_list_that_was_left_off_is_gone_on_with_and_read_by_one_call() {
    let workspace = Workspace::crowded(0, 3_100, true).await;
    let robin = workspace.robin().await;
    let read = async |target: &str| robin.call("read_messages", json!({ "target": target, "limit": 1 })).await;
    let (cost, _) = workspace.cost(async { tokio::join!(read("#project-1001"), read("#project-2001")) }).await;
    assert!(cost <= 2 + 4 + 2, "{cost}");
    workspace
        .remember("DELETE FROM known_things WHERE id > 'C3'; UPDATE known_listings SET cursor = 'C2000', whole = NULL");
    assert_eq!(workspace.finding(&robin, "#project-3001").await.0, 2);
    workspace.remember("UPDATE known_listings SET cursor = 'spoilt', whole = NULL");
    assert_eq!(workspace.finding(&robin, "#project-1001").await.0, 1 + 4, "a cursor that is refused begins anew");
}

#[tokio::test]
async fn a_write_never_goes_by_a_name_that_has_changed() {
    for no_lookup in [false, true] {
        let workspace = Workspace::crowded(0, 0, no_lookup).await;
        let robin = workspace.robin().await;
        robin.send("#general", "before").await;
        workspace.change("UPDATE conversations SET name = 'lobby' WHERE id = 1");
        let error = robin.refused("send_message", json!({ "target": "#general", "text": "x" })).await;
        assert_eq!(error.to_string(), "nothing is called `#general` exactly", "{no_lookup}");
        assert!(robin.send("#lobby", "after").await.starts_with("sandbox:C1/"), "{no_lookup}");
        workspace.change("UPDATE conversations SET name = 'general' WHERE id = 2");
        workspace.remember(MINUTES);
        assert!(robin.send("#general", "there").await.starts_with("sandbox:C2/"), "{no_lookup}");
    }
}

#[tokio::test]
async fn a_write_to_a_person_asks_who_is_called_so_now() {
    let workspace = Workspace::crowded(0, 0, true).await;
    let robin = workspace.robin().await;
    assert!(robin.send("@tomas", "first").await.starts_with("sandbox:C10/"));
    let (cost, reference) = workspace.cost(robin.send("@tomas", "again")).await;
    assert!(cost == 3 && reference.starts_with("sandbox:C10/"), "{cost} {reference}");
    workspace.change("UPDATE people SET handle = 'tom' WHERE handle = 'tomas'");
    workspace.change("UPDATE people SET handle = 'tomas' WHERE handle = 'kenji'");
    assert!(robin.send("@tomas", "to Kenji").await.starts_with("sandbox:C8/"));
}

#[tokio::test]
async fn what_the_user_no_longer_sees_is_forgotten() {
    let workspace = Workspace::crowded(0, 0, true).await;
    let robin = workspace.robin().await;
    robin.call("read_messages", json!({ "target": "#hiring" })).await;
    workspace.change("DELETE FROM members WHERE conversation = 6 AND person = 1");
    let error = robin.refused("read_messages", json!({ "target": "#hiring" })).await;
    assert!(error.to_string().contains("C6"), "{error}");
    let (cost, error) = workspace.cost(robin.refused("read_messages", json!({ "target": "#hiring" }))).await;
    assert_eq!((cost, error.to_string().as_str()), (1, "nothing is called `#hiring` exactly"));
}

#[tokio::test]
async fn an_id_that_was_read_is_not_asked_about_again_to_read_it() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    robin.call("list_conversations", json!({})).await;
    for target in ["C1", "#general", "https://sandbox.switchboard.invalid/C9", "P2", "@mara"] {
        assert_eq!(workspace.finding(&robin, target).await.0, 0, "{target}");
    }
    let (cost, _) = workspace.cost(robin.send("C1", "x")).await;
    assert_eq!(cost, 2, "a write asks");
}

/// Is told nothing.
struct Deaf;

impl Caller for Deaf {}

#[tokio::test]
async fn nobody_finds_by_what_another_has_read() {
    let workspace = Workspace::crowded(0, 0, true).await;
    let robin = workspace.robin().await;
    robin.call("read_messages", json!({ "target": "#general" })).await;
    let other = Principal { subject: "another".into(), ..Principal::local() };
    let read = async || {
        let patience = std::time::Duration::from_secs(30);
        let call = Call::of(Arc::new(Deaf), other.clone(), patience, CancellationToken::new());
        let tool = tools().into_iter().find(|tool| tool.name == "read_messages").unwrap();
        let arguments = JsonObject::from_iter([("target".to_owned(), json!("#general"))]);
        (tool.call)(&Chats::new(robin.0.clone(), call), arguments).await.unwrap();
    };
    // The list and the messages; and the refusal, which is remembered for each.
    assert_eq!(workspace.cost(read()).await.0, 3);
    assert_eq!(workspace.cost(read()).await.0, 1);
    assert_eq!(workspace.finding(&robin, "#general").await.0, 0);
}

#[tokio::test]
async fn of_people_with_the_same_name_some_are_listed_and_none_is_guessed() {
    let workspace = Workspace::crowded(4_000, 0, false).await;
    let robin = workspace.robin().await;
    let error = robin.refused("send_message", json!({ "target": "@Ada Abel", "text": "x" })).await.to_string();
    let listed = error.matches("(@Ada Abel)").count();
    assert!(listed == 5 && error.contains("`sandbox:P500` (@Ada Abel)") && error.ends_with("3 more"), "{error}");
}

#[tokio::test]
async fn people_are_found_by_a_part_of_their_names() {
    for no_lookup in [false, true] {
        let workspace = Workspace::crowded(1_200, 0, no_lookup).await;
        let robin = workspace.robin().await;
        let found = robin.call("find_people", json!({ "query": "Lindq" })).await;
        assert_eq!(found, "@mara Mara Lindqvist (sandbox:P2) Engineering lead, mara@kestrel.example\nend");
        let found = robin.call("find_people", json!({ "query": "@noor" })).await;
        assert!(found.contains("(sandbox:P7) guest, Illustrator, Studio Papier"), "{found}");
        let found = robin.call("find_people", json!({ "query": "p12", "limit": 3 })).await;
        assert!(found.starts_with("@p12 ") && found.contains("\nsandbox: more than 3 match; "), "{found}");
        assert_eq!(found.lines().count(), 5, "{found}");
        assert_eq!(robin.call("find_people", json!({ "query": "nobody at all" })).await, "nobody found\nend");
        let found = robin.call("find_people", json!({ "query": "deploys", "format": "json" })).await;
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!((&found["people"][0]["target"], &found["people"][0]["kind"]), (&json!("sandbox:P8"), &json!("bot")));
    }
    let workspace = Workspace::open().await;
    let accounts = vec![workspace.account("work", "robin@kestrel.example").await, workspace.stranger("away")];
    let found = workspace.serve(accounts).call("find_people", json!({ "query": "mara" })).await;
    assert!(found.contains("(work:P2)") && found.contains("not covered: away ("), "{found}");
    let error = workspace.robin().await.refused("find_people", json!({ "query": " @" })).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_conversation_is_described_with_its_members_page_by_page() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    robin.call("list_conversations", json!({})).await;
    robin.send("#ops", "news").await;
    let text = robin.call("get_conversation", json!({ "target": "#ops" })).await;
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("#ops (sandbox:C2) channel, 5 members, "), "{text}");
    assert_eq!(lines[1..], ["topic: Deployments, capacity, on-call", "end"]);
    let page = robin.call("get_conversation", json!({ "target": "#ops", "members": true, "limit": 3 })).await;
    assert!(page.contains("\nmembers:\n@robin Robin Vega (sandbox:P1) Product engineer"), "{page}");
    let again = json!({ "target": "#ops", "members": true, "limit": 3, "cursor": next(&page) });
    let rest = robin.call("get_conversation", again).await;
    assert!(rest.contains("@deploys deploys (sandbox:P8) bot") && rest.ends_with("end"), "{rest}");
    let text = robin.call("get_conversation", json!({ "target": "@mara" })).await;
    assert!(text.starts_with("@Mara Lindqvist (sandbox:C7) direct chat, "), "{text}");
    let found = robin.call("get_conversation", json!({ "target": "#hiring", "members": true, "format": "json" })).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["target"], &found["conversation"]["private"]), (&json!("sandbox:C6"), &json!(true)));
    assert_eq!(found["members"][2]["target"], "sandbox:P6");
}
