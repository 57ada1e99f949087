//! What the user is asked before something is written, and what the answer is good for.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::Connection;
use serde_json::{Value, json};
use switchboard_kit::{
    Answer, Ask, Call, Error, ErrorKind, Medium, Principal, Result, ToolHost,
    host::{Caller, Content, Reply, tools},
};
use tokio_util::sync::CancellationToken;

use super::workspace::{Assistant, Workspace, ids};
use crate::chat::{Chats, Rules};

/// A user who gives one answer to everything, and remembers the questions with their keys.
struct User {
    answer: Answer,
    asked: Mutex<Vec<(String, String)>>,
}

impl User {
    fn who(answer: Answer) -> Arc<Self> {
        Arc::new(Self { answer, asked: Mutex::default() })
    }

    fn agrees() -> Arc<Self> {
        Self::who(Answer::Accept(serde_json::Map::new()))
    }

    /// Returns the questions since the last time.
    fn questions(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().map(|(_, question)| question).collect()
    }
}

#[async_trait]
impl Caller for User {
    fn can_be_asked(&self, medium: Medium) -> bool {
        medium == Medium::Form
    }

    async fn ask(&self, key: &str, question: &Ask) -> Result<Answer> {
        self.asked.lock().unwrap().push((key.to_owned(), question.message().to_owned()));
        Ok(self.answer.clone())
    }
}

/// A client that calls again with answers, as in the era without connections: it keeps them by their keys.
#[derive(Default)]
struct Again(Mutex<BTreeMap<String, bool>>);

impl Again {
    /// Lets the user agree to all that was asked so far; returns how much that is.
    fn agree(&self) -> usize {
        let mut answers = self.0.lock().unwrap();
        answers.values_mut().for_each(|agreed| *agreed = true);
        answers.len()
    }
}

#[async_trait]
impl Caller for Again {
    fn can_be_asked(&self, medium: Medium) -> bool {
        medium == Medium::Form
    }

    async fn ask(&self, key: &str, _: &Ask) -> Result<Answer> {
        if *self.0.lock().unwrap().entry(key.to_owned()).or_default() {
            return Ok(Answer::Accept(serde_json::Map::new()));
        }
        Err(Error::new(ErrorKind::Cancelled, "the client will call again"))
    }
}

/// A workspace, Robin's assistant in it under these rules, and a look behind the service.
struct Scene {
    workspace: Workspace,
    robin: Assistant,
    service: Connection,
}

impl Scene {
    async fn under(rules: Rules) -> Self {
        let workspace = Workspace::open().await;
        let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
        account.rules = rules;
        let robin = workspace.serve(vec![account]);
        let service = Connection::open(workspace.folder.path().join("sandbox.db")).unwrap();
        Self { workspace, robin, service }
    }

    /// Opens one where nothing is listed, so that everything is asked about.
    async fn usual() -> Self {
        Self::under(Rules { write: true, mark_read: true, ..Rules::default() }).await
    }

    async fn attempt(&self, user: &Arc<impl Caller>, verb: &str, arguments: Value) -> Result<String> {
        let caller: Arc<dyn Caller> = user.clone();
        let call = Call::of(caller, Principal::local(), Duration::from_secs(30), CancellationToken::new());
        let tool = tools().into_iter().find(|tool| tool.host == Chats::KEY && tool.name == verb).unwrap();
        let Value::Object(arguments) = arguments else { unreachable!() };
        (tool.call)(&Chats::new(self.robin.0.clone(), call), arguments).await.map(text)
    }

    /// Makes a call that must succeed, and returns what the user was asked, which must be one question.
    async fn question(&self, verb: &str, arguments: Value) -> String {
        let user = User::agrees();
        self.attempt(&user, verb, arguments.clone())
            .await
            .unwrap_or_else(|error| panic!("{verb} {arguments}: {error:?}"));
        let [question] = <[String; 1]>::try_from(user.questions()).unwrap();
        question
    }

    /// Returns all that is stored, in one word.
    fn stored(&self) -> String {
        let sum = "SELECT (SELECT group_concat(id || text || ifnull(deleted_at, '')) FROM messages) || (SELECT count(*) FROM conversations)
            || (SELECT count(*) FROM members) || (SELECT count(*) FROM reactions) || (SELECT count(*) FROM files)";
        self.service.query_row(sum, [], |row| row.get(0)).unwrap()
    }

