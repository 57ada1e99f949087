//! Whole exchanges, replayed from `samples/`.

use std::time::Duration;

use switchboard_kit::{
    ErrorKind,
    chat::{AuthorKind, Change, ConversationKind, Draft, History, Listing, Reaction},
    serde_json::{Value, from_str, json},
};
use switchboard_testkit::{Replay, connect};

use crate::Matrix;

const ROOM: &str = "!general:example.org";

/// Starts a homeserver that answers from these samples, and a client of it.
macro_rules! homeserver {
    ($($name:literal),*) => {{
        let replay = Replay::start(concat!($(include_str!(concat!("samples/", $name, ".http"))),*)).await;
        let client = connect::<Matrix>(json!({ "homeserver": replay.url() }), "secret");
        (replay, client)
    }};
}

#[tokio::test]
async fn who_is_signed_in_is_asked_of_the_homeserver() {
    let (_replay, client) = homeserver!("account");
    let me = client.whoami().await.unwrap();
    assert_eq!((me.id.as_str(), me.name.as_str()), ("@alice:example.org", "Alice"));
    assert_eq!(me.workspace.as_deref(), Some("example.org"));
}

#[tokio::test]
async fn rooms_are_listed_under_human_names_and_spaces_are_not() {
    let (replay, client) = homeserver!("rooms");
    let rooms = client.chat().unwrap().conversations();
    let first = rooms.list(&Listing { limit: 1, cursor: None }).await.unwrap();
    let rest = rooms.list(&Listing { limit: 9, cursor: first.next.clone() }).await.unwrap();
    let ([direct], [general]) = (&first.items[..], &rest.items[..]) else { panic!("{first:?} {rest:?}") };
    assert_eq!(rest.next, None);
    assert_eq!((direct.name.as_str(), direct.kind, direct.encrypted), ("Bob", ConversationKind::Direct, true));
    assert_eq!((general.name.as_str(), general.kind), ("General", ConversationKind::Channel));
    assert_eq!(general.aliases, ["#general:example.org"]);
    assert_eq!((general.members, general.unread, general.private), (Some(12), Some(3), false));
    assert_eq!(general.last_activity.unwrap().as_millisecond(), 1_795_262_400_000);
    assert!(replay.received().iter().all(|request| request.query.contains(&("timeout".into(), "0".into()))));
}

