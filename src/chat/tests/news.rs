//! What is new: catching up, and waiting for more.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use switchboard_kit::{
    Call, Error, ErrorKind, Principal,
    chat::Conversation,
    host::{JsonObject, tools},
};
use tokio_util::sync::CancellationToken;

use super::{
    altered::{Altered, News},
    several::Listener,
    workspace::{Assistant, Workspace, ids, next},
};
use crate::chat::Chats;

async fn mara(workspace: &Workspace) -> Assistant {
    workspace.serve(vec![workspace.account("mara", "mara@kestrel.example").await])
}

/// Robin at a platform that does not tell what is unread.
async fn forgetful(workspace: &Workspace) -> Assistant {
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.bound = Altered::new(account.bound, forget_unread, News::AsItIs);
    workspace.serve(vec![account])
}

fn forget_unread(conversation: &mut Conversation) {
    conversation.unread = None;
}

fn now() -> String {
    Timestamp::now().to_string()
}

fn headings(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("# ")).collect()
}

/// Calls a verb until it says `end`; returns the ids that each page shows.
async fn pages(assistant: &Assistant, verb: &str, mut arguments: Value, between: impl AsyncFn()) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let page = assistant.call(verb, arguments.clone()).await;
        assert!(page.chars().count() <= 12_000, "{}", page.chars().count());
        pages.push(ids(&page));
        between().await;
        match next(&page) {
            Some(cursor) => arguments["cursor"] = cursor.into(),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn what_concerns_the_user_most_comes_first_and_once() {
    let workspace = Workspace::open().await;
    let (robin, mara) = (workspace.robin().await, mara(&workspace).await);
    let question = robin.send("#ops", "Who has the keys?").await;
    let since = now();
    mara.send("#random", "A heron!").await;
    let answer = json!({ "target": "#ops", "text": "I do", "thread": question.rsplit_once('/').unwrap().1 });
    mara.call("send_message", answer).await;
    mara.send("@robin", "Do you have a minute?").await;
    mara.send("@robin", "It is about the keys, @robin").await;
    mara.send("#general", "@channel the kitchen is open").await;
    mara.send("#general", "@aisha this is for you").await;
    robin.send("#general", "My own words").await;
    let text = robin.call("catch_up", json!({ "since": since })).await;
    assert!(text.starts_with("since 20") && text.ends_with("\nend"), "{text}");
    let titles = ["# mentions (1)", "# direct messages (1)", "# threads you are in (1)", "# the rest (3)"];
    assert_eq!(headings(&text), titles, "{text}");
    let order = ["about the keys", "a minute?", "I do", "the kitchen", "for you", "A heron!"];
    let mut places: Vec<_> = order.iter().map(|said| (text.find(said).unwrap(), text.matches(said).count())).collect();
    assert!(places.iter().all(|(_, count)| *count == 1), "{text}");
    places[3..].sort_unstable();
    assert!(places.is_sorted() && !text.contains("My own words"), "{text}");
    let page = robin.call("catch_up", json!({ "since": since, "format": "json" })).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    for message in page["messages"].as_array().unwrap() {
        let around = robin.call("read_messages", json!({ "target": message["ref"] })).await;
        // Around an answer is around what its thread begins with.
        let id = message["thread"].as_str().or(message["id"].as_str()).unwrap().to_owned();
        assert!(message["section"].is_string() && ids(&around).contains(&id), "{message}");
    }
    let mentions = robin.call("catch_up", json!({ "since": since, "mentions_only": true })).await;
    assert_eq!((headings(&mentions), ids(&mentions).len()), (vec!["# mentions (1)"], 1), "{mentions}");
    let one = robin.call("catch_up", json!({ "since": since, "in": "#random" })).await;
    assert!(one.contains("A heron!") && ids(&one).len() == 1, "{one}");
}

#[tokio::test]
async fn catching_up_leaves_what_is_unread_unread() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let before = robin.call("list_conversations", json!({})).await;
    let writes = workspace.count("api_writes").await;
    let text = robin.call("catch_up", json!({})).await;
    assert!(
        text.starts_with("unread, times in ") && text.contains("sandbox: read 5 of 5 conversations with news"),
        "{text}"
    );
    assert_eq!(headings(&text), ["# mentions (1)", "# direct messages (1)", "# the rest (7)"], "{text}");
    assert_eq!(robin.call("catch_up", json!({})).await, text);
    assert_eq!(robin.call("list_conversations", json!({})).await, before);
    assert_eq!(workspace.count("api_writes").await, writes);
}

#[tokio::test]
async fn all_accounts_are_caught_up_with_and_one_that_is_away_is_named() {
    let workspace = Workspace::open().await;
    let accounts = vec![
        workspace.account("work", "robin@kestrel.example").await,
        workspace.account("second", "kenji@kestrel.example").await,
        workspace.stranger("away"),
    ];
    let (all, mara) = (workspace.serve(accounts), mara(&workspace).await);
    let since = now();
    mara.send("#random", "A heron!").await;
    let text = all.call("catch_up", json!({ "since": since })).await;
    assert!(text.contains("#random (work:C5)") && text.contains("#random (second:C5)"), "{text}");
    assert!(text.contains("work: read 1 of 1 conversations") && text.contains("not covered: away (nobody"), "{text}");
    let text = all.call("catch_up", json!({ "since": since, "in": "second:" })).await;
    assert!(!text.contains("work") && !text.contains("away") && text.contains("(second:C5)"), "{text}");
}

