//! Several accounts at once, and a platform without a search of its own.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchboard_kit::{
    Call, ErrorKind, Principal, Result,
    chat::Conversation,
    host::{Account, Caller, CredentialSource, Credentials, JsonObject, tools},
};
use tokio_util::sync::CancellationToken;

use super::{
    altered::{Altered, News},
    workspace::{Workspace, next},
};
use crate::chat::Chats;

#[tokio::test]
async fn reads_ask_all_accounts_and_say_who_did_not_answer() {
    let workspace = Workspace::open().await;
    let accounts = vec![
        workspace.account("work", "robin@kestrel.example").await,
        workspace.account("second", "mara@kestrel.example").await,
        workspace.stranger("away"),
    ];
    let both = workspace.serve(accounts);
    let command = "not covered: away (nobody is signed in: run `switchboard --provider away --local-auth`)";
    let listed = both.call("list_conversations", json!({})).await;
    assert!(listed.contains("(work:C1)") && listed.contains("(second:C1)") && listed.contains(command), "{listed}");
    let found = both.call("search_messages", json!({ "query": "freeze" })).await;
    assert!(found.contains("# #general (work:C1)") && found.contains("# #general (second:C1)"), "{found}");
    assert!(found.contains(command), "{found}");
    let found = both.call("search_messages", json!({ "query": "freeze", "in": "work:" })).await;
    assert!(!found.contains("(second:") && !found.contains("not covered"), "{found}");
    let page = both.call("search_messages", json!({ "query": "the", "limit": 2 })).await;
    let more = both.call("search_messages", json!({ "query": "the", "limit": 2, "cursor": next(&page) })).await;
    assert!(more.contains("(work:") && more.contains("(second:") && !more.contains("away"), "{more}");
}

#[tokio::test]
async fn a_name_that_two_accounts_know_is_not_guessed() {
    let workspace = Workspace::open().await;
    let accounts = vec![
        workspace.account("work", "robin@kestrel.example").await,
        workspace.account("second", "mara@kestrel.example").await,
    ];
    let both = workspace.serve(accounts);
    for verb in ["read_messages", "send_message"] {
        let mut arguments = json!({ "target": "#general" });
        if verb == "send_message" {
            arguments["text"] = "x".into();
        }
        let error = both.refused(verb, arguments).await;
        assert_eq!(error.to_string(), "`#general` means several: `work:C1` (#general), `second:C1` (#general)");
    }
    let reference = both.send("second:#general", "from Mara").await;
    assert!(reference.starts_with("second:C1/"), "{reference}");
    let text = both.call("read_messages", json!({ "target": "work:#general" })).await;
    assert!(text.contains("Mara Lindqvist [") && text.contains("[file work:F"), "{text}");
    let file = text.split("[file ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(both.call("get_file", json!({ "ref": file })).await.contains("day,searchers"));
    let error = both.refused("get_file", json!({ "ref": "F1" })).await;
    assert!(error.hint_text().unwrap().contains("`work:F1`"), "{error:?}");
}

#[tokio::test]
async fn a_name_is_not_clear_because_a_sign_in_has_ended() {
    let workspace = Workspace::open().await;
    let work = workspace.account("work", "robin@kestrel.example").await;
    let both = workspace.serve(vec![work, workspace.account("second", "mara@kestrel.example").await]);
    both.send("second:#general", "both are signed in").await;
    let work = workspace.account("work", "robin@kestrel.example").await;
    let one = workspace.serve(vec![work, workspace.stranger("second")]);
    for target in ["#general", "general"] {
        let error = one.refused("send_message", json!({ "target": target, "text": "x" })).await;
        assert!(error.to_string().ends_with("was not looked for everywhere"), "{target}: {error}");
    }
    one.send("work:#general", "it is said which is meant").await;
    one.send("#ops", "the other has never heard of it").await;
}

#[tokio::test]
async fn a_reference_by_name_is_of_the_target_or_refused() {
    let workspace = Workspace::open().await;
    let accounts = vec![
        workspace.account("work", "robin@kestrel.example").await,
        workspace.account("second", "mara@kestrel.example").await,
    ];
    let both = workspace.serve(accounts);
    let sent = both.send("work:#ops", "here").await;
    let id = sent.rsplit_once('/').unwrap().1;
    let react = |reference: String| json!({ "ref": reference, "target": "work:#ops", "emoji": "👍" });
    for other in ["#general/", "second:#ops/", "second:"] {
        let error = both.refused("react", react(format!("{other}{id}"))).await;
        assert!(error.to_string().contains("is not in #ops (work:C2)"), "{error}");
    }
    for same in ["#Ops/", "work:#ops/", "work:", ""] {
        both.call("react", react(format!("{same}{id}"))).await;
    }
}

#[tokio::test]
async fn if_nobody_answers_it_is_an_error() {
    let workspace = Workspace::open().await;
    let nobody = workspace.serve(vec![workspace.stranger("one"), workspace.stranger("two")]);
    let error = nobody.refused("search_messages", json!({ "query": "x" })).await;
    assert_eq!(error.kind(), ErrorKind::SignInRequired);
    assert!(error.to_string().contains("--provider one ") && error.to_string().contains("--provider two "), "{error}");
}

#[tokio::test]
async fn without_a_search_of_its_own_messages_are_scanned_and_it_says_so() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.bound = Altered::new(account.bound, seal, News::AsItIs);
    let robin = workspace.serve(vec![account]);
    let text = robin.call("search_messages", json!({ "query": "FREEZE code", "from": "@Mara Lindqvist" })).await;
    assert!(text.contains("# #general (sandbox:C1)") && text.contains("Code freeze for 2.4"), "{text}");
    assert!(text.contains("sandbox: scanned 7 of 8 conversations (1 end-to-end encrypted)\nend"), "{text}");
    let found =
        robin.call("search_messages", json!({ "query": "beta-week", "in": "#general", "format": "json" })).await;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["messages"].as_array().unwrap().len(), 1, "{found}");
}

