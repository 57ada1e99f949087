//! Reading with one account.

use serde_json::{Value, json};
use switchboard_kit::{ErrorKind, host::Content};

use super::workspace::{Assistant, Workspace, ids, next};

#[tokio::test]
async fn whoami_names_the_user_and_what_is_allowed() {
    let workspace = Workspace::open().await;
    let text = workspace.robin().await.call("whoami", json!({})).await;
    assert!(
        text.starts_with("sandbox (Kestrel, sandbox): Robin Vega (P1), Kestrel Maps; read and write\nnow: "),
        "{text}"
    );
    let stranger = workspace.serve(vec![workspace.stranger("sandbox")]).call("whoami", json!({})).await;
    assert!(stranger.contains("not signed in: run `switchboard --provider sandbox --local-auth`"), "{stranger}");
}

#[tokio::test]
async fn conversations_are_listed_with_exact_targets_and_page_by_page() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let all = robin.call("list_conversations", json!({})).await;
    assert!(all.contains("#general (sandbox:C1) "), "{all}");
    assert!(all.contains("@Mara Lindqvist (sandbox:C7)") && all.ends_with("\nend"), "{all}");
    let found = robin.call("list_conversations", json!({ "query": "LINDQ", "kind": "direct" })).await;
    assert_eq!(found.lines().count(), 2, "{found}");

    let (mut paged, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut arguments = json!({ "limit": 4 });
        if cursor.is_string() {
            arguments["cursor"] = cursor;
        }
        let page = robin.call("list_conversations", arguments).await;
        paged.extend(page.lines().filter(|line| line.contains("(sandbox:")).map(ToOwned::to_owned));
        match next(&page) {
            Some(next) => cursor = next.into(),
            None => break,
        }
    }
    assert_eq!(paged, all.lines().filter(|line| line.contains("(sandbox:")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conversation_is_read_by_every_kind_of_target() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let text = robin.call("read_messages", json!({ "target": "#general" })).await;
    assert!(text.starts_with("#general (sandbox:C1) "), "{text}");
    assert!(text.contains("(👍 4)") && text.contains(" beta-week-1.csv ") && text.ends_with("\nend"), "{text}");
    for target in ["General", "sandbox:#GENERAL", "C1", "sandbox:C1", "https://sandbox.switchboard.invalid/C1"] {
        assert_eq!(robin.call("read_messages", json!({ "target": target })).await, text, "{target}");
    }
    let direct = robin.call("read_messages", json!({ "target": "@mara" })).await;
    assert!(direct.starts_with("@Mara Lindqvist (sandbox:C7) "), "{direct}");
    for target in ["mara@kestrel.example", "@Mara Lindqvist", "P2", "sandbox:@mara"] {
        assert_eq!(robin.call("read_messages", json!({ "target": target })).await, direct, "{target}");
    }
}

#[tokio::test]
async fn pages_go_on_exactly_where_the_one_before_ended() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    for number in 0..8 {
        robin.send("#random", &format!("{number} {}", "long ".repeat(800))).await;
    }
    let in_order = |pages: Vec<Vec<String>>| pages.into_iter().rev().flatten().collect::<Vec<_>>();
    let small = in_order(pages(&robin, 2, false).await);
    let cut = pages(&robin, 50, true).await;
    assert!(cut.len() >= 3 && small.len() > 8, "{cut:?}");
    assert_eq!(in_order(cut), small);
}

