//! What is noted of writes, what cannot be noted and so is not done, and what the budget has no room for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchboard_kit::{
    Answer, Ask, Call, ErrorKind, Medium, Principal, Result, ToolHost as _,
    host::{Caller, JsonObject, tools},
};
use tokio_util::sync::CancellationToken;

use super::workspace::{Assistant, Workspace};
use crate::{
    audit::{Audit, Entry, Event, Wanted},
    chat::{Budget, Chats, Confirm, FileRoots, Served},
    state::State,
};

/// A user who agrees to everything.
#[derive(Default)]
struct Agreeing(AtomicUsize);

#[async_trait]
impl Caller for Agreeing {
    fn can_be_asked(&self, _: Medium) -> bool {
        true
    }

    async fn ask(&self, _: &str, _: &Ask) -> Result<Answer> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Answer::Accept(JsonObject::new()))
    }
}

/// Sends for a user who agrees; returns what came of it and how often the user was asked.
async fn send(robin: &Assistant, arguments: Value) -> (Result<()>, usize) {
    let user = Arc::new(Agreeing::default());
    let call = Call::of(user.clone(), Principal::local(), Duration::from_secs(30), CancellationToken::new());
    let tool = tools().into_iter().find(|tool| tool.host == Chats::KEY && tool.name == "send_message").unwrap();
    let Value::Object(arguments) = arguments else { unreachable!() };
    let sent = (tool.call)(&Chats::new(robin.0.clone(), call), arguments).await.map(drop);
    (sent, user.0.load(Ordering::Relaxed))
}

fn noted(workspace: &Workspace) -> Vec<Entry> {
    let audit = Audit::at(workspace.folder.path().join("audit.jsonl"));
    audit.read(Wanted::default()).unwrap().map(Result::unwrap).collect()
}

async fn with_budget(workspace: &Workspace, minute: u32) -> Assistant {
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules.budget = Budget { minute, day: 100 };
    account.rules.confirm = Confirm::Always;
    workspace.serve(vec![account])
}

#[tokio::test]
async fn a_write_leaves_two_lines_and_nothing_of_what_it_says() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules.deny.write = vec!["#random".into()];
    let robin = workspace.serve(vec![account]);
    let sent = robin.send("#ops", "Xylophones at noon").await;
    robin.refused("send_message", json!({ "target": "#random", "text": "Xylophones at noon" })).await;
    robin.refused("edit_message", json!({ "ref": "sandbox:C2/M999", "text": "Xylophones at noon" })).await;
    let entries = noted(&workspace);
    let events: Vec<_> = entries.iter().map(|entry| (entry.event, entry.tool.as_deref().unwrap())).collect();
    let refused = |tool| (Event::Refused, tool);
    let expected = [(Event::Allowed, "send_message"), (Event::Done, "send_message"), refused("send_message")];
    assert_eq!(events, [&expected[..], &[refused("edit_message")]].concat());
    assert_eq!(entries[0].write, entries[1].write);
    assert_eq!((entries[1].target.as_deref(), &*entries[1].messages), (Some("sandbox:C2"), &[sent][..]));
    assert_eq!((entries[0].content.as_ref().unwrap().len(), &entries[2].content), (64, &entries[0].content));
    assert!(entries[2].why.as_ref().unwrap().contains("`#random`"), "{entries:?}");
    let text = std::fs::read_to_string(workspace.folder.path().join("audit.jsonl")).unwrap();
    assert!(!text.contains("Xylophones"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_done() {
    let workspace = Workspace::open().await;
    let account = workspace.account("sandbox", "robin@kestrel.example").await;
    let (audit, state) = (workspace.folder.path().to_owned(), State::at(workspace.folder.path().join("state.db")));
    let files = FileRoots { upload: Vec::new(), download: None, closed: Vec::new() };
    let robin = Assistant(Arc::new(Served::new(vec![account], files, state, Audit::at(audit.clone()))));
    let named = format!("the audit file `{}` cannot be written to", audit.display());
    for (verb, arguments) in [
        ("send_message", json!({ "target": "#ops", "text": "unnoted" })),
        ("send_message", json!({ "target": "#ops", "text": "unnoted", "more_targets": ["#general"] })),
        ("send_message", json!({ "target": "@tomas", "text": "unnoted" })),
    ] {
        let error = robin.refused(verb, arguments).await;
        assert!(error.to_string().contains(&named), "{error}");
    }
    for target in ["#ops", "#general"] {
        let text = robin.call("read_messages", json!({ "target": target })).await;
        assert!(!text.contains("unnoted"), "{text}");
    }
    let error = robin.refused("read_messages", json!({ "target": "@tomas" })).await;
    assert!(error.to_string().contains("no direct chat"), "{error}");
}

#[tokio::test]
async fn nobody_is_asked_for_what_the_budget_has_no_room_for() {
    let workspace = Workspace::open().await;
    let robin = with_budget(&workspace, 1).await;
    let to_ops = json!({ "target": "#ops", "text": "one" });
    let (sent, asked) = send(&robin, to_ops.clone()).await;
    assert!(sent.is_ok() && asked == 1, "{sent:?}");
    let (refused, asked) = send(&robin, to_ops).await;
    let error = refused.unwrap_err();
    assert_eq!(error.to_string(), "the user's budget for `sandbox` is spent: 1 write in a minute");
    assert_eq!((error.kind(), asked), (ErrorKind::RateLimited, 0));
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_mins(1)), "{error:?}");
    assert_eq!(noted(&workspace).last().unwrap().event, Event::Refused);
}

