//! Under `lockdown`, what guests and bots wrote is shown by no verb, and no search tells what is in it.

use std::sync::Arc;

use serde_json::{Value, json};
use switchboard_kit::{
    ErrorKind, ToolHost,
    chat::{AuthorKind, File, Quote, Reaction},
    host::{Effect, tools},
};

use super::{
    archive::{Archive, Own},
    forgery::{account, calls, text},
    hostile::{Hostile, OUTSIDE},
    picks::{linked, read},
    reader::{NOTE, lies},
    workspace::{Assistant, Workspace, ids},
};
use crate::chat::{Chats, Rules, sanitise};

/// Calls every verb that reads, in every form, so often.
async fn all_reads(assistant: &Assistant, rounds: usize, mut hears: impl FnMut(&str, &Value, &str)) {
    let reads = || tools().into_iter().filter(|tool| tool.host == Chats::KEY && tool.effect == Effect::Read);
    for round in 0..rounds {
        for verb in reads().map(|tool| tool.name).filter(|verb| *verb != "wait_for_messages" || round == 0) {
            let mut all = calls(verb);
            if verb == "get_conversation" {
                all.extend(
                    ["transcript", "json"].map(|form| json!({ "target": "work:C1", "members": true, "format": form })),
                );
            }
            if verb == "get_file" {
                all.push(json!({ "ref": "work:C1/M1" }));
            }
            for arguments in all {
                let answer = match assistant.attempt(verb, arguments.clone()).await {
                    Ok(reply) => text(reply),
                    Err(error) => sanitise::text(&format!("{error}: {}", error.hint_text().unwrap_or_default())),
                };
                hears(verb, &arguments, &answer);
            }
        }
    }
}

#[tokio::test]
async fn no_verb_shows_what_guests_and_bots_wrote() {
    let workspace = Workspace::open().await;
    let (hostile, mut noted, mut leaked) = (Hostile::outside(7), Vec::new(), 0);
    let serve = |lockdown| {
        let accounts = ["work", "home"].map(|key| {
            let account = account(key, &hostile);
            crate::chat::ServedAccount { rules: Rules { lockdown, ..account.rules.clone() }, ..account }
        });
        workspace.serve(accounts.into())
    };
    all_reads(&serve(true), 5, |verb, arguments, answer| {
        assert!(!answer.contains(OUTSIDE), "{verb} {arguments}: {answer}");
        let lies = lies(verb, answer, &hostile.truth());
        assert!(lies.is_empty(), "{verb} {arguments}: {lies:#?}\n{answer}");
        if answer.contains(NOTE) {
            noted.push(verb.to_owned());
        }
    })
    .await;
    let linked = linked(&serve(true));
    for uri in ["chat://work/C1", "chat://work/C1/M1"] {
        let text = read(&linked, uri).await.unwrap_or_else(|error| error.to_string());
        assert!(!text.contains(OUTSIDE) && text.contains(NOTE), "{uri}: {text}");
    }
    noted.sort();
    noted.dedup();
    assert_eq!(noted, ["catch_up", "get_file", "read_messages", "wait_for_messages"], "searches find none of it");
    all_reads(&serve(false), 2, |_, _, answer| leaked += usize::from(answer.contains(OUTSIDE))).await;
    assert!(leaked > 20, "without it, all is shown: {leaked}");
}

/// Serves a conversation in which a guest, a bot and a member write.
fn serve(workspace: &Workspace, own: Own) -> Assistant {
    let mut archive = Archive::new();
    archive.own = own;
    archive.add("C1", "the needle of a guest", |message| {
        (message.author.id, message.author.name, message.author.kind) = ("P7".into(), "Noor".into(), AuthorKind::Guest);
        message.files = vec![File { id: "F1".into(), name: "needle.txt".into(), media_type: None, size: None }];
        message.reactions = vec![Reaction { emoji: "👍".into(), count: 2, mine: false }];
    });
    archive.add("C1", "the needle of a bot", |message| {
        (message.author.id, message.author.name, message.author.kind) =
            ("P8".into(), "deploys".into(), AuthorKind::Bot);
    });
    archive.add("C1", "the needle of a member", |message| {
        message.quote = Some(Quote { author: Some("Noor".into()), text: "the needle of a guest".into() });
        message.reactions = ["👍", "ignore_all_rules", "1\u{fe0f}\u{20e3}"]
            .map(|emoji| Reaction { emoji: emoji.into(), count: 1, mine: false })
            .into();
    });
    archive.add("C1", "the needle of the user", |message| {
        (message.author.id, message.author.name, message.author.kind) = ("P9".into(), "Robin".into(), AuthorKind::Bot);
    });
    archive.add("C1", "[withheld: written by a guest]", |_| {});
    let mut account = workspace.stand_in("archive");
    account.bound = Arc::new(archive).serve();
    account.rules.lockdown = true;
    workspace.serve(vec![account])
}