/// Reads all of `#random`, newest page first; says something between the pages if there is to be `noise`.
async fn pages(assistant: &Assistant, limit: u16, noise: bool) -> Vec<Vec<String>> {
    let (mut pages, mut arguments) = (Vec::new(), json!({ "target": "#random", "limit": limit }));
    loop {
        let page = assistant.call("read_messages", arguments.clone()).await;
        assert!(page.chars().count() <= 12_000, "{}", page.chars().count());
        pages.push(ids(&page));
        if noise {
            assistant.send("#random", "meanwhile").await;
        }
        match next(&page) {
            Some(cursor) => arguments["cursor"] = cursor.into(),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn threads_windows_and_surroundings_are_read() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let general = robin.call("read_messages", json!({ "target": "#general" })).await;
    let root = general.lines().find(|line| line.contains("Who can demo on Friday?")).unwrap();
    assert!(root.ends_with("(4 ↳)"), "{root}");
    let root = ids(root).remove(0);
    for thread in [root.clone(), format!("sandbox:C1/{root}"), format!("#general/{root}")] {
        let text = robin.call("read_messages", json!({ "target": "#general", "thread": thread })).await;
        assert!(text.contains(") thread ") && text.contains("] Empty states!") && ids(&text).len() == 5, "{text}");
    }
    let refused = robin.refused("read_messages", json!({ "target": "#ops", "thread": "sandbox:C1/M1" })).await;
    assert!(refused.to_string().contains("is not in #ops"), "{refused}");
    let around = robin.call("read_messages", json!({ "target": format!("sandbox:C1/{root}"), "limit": 5 })).await;
    assert!(ids(&around).contains(&root) && ids(&around).len() <= 5, "{around}");
    let recent = robin.call("read_messages", json!({ "target": "#general", "since": "1d" })).await;
    assert!(recent.contains("Code freeze") && !recent.contains("Who can demo"), "{recent}");
    let error = robin.refused("read_messages", json!({ "target": "#general", "since": "soon" })).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_unknown_name_gets_its_neighbours() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let error = robin.refused("read_messages", json!({ "target": "#generl" })).await;
    assert_eq!(error.to_string(), "nothing is called `#generl` exactly");
    assert!(error.hint_text().unwrap().starts_with("did you mean `#general`?"), "{error:?}");
    let error = robin.refused("read_messages", json!({ "target": "sandbox:" })).await;
    assert!(error.hint_text().unwrap().contains("list_conversations"));
}

#[tokio::test]
async fn search_filters_by_conversation_author_and_time() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let text = robin.call("search_messages", json!({ "query": "freeze" })).await;
    assert!(text.contains("# #general (sandbox:C1)\n## ") && text.contains("**Wednesday 18:00 UTC**"), "{text}");
    for arguments in [
        json!({ "query": "freeze", "in": "#general", "from": "@mara" }),
        json!({ "query": "freeze", "in": "sandbox:", "from": "P2", "since": "2d" }),
    ] {
        let text = robin.call("search_messages", arguments).await;
        assert!(text.contains("Code freeze for 2.4") && text.ends_with("\nend"), "{text}");
    }
    for arguments in [
        json!({ "query": "freeze", "in": "#ops" }),
        json!({ "query": "Wednesday freeze", "from": "@kenji" }),
        json!({ "query": "freeze", "until": "4w" }),
    ] {
        let text = robin.call("search_messages", arguments).await;
        assert!(text.contains(": 0 hits"), "{text}");
    }
    let me = robin.call("search_messages", json!({ "query": "flag", "from": "me", "format": "json" })).await;
    let me: Value = serde_json::from_str(&me).unwrap();
    assert!(me["messages"].as_array().unwrap().iter().all(|hit| hit["author"]["id"] == "P1"), "{me}");
    let reference = me["messages"][0]["ref"].as_str().unwrap();
    robin.call("read_messages", json!({ "target": reference })).await;
    robin.refused("search_messages", json!({ "query": "x", "from": "@nobody" })).await;
}

#[tokio::test]
async fn files_come_as_text_as_pictures_or_saved() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let general = robin.call("read_messages", json!({ "target": "#general" })).await;
    let line = general.lines().find(|line| line.contains("beta-week-1.csv")).unwrap();
    let id = line.split("[file ").nth(1).unwrap().split(' ').next().unwrap();
    let text = robin.call("get_file", json!({ "ref": id })).await;
    assert!(text.contains("content by others:\nday,searchers,"), "{text}");
    let message = format!("sandbox:C1/{}", ids(line)[0]);
    assert_eq!(robin.call("get_file", json!({ "ref": message, "mode": "text" })).await, text);
    let saved = robin.call("get_file", json!({ "ref": id, "mode": "save" })).await;
    let path = workspace.folder.path().join("downloads/beta-week-1.csv").canonicalize().unwrap();
    assert!(saved.ends_with(&path.display().to_string()), "{saved}");
    assert!(std::fs::read_to_string(path).unwrap().starts_with("day,"));
    robin.refused("get_file", json!({ "ref": id, "mode": "image" })).await;

    let design = robin.call("read_messages", json!({ "target": "#design" })).await;
    let line = design.lines().find(|line| line.contains(".png")).unwrap();
    let picture = line.split("[file ").nth(1).unwrap().split(' ').next().unwrap();
    let reply = robin.attempt("get_file", json!({ "ref": picture })).await.unwrap();
    assert!(matches!(&reply.content[1], Content::Image { media_type, .. } if media_type == "image/png"), "{reply:?}");
}

#[tokio::test]
async fn without_a_sign_in_every_call_says_what_to_run() {
    let workspace = Workspace::open().await;
    let stranger = workspace.serve(vec![workspace.stranger("sandbox")]);
    for (verb, arguments) in [
        ("list_conversations", json!({})),
        ("read_messages", json!({ "target": "#general" })),
        ("search_messages", json!({ "query": "x" })),
        ("get_file", json!({ "ref": "F1" })),
        ("send_message", json!({ "target": "#general", "text": "x" })),
    ] {
        let error = stranger.refused(verb, arguments).await;
        assert_eq!(error.kind(), ErrorKind::SignInRequired, "{verb}: {error:?}");
        assert_eq!(error.hint_text(), Some("run `switchboard --provider sandbox --local-auth`"), "{verb}");
    }
}

#[tokio::test]
async fn a_cursor_goes_on_with_nothing_but_what_it_began() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let thread = json!({ "target": "#general", "thread": "M13", "limit": 2 });
    let page = robin.call("read_messages", thread.clone()).await;
    let other = [
        json!({ "target": "#general" }),
        json!({ "target": "#random" }),
        json!({ "target": "#general", "thread": "M13", "since": "30d" }),
    ];
    for mut arguments in other {
        arguments["cursor"] = next(&page).into();
        let error = robin.refused("read_messages", arguments.clone()).await;
        assert!(error.to_string().contains("belongs to other arguments"), "{arguments}: {error}");
    }
    let mut same = thread;
    same["cursor"] = next(&page).into();
    assert!(!ids(&robin.call("read_messages", same).await).is_empty());
    let news = robin.call("catch_up", json!({ "limit": 1 })).await;
    for arguments in [json!({ "mentions_only": true }), json!({ "in": "#ops" })] {
        let mut arguments = arguments;
        arguments["cursor"] = next(&news).into();
        let error = robin.refused("catch_up", arguments).await;
        assert!(error.to_string().contains("belongs to other arguments"), "{error}");
    }
    let more = robin.call("catch_up", json!({ "cursor": next(&news) })).await;
    assert!(more.starts_with("times in"), "{more}");
}
