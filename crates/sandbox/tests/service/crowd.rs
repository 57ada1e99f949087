//! A workspace as large as a company: filled quickly, listed in large pages, and asked by name.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use switchboard_sandbox::{Options, Sandbox};

use crate::client::{Served, ids};

async fn crowded(people: u32, conversations: u32, no_lookup: bool) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.db");
    Sandbox::open(&path).unwrap().crowded(people, conversations).unwrap();
    Served::with(&path, Some(folder), Options { no_lookup, ..Options::default() }).await
}

async fn walk(served: &Served, token: &str, path: &str, list: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), path.to_owned());
    loop {
        let page = served.get(token, &next).await;
        pages.push(ids(&page[list]));
        match page["cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn everybody_and_everything_is_listed_by_the_thousand() {
    let served = crowded(2_500, 2_100, false).await;
    let token = served.sign_in().await.access;
    for (path, list, all) in [("people", "people", 2_500), ("conversations", "conversations", 2_100)] {
        let pages = walk(&served, &token, &format!("/api/{path}?limit=9999"), list).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, all - 2_000]);
        let mut found: Vec<_> = pages.concat();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), all);
    }
    let members = walk(&served, &token, "/api/conversations/C1/members?limit=4", "people").await;
    assert_eq!(members.concat(), ["P1", "P2", "P3", "P4", "P5", "P6"]);
}

#[tokio::test]
async fn a_conversation_is_found_by_exactly_what_it_is_called() {
    let served = crowded(500, 500, false).await;
    let token = served.sign_in().await.access;
    for (name, expected) in [
        ("General", &["C1"][..]),
        ("project-101", &["C101"]),
        ("project-10", &[]),
        ("mara%20lindqvist", &["C7"]),
        ("mara", &["C7"]),
        ("Aisha%20Bello,%20L%C3%A9a%20Fontaine", &["C9"]),
        ("Aisha%20Bello", &[]),
    ] {
        let found = served.get(&token, &format!("/api/conversations?name={name}")).await;
        assert_eq!(ids(&found["conversations"]), expected, "{name}");
    }
}

#[tokio::test]
async fn a_workspace_that_only_lists_refuses_to_look_names_up() {
    let served = crowded(0, 0, true).await;
    let token = served.sign_in().await.access;
    for path in ["conversations?name=general", "conversations?query=gen", "people?query=mara", "people/mara"] {
        let (status, body) = served.call(&token, Method::GET, &format!("/api/{path}"), None).await;
        assert_eq!((status, &body["error"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("no_lookup")), "{path}");
    }
    for path in ["conversations?limit=1", "people?limit=1", "people/P2", "conversations?kind=direct&with=P2"] {
        assert_ne!(served.get(&token, &format!("/api/{path}")).await, Value::Null);
    }
}