    /// Says something as Robin, behind the service's back, and returns the message's id.
    fn said(&self, conversation: i64, text: &str) -> i64 {
        let message = "INSERT INTO messages (conversation, author, text, posted_at) VALUES (?1, 1, ?2, '2026-11-20T09:00:00.000Z')";
        self.service.execute(message, (conversation, text)).unwrap();
        self.service.last_insert_rowid()
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.workspace.folder.path().join("uploads").join(name), text).unwrap();
    }
}

fn text(reply: Reply) -> String {
    reply.content.into_iter().map(|part| if let Content::Text(text) = part { text } else { String::new() }).collect()
}

const UNLISTED: &str = "You are asked because `sandbox:C2` is not on an `allow` list.";

#[tokio::test]
async fn the_question_shows_what_exactly_is_about_to_be_done() {
    let scene = Scene::usual().await;
    scene.file("plan.txt", "the plan");
    let own = scene.said(2, "Old\nand long");
    let reference = format!("C2/M{own}");
    for (verb, arguments, expected) in [
        (
            "send_message",
            json!({ "target": "#OPS", "text": "Hi\n\u{202e}there" }),
            "Send to #ops (sandbox:C2), 5 people:\n│ Hi\n│ there\n".to_owned(),
        ),
        (
            "send_message",
            json!({ "target": "ops", "text": "See", "files": ["plan.txt"], "thread": reference }),
            format!(
                "Send to #ops (sandbox:C2), 5 people, in the thread of M{own}:\n│ See\nwith the file plan.txt (8 B)\nas 2 messages\n"
            ),
        ),
        (
            "edit_message",
            json!({ "ref": reference, "text": "New" }),
            "Change a message in #ops (sandbox:C2), 5 people:\n│ Old\n│ and long\nwill say:\n│ New\n".to_owned(),
        ),
        (
            "react",
            json!({ "ref": reference, "emoji": ":tada:" }),
            format!("React to a message in #ops (sandbox:C2), 5 people:\n│ 🎉 under M{own}\n"),
        ),
        (
            "react",
            json!({ "ref": reference, "emoji": "🎉", "remove": true }),
            format!("Take back a reaction in #ops (sandbox:C2), 5 people:\n│ 🎉 under M{own}\n"),
        ),
        (
            "delete_message",
            json!({ "ref": reference }),
            "Delete, for everyone, a message in #ops (sandbox:C2), 5 people:\n│ New\n".to_owned(),
        ),
    ] {
        assert_eq!(scene.question(verb, arguments).await, expected + UNLISTED, "{verb}");
    }
}

#[tokio::test]
async fn what_is_not_agreed_to_is_not_done() {
    let scene = Scene::usual().await;
    let own = format!("C2/M{}", scene.said(2, "Mine"));
    let before = scene.stored();
    for (answer, why) in [(Answer::Decline, "the user declined"), (Answer::Cancel, "the user did not decide")] {
        let user = User::who(answer);
        for (verb, arguments) in [
            ("send_message", json!({ "target": "#ops", "text": "x" })),
            ("send_message", json!({ "target": "@tomas", "text": "x" })),
            ("send_message", json!({ "target": "#ops", "more_targets": ["#random", "P6"], "text": "x" })),
            ("edit_message", json!({ "ref": own, "text": "x" })),
            ("delete_message", json!({ "ref": own })),
            ("react", json!({ "ref": own, "emoji": "👍" })),
        ] {
            let error = scene.attempt(&user, verb, arguments).await.unwrap_err();
            assert!(error.kind() == ErrorKind::Forbidden && error.message().contains(why), "{verb}: {error:?}");
            assert!(format!("{error:?}").contains("ask the user what to do instead"), "{verb}: {error:?}");
            assert_eq!(user.questions().len(), 1, "{verb}");
        }
    }
    assert_eq!(scene.stored(), before);
}

#[tokio::test]
async fn who_cannot_be_asked_is_told_what_the_user_can_do() {
    let scene = Scene::usual().await;
    let before = scene.stored();
    for target in ["#ops", "@tomas"] {
        let error = scene.robin.refused("send_message", json!({ "target": target, "text": "x" })).await;
        let hint = error.hint_text().unwrap();
        assert!(
            error.kind() == ErrorKind::Unconfirmed && error.message().contains("the user has to agree first"),
            "{error:?}"
        );
        assert!(hint.contains("ask the user to add `sandbox:") && hint.contains("to `allow`"), "{hint}");
    }
    assert_eq!(scene.stored(), before);
}

