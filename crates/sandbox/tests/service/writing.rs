//! Writing: messages, reactions, idempotency keys, files, direct conversations and the read marker.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{Served, ids, parts};

#[tokio::test]
async fn a_message_is_written_threaded_edited_reacted_to_and_deleted() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let cursor = served.get(&token, "/api/changes").await["cursor"].as_str().unwrap().to_owned();
    let root = served.post(&token, "C1", json!({ "text": "Lunch?" })).await;
    let root_id = root["id"].as_str().unwrap();
    let reply = served.post(&token, "C1", json!({ "text": "Soup", "thread": root_id, "quote": root_id })).await;
    let reply_id = reply["id"].as_str().unwrap();
    assert_eq!((&reply["thread"], &reply["quote"]["text"]), (&root["id"], &json!("Lunch?")));
    let nested = served.post(&token, "C1", json!({ "text": "With bread", "thread": reply_id })).await;
    assert_eq!(nested["thread"], root["id"]);
    let thread = served.get(&token, &format!("/api/conversations/C1/messages?thread={reply_id}&order=oldest")).await;
    assert_eq!(ids(&thread["messages"]), [root_id, reply_id, nested["id"].as_str().unwrap()]);
    assert_eq!(thread["messages"][0]["reply_count"], 2);

    let path = format!("/api/messages/{root_id}");
    let (_, edited) = served.call(&token, Method::PATCH, &path, Some(json!({ "text": "Dinner?" }))).await;
    assert_eq!(edited["text"], "Dinner?");
    assert!(edited["edited_at"].is_string());
    let thumb = format!("{path}/reactions/%F0%9F%91%8D");
    for _ in 0..2 {
        let (_, reacted) = served.call(&token, Method::PUT, &thumb, None).await;
        assert_eq!(reacted["reactions"], json!([{ "emoji": "👍", "count": 1, "me": true }]));
    }
    assert_eq!(served.call(&token, Method::DELETE, &thumb, None).await.1["reactions"], json!([]));
    let (_, deleted) = served.call(&token, Method::DELETE, &path, None).await;
    assert_eq!((&deleted["deleted"], &deleted["text"]), (&json!(true), &json!("")));
    assert_eq!(served.call(&token, Method::DELETE, &path, None).await, (StatusCode::OK, deleted));
    assert_eq!(served.call(&token, Method::PUT, &thumb, None).await.0, StatusCode::CONFLICT);
    assert_eq!(ids(&served.get(&token, "/api/search?query=dinner").await["messages"]), Vec::<String>::new());

    let changes = served.get(&token, &format!("/api/changes?cursor={cursor}")).await;
    let kinds: Vec<_> =
        changes["changes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["new", "new", "new", "edited", "deleted"]);
    let end = changes["cursor"].as_str().unwrap();
    assert_eq!(served.get(&token, &format!("/api/changes?cursor={end}")).await["changes"], json!([]));
}

#[tokio::test]
async fn a_key_posts_once() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let draft = json!({ "text": "once", "key": "k1" });
    let first = served.post(&token, "C1", draft.clone()).await;
    let (status, again) =
        served.call(&token, Method::POST, "/api/conversations/C1/messages", Some(draft.clone())).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &first["id"]));
    let (status, body) = served.call(&token, Method::POST, "/api/conversations/C2/messages", Some(draft)).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::CONFLICT, Some("key_in_use")));
}

#[tokio::test]
async fn a_file_goes_up_into_a_message_and_comes_back() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let content: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let upload = served.request(Method::POST, "/api/files?name=caf%C3%A9%20menu.bin").bearer_auth(&token);
    let upload = upload.header("content-type", "application/x-menu").body(content.clone());
    let (status, file) = parts(upload.send().await.unwrap()).await;
    assert_eq!((status, &file["size"]), (StatusCode::CREATED, &json!(3_000_000)));
    let message = served.post(&token, "C1", json!({ "files": [file["id"]] })).await;
    assert_eq!(message["files"], json!([file]));
    let path = format!("/api/files/{}", file["id"].as_str().unwrap());
    let response = served.request(Method::GET, &path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-menu");
    assert_eq!(response.bytes().await.unwrap(), content);
    let again = json!({ "text": "again", "files": [file["id"]] });
    let (status, _) = served.call(&token, Method::POST, "/api/conversations/C1/messages", Some(again)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    let upload = served.request(Method::POST, "/api/files?name=big").bearer_auth(&token);
    let (status, body) = parts(upload.body(vec![0; 25 * 1024 * 1024 + 1]).send().await.unwrap()).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("too_large")));
}

#[tokio::test]
async fn a_direct_conversation_is_begun_once_and_read_up_to_a_message() {
    let served = Served::fresh().await;
    let (robin, tomas) = (served.sign_in().await.access, served.sign_in_with(&[("login_hint", "tomas")]).await.access);
    let open = async |token: &str, person: &str| {
        served.call(token, Method::POST, "/api/conversations/direct", Some(json!({ "person": person }))).await.1
    };
    assert_eq!(open(&robin, "mara").await["id"], "C7");
    let begun = open(&robin, "@tomas").await;
    assert_eq!(open(&tomas, "P1").await["id"], begun["id"]);
    let id = begun["id"].as_str().unwrap();
    let first = served.post(&robin, id, json!({ "text": "one" })).await;
    served.post(&robin, id, json!({ "text": "two" })).await;
    let unread = async || served.get(&tomas, &format!("/api/conversations/{id}")).await["unread"].clone();
    assert_eq!(unread().await, 2);
    let body = Some(json!({ "message": first["id"] }));
    let (status, _) = served.call(&tomas, Method::PUT, &format!("/api/conversations/{id}/read"), body).await;
    assert_eq!((status, unread().await), (StatusCode::NO_CONTENT, json!(1)));
}

#[tokio::test]
async fn a_channel_is_added_once_and_others_find_it() {
    let served = Served::fresh().await;
    let (robin, mara) = (served.sign_in().await.access, served.sign_in_with(&[("login_hint", "mara")]).await.access);
    let add = async |name: &str| {
        served.call(&robin, Method::POST, "/api/conversations", Some(json!({ "name": name, "topic": "Maps" }))).await
    };
    let (status, channel) = add("map-talk").await;
    assert_eq!((status, channel["name"].as_str()), (StatusCode::CREATED, Some("map-talk")));
    assert_eq!(add("map-talk").await.1["error"], "name_in_use");
    assert_eq!(add("Map talk").await.1["error"], "invalid");
    let id = channel["id"].as_str().unwrap();
    assert_eq!(ids(&served.get(&robin, &format!("/api/conversations/{id}/members")).await["people"]), ["P1"]);
    assert_eq!(ids(&served.get(&mara, "/api/conversations?query=map-talk").await["conversations"]), [id]);
}

#[tokio::test]
async fn people_are_mentioned_by_their_handles() {
    let served = Served::fresh().await;
    let token = served.sign_in().await.access;
    for (text, people, everyone) in [
        ("@Mara and @kenji, and @mara: lunch?", json!(["P2", "P3"]), false),
        ("@here is \"cake\" for @robin.", json!(["P1"]), true),
        ("write to mara@kestrel.example or @nobody", json!([]), false),
        ("nothing", json!([]), false),
    ] {
        let message = served.post(&token, "C1", json!({ "text": text })).await;
        assert_eq!((&message["mentions"], &message["mentions_everyone"]), (&people, &json!(everyone)), "{text}");
    }
}
