//! What was read in private does not leave unasked, and who may only answer answers what was read.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchboard_kit::{
    Answer, Ask, Call, ErrorKind, Medium, Principal, Result, ToolHost,
    chat::{Author, AuthorKind, Conversation, ConversationKind, Message, MessageRef},
    host::{Caller, Reply, tools},
};
use tokio_util::sync::CancellationToken;

use super::workspace::{Assistant, Workspace, free, ids};
use crate::chat::{Chats, Confirm, Guards, Rules};

/// Somebody at a client, in one of its sessions, who may be asked and always says the same.
struct User {
    session: &'static str,
    answer: Option<Answer>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Caller for User {
    fn session(&self) -> Option<&str> {
        Some(self.session)
    }

    fn can_be_asked(&self, medium: Medium) -> bool {
        medium == Medium::Form && self.answer.is_some()
    }

    async fn ask(&self, _: &str, question: &Ask) -> Result<Answer> {
        self.asked.lock().unwrap().push(question.message().to_owned());
        Ok(self.answer.clone().unwrap())
    }
}

impl User {
    fn agreeing(session: &'static str) -> Arc<Self> {
        Arc::new(Self { session, answer: Some(Answer::Accept(serde_json::Map::new())), asked: Mutex::default() })
    }

    fn silent(session: &'static str) -> Arc<Self> {
        Arc::new(Self { session, answer: None, asked: Mutex::default() })
    }

    async fn call(self: &Arc<Self>, assistant: &Assistant, verb: &str, arguments: Value) -> Result<Reply> {
        let tool = tools().into_iter().find(|tool| tool.host == Chats::KEY && tool.name == verb).unwrap();
        let patience = Duration::from_secs(30);
        let call = Call::of(self.clone(), Principal::local(), patience, CancellationToken::new());
        let Value::Object(arguments) = arguments else { unreachable!() };
        (tool.call)(&Chats::new(assistant.0.clone(), call), arguments).await
    }

    async fn send(self: &Arc<Self>, assistant: &Assistant, target: &str) -> Result<Reply> {
        self.call(assistant, "send_message", json!({ "target": target, "text": "hello" })).await
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// Serves Robin's account; all may be written to unasked, but for what the guards find.
async fn guarded(workspace: &Workspace, change: impl FnOnce(&mut Rules)) -> Assistant {
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules = Rules { confirm: Confirm::Unlisted, guards: Guards::default(), ..free() };
    account.rules.allow.write = vec!["*".to_owned()];
    change(&mut account.rules);
    workspace.serve(vec![account])
}

const WHY: &str = "messages of the private conversation `sandbox:C7` were read in this session";

#[tokio::test]
async fn what_was_read_in_private_does_not_leave_unasked() {
    let workspace = Workspace::open().await;
    let robin = guarded(&workspace, |_| {}).await;
    let (one, other, silent) = (User::agreeing("one"), User::agreeing("other"), User::silent("silent"));
    for user in [&one, &silent] {
        user.call(&robin, "read_messages", json!({ "target": "#general" })).await.unwrap();
        user.send(&robin, "#ops").await.unwrap();
        user.send(&robin, "@mara").await.unwrap();
        user.call(&robin, "read_messages", json!({ "target": "@mara" })).await.unwrap();
        user.send(&robin, "@mara").await.unwrap();
    }
    assert!(one.asked().is_empty());
    one.send(&robin, "#ops").await.unwrap();
    let asked = one.asked();
    assert!(asked.len() == 1 && asked[0].contains(&format!("You are asked because {WHY}.")), "{asked:?}");
    let error = silent.send(&robin, "#ops").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unconfirmed);
    assert!(error.to_string().contains(WHY), "{error}");
    assert!(error.hint_text().unwrap().contains("`guards: { private: false }` for `sandbox`"), "{error:?}");
    other.send(&robin, "#ops").await.unwrap();
    assert!(other.asked().is_empty(), "another session has read nothing");
    // With a second one read, neither is the only one.
    one.call(&robin, "read_messages", json!({ "target": "#hiring" })).await.unwrap();
    one.send(&robin, "@mara").await.unwrap();
    assert!(one.asked()[0].contains("`sandbox:C6`"));

    let never = guarded(&workspace, |rules| rules.confirm = Confirm::Never).await;
    one.call(&never, "read_messages", json!({ "target": "@mara" })).await.unwrap();
    let error = one.send(&never, "#ops").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message().to_owned()),
        (ErrorKind::Forbidden, format!("this is not sent, as {WHY}"))
    );
    let react = async |emoji| one.call(&never, "react", json!({ "ref": "#ops/M3", "emoji": emoji })).await;
    assert_eq!(react(":we_sign_on_monday:").await.unwrap_err().message(), format!("this is not sent, as {WHY}"));
    react("👍").await.unwrap();
    one.send(&never, "@mara").await.unwrap();
    let unguarded = guarded(&workspace, |rules| rules.guards.private = false).await;
    one.call(&unguarded, "read_messages", json!({ "target": "@mara" })).await.unwrap();
    one.send(&unguarded, "#ops").await.unwrap();
    assert!(one.asked().is_empty());
}