#[tokio::test]
async fn pages_neither_repeat_nor_drop_whatever_comes_meanwhile() {
    let workspace = Workspace::open().await;
    let (robin, mara) = (workspace.robin().await, mara(&workspace).await);
    let since = now();
    for number in 0..9 {
        mara.send("#random", &format!("{number} {}", "long ".repeat(400))).await;
        mara.send("@robin", &format!("{number} {}", "long ".repeat(400))).await;
        mara.send("#ops", &format!("{number} for @robin")).await;
    }
    let json = robin.call("catch_up", json!({ "since": since, "format": "json" })).await;
    assert!(json.chars().count() <= 12_000 && json.contains("\"next\":\""), "{}", json.chars().count());
    for arguments in [json!({ "since": since }), json!({})] {
        let mut whole: Vec<_> = pages(&robin, "catch_up", arguments.clone(), async || {}).await.concat();
        let mut small = arguments;
        small["limit"] = 3.into();
        let noise = async || {
            mara.send("@robin", "meanwhile").await;
            mara.send("#general", "meanwhile").await;
        };
        let mut cut = pages(&robin, "catch_up", small.clone(), noise).await;
        assert!(cut.len() > 5 && cut.iter().all(|page| page.len() <= 3), "{cut:?}");
        let mut cut: Vec<_> = cut.drain(..).flatten().collect();
        whole.sort();
        cut.sort();
        // What was unread counts from the end: what came since is no part of it.
        assert_eq!(cut, whole, "{small}");
    }
}

#[tokio::test]
async fn where_nothing_tells_what_is_unread_the_last_look_counts() {
    let workspace = Workspace::open().await;
    let (robin, mara) = (forgetful(&workspace).await, mara(&workspace).await);
    let first = robin.call("catch_up", json!({ "limit": 1 })).await;
    assert!(first.contains("(one day, as nothing was looked at before)"), "{first}");
    // Not all of it was seen, so that it does not count.
    let again = robin.call("catch_up", json!({ "limit": 200 })).await;
    assert!(again.contains("(one day, as nothing was looked at before)"), "{again}");
    pages(&robin, "catch_up", json!({ "limit": 200 }), async || {}).await;
    mara.send("#random", "A heron!").await;
    let other = forgetful(&workspace).await;
    let partly = other.call("catch_up", json!({ "in": "#random" })).await;
    assert!(partly.contains("(your last look)") && ids(&partly).len() == 1, "{partly}");
    let text = other.call("catch_up", json!({})).await;
    assert!(text.contains("(your last look)") && text.contains("A heron!") && ids(&text).len() == 1, "{text}");
    let text = robin.call("catch_up", json!({})).await;
    assert!(text.contains("nothing new") && ids(&text).is_empty(), "{text}");
}

