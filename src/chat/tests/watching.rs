//! Conversations that are watched: what is told of them, and what it costs.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use switchboard_kit::{Call, Error, ErrorKind, Result, chat::Delta, host::local_call};
use tokio::sync::mpsc;

use super::{
    altered::{Altered, News},
    archive::Archive,
    workspace::{Assistant, Workspace},
};
use crate::{
    chat::ServedAccount,
    server::{Change, Changes, Linked, Provider as _},
};

fn call() -> Call {
    local_call(Duration::from_secs(30))
}

/// Serves it, and returns what clients are told.
async fn start(assistant: &Assistant) -> (Linked, mpsc::UnboundedReceiver<Change>) {
    let linked = Linked::new(assistant.0.clone(), &BTreeMap::new()).unwrap();
    let (told, hears) = mpsc::unbounded_channel();
    let changes = Changes::default().through(move |change| {
        told.send(change).unwrap();
        None
    });
    linked.start(&changes).await.unwrap();
    (linked, hears)
}

fn of(uri: &str) -> Change {
    Change::Resource(uri.into())
}

#[tokio::test]
async fn what_is_watched_is_told_of_and_nothing_else() {
    let workspace = Workspace::open().await;
    let robin = workspace.robin().await;
    let mara = workspace.serve(vec![workspace.account("mara", "mara@kestrel.example").await]);
    let first = robin.send("#general", "first").await;
    let message = format!("chat://sandbox/%23general/{}", first.rsplit_once('/').unwrap().1);
    let (linked, mut hears) = start(&robin).await;
    let general = linked.watch_resource(&call(), "chat://sandbox/%23general").await.unwrap();
    let same = linked.watch_resource(&call(), "chat://sandbox/C1").await.unwrap();
    let one = linked.watch_resource(&call(), &message).await.unwrap();
    mara.send("#random", "elsewhere").await;
    mara.send("#general", "here").await;
    let mut told = [hears.recv().await.unwrap(), hears.recv().await.unwrap()];
    told.sort_by_key(|change| format!("{change:?}"));
    assert_eq!(told, [of("chat://sandbox/%23general"), of("chat://sandbox/C1")]);
    drop((general, same));
    mara.send("#general", "nobody watches").await;
    let edit = json!({ "ref": first, "text": "changed" });
    robin.call("edit_message", edit).await;
    assert_eq!(hears.recv().await, Some(of(&message)));
    drop(one);
    linked.stop().await;
}

#[tokio::test]
async fn what_cannot_be_watched_says_why() {
    let workspace = Workspace::open().await;
    let archive = Arc::new(Archive::new());
    archive.say("C1", "hello");
    let silent = ServedAccount { bound: archive.serve(), ..workspace.stand_in("archive") };
    let (linked, _) = start(&workspace.serve(vec![silent, workspace.stranger("away")])).await;
    for (uri, kind, said) in [
        ("chat://archive/C1", ErrorKind::Unsupported, "`archive` has no way to tell what is new"),
        ("chat://away/C1", ErrorKind::SignInRequired, "nobody is signed in"),
        ("chat://slack/C1", ErrorKind::NotFound, "no account `slack` is served"),
        ("x://other", ErrorKind::NotFound, "unknown resource `x://other`"),
    ] {
        let error = linked.watch_resource(&call(), uri).await.err().unwrap();
        assert!(error.kind() == kind && error.message().contains(said), "{uri}: {error:?}");
    }
}

fn broken() -> Result<Delta> {
    Err(Error::new(ErrorKind::Unavailable, "the platform is down"))
}

#[tokio::test]
async fn many_watchers_take_one_follower_and_nobody_takes_none() {
    let workspace = Workspace::open().await;
    let mut account = workspace.account("sandbox", "robin@kestrel.example").await;
    let altered = Altered::new(account.bound, |_| {}, News::nothing());
    account.bound = altered.clone();
    let robin = workspace.serve(vec![account]);
    let (linked, _hears) = start(&robin).await;
    let asked = || altered.asked.load(Ordering::Relaxed);
    let mut watches = Vec::new();
    for uri in ["chat://sandbox/C1", "chat://sandbox/C2", "chat://sandbox/C1"] {
        watches.push(linked.watch_resource(&call(), uri).await.unwrap());
    }
    // From here on only a follower asks, and time passes only where all wait.
    while asked() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    let before = asked();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let often = asked() - before;
    assert!((9..=11).contains(&often), "once a second, not {often} times in ten");
    watches.truncate(1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(asked() - before > often, "the last watcher is still there");
    drop(watches);
    let before = asked();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(asked(), before);
    tokio::time::resume();
    let _watch = linked.watch_resource(&call(), "chat://sandbox/C1").await.unwrap();
    linked.stop().await;
    let before = asked();
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(asked(), before);
    let ended = linked.watch_resource(&call(), "chat://sandbox/C2").await.err().unwrap();
    assert_eq!(ended.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_fails_at_once_is_not_followed() {
    let workspace = Workspace::open().await;
    let account = workspace.account("sandbox", "robin@kestrel.example").await;
    let altered = Altered::new(account.bound.clone(), |_| {}, News::told(broken));
    let served = workspace.serve(vec![ServedAccount { bound: altered.clone(), ..account }]);
    let (linked, _hears) = start(&served).await;
    let error = linked.watch_resource(&call(), "chat://sandbox/C1").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "where now is, nobody knows");
    assert_eq!(altered.asked.load(Ordering::Relaxed), 1);
}
