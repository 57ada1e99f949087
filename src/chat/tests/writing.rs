//! Writing, and what is kept from being written.

use serde_json::json;
use switchboard_kit::ErrorKind;

use super::workspace::{Assistant, Workspace, ids};
use crate::{
    chat::{instructions, verbs},
    glob::Filter,
};

#[tokio::test]
async fn what_is_sent_can_be_answered_changed_reacted_to_and_deleted() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let sent = robin.send("#ops", "Is\u{202e} anybody\u{e0041} here?").await;
    assert!(sent.starts_with("sandbox:C2/M"), "{sent}");
    let id = sent.rsplit_once('/').unwrap().1.to_owned();
    robin.call("send_message", json!({ "target": "#ops", "text": "I am", "thread": sent })).await;
    robin.call("react", json!({ "ref": sent, "emoji": "👍" })).await;
    robin.call("edit_message", json!({ "ref": id, "target": "#ops", "text": "Who is here?" })).await;
    let text = robin.call("read_messages", json!({ "target": "#ops" })).await;
    assert!(text.contains(&format!("[{id}] Who is here? (edited) (👍 1) (1 ↳)")), "{text}");
    robin.call("react", json!({ "ref": format!("#ops/{id}"), "emoji": "👍", "remove": true })).await;
    let thread = robin.call("read_messages", json!({ "target": "#ops", "thread": sent })).await;
    assert!(thread.contains("] I am") && !thread.contains("👍"), "{thread}");
    let url = format!("https://sandbox.switchboard.invalid/C2/{}", ids(&thread)[1]);
    robin.call("delete_message", json!({ "ref": url })).await;
    let thread = robin.call("read_messages", json!({ "target": "#ops", "thread": sent })).await;
    assert!(!thread.contains("I am"), "{thread}");
    let error = robin.refused("edit_message", json!({ "ref": id, "text": "x" })).await;
    assert!(error.hint_text().unwrap().contains("add `target`"), "{error:?}");
}

#[tokio::test]
async fn a_direct_chat_is_opened_by_writing_only() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let error = robin.refused("read_messages", json!({ "target": "@tomas" })).await;
    assert_eq!(error.to_string(), "there is no direct chat with `Tomás Herrera` yet");
    robin.send("@tomas", "Hello").await;
    let text = robin.call("read_messages", json!({ "target": "@tomas" })).await;
    assert!(text.contains("] Hello\nend"), "{text}");
}

#[tokio::test]
async fn the_same_key_sends_once() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let arguments = json!({ "target": "#ops", "text": "once", "idempotency_key": "k" });
    let first = robin.call("send_message", arguments.clone()).await;
    assert_eq!(robin.call("send_message", arguments).await, format!("already {first}"));
}

#[tokio::test]
async fn files_follow_the_text_from_open_folders_only() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    std::fs::write(workspace.folder.path().join("uploads/plan.txt"), "the plan").unwrap();
    std::fs::write(workspace.folder.path().join("secret.txt"), "secret").unwrap();
    let arguments = json!({ "target": "#ops", "text": "See the plan", "files": ["plan.txt"] });
    let sent = robin.call("send_message", arguments).await;
    assert!(sent.contains("file plan.txt 8 B: ref sandbox:C2/M"), "{sent}");
    let text = robin.call("read_messages", json!({ "target": "#ops" })).await;
    assert!(text.contains(" plan.txt 8 B]\nend"), "{text}");
    let secret = workspace.folder.path().join("secret.txt").display().to_string();
    let arguments = json!({ "target": "#ops", "text": "not sent either", "files": [secret] });
    let error = robin.refused("send_message", arguments).await;
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let text = robin.call("read_messages", json!({ "target": "#ops" })).await;
    assert!(!text.contains("not sent either"), "{text}");
}