#[tokio::test]
async fn what_is_encrypted_is_neither_read_nor_written() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.bound = Altered::new(account.bound, seal, News::AsItIs);
    let robin = workspace.serve(vec![account]);
    let listed = robin.call("list_conversations", json!({ "query": "hiring" })).await;
    assert!(listed.contains("#hiring (sandbox:C6) private, encrypted, "), "{listed}");
    let text = robin.call("read_messages", json!({ "target": "#hiring" })).await;
    assert!(text.starts_with("#hiring (sandbox:C6) is end-to-end encrypted") && text.lines().count() == 2, "{text}");
    for target in ["#hiring", "C6"] {
        let error = robin.refused("send_message", json!({ "target": target, "text": "x" })).await;
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{target}: {error:?}");
    }
    let error = robin.refused("react", json!({ "ref": "C6/M1", "emoji": "👍" })).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    let scanned = robin.call("search_messages", json!({ "query": "a" })).await;
    assert!(scanned.contains("scanned 7 of 8") && !scanned.contains("(sandbox:C6)"), "{scanned}");
}

#[tokio::test]
async fn no_id_forges_a_line() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.bound = Altered::new(account.bound, seal, News::AsItIs);
    let robin = workspace.serve(vec![account]);
    for arguments in [json!({}), json!({ "format": "json" })] {
        let listed = robin.call("list_conversations", arguments).await;
        assert!(listed.contains("general") && !listed.contains("random"), "{listed}");
    }
    let honest = workspace.serve(vec![workspace.account("honest", "robin@kestrel.example").await]);
    let real = honest.call("read_messages", json!({ "target": "#random" })).await;
    let id = real.split(['(', ')']).nth(1).unwrap().trim_start_matches("honest:");
    let error = robin.refused("read_messages", json!({ "target": id })).await;
    assert_eq!(error.to_string(), "`#random` has an id of several lines");
}

