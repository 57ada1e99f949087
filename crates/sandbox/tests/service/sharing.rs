//! One state file under several sandboxes at once.

use std::sync::{Arc, Barrier};

use reqwest::StatusCode;
use serde_json::json;
use switchboard_sandbox::Sandbox;

use crate::client::{Served, ids};

#[test]
fn many_who_open_a_fresh_file_at_once_find_one_workspace() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/sandbox.db");
        let together = Arc::new(Barrier::new(8));
        let openers: Vec<_> = (0..8)
            .map(|_| {
                let (path, together) = (path.clone(), together.clone());
                std::thread::spawn(move || {
                    together.wait();
                    Sandbox::open(&path).map(drop)
                })
            })
            .collect();
        for opener in openers {
            opener.join().unwrap().unwrap();
        }
        let state = rusqlite::Connection::open(&path).unwrap();
        let people: i64 = state.query_row("SELECT count(*) FROM people", [], |row| row.get(0)).unwrap();
        assert_eq!(people, 8);
    }
}

#[test]
fn a_file_of_another_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Sandbox::open(&path).unwrap_err().to_string();
    assert!(error.contains("version 99") && error.contains("sandbox.db"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sandboxes_over_one_file_are_one_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.db");
    let (left, right) = (Served::over(&path).await, Served::over(&path).await);
    let tokens = left.sign_in().await;
    let newest = right.get(&tokens.access, "/api/conversations/C5/messages?limit=1").await;
    let before = newest["messages"][0]["id"].as_str().unwrap().to_owned();
    let write = async |served: &Served, name: &str| {
        for number in 0..20 {
            served.post(&tokens.access, "C5", json!({ "text": format!("{name} {number}") })).await;
        }
    };
    tokio::join!(write(&left, "left"), write(&right, "right"), write(&left, "again"), write(&right, "more"));
    let path = format!("/api/conversations/C5/messages?after={before}&limit=100&order=oldest");
    let (seen_left, seen_right) = (left.get(&tokens.access, &path).await, right.get(&tokens.access, &path).await);
    assert_eq!(seen_left["messages"].as_array().unwrap().len(), 80);
    assert_eq!(ids(&seen_left["messages"]), ids(&seen_right["messages"]));

    let (status, body) = right.refresh(&tokens.refresh).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(left.refresh(&tokens.refresh).await.1["error"], "invalid_grant");
    assert!(!right.is_signed_in(&tokens.access).await);
}

#[tokio::test]
async fn a_change_in_one_sandbox_wakes_a_waiter_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.db");
    let (left, right) = (Served::over(&path).await, Served::over(&path).await);
    let tokens = left.sign_in().await;
    let cursor = left.get(&tokens.access, "/api/changes").await["cursor"].as_str().unwrap().to_owned();
    let path = format!("/api/changes?cursor={cursor}&wait=20");
    let (changes, posted) =
        tokio::join!(left.get(&tokens.access, &path), right.post(&tokens.access, "C1", json!({ "text": "knock" })));
    assert_eq!(changes["changes"][0]["kind"], "new");
    assert_eq!(changes["changes"][0]["message"]["id"], posted["id"]);
}