#[tokio::test]
async fn writes_pass_the_gate_after_their_target_is_known() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules.allow.write = vec!["sandbox:#*".into(), "sandbox:@tom*".into()];
    account.rules.deny.write = vec!["sandbox:C1".into()];
    let robin = workspace.serve(vec![account]);
    let general = robin.call("read_messages", json!({ "target": "#general" })).await;
    let message = format!("#general/{}", ids(&general)[0]);
    for (verb, arguments, reason) in [
        ("send_message", json!({ "target": "#General", "text": "x" }), "`deny` list"),
        ("send_message", json!({ "target": "https://sandbox.switchboard.invalid/C1", "text": "x" }), "`deny` list"),
        ("react", json!({ "ref": message, "emoji": "👍" }), "`deny` list"),
        ("edit_message", json!({ "ref": message, "text": "x" }), "`deny` list"),
        ("delete_message", json!({ "ref": message }), "`deny` list"),
        ("send_message", json!({ "target": "@mara", "text": "x" }), "`allow` list"),
        ("send_message", json!({ "target": "@noor", "text": "x" }), "`allow` list"),
    ] {
        let error = robin.refused(verb, arguments.clone()).await;
        assert!(
            error.kind() == ErrorKind::Forbidden && error.to_string().contains(reason),
            "{verb} {arguments}: {error}"
        );
    }
    robin.send("#ops", "allowed").await;
    robin.send("@tomas", "allowed").await;
}

#[tokio::test]
async fn rules_on_a_person_hold_for_the_direct_chat_too() {
    let workspace = Workspace::open().await;
    for rule in ["sandbox:P2", "sandbox:@mara", "@Mara Lindqvist"] {
        for target in ["@mara", "mara@kestrel.example", "P2", "C7"] {
            let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
            account.rules.deny.write = vec![rule.into()];
            let denied = workspace.serve(vec![account]);
            let error = denied.refused("send_message", json!({ "target": target, "text": "x" })).await;
            assert!(error.to_string().contains("`deny` list"), "{rule} {target}: {error}");
            let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
            account.rules.allow.write = vec![rule.into()];
            workspace.serve(vec![account]).send(target, "allowed").await;
        }
    }
}

#[tokio::test]
async fn where_writing_is_off_no_write_is_listed_or_done() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules.write = false;
    let reader = workspace.serve(vec![account]);
    let listed: Vec<_> = verbs(&reader.0).iter().map(|tool| tool.name).collect();
    assert_eq!(
        listed,
        [
            "whoami",
            "list_conversations",
            "read_messages",
            "search_messages",
            "catch_up",
            "wait_for_messages",
            "find_people",
            "get_conversation",
            "get_file"
        ]
    );
    let error = reader.refused("send_message", json!({ "target": "#ops", "text": "x" })).await;
    assert!(error.kind() == ErrorKind::Forbidden && error.hint_text().unwrap().contains("--allow-write"), "{error:?}");
    let told = instructions(&reader.0, &Filter::default());
    assert!(told.contains("`access: write`") && told.contains("`--allow-write`") && told.len() < 2_000, "{told}");
    assert!(told.contains("`sandbox` is not signed in: the user must run `switchboard"), "{told}");
    let writer = workspace.robin().await;
    assert_eq!(verbs(&writer.0).len(), 13);
    let told_to_write = instructions(&writer.0, &Filter::default());
    assert!(!told_to_write.contains("Writing is off") && told_to_write.contains("`confirmation_required`"));
    assert!(!told.contains("`confirmation_required`"), "{told}");
}

#[tokio::test]
async fn reactions_are_named_or_drawn_and_one_is_one() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let sent = robin.send("#ops", "Ship it?").await;
    for emoji in ["❤", ":heart:", "heart", "❤\u{fe0f}", ":kestrel:"] {
        robin.call("react", json!({ "ref": sent, "emoji": emoji })).await;
    }
    let text = robin.call("read_messages", json!({ "target": "#ops" })).await;
    assert!(text.contains(":kestrel: 1") && text.contains("❤\u{fe0f} 1"), "{text}");
    let error = robin.refused("react", json!({ "ref": sent, "emoji": "well done" })).await;
    assert_eq!(error.to_string(), "argument `emoji`: `well done` is no emoji");
    robin.call("react", json!({ "ref": sent, "emoji": "heart", "remove": true })).await;
    assert!(!robin.call("read_messages", json!({ "target": "#ops" })).await.contains('❤'));
}