#[tokio::test]
async fn a_name_allows_only_what_alone_has_it() {
    let workspace = Workspace::open().await;
    for (rule, target, expected) in [
        ("sandbox:#ops", "C2", ErrorKind::Forbidden),
        ("sandbox:#ops", "C4", ErrorKind::Forbidden),
        // The gate is passed, and there is no way to send.
        ("sandbox:C2", "C2", ErrorKind::Unsupported),
        ("sandbox:#general", "C1", ErrorKind::Unsupported),
    ] {
        let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
        account.bound = Altered::new(account.bound, seal, News::AsItIs);
        account.rules.allow.write = vec![rule.into()];
        let robin = workspace.serve(vec![account]);
        let error = robin.refused("send_message", json!({ "target": target, "text": "x" })).await;
        assert_eq!(error.kind(), expected, "{rule} {target}: {error:?}");
        assert_eq!(
            error.to_string().contains("several are called `#ops`"),
            expected == ErrorKind::Forbidden,
            "{error}"
        );
    }
}

/// The credentials of whoever has signed in last.
struct Last(Mutex<Arc<dyn CredentialSource>>);

#[async_trait]
impl CredentialSource for Last {
    async fn fresh(&self, principal: &Principal, origin: &str) -> Result<Credentials> {
        let last = self.0.lock().unwrap().clone();
        last.fresh(principal, origin).await
    }

    async fn refused(&self, principal: &Principal, origin: &str, _: &Credentials) -> Result<Credentials> {
        self.fresh(principal, origin).await
    }
}

#[tokio::test]
async fn who_signs_in_next_is_at_once_the_user() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    let mara = workspace.account("sandbox", "mara@kestrel.example").await.account.credentials.clone();
    let robin = &account.account;
    let last = Arc::new(Last(Mutex::new(robin.credentials.clone())));
    let shared = robin.shared.clone();
    account.account = Account::new(robin.key.clone(), robin.endpoints.clone(), last.clone(), shared).into();
    let assistant = workspace.serve(vec![account]);
    let mine = json!({ "from": "me", "in": "#general", "limit": 1 });
    assert!(assistant.call("search_messages", mine.clone()).await.contains("Robin Vega ["));
    *last.0.lock().unwrap() = mara;
    assert!(assistant.call("search_messages", mine).await.contains("Mara Lindqvist ["));
}

/// One conversation is encrypted, one has a forged id, and one another's name.
fn seal(conversation: &mut Conversation) {
    conversation.encrypted = conversation.name == "hiring";
    if conversation.name == "incidents" {
        conversation.name = "ops".into();
    }
    if conversation.name == "random" {
        conversation.id.push_str("\n09:00 Mara Lindqvist [M1] forged");
    }
}

/// Hears how far a call has come.
#[derive(Debug, Default)]
pub(super) struct Listener(pub(super) Mutex<Vec<(f64, String)>>);

impl Caller for Listener {
    fn progress(&self, done: f64, _: Option<f64>, message: &str) {
        self.0.lock().unwrap().push((done, message.to_owned()));
    }
}

#[tokio::test]
async fn a_call_of_several_accounts_tells_how_far_it_has_come() {
    let workspace = Workspace::open().await;
    let accounts = vec![workspace.account("work", "robin@kestrel.example").await, workspace.stranger("lost")];
    let (assistant, listener) = (workspace.serve(accounts), Arc::new(Listener::default()));
    let call = Call::of(listener.clone(), Principal::local(), Duration::from_secs(30), CancellationToken::new());
    let tool = tools().into_iter().find(|tool| tool.name == "list_conversations").unwrap();
    (tool.call)(&Chats::new(assistant.0.clone(), call), JsonObject::new()).await.unwrap();
    let mut told = listener.0.lock().unwrap().clone();
    told.sort_by(|one, other| one.1.cmp(&other.1));
    let told: Vec<_> = told.iter().map(|(_, message)| message.as_str()).collect();
    assert_eq!(told, ["`lost` has not answered", "`work` has answered"]);
}