#[tokio::test]
async fn what_was_read_in_private_does_not_leave_as_a_reaction_either() {
    let workspace = Workspace::open().await;
    let (robin, user) = (guarded(&workspace, |_| {}).await, User::silent("one"));
    let id = ids(&robin.call("read_messages", json!({ "target": "#ops" })).await).pop().unwrap();
    user.call(&robin, "read_messages", json!({ "target": "@mara" })).await.unwrap();
    let react = async |emoji: &str| {
        let arguments = json!({ "ref": format!("C2/{id}"), "emoji": emoji });
        user.call(&robin, "react", arguments).await.map_err(|error| error.kind())
    };
    assert!(react("👍").await.is_ok());
    for emoji in [":imani-gets-the-offer:", "👍\u{301}\u{302}\u{301}\u{301}\u{302}"] {
        assert_eq!(react(emoji).await.err(), Some(ErrorKind::Unconfirmed), "{emoji}");
    }
}

#[tokio::test]
async fn every_way_of_reading_is_noted() {
    let workspace = Workspace::open().await;
    let mara = workspace.serve(vec![workspace.account("mara", "mara@kestrel.example").await]);
    let begin = workspace.robin().await.call("wait_for_messages", json!({ "timeout": "0s" })).await;
    let cursor = super::workspace::next(&begin);
    let since = jiff::Timestamp::now().to_string();
    std::fs::write(workspace.folder.path().join("uploads/plan.txt"), "the plan").unwrap();
    let sent = json!({ "target": "@robin", "text": "a quokka", "files": ["plan.txt"], "format": "json" });
    mara.call("send_message", sent).await;
    let direct = workspace.robin().await.call("read_messages", json!({ "target": "C7", "format": "json" })).await;
    let direct: Value = serde_json::from_str(&direct).unwrap();
    let with_file = direct["messages"].as_array().unwrap().iter().find(|message| message["files"].is_array()).unwrap();
    mara.send("#general", "a wombat").await;
    let private = [
        ("read_messages", json!({ "target": "C7", "format": "json" })),
        ("read_messages", json!({ "target": with_file["ref"], "limit": 1 })),
        ("search_messages", json!({ "query": "quokka" })),
        ("search_messages", json!({ "query": "quokka", "mode": "exact", "format": "json" })),
        ("catch_up", json!({ "since": since })),
        ("catch_up", json!({ "since": since, "format": "json" })),
        ("wait_for_messages", json!({ "cursor": cursor, "settle": "0s" })),
        ("get_file", json!({ "ref": with_file["ref"] })),
    ];
    let public = [
        ("whoami", json!({})),
        ("list_conversations", json!({})),
        ("get_conversation", json!({ "target": "@mara" })),
        ("find_people", json!({ "query": "mara" })),
        ("read_messages", json!({ "target": "#general" })),
        ("read_messages", json!({ "target": "C7", "until": "2020-01-01" })),
        ("search_messages", json!({ "query": "wombat", "context": 2 })),
        ("search_messages", json!({ "query": "wombat", "mode": "words" })),
        ("catch_up", json!({ "since": since, "in": "#general" })),
        ("wait_for_messages", json!({ "cursor": cursor, "settle": "0s", "target": "#general" })),
    ];
    for (calls, expected) in [(&private[..], Err(WHY)), (&public[..], Ok(()))] {
        for (verb, arguments) in calls {
            let (robin, user) = (guarded(&workspace, |_| {}).await, User::silent("one"));
            user.call(&robin, verb, arguments.clone()).await.unwrap_or_else(|error| panic!("{verb}: {error:?}"));
            let sent = user.send(&robin, "#ops").await;
            let why = sent.map(drop).map_err(|error| error.to_string().contains(WHY));
            assert_eq!(why, expected.map_err(|_| true), "{verb} {arguments}");
        }
    }
    let (robin, user) = (guarded(&workspace, |_| {}).await, User::silent("one"));
    let file = format!("sandbox:{}", with_file["files"][0]["id"].as_str().unwrap());
    user.call(&robin, "get_file", json!({ "ref": file })).await.unwrap();
    let error = user.send(&robin, "@mara").await.unwrap_err().to_string();
    assert!(
        error.contains("a file of `sandbox`, perhaps of a private conversation, was read in this session"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_platform_shows_of_another_conversation_is_noted() {
    let workspace = Workspace::open().await;
    let (robin, user) = (guarded(&workspace, |_| {}).await, User::silent("one"));
    let call = Call::of(user.clone(), Principal::local(), Duration::from_secs(9), CancellationToken::new());
    let chats = Chats::new(robin.0.clone(), call);
    let at = MessageRef { account: robin.0.accounts()[0].key().clone(), conversation: "C6".into(), id: "M66".into() };
    let author = Author { id: "P2".into(), name: "Mara".into(), kind: AuthorKind::Person };
    let message = Message::new(at.clone(), jiff::Timestamp::now(), author, "Imani");
    let public = Conversation::new("C1", "general", ConversationKind::Channel);
    let _ = chats.shows(&at.account, Some(&public), [&message]);
    assert_eq!(user.send(&robin, "#ops").await.unwrap_err().kind(), ErrorKind::Unconfirmed);
}

#[tokio::test]
async fn a_tool_of_the_platform_is_noted_by_its_conversation() {
    use crate::server::{Linked, Provider as _};
    let workspace = Workspace::open().await;
    let robin = guarded(&workspace, |_| {}).await;
    robin.call("list_conversations", json!({})).await;
    let toolsets = [(robin.0.accounts()[0].key().clone(), vec!["all".to_owned()])].into();
    let (linked, user) = (Linked::new(robin.0.clone(), &toolsets).unwrap(), User::silent("one"));
    for (conversation, leaves) in [("C1", true), ("C6", false)] {
        let call = Call::of(user.clone(), Principal::local(), Duration::from_secs(9), CancellationToken::new());
        let Value::Object(arguments) = json!({ "conversation": conversation }) else { unreachable!() };
        linked.call_tool(&call, "sandbox_list_members", arguments).await.unwrap();
        assert_eq!(user.send(&robin, "#ops").await.is_ok(), leaves, "{conversation}");
    }
}

#[tokio::test]
async fn who_may_only_answer_answers_what_was_read() {
    let workspace = Workspace::open().await;
    let mara = workspace.serve(vec![workspace.account("mara", "mara@kestrel.example").await]);
    let sent = mara.send("#ops", "a quokka?").await;
    let id = sent.rsplit_once('/').unwrap().1;
    let robin = guarded(&workspace, |rules| rules.reply_only = true).await;
    let (user, other) = (User::silent("one"), User::silent("other"));
    let answer = json!({ "target": "#ops", "text": "yes", "thread": id });
    let reaction = json!({ "ref": format!("#ops/{id}"), "emoji": "👍" });
    user.call(&robin, "read_messages", json!({ "target": "#general" })).await.unwrap();
    for (verb, arguments) in [("send_message", &answer), ("react", &reaction)] {
        let error = user.call(&robin, verb, arguments.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(error.message().contains("only answers to what was read in this session"), "{error}");
    }
    user.call(&robin, "search_messages", json!({ "query": "quokka" })).await.unwrap();
    for (verb, arguments) in [("send_message", &answer), ("react", &reaction)] {
        user.call(&robin, verb, arguments.clone()).await.unwrap();
        assert!(other.call(&robin, verb, arguments.clone()).await.is_err(), "another session has not read it");
    }
    assert!(user.send(&robin, "#ops").await.is_err(), "no thread, no answer");
    let thread = robin.call("read_messages", json!({ "target": "#ops", "thread": id })).await;
    let answered = ids(&thread);
    assert_eq!(answered.len(), 2, "{thread}");
    // An own message elsewhere would say anything, changed; what was sent in the session is known there.
    let change = json!({ "ref": format!("#ops/{}", answered[1]), "text": "no" });
    user.call(&robin, "edit_message", change.clone()).await.unwrap();
    assert!(other.call(&robin, "edit_message", change).await.is_err(), "another session has neither read nor sent it");
}