#[tokio::test]
async fn a_new_text_is_no_longer_than_one_message() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let sent = robin.send("#ops", "short").await;
    let error = robin.refused("edit_message", json!({ "ref": sent, "text": "é".repeat(6_601) })).await;
    let expected = "argument `text` is 6601 long, and one message in `sandbox` has at most 6600 characters";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn what_others_sent_is_not_deleted_or_changed() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let general = robin.call("read_messages", json!({ "target": "#general" })).await;
    let theirs = general.lines().find(|line| line.contains("Mara Lindqvist [")).unwrap();
    let message = format!("#general/{}", ids(theirs)[0]);
    for (verb, mut arguments) in [("delete_message", json!({})), ("edit_message", json!({ "text": "x" }))] {
        arguments["ref"] = message.as_str().into();
        let error = robin.refused(verb, arguments).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(error.to_string().contains("was sent by `Mara Lindqvist`, not by the user"), "{error}");
    }
}

#[tokio::test]
async fn conversations_are_marked_as_read_only_where_the_user_lets_them_be() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules.mark_read = true;
    let (robin, other) = (workspace.serve(vec![account]), workspace.robin().await);
    let is_listed = |assistant: &Assistant| verbs(&assistant.0).iter().any(|tool| tool.name == "mark_read");
    assert!(is_listed(&robin) && !is_listed(&other));
    let error = other.refused("mark_read", json!({ "target": "#general" })).await;
    assert!(error.hint_text().unwrap().contains("`mark_read: true`"), "{error:?}");
    let unread = async || {
        let listed = robin.call("list_conversations", json!({ "query": "general" })).await;
        listed.lines().find(|line| line.contains("(sandbox:C1)")).unwrap().to_owned()
    };
    workspace.serve(vec![workspace.account("mara", "mara@kestrel.example").await]).send("#general", "New").await;
    assert!(unread().await.contains("unread"), "{}", unread().await);
    let answer = robin.call("mark_read", json!({ "target": "#general" })).await;
    assert!(answer.starts_with("marked #general (sandbox:C1) as read up to sandbox:C1/M"), "{answer}");
    assert!(!unread().await.contains("unread"), "{}", unread().await);
    let error = robin.refused("mark_read", json!({ "target": "@tomas" })).await;
    assert_eq!(error.to_string(), "there is no direct chat with `@Tomás Herrera` yet");
}

#[tokio::test]
async fn a_model_is_told_of_no_tool_that_is_hidden() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let told = |hide: &[&str]| {
        let hide = hide.iter().map(|glob| (*glob).to_owned()).collect();
        instructions(&robin.0, &Filter { only: Vec::new(), hide })
    };
    for verb in verbs(&robin.0).iter().map(|tool| tool.name) {
        assert!(!told(&[verb]).contains(verb), "{verb}");
    }
    assert!(told(&[]).contains("catch_up") && told(&[]).len() < 2_000);
}

#[tokio::test]
async fn a_message_of_one_conversation_is_not_changed_in_the_name_of_another() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let sent = robin.send("#ops", "here").await;
    let id = sent.rsplit_once('/').unwrap().1;
    let elsewhere = format!("sandbox:C5/{id}");
    for (verb, arguments) in [
        ("react", json!({ "ref": elsewhere, "emoji": "👍" })),
        ("react", json!({ "ref": elsewhere, "emoji": "👍", "remove": true })),
        ("edit_message", json!({ "ref": elsewhere, "text": "x" })),
        ("delete_message", json!({ "ref": elsewhere })),
        ("read_messages", json!({ "target": elsewhere })),
        ("read_messages", json!({ "target": "#random", "around": id })),
        ("read_messages", json!({ "target": "#random", "thread": id })),
    ] {
        assert_eq!(robin.refused(verb, arguments).await.kind(), ErrorKind::NotFound, "{verb}");
    }
}

#[tokio::test]
async fn a_message_to_the_user_goes_to_nobody_else() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    for target in ["@robin", "@Robin Vega", "P1"] {
        let error = robin.refused("send_message", json!({ "target": target, "text": "note to self" })).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target}: {error}");
    }
}
