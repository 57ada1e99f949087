//! What the user does not let be read is read by no verb, found by none, and named by none.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use switchboard_kit::{ErrorKind, chat::Conversation, host::local_call};

use super::{
    altered::{Altered, News},
    archive::{Archive, Own},
    picks::{linked, read, suggested, uris},
    workspace::{Assistant, Workspace, ids, next},
};
use crate::{
    chat::Rules,
    server::{Completed, Linked, Provider as _},
};

/// Serves Robin's account with other rules.
async fn walled(workspace: &Workspace, change: impl FnOnce(&mut Rules)) -> Assistant {
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    change(&mut account.rules);
    workspace.serve(vec![account])
}

fn globs(globs: &[&str]) -> Vec<String> {
    globs.iter().map(|glob| (*glob).to_owned()).collect()
}

#[tokio::test]
async fn what_is_denied_is_read_by_no_verb() {
    let workspace = Workspace::open().await;
    let mara = workspace.serve(vec![workspace.account("mara", "mara@kestrel.example").await]);
    let robin = walled(&workspace, |rules| rules.deny.read = globs(&["#hiring", "sandbox:@mara"])).await;
    let since = jiff::Timestamp::now().to_string();
    let begin = robin.call("wait_for_messages", json!({ "timeout": "0s" })).await;
    let hidden = mara.send("#hiring", "a quokka, secretly, for @robin").await.replace("mara:", "sandbox:");
    mara.send("@robin", "a quokka, secretly").await;
    mara.send("#general", "a quokka, openly").await;
    for target in [
        "#hiring",
        "hiring",
        "C6",
        "sandbox:C6",
        "https://sandbox.switchboard.invalid/C6",
        hidden.as_str(),
        "@mara",
        "mara@kestrel.example",
        "P2",
        "C7",
    ] {
        for (verb, argument) in [
            ("read_messages", "target"),
            ("get_conversation", "target"),
            ("search_messages", "in"),
            ("catch_up", "in"),
            ("wait_for_messages", "target"),
        ] {
            let error = robin.refused(verb, json!({ argument: target, "query": "quokka" })).await;
            if error.kind() == ErrorKind::InvalidInput {
                let error = robin.refused(verb, json!({ argument: target })).await;
                assert_eq!(error.kind(), ErrorKind::Forbidden, "{verb} {target}: {error}");
                let hint = error.hint_text().unwrap_or_default();
                assert!(error.message().contains("on the user's `deny` list, as `"), "{verb} {target}: {error}");
                assert!(hint.contains("out of `deny`, under `read`"), "{hint}");
            } else {
                assert_eq!(error.kind(), ErrorKind::Forbidden, "{verb} {target}: {error}");
            }
        }
    }
    let error = robin.refused("get_file", json!({ "ref": hidden })).await;
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    for (verb, arguments) in [
        ("search_messages", json!({ "query": "quokka" })),
        ("search_messages", json!({ "query": "quokka", "context": 2 })),
        ("search_messages", json!({ "query": "quokka", "mode": "exact", "context": 2 })),
        ("search_messages", json!({ "mentions_me": true, "since": since })),
        ("catch_up", json!({ "since": since })),
        ("wait_for_messages", json!({ "cursor": next(&begin), "settle": "0s", "timeout": "9s" })),
        ("list_conversations", json!({})),
        ("list_conversations", json!({ "query": "hir" })),
    ] {
        for form in ["transcript", "json"] {
            let mut arguments = arguments.clone();
            if verb != "wait_for_messages" {
                arguments["format"] = form.into();
            }
            let text = robin.call(verb, arguments.clone()).await;
            let open =
                verb == "list_conversations" || arguments.get("mentions_me").is_some() || text.contains("openly");
            assert!(open, "{verb}: {text}");
            for told in ["secretly", "hiring", "C6", "C7", "Lindqvist (sandbox"] {
                assert!(!text.contains(told), "{verb} {arguments} tells of {told}: {text}");
            }
            let noted = text.contains("sandbox: only what may be read is listed");
            assert_eq!(noted, verb == "list_conversations", "{verb}: {text}");
        }
    }
    let picks = linked(&robin);
    let listed = uris(&picks).await;
    assert!(listed.len() > 4 && !format!("{listed:?}").contains("hiring") && !format!("{listed:?}").contains("C7"));
    for uri in ["chat://sandbox/C6", "chat://sandbox/%23hiring", "chat://sandbox/C7/M1", "chat://sandbox/%40mara"] {
        let error = read(&picks, uri).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{uri}: {error}");
    }
    let suggested = suggested(&picks, Completed::Prompt("channel_digest"), "conversation", "hir", &[]).await;
    assert!(suggested.is_empty(), "{suggested:?}");
    let error = robin.refused("read_messages", json!({ "target": "#hirin" })).await;
    assert!(error.kind() == ErrorKind::NotFound && !format!("{error:?}").contains("hiring`"), "{error:?}");
    assert!(robin.call("find_people", json!({ "query": "Mara" })).await.contains("(sandbox:P2)"));
    assert!(robin.send("#hiring", "Writing is another thing").await.starts_with("sandbox:C6/"));
}