#[tokio::test]
async fn a_direct_chat_is_opened_only_after_the_user_has_agreed() {
    let scene = Scene::usual().await;
    let question = scene.question("send_message", json!({ "target": "tomas@kestrel.example", "text": "Hi" })).await;
    let expected = "Send to @Tomás Herrera (sandbox:P5), a new direct chat:\n│ Hi\nYou are asked because `sandbox:P5` is not on an `allow` list.";
    assert_eq!(question, expected);
    let again = scene.question("send_message", json!({ "target": "@tomas", "text": "Hi" })).await;
    assert!(again.starts_with("Send to @Tomás Herrera (sandbox:C10), 2 people:\n"), "{again}");
}

#[tokio::test]
async fn several_targets_make_one_question_about_those_that_need_it() {
    let mut rules = Rules { write: true, ..Rules::default() };
    (rules.allow.write, rules.deny.write) = (vec!["#ops".into()], vec!["#random".into()]);
    let scene = Scene::under(rules).await;
    let arguments = json!({ "target": "#ops", "more_targets": ["#general", "#random", "@tomas"], "text": "All" });
    let user = User::agrees();
    let answer = scene.attempt(&user, "send_message", arguments.clone()).await.unwrap();
    let [question] = <[String; 1]>::try_from(user.questions()).unwrap();
    assert!(
        question.contains("Send to #general (sandbox:C1)") && question.contains("Send to @Tomás Herrera (sandbox:P5)"),
        "{question}"
    );
    assert!(!question.contains("#ops") && !question.contains("#random"), "{question}");
    assert_eq!(answer.matches("\nsent to ").count() + 1, 3, "{answer}");
    assert!(answer.contains("not sent to #random (sandbox:C5): ") && answer.contains("`deny` list"), "{answer}");
    let unwilling = User::who(Answer::Decline);
    let answer = scene.attempt(&unwilling, "send_message", arguments).await.unwrap();
    assert!(
        answer.starts_with("sent to #ops (sandbox:C2)") && answer.matches("the user declined").count() == 2,
        "{answer}"
    );
}

#[tokio::test]
async fn the_answer_to_one_question_is_not_taken_for_another() {
    let scene = Scene::usual().await;
    scene.file("plan.txt", "the plan");
    let own = scene.said(2, "Mine");
    let renamed =
        "UPDATE conversations SET name = 'attackers' WHERE id = 2; UPDATE conversations SET name = 'ops' WHERE id = 3";
    let edited = format!("UPDATE messages SET text = 'Other' WHERE id = {own}");
    for (verb, arguments, meanwhile) in [
        ("send_message", json!({ "target": "C2", "text": "x", "files": ["plan.txt"] }), None),
        ("edit_message", json!({ "ref": format!("C2/M{own}"), "text": "x" }), Some(edited.as_str())),
        ("send_message", json!({ "target": "#ops", "text": "x" }), Some(renamed)),
    ] {
        let client = Arc::new(Again::default());
        let before = scene.stored();
        scene.attempt(&client, verb, arguments.clone()).await.unwrap_err();
        assert_eq!((client.agree(), scene.stored()), (1, before));
        match meanwhile {
            Some(act) => scene.service.execute_batch(act).unwrap(),
            // As long as the other, and just as its name and size say.
            None => scene.file("plan.txt", "the loot"),
        }
        let before = scene.stored();
        scene.attempt(&client, verb, arguments.clone()).await.unwrap_err();
        assert_eq!((client.agree(), scene.stored()), (2, before), "{verb} {arguments}");
        scene.attempt(&client, verb, arguments).await.unwrap();
    }
}

#[test]
fn no_parameter_of_a_tool_agrees_for_the_user() {
    for tool in tools() {
        let schema = (tool.input)();
        for name in
            schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|properties| properties.keys())
        {
            for word in [
                "confirm", "force", "approv", "agree", "consent", "allow", "override", "bypass", "sure", "yes",
                "accept",
            ] {
                assert!(!name.contains(word), "`{name}` of `{}`", tool.name);
            }
        }
    }
}

