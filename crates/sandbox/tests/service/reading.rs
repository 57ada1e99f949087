//! Reading: conversations, pages, search, and who may see what.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Served, ids};

/// Follows `older` or `newer` until the end and returns every message id on the way.
async fn walk(served: &Served, token: &str, path: &str, step: &str, cursor: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = served.get(token, &next).await;
        seen.extend(ids(&page["messages"]));
        match page[step].as_str() {
            Some(position) => next = format!("{path}&{cursor}={position}"),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn the_workspace_is_there_and_looks_lived_in() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let found = served.get(&token, "/api/conversations").await;
    let conversations = found["conversations"].as_array().unwrap();
    assert_eq!(conversations.len(), 9);
    assert_eq!((&conversations[0]["id"], &conversations[0]["name"]), (&json!("C1"), &json!("general")));
    assert!(conversations[0]["unread"].as_i64().unwrap() > 0);
    assert_eq!(conversations[6]["kind"], "direct");
    assert_eq!(
        (&conversations[6]["name"], &conversations[6]["members"][0]["name"]),
        (&Value::Null, &json!("Mara Lindqvist"))
    );
    let filtered = served.get(&token, "/api/conversations?query=%23OPS&kind=channel,group").await;
    assert_eq!(ids(&filtered["conversations"]), ["C2"]);
    let with_kenji = served.get(&token, "/api/conversations?query=kenji").await;
    assert_eq!(ids(&with_kenji["conversations"]), ["C8"]);
    let direct_with_kenji = served.get(&token, "/api/conversations?kind=direct&with=P3").await;
    assert_eq!(ids(&direct_with_kenji["conversations"]), ["C8"]);
    assert_eq!(ids(&served.get(&token, "/api/people?query=l%C3%A9a").await["people"]), ["P6"]);
    assert_eq!(served.get(&token, "/api/people/P4").await["handle"], "aisha");
    assert_eq!(ids(&served.get(&token, "/api/conversations/C9/members").await["people"]), ["P1", "P4", "P6"]);
    let me = served.get(&token, "/api/me").await;
    assert_eq!((&me["workspace"]["name"], &me["id"]), (&json!("Kestrel Maps"), &json!("P1")));
}

#[tokio::test]
async fn paging_has_neither_gaps_nor_repeats() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    for conversation in ["C1", "C2", "C5"] {
        let path = format!("/api/conversations/{conversation}/messages");
        let mut all = ids(&served.get(&token, &format!("{path}?limit=100")).await["messages"]);
        assert!(all.len() >= 5);
        assert_eq!(walk(&served, &token, &format!("{path}?limit=3"), "older", "before").await, all);
        all.reverse();
        assert_eq!(walk(&served, &token, &format!("{path}?limit=2&order=oldest"), "newer", "after").await, all);
    }
    let pages = walk_cursor(&served, &token, "/api/conversations?limit=2", "conversations").await;
    assert_eq!(pages, (1..=9).map(|number| format!("C{number}")).collect::<Vec<_>>());
    let all = ids(&served.get(&token, "/api/search?query=the&limit=100").await["messages"]);
    assert!(all.len() > 10);
    assert_eq!(walk_cursor(&served, &token, "/api/search?query=the&limit=3", "messages").await, all);
}

async fn walk_cursor(served: &Served, token: &str, path: &str, list: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = served.get(token, &next).await;
        seen.extend(ids(&page[list]));
        match page["cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn around_shows_both_sides_of_a_message() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let all = ids(&served.get(&token, "/api/conversations/C1/messages?order=oldest").await["messages"]);
    let path = format!("/api/conversations/C1/messages?around={}&limit=5&order=oldest", all[4]);
    let page = served.get(&token, &path).await;
    assert_eq!(ids(&page["messages"]), all[2..7]);
    assert_eq!((&page["older"], &page["newer"]), (&json!(all[2]), &json!(all[6])));
}

#[tokio::test]
async fn a_window_of_time_is_half_open() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let page = served.get(&token, "/api/conversations/C1/messages?order=oldest").await;
    let all = page["messages"].as_array().unwrap();
    let (since, until) = (all[2]["time"].as_str().unwrap(), all[5]["time"].as_str().unwrap());
    let window =
        served.get(&token, &format!("/api/conversations/C1/messages?order=oldest&since={since}&until={until}")).await;
    assert_eq!(ids(&window["messages"]), ids(&page["messages"])[2..5]);
    let (status, body) = served.call(&token, Method::GET, "/api/conversations/C1/messages?since=yesterday", None).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("invalid")));
}

#[tokio::test]
async fn search_finds_words_in_every_script_and_filters() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let search = async |query: &str| ids(&served.get(&token, &format!("/api/search?{query}")).await["messages"]);
    assert!(!search("query=OFFLINE+search").await.is_empty());
    assert_eq!(search("query=%E7%B4%85%E8%91%89").await.len(), 1);
    assert_eq!(search("query=hollental").await.len(), 1);
    assert!(!search("query=p95&from=deploys&in=C2").await.is_empty());
    assert!(search("query=p95&from=deploys&in=C1").await.is_empty());
    assert!(search("query=%22%29+OR+*").await.is_empty());
    let recent = search("query=INC&since=2000-01-01T00:00:00Z").await;
    assert!(!recent.is_empty());
    assert!(search("query=INC&until=2000-01-01T00:00:00Z").await.is_empty());
    assert_eq!(served.call(&token, Method::GET, "/api/search?query=+", None).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    let served = Served::fresh().await;
    let (robin, noor) = (served.sign_in().await.access, served.sign_in_with(&[("login_hint", "noor")]).await.access);
    assert_eq!(ids(&served.get(&noor, "/api/conversations").await["conversations"]), ["C3"]);
    let secret = served.post(&robin, "C7", json!({ "text": "between us" })).await;
    for path in [
        "/api/conversations/C7",
        "/api/conversations/C1/messages",
        &format!("/api/messages/{}", secret["id"].as_str().unwrap()),
    ] {
        assert_eq!(served.call(&noor, Method::GET, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(served.get(&noor, "/api/search?query=between").await["messages"], json!([]));
    let seen = served.get(&noor, "/api/changes?cursor=0").await;
    assert!(seen["changes"].as_array().unwrap().iter().all(|change| change["message"]["conversation"] == "C3"));
    let (status, body) = served.call(&noor, Method::PATCH, "/api/messages/M1", Some(json!({ "text": "mine" }))).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
    let page = served.get(&noor, "/api/conversations/C3/messages").await;
    let others =
        page["messages"].as_array().unwrap().iter().find(|message| message["author"]["handle"] == "aisha").unwrap();
    let path = format!("/api/messages/{}", others["id"].as_str().unwrap());
    let (status, body) = served.call(&noor, Method::DELETE, &path, None).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::FORBIDDEN, Some("not_the_author")));
}