#[tokio::test]
async fn a_list_of_what_may_be_read_is_a_wall() {
    let workspace = Workspace::open().await;
    let robin = walled(&workspace, |rules| rules.allow.read = globs(&["sandbox:C2", "#random", "@kenji"])).await;
    let listed = robin.call("list_conversations", json!({})).await;
    let targets: Vec<_> = listed.lines().filter(|line| line.contains("(sandbox:")).collect();
    assert_eq!(targets.len(), 3, "{listed}");
    for target in ["#ops", "C2", "#random", "C5", "@kenji", "C8"] {
        robin.call("read_messages", json!({ "target": target })).await;
    }
    for target in ["#general", "C1", "@mara", "C6"] {
        let error = robin.refused("read_messages", json!({ "target": target })).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{target}: {error}");
        assert!(error.message().contains("is not on the user's `allow` list"), "{error}");
        assert!(error.hint_text().unwrap().contains("to `allow`, under `read`"), "{error:?}");
    }
}

#[tokio::test]
async fn a_name_that_several_have_lets_nothing_be_read() {
    let workspace = Workspace::open().await;
    let serve = async |allowed: &[&str]| {
        let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
        let renamed: fn(&mut Conversation) = |conversation| {
            if conversation.id == "C4" {
                conversation.name = "Random".into();
            }
        };
        account.bound = Altered::new(account.bound, renamed, News::AsItIs);
        account.rules.allow.read = globs(allowed);
        workspace.serve(vec![account])
    };
    let robin = serve(&["sandbox:#random", "C2"]).await;
    for target in ["C4", "C5"] {
        let error = robin.refused("read_messages", json!({ "target": target })).await;
        assert!(error.message().contains("several are called `#"), "{target}: {error}");
    }
    robin.call("read_messages", json!({ "target": "#ops" })).await;
    let listed = robin.call("list_conversations", json!({})).await;
    assert!(listed.contains("C2") && !listed.to_lowercase().contains("random"), "{listed}");
    let robin = serve(&["sandbox:C5"]).await;
    robin.call("read_messages", json!({ "target": "#random" })).await;
    let error = robin.refused("send_message", json!({ "target": "#random", "text": "x" })).await;
    assert!(error.message().contains("C5") && error.message().ends_with("1 that may not be read"), "{error}");
}

#[tokio::test]
async fn what_may_not_be_read_is_not_even_asked_for() {
    let workspace = Workspace::open().await;
    for own in [Own::Missing, Own::Everything] {
        let searches = matches!(own, Own::Everything);
        let mut archive = Archive::new();
        archive.own = own;
        for conversation in ["C1", "C2", "C3"] {
            archive.say(conversation, &format!("a needle in {conversation}"));
        }
        let archive = Arc::new(archive);
        let mut account = workspace.stand_in("archive");
        account.bound = archive.serve();
        account.rules.deny.read = globs(&["C1", "archive:#c3"]);
        let robin = workspace.serve(vec![account]);
        let text = robin.call("search_messages", json!({ "query": "needle" })).await;
        assert_eq!(ids(&text), ["M1"], "{text}");
        assert!(text.contains(" of what may be read\nend"), "{text}");
        assert_eq!(archive.reads.load(Ordering::Relaxed), usize::from(!searches));
    }
}