#[tokio::test]
async fn a_text_of_more_pieces_than_there_is_room_for_does_not_begin() {
    let workspace = Workspace::open().await;
    let robin = with_budget(&workspace, 3).await;
    let text = |paragraphs: usize| vec!["word ".repeat(700).trim(); paragraphs].join("\n\n");
    let (sent, _) = send(&robin, json!({ "target": "#ops", "text": text(2) })).await;
    sent.unwrap();
    let (refused, asked) = send(&robin, json!({ "target": "#general", "text": text(2) })).await;
    let error = refused.unwrap_err();
    let message = "the user's budget for `sandbox` has no room for 2 writes: 3 in a minute";
    assert_eq!((error.to_string().as_str(), error.kind(), asked), (message, ErrorKind::RateLimited, 0));
    let (refused, asked) = send(&robin, json!({ "target": "#general", "text": text(5) })).await;
    let error = refused.unwrap_err();
    let message = "this takes 5 writes, more than the user's budget for `sandbox`: 3 in a minute";
    assert_eq!((error.to_string().as_str(), error.kind(), asked), (message, ErrorKind::Forbidden, 0));
    let text = robin.call("read_messages", json!({ "target": "#general" })).await;
    assert!(!text.contains("word word"), "{text}");
    let (sent, asked) = send(&robin, json!({ "target": "#general", "text": "short" })).await;
    assert!(sent.is_ok() && asked == 1, "{sent:?}");
}

#[tokio::test]
async fn of_several_targets_the_first_ones_fit() {
    let workspace = Workspace::open().await;
    let robin = with_budget(&workspace, 2).await;
    let arguments = json!({ "target": "#ops", "text": "same", "more_targets": ["#general", "#random"] });
    let answer = robin.attempt("send_message", arguments.clone()).await.unwrap_err();
    // Nobody can be asked here: two would have to be agreed to, the third has no room anyway.
    assert_eq!(answer.to_string().matches("has to agree first").count(), 2, "{answer}");
    assert_eq!(answer.to_string().matches("user's budget").count(), 1, "{answer}");
    let (sent, asked) = send(&robin, arguments).await;
    assert!(sent.is_ok() && asked == 1, "{sent:?}");
    for (target, expected) in [("#ops", true), ("#general", true), ("#random", false)] {
        let text = robin.call("read_messages", json!({ "target": target })).await;
        assert_eq!(text.contains("] same"), expected, "{target}: {text}");
    }
}