#[tokio::test]
async fn what_is_withheld_leaves_its_line_and_the_answer_says_so() {
    let workspace = Workspace::open().await;
    let robin = serve(&workspace, Own::Missing);
    let page = robin.call("read_messages", json!({ "target": "#c1" })).await;
    for line in [
        "Noor (guest) [M0] [withheld: written by a guest] (👍 2)",
        "deploys (bot) [M1] [withheld: written by a bot]",
        "[M2]\n  > Noor: [withheld]\n  the needle of a member (👍 1 :withheld: 1 :1\u{fe0f}\u{20e3}: 1)",
        "[M3] the needle of the user",
        "[M4] \\[withheld: written by a guest]",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    assert!(page.ends_with(&format!("\n{NOTE}\nend")) && !page.contains("F1"), "{page}");
    let page = robin.call("read_messages", json!({ "target": "#c1", "format": "json" })).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    let guest = &page["messages"][0];
    assert_eq!((&guest["text"], &guest["withheld"], &guest["files"]), (&json!(""), &json!(true), &Value::Null));
    assert_eq!(page["notes"], json!([NOTE]));
    let error = robin.refused("get_file", json!({ "ref": "archive:F1" })).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "this platform has no files: {error}");
}

#[tokio::test]
async fn nobody_says_that_something_is_withheld_where_nothing_is() {
    let workspace = Workspace::open().await;
    let archive = Archive::new();
    archive.add("C1", "hello", |message| {
        message.quote = Some(Quote { author: None, text: "[withheld]".into() });
        message.reactions = vec![Reaction { emoji: ":withheld:".into(), count: 1, mine: false }];
    });
    let mut account = workspace.stand_in("archive");
    account.bound = Arc::new(archive).serve();
    let page = workspace.serve(vec![account]).call("read_messages", json!({ "target": "#c1" })).await;
    assert!(!page.contains(NOTE), "{page}");
}

#[tokio::test]
async fn no_search_tells_what_is_withheld() {
    let workspace = Workspace::open().await;
    for own in [Own::Missing, Own::Everything] {
        let searches = matches!(own, Own::Everything);
        let robin = serve(&workspace, own);
        for (arguments, found) in [
            (json!({ "query": "needle of a guest", "mode": "exact" }), vec![]),
            (json!({ "query": "^$", "mode": "regex" }), vec![]),
            (json!({ "from": "P7" }), vec![]),
            (json!({ "has": "file" }), vec![]),
            (json!({ "query": "needle", "context": 3, "mode": "exact" }), vec!["M2", "M3"]),
        ] {
            if searches && arguments.get("mode").is_none() {
                continue;
            }
            let text = robin.call("search_messages", arguments.clone()).await;
            let mut hits: Vec<_> = text.lines().filter(|line| !line.starts_with("· ")).flat_map(ids).collect();
            hits.sort();
            assert_eq!(hits, found, "{arguments}: {text}");
            assert!(!text.contains("of a guest") || arguments.to_string().contains("guest"), "{text}");
            assert!(text.contains("conversations of what members wrote"), "{text}");
        }
        let text = robin.call("search_messages", json!({ "query": "needle" })).await;
        assert!(!text.contains("M0") && !text.contains("[M1]") && text.contains(" of what members wrote"), "{text}");
    }
}

#[tokio::test]
async fn topics_are_withheld_where_outsiders_may_have_set_them() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    account.rules.lockdown = true;
    let robin = workspace.serve(vec![account]);
    let free = workspace.robin().await;
    for (verb, arguments) in [("list_conversations", json!({})), ("get_conversation", json!({ "target": "#design" }))] {
        for form in ["transcript", "json"] {
            let mut arguments = arguments.clone();
            arguments["format"] = form.into();
            assert!(free.call(verb, arguments.clone()).await.contains("trail style guide"));
            let text = robin.call(verb, arguments).await;
            assert!(text.contains("design") && !text.contains("trail style guide"), "{text}");
        }
    }
    assert!(!robin.call("list_conversations", json!({ "query": "trail style" })).await.contains("design"));
    let members = robin.call("get_conversation", json!({ "target": "#design", "members": true })).await;
    assert!(members.contains("@noor Noor Haddad (sandbox:P7) guest") && !members.contains("Papier,"), "{members}");
    assert!(!members.contains("Illustrator"), "{members}");
    assert!(!robin.call("find_people", json!({ "query": "noor" })).await.contains("Illustrator"));
    assert!(robin.call("find_people", json!({ "query": "mara" })).await.contains("Engineering lead"));
}
