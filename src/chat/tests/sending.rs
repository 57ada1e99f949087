//! Sending: to several, in parts, and once.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_kit::{ErrorKind, host::local_call};

use super::workspace::{Assistant, Workspace, ids};
use crate::{
    audit::Audit,
    chat::{FileRoots, Served},
    state::State,
};

async fn texts(robin: &Assistant, target: &str) -> String {
    robin.call("read_messages", json!({ "target": target })).await
}

#[tokio::test]
async fn each_target_has_its_own_line_and_its_own_failure() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("work", "robin@kestrel.example").await;
    account.rules.deny.write = vec!["#random".into()];
    let second = workspace.account("second", "mara@kestrel.example").await;
    let both = workspace.serve(vec![account, second, workspace.stranger("away")]);
    let targets = ["second:#general", "work:#random", "away:#ops", "work:#nowhere", "work:C2", "work:@tomas"];
    let arguments = json!({ "target": "work:#ops", "text": "All hands", "more_targets": targets });
    let answer = both.call("send_message", arguments.clone()).await;
    let lines: Vec<_> = answer.lines().collect();
    for (line, (start, rest)) in lines.iter().zip([
        ("sent to #ops (work:C2): ref work:C2/M", ""),
        ("sent to #general (second:C1): ref second:C1/M", ""),
        (
            "not sent to #random (work:C5): `work:C5",
            "` is on the user's `deny` list, as `#random`: ask the user; do not try another way",
        ),
        ("not sent to away:#ops: nobody is signed in", "run `switchboard --provider away --local-auth`"),
        ("not sent to work:#nowhere: nothing is called `#nowhere` exactly", ""),
        ("work:C2 is the same as work:#ops: sent once", ""),
        ("sent to @Tomás Herrera (work:C", ""),
    ]) {
        assert!(line.starts_with(start) && line.ends_with(rest), "{line}\nexpected {start} … {rest}");
    }
    assert_eq!(lines.len(), 7, "{answer}");
    assert_eq!(texts(&both, "work:#ops").await.matches("All hands").count(), 1);
    let mut arguments = arguments;
    arguments["format"] = "json".into();
    let answer: Value = serde_json::from_str(&both.call("send_message", arguments).await).unwrap();
    let results = answer["results"].as_array().unwrap();
    assert_eq!((&results[0]["asked"], &results[0]["target"]), (&json!("work:#ops"), &json!("work:C2")));
    assert!(results[1]["ref"].as_str().unwrap().starts_with("second:C1/M"), "{answer}");
    assert_eq!((&results[3]["code"], &results[5]["same_as"]), (&json!("reauth_required"), &json!("work:#ops")));
}

#[tokio::test]
async fn if_none_was_sent_it_is_an_error_with_all_reasons() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let send = |more: Value| json!({ "target": "#nowhere", "text": "x", "more_targets": more });
    let error = robin.refused("send_message", send(json!(["@nobody"]))).await;
    assert!(error.to_string().contains("`#nowhere`") && error.to_string().contains("`@nobody`"), "{error}");
    let error = robin.refused("send_message", send(json!(vec!["#ops"; 20]))).await;
    assert_eq!(error.to_string(), "there are 21 targets, more than 20");
    let mut arguments = send(json!(["#ops"]));
    arguments["thread"] = "M1".into();
    let error = robin.refused("send_message", arguments).await;
    assert_eq!(error.to_string(), "argument `thread` goes with one target only");
}