#[tokio::test]
async fn rules_by_ids_cost_no_request() {
    let workspace = Workspace::open().await;
    let count = async |assistant: &Assistant| {
        let before = workspace.count("api_calls").await;
        assistant.call("read_messages", json!({ "target": "#general" })).await;
        assistant.call("search_messages", json!({ "query": "freeze" })).await;
        workspace.count("api_calls").await - before
    };
    let free = count(&workspace.robin().await).await;
    std::fs::remove_file(workspace.folder.path().join("state.db")).unwrap();
    let robin = walled(&workspace, |rules| {
        (rules.allow.read, rules.deny.read) = (globs(&["sandbox:C*"]), globs(&["C6", "#h*"]));
    });
    assert_eq!(count(&robin.await).await, free);
}

#[tokio::test]
async fn files_are_of_messages_that_were_read_where_not_all_may_be() {
    let workspace = Workspace::open().await;
    let free = workspace.robin().await;
    let general = free.call("read_messages", json!({ "target": "#general", "format": "json" })).await;
    let general: Value = serde_json::from_str(&general).unwrap();
    let message = general["messages"].as_array().unwrap().iter().find(|message| message["files"].is_array()).unwrap();
    let file = format!("sandbox:{}", message["files"][0]["id"].as_str().unwrap());
    free.call("get_file", json!({ "ref": file, "mode": "save" })).await;
    for change in [|rules: &mut Rules| rules.deny.read = globs(&["C6"]), |rules: &mut Rules| rules.lockdown = true] {
        let robin = walled(&workspace, change).await;
        let error = robin.refused("get_file", json!({ "ref": file, "mode": "save" })).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(error.hint_text().unwrap().starts_with("read the message that it came with"), "{error:?}");
        robin.call("read_messages", json!({ "target": "#general" })).await;
        robin.call("get_file", json!({ "ref": file, "mode": "save" })).await;
        let robin = walled(&workspace, change).await;
        robin.call("get_file", json!({ "ref": message["ref"], "mode": "save" })).await;
    }
}

#[tokio::test]
async fn a_tool_of_the_platform_reads_what_may_be_read() {
    let workspace = Workspace::open().await;
    let open = |rules: &mut Rules| rules.deny.read = globs(&["#hiring"]);
    let closed = |rules: &mut Rules| rules.allow.read = globs(&["#general"]);
    let locked = |rules: &mut Rules| rules.lockdown = true;
    let listed = |rules: &mut Rules| {
        rules.lockdown = true;
        rules.allow.read = globs(&["sandbox_list_members", "C1"]);
    };
    let unlisted = |rules: &mut Rules| rules.deny.read = globs(&["sandbox_list_*"]);
    for (change, conversation, passes) in [
        (open as fn(&mut Rules), "C6", false),
        (open, "C1", true),
        (open, "#general", true),
        (closed, "C1", true),
        (closed, "C2", false),
        (locked, "C1", false),
        (listed, "C1", true),
        (listed, "C2", false),
        (unlisted, "C1", false),
    ] {
        let robin = walled(&workspace, change).await;
        let toolsets = BTreeMap::from([(robin.0.accounts()[0].key().clone(), vec!["all".to_owned()])]);
        let linked = Linked::new(robin.0.clone(), &toolsets).unwrap();
        let Value::Object(arguments) = json!({ "conversation": conversation }) else { unreachable!() };
        let call = local_call(Duration::from_secs(10));
        let reply = linked.call_tool(&call, "sandbox_list_members", arguments).await;
        let kind = reply.as_ref().err().map(switchboard_kit::Error::kind);
        assert_eq!(kind, (!passes).then_some(ErrorKind::Forbidden), "{conversation}: {reply:?}");
    }
}

#[tokio::test]
async fn who_denies_a_name_without_its_sign_denies_it() {
    let workspace = Workspace::open().await;
    for pattern in ["hiring", "HIR*", "sandbox:hiring"] {
        let robin = walled(&workspace, |rules| rules.deny.read = globs(&[pattern])).await;
        let error = robin.refused("read_messages", json!({ "target": "C6" })).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{pattern}");
        robin.call("read_messages", json!({ "target": "#ops" })).await;
    }
}
