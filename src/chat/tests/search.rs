//! Searching: in every way of matching, by what a platform finds itself and by what is scanned.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Value, json};
use switchboard_kit::{
    ErrorKind,
    chat::{File, Reaction},
};

use super::{
    archive::{Archive, Own, instant},
    workspace::{Assistant, Workspace, ids, next},
};

/// Serves an archive beside nothing else.
fn serve(workspace: &Workspace, archive: &Arc<Archive>) -> Assistant {
    let mut account = workspace.stand_in("archive");
    account.bound = archive.serve();
    workspace.serve(vec![account])
}

/// Calls again and again, with the cursor of the answer before, and returns all answers.
async fn all_pages(assistant: &Assistant, mut arguments: Value) -> Vec<String> {
    let mut pages = vec![assistant.call("search_messages", arguments.clone()).await];
    while let Some(cursor) = next(&pages[pages.len() - 1]) {
        arguments["cursor"] = cursor.into();
        pages.push(assistant.call("search_messages", arguments.clone()).await);
        assert!(pages.len() < 200, "no end");
    }
    pages
}

/// Asserts that the pages show these messages, each once.
fn assert_each_once(pages: &[String], expected: &BTreeSet<String>) {
    let shown: Vec<String> = pages.iter().flat_map(|page| ids(page)).collect();
    let once: BTreeSet<_> = shown.iter().cloned().collect();
    assert_eq!(once.len(), shown.len(), "shown twice");
    assert_eq!(once, *expected);
}