#[tokio::test]
async fn a_long_text_goes_out_in_parts_in_order() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let text = (0..60).map(|number| format!("Paragraph {number}. {}", "word ".repeat(60).trim())).collect::<Vec<_>>();
    let arguments = json!({ "target": "#ops", "text": text.join("\n\n"), "format": "json" });
    let answer: Value = serde_json::from_str(&robin.call("send_message", arguments).await).unwrap();
    let parts = answer["parts"].as_array().unwrap();
    assert_eq!((parts.len(), &answer["ref"]), (3, &parts[0]));
    let mut said = Vec::new();
    for part in parts {
        let read = robin.call("read_messages", json!({ "target": part, "limit": 1, "format": "json" })).await;
        let read: Value = serde_json::from_str(&read).unwrap();
        said.push(read["messages"][0]["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(said.join("\n\n"), text.join("\n\n"));
    let shown = ids(&texts(&robin, "#ops").await);
    assert!(parts[2].as_str().unwrap().ends_with(&format!("/{}", shown[shown.len() - 1])), "{shown:?}");
    let arguments = json!({ "target": "#ops", "text": "x".repeat(66_001) });
    let error = robin.refused("send_message", arguments).await;
    assert_eq!(error.to_string(), "argument `text` takes more than 10 messages of 6600 characters in `sandbox`");
}

#[tokio::test]
async fn two_processes_with_one_key_send_once() {
    let workspace = Workspace::open().await;
    std::fs::write(workspace.folder.path().join("uploads/plan.txt"), "the plan").unwrap();
    let (one, other) = (workspace.robin().await, workspace.robin().await);
    let arguments = json!({ "target": "#ops", "text": "once only", "files": ["plan.txt"], "idempotency_key": "k" });
    let answers =
        tokio::join!(one.call("send_message", arguments.clone()), other.call("send_message", arguments.clone()));
    let mut answers = [answers.0, answers.1];
    answers.sort();
    assert_eq!(answers[0], format!("already {}", answers[1]));
    let text = texts(&one, "#ops").await;
    assert_eq!((text.matches("once only").count(), text.matches("plan.txt").count()), (1, 1), "{text}");
    std::fs::write(workspace.folder.path().join("uploads/plan.txt"), "another plan").unwrap();
    let error = other.refused("send_message", arguments).await;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("was used for something else in `sandbox:C2` today"), "{error}");
    let elsewhere = json!({ "target": "#general", "text": "another", "idempotency_key": "k" });
    assert!(one.call("send_message", elsewhere).await.starts_with("sent to #general"));
}

#[tokio::test]
async fn what_a_crash_cut_off_is_finished_with_the_same_key() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let text = format!("{}\n\n{}", "first ".repeat(900), "second ".repeat(800));
    let arguments = json!({ "target": "#ops", "text": text, "idempotency_key": "k" });
    let whole = robin.call("send_message", arguments.clone()).await;
    let first = whole.split('/').nth(1).unwrap().split('\n').next().unwrap().to_owned();
    // As if the process had ended after the second part went out, and before it could say so.
    let state = State::at(workspace.folder.path().join("state.db"));
    let undo = "UPDATE sent SET state = 'begun', held_until = 0, ids = ?1";
    let only = json!([first]).to_string();
    state.write(move |state| state.execute(undo, [only])).await.unwrap();
    let again = robin.call("send_message", arguments).await;
    assert_eq!(again, whole);
    assert_eq!(ids(&texts(&robin, "#ops").await).len(), ids(&texts(&workspace.robin().await, "#ops").await).len());
    assert_eq!(texts(&robin, "#ops").await.matches("second second").count(), 400);
}

#[tokio::test]
async fn nothing_goes_out_if_anything_of_it_is_refused() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let before = texts(&robin, "#ops").await;
    for arguments in [
        json!({ "target": "#ops", "text": "x", "files": ["gone.txt"] }),
        json!({ "target": "#ops", "text": "x", "thread": "#general/M1" }),
        json!({ "target": "#ops", "text": "x", "idempotency_key": " " }),
        json!({ "target": "#ops", "text": "x".repeat(100_001) }),
    ] {
        robin.refused("send_message", arguments).await;
    }
    assert_eq!(texts(&robin, "#ops").await, before);
    let unwritable = Served::new(
        vec![workspace.account("sandbox", "robin@kestrel.example").await],
        FileRoots::default(),
        State::at(workspace.folder.path().to_owned()),
        Audit::at(workspace.folder.path().join("audit.jsonl")),
    );
    let arguments = json!({ "target": "#ops", "text": "x", "idempotency_key": "k" });
    let error = Assistant(unwritable.into()).refused("send_message", arguments).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(texts(&robin, "#ops").await, before);
}

#[tokio::test]
async fn nobody_is_told_by_the_name_of_all() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let sent = robin.send("#ops", "@everyone look").await;
    robin.call("edit_message", json!({ "ref": sent, "text": "@channel look, @HERE too" })).await;
    let read = robin.call("read_messages", json!({ "target": sent, "limit": 1, "format": "json" })).await;
    assert!(read.contains("@channel look, @HERE too"), "{read}");
    let account = &robin.0.accounts()[0];
    let live = account.bound.connect(&account.account, &local_call(Duration::from_secs(9)));
    let message = live.chat().unwrap().messages().get("C2", sent.rsplit('/').next().unwrap()).await.unwrap();
    assert!(!message.mentions_everyone && message.text.contains("channel"), "{message:?}");
}

#[tokio::test]
async fn what_was_not_sent_is_not_said_to_be_sent_once() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let elsewhere = json!({ "target": "sandbox:C5/M1", "more_targets": ["C5/M1"], "text": "x" });
    let error = robin.refused("send_message", elsewhere).await.to_string();
    assert!(error.ends_with("C5/M1 is the same as sandbox:C5/M1"), "{error}");
}