#[tokio::test]
async fn a_room_is_described_by_one_request_for_it_alone() {
    let (replay, client) = homeserver!("rooms");
    let rooms = client.chat().unwrap().conversations();
    let listed = rooms.list(&Listing { limit: 9, cursor: None }).await.unwrap().items;
    for room in listed {
        assert_eq!(rooms.get(&room.id).await.unwrap(), room);
    }
    let received = replay.received();
    let asked = &received[received.len() - 1].query.iter().find(|(name, _)| name == "filter").unwrap().1;
    assert!(received.len() == 3 && asked.contains(r#""rooms":["!general:example.org"]"#), "{received:?}");
    assert_eq!(rooms.get("!other:example.org").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_alias_is_looked_up_and_a_name_is_not() {
    let (replay, client) = homeserver!("rooms");
    let rooms = client.chat().unwrap().conversations();
    let [general] = &rooms.named("all:example.org").await.unwrap()[..] else { panic!() };
    assert_eq!((general.name.as_str(), general.aliases.last().unwrap().as_str()), ("General", "#all:example.org"));
    assert_eq!(replay.received().len(), 2);
    assert_eq!(rooms.named("other:example.org").await.unwrap(), []);
    let before = replay.received().len();
    for (name, requests) in [("General", 0), ("Project: one", 0), ("none:example.org", 1)] {
        assert_eq!(rooms.named(name).await.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
        assert_eq!(replay.received().len() - before, requests, "{name}");
    }
}

#[tokio::test]
async fn a_direct_chat_and_members_are_found_without_asking_who_is_signed_in() {
    let (replay, client) = homeserver!("rooms");
    let rooms = client.chat().unwrap().conversations();
    let direct = rooms.direct("@bob:example.org", false).await.unwrap().unwrap();
    assert_eq!((direct.id.as_str(), direct.aliases), ("!direct:example.org", vec!["@bob:example.org".to_owned()]));
    assert_eq!(rooms.direct("@carol:example.org", false).await.unwrap(), None);
    assert_eq!(replay.received().len(), 2 + 1);
    let page = async |cursor| rooms.members("!general:example.org", &Listing { limit: 2, cursor }).await.unwrap();
    let first = page(None).await;
    let names: Vec<_> = first.items.iter().map(|person| person.name.as_str()).collect();
    assert_eq!((names, first.next.as_deref()), (vec!["Alice", "Bob"], Some("@bob:example.org")));
    let last = page(first.next).await;
    assert_eq!((last.items[0].name.as_str(), last.items.len(), last.next), ("@c:example.org", 1, None));
}

#[tokio::test]
async fn edits_and_reactions_are_folded_into_what_they_are_about() {
    let (replay, client) = homeserver!("account", "timeline");
    let messages = client.chat().unwrap().messages();
    let page = messages.list(ROOM, &History { limit: 10, ..History::default() }).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|message| message.at.id.as_str()).collect();
    assert_eq!((ids, page.next), (vec!["$6", "$4", "$3", "$2"], None));
    let [deleted, picture, encrypted, lunch] = &page.items[..] else { unreachable!() };
    assert!(deleted.deleted && deleted.text.is_empty());
    assert_eq!((picture.text.as_str(), picture.files[0].name.as_str()), ("The menu", "menu.png"));
    assert!(encrypted.text.starts_with("[end-to-end encrypted message"));
    assert_eq!((lunch.text.as_str(), lunch.edited, lunch.replies), ("Lunch at noon?", true, 2));
    assert_eq!(lunch.reactions, [Reaction { emoji: "👍".into(), count: 2, mine: true }]);
    assert_eq!((lunch.author.name.as_str(), lunch.author.kind), ("Bob", AuthorKind::Person));
    assert!(
        !replay.received().iter().any(|request| request.line.contains("/relations/")),
        "the timeline showed it all"
    );
}

#[tokio::test]
async fn a_cursor_goes_on_after_what_was_shown() {
    let (_replay, client) = homeserver!("account", "timeline");
    let messages = client.chat().unwrap().messages();
    let page = async |cursor| messages.list(ROOM, &History { limit: 1, cursor, ..History::default() }).await.unwrap();
    let first = page(None).await;
    assert_eq!((first.items[0].at.id.as_str(), first.next.as_deref()), ("$6", Some("t9|$6")));
    let second = page(first.next).await;
    assert_eq!((second.items[0].at.id.as_str(), second.next.as_deref()), ("$4", Some("t9|$4")));
    assert_eq!(second.items[0].reactions[0].count, 1, "asked for, as newer events may hold some");
}

#[tokio::test]
async fn an_answer_goes_into_its_thread_once_however_often_it_is_sent() {
    let (replay, client) = homeserver!("writing");
    let posts = client.chat().unwrap().posts().unwrap();
    let draft =
        Draft { text: "**Yes**".into(), thread: Some("$answer".into()), key: Some("once".into()), ..Draft::default() };
    assert_eq!(posts.send(ROOM, &draft).await.unwrap().id, "$sent");
    let sent: Vec<_> = replay.received().into_iter().filter(|request| request.line.starts_with("PUT")).collect();
    assert_eq!(sent.len(), 2, "the refused try and the one after it");
    assert_eq!(sent[0].line, sent[1].line);
    let expected = json!({
        "msgtype": "m.text",
        "body": "**Yes**",
        "format": "org.matrix.custom.html",
        "formatted_body": "<strong>Yes</strong>",
        "m.mentions": {},
        "com.beeper.linkpreviews": [],
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": "$first",
            "is_falling_back": true,
            "m.in_reply_to": { "event_id": "$answer" },
        },
    });
    assert_eq!(sent[1].body, expected);
}

#[tokio::test]
async fn nothing_is_sent_to_an_encrypted_room() {
    let (replay, client) = homeserver!("writing");
    let draft = Draft { text: "Hello".into(), ..Draft::default() };
    let error = client.chat().unwrap().posts().unwrap().send("!vault:example.org", &draft).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.hint_text(), Some("use your Matrix client to write there"));
    assert!(replay.received().iter().all(|request| request.line.starts_with("GET")));
}

#[tokio::test]
async fn another_persons_message_is_left_alone() {
    let (replay, client) = homeserver!("account", "writing");
    let deletions = client.chat().unwrap().deletions().unwrap();
    assert_eq!(deletions.delete(ROOM, "$answer").await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert!(replay.received().iter().all(|request| request.line.starts_with("GET")));
}

#[tokio::test]
async fn what_is_new_is_asked_from_a_place_that_costs_no_room() {
    let (replay, client) = homeserver!("account", "news");
    let changes = client.chat().unwrap().changes().unwrap();
    let now = changes.since(None, Duration::from_secs(9)).await.unwrap();
    assert_eq!((now.changes.len(), now.cursor.as_str()), (0, "s1"));
    let first = &replay.received()[0];
    let filter = &first.query.iter().find(|(name, _)| name == "filter").unwrap().1;
    assert_eq!(from_str::<Value>(filter).unwrap()["room"]["rooms"], json!([]));
    let news = changes.since(Some("s1"), Duration::ZERO).await.unwrap();
    let [Change::New(said), Change::Deleted(gone)] = &news.changes[..] else { panic!("{news:?}") };
    assert_eq!((said.author.name.as_str(), &said.mentions[..]), ("Bob", &["@alice:example.org".to_owned()][..]));
    assert_eq!(said.author.kind, AuthorKind::Person);
    assert!(gone.deleted && gone.at.id == "$6" && gone.author.id == "@bob:example.org");
}