#[tokio::test]
async fn nothing_that_others_call_themselves_is_taken_for_a_line_of_ours() {
    let scene = Scene::usual().await;
    let hostile = [
        "random (sandbox:C5), 6 people:\n│ lunch?\nYou are asked because of nothing.",
        "x\u{2028}Send to #random (sandbox:C5):\u{85}│ lunch?",
        "random\u{202e}\r│ (sandbox:C5)",
        "[random](sandbox:C5)",
    ];
    let own = scene.said(2, &hostile.join("\n"));
    for name in hostile {
        scene.service.execute("UPDATE conversations SET name = ?1 WHERE id = 2", [name]).unwrap();
        scene.service.execute("UPDATE people SET name = ?1 WHERE id = 5", [name]).unwrap();
        for (verb, arguments) in [
            ("send_message", json!({ "target": "C2", "text": hostile.join("\r") })),
            ("send_message", json!({ "target": "P5", "text": hostile.join("\u{2029}") })),
            ("edit_message", json!({ "ref": format!("C2/M{own}"), "text": hostile.join("\u{b}\u{c}") })),
            ("react", json!({ "ref": format!("C2/M{own}"), "emoji": "👍" })),
        ] {
            let question = scene.question(verb, arguments).await;
            let lines: Vec<_> = question.lines().collect();
            let ours: Vec<_> = lines.iter().filter(|line| !line.starts_with("│ ")).collect();
            assert!(
                !question.contains(['\r', '\u{85}', '\u{b}', '\u{c}', '\u{2028}', '\u{2029}', '\u{202e}']),
                "{question:?}"
            );
            assert!(ours.len() == if verb == "edit_message" { 3 } else { 2 }, "{question}");
            assert!(ours[0].matches("sandbox:C5)").count() == ours[0].matches("\\(sandbox:C5)").count(), "{question}");
            assert!(lines.last().unwrap().contains(" is not on an `allow` list."), "{question}");
        }
    }
}

#[tokio::test]
async fn what_a_platforms_own_tool_gets_forges_no_line_either() {
    let scene = Scene::usual().await;
    let user = User::agrees();
    let call = Call::of(user.clone(), Principal::local(), Duration::from_secs(30), CancellationToken::new());
    let chats = Chats::new(scene.robin.0.clone(), call);
    let token = format!("{}_{}", "ghp", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzAbC");
    let mut arguments =
        json!({ "topic": "x\u{2028}You are asked\rbecause\u{202e} of nothing.", "deep": [{ "deeper": token }] });
    chats
        .permit_tool(&scene.robin.0.accounts()[0], "sandbox_add_channel", arguments.as_object_mut().unwrap())
        .await
        .unwrap();
    let [question] = <[String; 1]>::try_from(user.questions()).unwrap();
    let ours: Vec<_> = question.lines().filter(|line| !line.starts_with("│ ")).collect();
    assert!(ours.len() == 2 && !question.contains(['\r', '\u{2028}', '\u{202e}']), "{question:?}");
    assert!(ours[1].contains("there seems to be "), "a secret that lies deep is not found: {question}");
}

#[tokio::test]
async fn what_is_long_is_shown_to_its_end() {
    let scene = Scene::usual().await;
    let text = format!("{}{}", "long ".repeat(1_600), "hidden at the end");
    let question = scene.question("send_message", json!({ "target": "#ops", "text": text })).await;
    assert!(question.contains("hidden at the end\nas 2 messages\n"), "{question}");
}

#[tokio::test]
async fn a_platforms_own_tool_gets_what_was_shown() {
    let scene = Scene::usual().await;
    let call = Call::of(User::agrees(), Principal::local(), Duration::from_secs(30), CancellationToken::new());
    let chats = Chats::new(scene.robin.0.clone(), call);
    let hidden = |text: &str| text.chars().map(|c| char::from_u32(0xe_0000 + c as u32).unwrap()).collect::<String>();
    let mut arguments =
        json!({ "conversation": "#ops", "topic": format!("x{}", hidden("loot")), "deep": [{ "a": hidden("loot") }] });
    let arguments = arguments.as_object_mut().unwrap();
    chats.permit_tool(&scene.robin.0.accounts()[0], "sandbox_add_channel", arguments).await.unwrap();
    assert_eq!(json!(arguments), json!({ "conversation": "C2", "topic": "x", "deep": [{ "a": "" }] }));
}

#[tokio::test]
async fn only_answers_means_that_no_tool_of_a_platforms_own_acts() {
    let scene = Scene::under(Rules { reply_only: true, ..Rules { write: true, ..Rules::default() } }).await;
    let call = Call::of(User::agrees(), Principal::local(), Duration::from_secs(30), CancellationToken::new());
    let chats = Chats::new(scene.robin.0.clone(), call);
    let account = &scene.robin.0.accounts()[0];
    let refused = chats.permit_tool(account, "sandbox_add_channel", &mut serde_json::Map::new()).await;
    assert!(refused.is_err_and(|error| error.kind() == ErrorKind::Forbidden));
    let error =
        scene.attempt(&User::agrees(), "send_message", json!({ "target": "#ops", "text": "x" })).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Forbidden && error.hint_text().unwrap().contains("`reply_only: false`"),
        "{error:?}"
    );
    assert!(!ids(&scene.robin.call("read_messages", json!({ "target": "#ops" })).await).is_empty());
}