#[tokio::test]
async fn every_mode_matches_in_its_own_way() {
    let workspace = Workspace::open().await;
    let archive = Archive::new();
    archive.say("C1", "The code freeze is on Wednesday");
    archive.say("C1", "We don’t ship on Friday, so no freeze of code");
    archive.say("C2", "INC-41 is closed");
    archive.say("C2", "inc-42 is open, the lunch too");
    archive.add("C2", "", |message| {
        message.files = vec![File { id: "F1".into(), name: "code-freeze.pdf".into(), media_type: None, size: None }];
    });
    let robin = serve(&workspace, &Arc::new(archive));
    for (query, mode, expected) in [
        ("CODE  freeze", "exact", vec!["M0"]),
        ("don't SHIP", "exact", vec!["M1"]),
        ("do not ship", "exact", vec![]),
        (r"^inc-\d+", "regex", vec!["M2", "M3"]),
        (r"(?-i)INC-\d+", "regex", vec!["M2"]),
        ("do not ship", "words", vec!["M1"]),
        ("code-freeze", "exact", vec!["M4"]),
    ] {
        let text = robin.call("search_messages", json!({ "query": query, "mode": mode })).await;
        let found: BTreeSet<_> = ids(&text).into_iter().collect();
        assert_eq!(found, expected.into_iter().map(ToOwned::to_owned).collect(), "{mode} {query}: {text}");
        assert!(text.ends_with("\narchive: scanned 2 of 2 conversations\nend"), "{text}");
    }
    for mode in ["words", "hybrid"] {
        let found =
            robin.call("search_messages", json!({ "query": "code freeze", "mode": mode, "format": "json" })).await;
        let found: Value = serde_json::from_str(&found).unwrap();
        let order: Vec<_> =
            found["messages"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect();
        let expected = if mode == "words" { ["M4", "M0", "M1"] } else { ["M0", "M4", "M1"] };
        assert_eq!(order, expected, "{mode}");
        assert_eq!(
            found["messages"][0]["ref"],
            format!("archive:{}/{}", found["messages"][0]["conversation"].as_str().unwrap(), order[0])
        );
    }
}

#[tokio::test]
async fn what_is_no_query_is_refused_before_anyone_is_asked() {
    let workspace = Workspace::open().await;
    let archive = Arc::new(Archive::new());
    archive.say("C1", "a(b");
    let robin = serve(&workspace, &archive);
    for (arguments, expected) in [
        (json!({ "query": "a(b", "mode": "regex" }), "unclosed group, at character 2"),
        (json!({ "query": "x".repeat(1_001), "mode": "regex" }), "1001 characters"),
        (json!({ "query": "(…)", "mode": "words" }), "no word"),
        (json!({ "query": " " }), "`query` is empty"),
        (json!({ "since": "1d", "in": "#c1" }), "`query` is empty"),
        (json!({ "query": "x", "mode": "semantic" }), "semantic"),
        (json!({ "query": "x", "cursor": "made up" }), "none of ours"),
    ] {
        let error = robin.refused("search_messages", arguments).await;
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(expected), "{error:?}");
    }
    assert_eq!(archive.reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_scan_says_how_far_it_got_and_goes_on_without_repeating_or_leaving_out() {
    let workspace = Workspace::open().await;
    let archive = Archive::new();
    let mut expected = BTreeSet::new();
    for number in 0..2_600 {
        let conversation = if number % 13 == 0 { format!("D{}", number % 70) } else { "BUSY".to_owned() };
        let said = if number % 100 < 3 { "a needle" } else { "hay" };
        let by_mara = number % 200 < 100;
        let number = archive.add(&conversation, said, |message| {
            if by_mara {
                message.author.id = "P2".into();
            }
        });
        if said == "a needle" && by_mara {
            expected.insert(format!("M{number}"));
        }
    }
    let archive = Arc::new(archive);
    let robin = serve(&workspace, &archive);
    let arguments = json!({ "query": "needle", "from": "P2", "limit": 4, "mode": "exact" });
    let first = robin.call("search_messages", arguments.clone()).await;
    assert!(first.contains("archive: scanned 50 of 71 conversations, back to 2026-"), "{first}");
    assert!(first.contains(" more hits; the cursor goes on with them"), "{first}");
    let pages = all_pages(&robin, arguments.clone()).await;
    assert_each_once(&pages, &expected);
    assert!(pages[pages.len() - 1].contains("scanned 71 of 71 conversations\nend"), "{}", pages[pages.len() - 1]);

    // What comes meanwhile belongs to another search, and a cursor to its own.
    archive.add("BUSY", "a new needle", |message| message.author.id = "P2".into());
    let mut later = arguments.clone();
    later["cursor"] = next(&first).into();
    let second = robin.call("search_messages", later.clone()).await;
    assert!(!second.contains("a new needle"), "{second}");
    for (argument, other) in [("from", "P1"), ("mode", "words"), ("query", "hay"), ("since", "1d")] {
        let mut other_search = later.clone();
        other_search[argument] = other.into();
        let error = robin.refused("search_messages", other_search).await;
        assert!(error.to_string().contains("belongs to another search"), "{error}");
    }
}

#[tokio::test]
async fn a_scan_reads_each_message_once() {
    let workspace = Workspace::open().await;
    let archive = Arc::new(Archive::new());
    for _ in 0..950 {
        archive.say("C1", "hay");
    }
    let robin = serve(&workspace, &archive);
    let text = robin.call("search_messages", json!({ "query": "needle", "in": "C1" })).await;
    assert!(text.contains("0 hits") && text.ends_with("scanned 1 of 1 conversations\nend"), "{text}");
    assert_eq!(archive.reads.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn answers_that_a_history_leaves_out_are_scanned_too() {
    let workspace = Workspace::open().await;
    for whole in [true, false] {
        let mut archive = Archive::new();
        archive.whole = whole;
        let mut expected = BTreeSet::new();
        for _ in 0..300 {
            let first = archive.say("C1", "question");
            let answer = archive.add("C1", "the needle", |message| message.thread = Some(format!("M{first}")));
            expected.insert(format!("M{answer}"));
        }
        let archive = Arc::new(archive);
        let robin = serve(&workspace, &archive);
        let pages = all_pages(&robin, json!({ "query": "needle", "in": "C1", "limit": 100 })).await;
        assert_each_once(&pages, &expected);
        let since = json!({ "query": "needle", "in": "C1", "since": instant(0).to_string() });
        let text = robin.call("search_messages", since).await;
        assert_eq!(text.contains("without threads begun before"), !whole, "{text}");
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_named_and_never_an_empty_success() {
    let workspace = Workspace::open().await;
    let mut archive = Archive::new();
    for name in ["A", "B;work:own", "C", "D", "E"] {
        archive.say(name, "needle");
    }
    archive.broken = ["A", "B;work:own", "C", "D"].map(ToOwned::to_owned).into();
    let robin = serve(&workspace, &Arc::new(archive));
    let text = robin.call("search_messages", json!({ "query": "needle" })).await;
    assert!(
        text.contains("1 hit,")
            && text.contains("scanned 1 of 5 conversations, 4 could not be read: #a #b,work,own #c …\nend"),
        "{text}"
    );
    let error = robin.refused("search_messages", json!({ "query": "needle", "in": "A" })).await;
    assert_eq!(error.kind(), ErrorKind::Forbidden);

    let mut archive = Archive::new();
    archive.say("A", "needle");
    archive.broken = ["A".to_owned()].into();
    let robin = serve(&workspace, &Arc::new(archive));
    assert_eq!(robin.refused("search_messages", json!({ "query": "needle" })).await.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_conversation_that_never_answers_does_not_take_the_others_along() {
    let workspace = Workspace::open().await;
    let mut archive = Archive::new();
    for name in ["A", "B", "C", "D", "E", "F", "G", "H"] {
        archive.say(name, "needle");
    }
    archive.silent = Some("H".into());
    let robin = serve(&workspace, &Arc::new(archive));
    tokio::time::pause();
    let text = robin.call("search_messages", json!({ "query": "needle" })).await;
    assert!(ids(&text) == ["M0", "M1", "M2", "M3"] && text.contains("scanned 4 of 8 conversations\nnext: "), "{text}");
}

#[tokio::test]
async fn mentions_are_found_without_words() {
    let workspace = Workspace::open().await;
    let text = workspace.robin().await.call("search_messages", json!({ "mentions_me": true })).await;
    assert!(text.contains("Newsletter draft is ready") && !text.contains("Code freeze"), "{text}");
}

#[tokio::test]
async fn filters_hold_whoever_finds_it_and_do_without_words() {
    let workspace = Workspace::open().await;
    for own in [Own::Missing, Own::Everything] {
        let mut archive = Archive::new();
        let searches = matches!(own, Own::Everything);
        archive.own = own;
        archive.add("C1", "see https://x.example", |_| {});
        archive.add("C1", "a file", |message| {
            message.files = vec![File { id: "F1".into(), name: "plan".into(), media_type: None, size: None }];
        });
        archive.add("C1", "a reaction", |message| {
            message.reactions = vec![Reaction { emoji: "👍".into(), count: 1, mine: false }];
        });
        archive.add("C1", "hey", |message| message.mentions = vec!["P9".into()]);
        archive.add("C1", "all", |message| message.mentions_everyone = true);
        archive.add("C1", "mine", |message| message.author.id = "P9".into());
        archive.add("C1", "gone", |message| (message.deleted, message.mentions_everyone) = (true, true));
        for _ in 0..8 {
            archive.say("C1", "noise");
        }
        archive.add("C1", "twelfth", |_| {});
        let robin = serve(&workspace, &Arc::new(archive));
        let window = json!({ "from": "P1", "since": instant(10).to_string(), "until": instant(20).to_string() });
        let cases = [
            (json!({ "has": "link" }), vec!["M0"]),
            (json!({ "has": "file" }), vec!["M1"]),
            (json!({ "has": "reaction" }), vec!["M2"]),
            (json!({ "mentions_me": true }), vec!["M3", "M4"]),
            (json!({ "from": "me" }), vec!["M5"]),
            (json!({ "from": "P9", "has": "link" }), vec![]),
            (window, vec!["M10", "M11", "M12", "M13", "M14", "M15"]),
        ];
        for (mut arguments, expected) in cases {
            let expected = expected.into_iter().map(ToOwned::to_owned).collect();
            let pages = all_pages(&robin, arguments.clone()).await;
            assert_each_once(&pages, &expected);
            assert!(pages[0].contains("archive: scanned 1 of 1"), "no platform searches without words: {}", pages[0]);
            if searches {
                arguments["query"] = "whatever".into();
                let pages = all_pages(&robin, arguments.clone()).await;
                assert_each_once(&pages, &expected);
                assert!(pages[0].contains("\narchive: its own search\n"), "{}", pages[0]);
            }
        }
    }
}

#[tokio::test]
async fn a_mode_and_a_refusal_lead_to_the_scan() {
    let workspace = Workspace::open().await;
    for (own, mode, expected) in [
        (Own::Everything, None, "its own search"),
        (Own::Everything, Some("exact"), "scanned 1 of 1 conversations"),
        (Own::Refused, None, "scanned 1 of 1 conversations"),
    ] {
        let mut archive = Archive::new();
        archive.own = own;
        archive.say("C1", "needle");
        let robin = serve(&workspace, &Arc::new(archive));
        let text = robin.call("search_messages", json!({ "query": "needle", "mode": mode })).await;
        assert!(text.contains("# #c1 (archive:C1)") && text.contains(&format!("archive: {expected}\nend")), "{text}");
    }
}

#[tokio::test]
async fn context_stands_around_hits_and_is_told_from_them() {
    let workspace = Workspace::open().await;
    for own in [Own::Missing, Own::Everything] {
        let mut archive = Archive::new();
        let searches = matches!(own, Own::Everything);
        archive.own = own;
        for number in 0..12 {
            archive.add("C1", &format!("word{number}"), |message| {
                if number % 4 == 1 {
                    message.author.id = "P2".into();
                }
            });
        }
        let archive = Arc::new(archive);
        let robin = serve(&workspace, &archive);
        let query = if searches { json!("x") } else { Value::Null };
        let arguments = json!({ "query": query, "from": "P2", "context": 2, "limit": 20 });
        let pages = all_pages(&robin, arguments.clone()).await;
        assert_each_once(&pages, &["M1", "M5", "M9"].map(ToOwned::to_owned).into());
        let around: Vec<_> = pages.iter().flat_map(|page| page.lines()).filter(|line| line.starts_with("· ")).collect();
        if !searches {
            let lines: Vec<_> = pages[0].lines().filter(|line| line.contains("word")).collect();
            assert!(
                lines.iter().is_sorted_by_key(|line| line.rsplit("word").next().unwrap().parse::<usize>().unwrap())
            );
            assert_eq!((lines.len(), around.len()), (12, 9), "{pages:?}");
        }
        let mut as_json = arguments;
        as_json["format"] = "json".into();
        let found: Value = serde_json::from_str(&robin.call("search_messages", as_json).await).unwrap();
        let newest = &found["messages"][0];
        assert_eq!((newest["id"].as_str(), newest["in"].as_str()), (Some("M9"), Some("#c1")), "{found}");
        assert_eq!(newest["after"].as_array().unwrap().len(), 2, "{found}");
        assert_eq!(newest["after"][1]["ref"], "archive:C1/M11");
    }
}

#[tokio::test]
async fn a_platform_is_asked_for_the_context_of_few_hits() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    for number in 0..30 {
        robin.send("#random", &format!("needle {number}")).await;
    }
    let text = robin.call("search_messages", json!({ "query": "needle", "context": 1 })).await;
    assert!(text.contains("\nsandbox: its own search, context for the best 10 hits only\n"), "{text}");
    // Ten hits in a row have no neighbour but the eleventh, which is a hit as well.
    assert_eq!((ids(&text).len(), text.matches("\n· ").count()), (20, 0), "{text}");
    let text = robin.call("search_messages", json!({ "query": "before or after the freeze", "context": 2 })).await;
    assert!(text.contains("· ") && text.contains("Before. Flip it on Tuesday"), "the thread is around it: {text}");
}

#[tokio::test]
async fn an_answer_is_short_and_goes_on_where_it_was_cut() {
    let workspace = Workspace::open().await;
    for own in [Own::Missing, Own::Everything] {
        let mut archive = Archive::new();
        archive.own = own;
        let long = "needle ".repeat(600);
        let expected: BTreeSet<_> = (0..7).map(|_| format!("M{}", archive.say("C1", &long))).collect();
        let robin = serve(&workspace, &Arc::new(archive));
        for format in ["transcript", "json"] {
            let page = robin.call("search_messages", json!({ "query": "needle", "format": format })).await;
            assert!(page.chars().count() <= 12_000, "{}", page.chars().count());
        }
        let pages = all_pages(&robin, json!({ "query": "needle" })).await;
        assert_each_once(&pages, &expected);
        assert!(pages.len() > 3 && pages[0].contains(" more hit"), "{}", pages[0]);
    }
}

#[tokio::test]
async fn several_accounts_are_merged_fairly_and_told_apart_in_one_line() {
    let workspace = Workspace::open().await;
    let archive = Archive::new();
    for _ in 0..30 {
        archive.say("C1", &format!("the freeze {}", "and so on ".repeat(100)));
    }
    let mut scanned = workspace.stand_in("archive");
    scanned.bound = Arc::new(archive).serve();
    let accounts = vec![scanned, workspace.account("work", "robin@kestrel.example").await, workspace.stranger("away")];
    let all = workspace.serve(accounts);
    let text = all.call("search_messages", json!({ "query": "freeze" })).await;
    let lines: Vec<_> = text.lines().collect();
    let coverage = lines[lines.len() - 2];
    let expected =
        "archive: scanned 1 of 1 conversations; work: its own search; not covered: away (nobody is signed in: run";
    assert!(coverage.starts_with(expected), "{coverage}");
    assert!(text.contains("# #c1 (archive:C1)\n") && text.contains("# #general (work:C1)\n"), "{text}");
    assert!(text.chars().count() <= 12_000 && text.contains("more hits"), "{text}");
}