#[tokio::test]
async fn a_wait_ends_with_what_others_say_and_goes_on_behind_it() {
    let workspace = Workspace::open().await;
    let (robin, mara) = (workspace.robin().await, mara(&workspace).await);
    let begin = robin.call("wait_for_messages", json!({ "timeout": "0s" })).await;
    assert!(begin.starts_with("nothing new in 0 s\nnext: cursor="), "{begin}");
    let wait = async |cursor: &str, more: Value| {
        let mut arguments = json!({ "cursor": cursor, "settle": "0s", "timeout": "20s" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        robin.call("wait_for_messages", arguments).await
    };
    let cursor = next(&begin).unwrap();
    let heard = async {
        robin.send("#random", "My own words").await;
        let sent = mara.send("#random", "A heron!").await;
        mara.call("edit_message", json!({ "ref": sent, "text": "Two herons!" })).await;
        mara.send("#general", "for @robin").await
    };
    let (_, text) = tokio::join!(heard, wait(&cursor, json!({ "mentions_only": true })));
    assert!(text.contains("# #general (sandbox:C1)\n## ") && ids(&text).len() == 1, "{text}");
    let text = wait(&cursor, json!({ "target": "#random" })).await;
    assert!(text.starts_with("1 new in ") && text.contains("] Two herons! (edited)\nnext: cursor="), "{text}");
    let text = wait(&cursor, json!({})).await;
    assert!(ids(&text).len() == 2 && !text.contains("My own words"), "{text}");
    let cursor = next(&text).unwrap();
    let sent = mara.send("#ops", "gone soon").await;
    mara.call("delete_message", json!({ "ref": sent })).await;
    let elsewhere = workspace.robin().await;
    let arguments = json!({ "cursor": cursor, "settle": "0s", "timeout": "20s" });
    let text = elsewhere.call("wait_for_messages", arguments).await;
    assert!(text.contains("# #ops (sandbox:C2)") && text.contains("] [deleted]\nnext: "), "{text}");
    let text = wait(&next(&text).unwrap(), json!({ "timeout": "0s" })).await;
    assert!(text.starts_with("nothing new in "), "{text}");
}

#[tokio::test]
async fn what_does_not_fit_comes_with_the_next_wait() {
    let workspace = Workspace::open().await;
    let (robin, mara) = (workspace.robin().await, mara(&workspace).await);
    let begin = robin.call("wait_for_messages", json!({ "timeout": "0s" })).await;
    let mut sent = Vec::new();
    for number in 0..12 {
        let target = ["#random", "#ops", "@robin"][number % 3];
        let sent_now = mara.send(target, &format!("{number} {}", "long ".repeat(400))).await;
        sent.push(sent_now.rsplit_once('/').unwrap().1.to_owned());
    }
    let (mut heard, mut cursor, mut waits) = (Vec::new(), next(&begin).unwrap(), 0);
    while heard.len() < sent.len() {
        let text = robin.call("wait_for_messages", json!({ "cursor": cursor, "settle": "0s", "timeout": "9s" })).await;
        assert!(text.chars().count() <= 12_000, "{}", text.chars().count());
        heard.extend(ids(&text));
        cursor = next(&text).unwrap();
        waits += 1;
        // What comes between waits is no reason to lose or repeat anything.
        if waits == 1 {
            let late = mara.send("#general", "late").await;
            sent.push(late.rsplit_once('/').unwrap().1.to_owned());
        }
    }
    sent.sort();
    heard.sort();
    assert!(heard == sent && waits > 2, "{heard:?} {sent:?} {waits}");
}

#[tokio::test]
async fn an_account_that_fails_does_not_end_the_wait() {
    let workspace = Workspace::open().await;
    let accounts = vec![workspace.account("work", "robin@kestrel.example").await, workspace.stranger("away")];
    let (both, mara) = (workspace.serve(accounts), mara(&workspace).await);
    let begin = both.call("wait_for_messages", json!({ "timeout": "0s" })).await;
    assert!(begin.contains("not covered: away (nobody is signed in: run `switchboard"), "{begin}");
    mara.send("#random", "A heron!").await;
    let text = both.call("wait_for_messages", json!({ "cursor": next(&begin), "settle": "0s" })).await;
    assert!(text.contains("# #random (work:C5)") && text.contains("not covered: away "), "{text}");
    let error = workspace.serve(vec![workspace.stranger("away")]).refused("wait_for_messages", json!({})).await;
    assert_eq!(error.kind(), ErrorKind::SignInRequired);
    for arguments in [json!({ "timeout": "soon" }), json!({ "cursor": "made up" }), json!({ "target": "#nowhere" })] {
        both.refused("wait_for_messages", arguments).await;
    }
}

#[tokio::test]
async fn who_no_longer_waits_asks_no_longer() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let given_up = CancellationToken::new();
    let listener = Arc::new(Listener::default());
    let call = Call::of(listener, Principal::local(), Duration::from_mins(1), given_up.clone());
    let chats = Chats::new(robin.0.clone(), call);
    let tool = tools().into_iter().find(|tool| tool.name == "wait_for_messages").unwrap();
    let under_way = async |wanted: u64| while workspace.count("api_calls_under_way").await != wanted {};
    let asked = workspace.count("api_calls").await;
    let give_up = async {
        // Who is asking, where now is, and then the long question.
        while workspace.count("api_calls").await < asked + 3 {}
        under_way(1).await;
        given_up.cancel();
        under_way(0).await;
    };
    let (reply, ()) = tokio::join!((tool.call)(&chats, JsonObject::new()), give_up);
    assert_eq!(reply.unwrap_err().kind(), ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_platform_that_answers_at_once_is_not_asked_in_a_loop() {
    let workspace = Workspace::open().await;
    let failure = || Err(Error::new(ErrorKind::Unavailable, "it is down"));
    for (answer, most, told) in [(News::nothing(), 55, "nothing new in 50 s"), (News::told(failure), 9, "")] {
        let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
        let altered = Altered::new(account.bound, forget_unread, answer);
        let asked = altered.asked.clone();
        account.bound = altered;
        let robin = workspace.serve(vec![account]);
        robin.call("whoami", json!({})).await;
        let listener = Arc::new(Listener::default());
        let call = Call::of(listener.clone(), Principal::local(), Duration::from_mins(1), CancellationToken::new());
        let tool = tools().into_iter().find(|tool| tool.name == "wait_for_messages").unwrap();
        tokio::time::pause();
        let reply = (tool.call)(&Chats::new(robin.0.clone(), call), JsonObject::new()).await;
        tokio::time::resume();
        let asked = asked.load(Ordering::Relaxed);
        assert!(asked <= most && asked > 3, "{asked}");
        let shown = format!("{reply:?}");
        assert!(shown.contains(told) && reply.is_ok() != told.is_empty(), "{shown}");
        let heard = listener.0.lock().unwrap().iter().filter(|(_, said)| said.starts_with("waiting; ")).count();
        assert_eq!(heard, 4, "{listener:?}");
    }
}
