//! Providers start and stop, come and go.

use super::*;
use crate::server::{
    changes::Change,
    stub::{Door, Journal, happened},
};

/// Returns the next pieces of news.
async fn heard(news: &mut crate::server::changes::News, many: usize) -> Vec<Change> {
    let mut heard = Vec::new();
    while heard.len() < many {
        heard.push(news.next().await.unwrap());
    }
    heard
}

/// Waits until something has happened to a provider.
async fn until(journal: &Journal, what: &str) {
    while !happened(journal).iter().any(|happened| happened == what) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn they_start_in_order_and_stop_in_reverse() {
    let journal = Journal::default();
    let all = all(["one", "two"].map(|name| Stub::new(name).writing(&journal)));
    all.start(&Changes::default()).await.unwrap();
    all.stop().await;
    all.stop().await;
    assert_eq!(happened(&journal), ["one starts", "two starts", "two stops", "one stops"]);
}

#[tokio::test]
async fn what_had_started_is_stopped_when_one_fails() {
    let journal = Journal::default();
    let stub = |name| Stub::new(name).writing(&journal);
    let all = all([stub("one"), stub("two"), stub("bad").with(Fault::Starting), stub("four")]);
    let error = all.start(&Changes::default()).await.unwrap_err();
    assert_eq!(error.message(), "starting provider `bad`: no such program");
    all.stop().await;
    assert_eq!(happened(&journal), ["one starts", "two starts", "bad starts", "two stops", "one stops"]);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_or_panics_keeps_no_other_from_stopping() {
    let journal = Journal::default();
    let stub = |name| Stub::new(name).writing(&journal);
    let all = all([stub("one"), stub("bad").with(Fault::StoppingPanics), stub("worse").with(Fault::StoppingHangs)]);
    all.start(&Changes::default()).await.unwrap();
    all.stop().await;
    assert_eq!(happened(&journal)[3..], ["worse stops", "bad stops", "one stops"]);
}

#[tokio::test]
async fn two_of_one_name_are_refused() {
    let all = all([Stub::new("one"), Stub::new("two"), Stub::new("one")]);
    let error = all.start(&Changes::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Conflict, "there are two providers `one`"));
    let all = Aggregate::new([Arc::new(Stub::new("one")) as _]);
    all.start(&Changes::default()).await.unwrap();
    assert_eq!(all.add(Arc::new(Stub::new("one"))).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(all.remove("none").await.unwrap_err().message(), "no provider `none`");
}

#[tokio::test]
async fn one_that_comes_is_started_told_and_seen_at_once() {
    let (journal, changes) = (Journal::default(), Changes::default());
    let all = all([Stub::new("old").tools(["a"])]);
    all.start(&changes).await.unwrap();
    let mut news = changes.news();
    let stub = Stub::new("new").tools(["a", "b"]).resources(["x://1"]).writing(&journal);
    all.add(Arc::new(stub)).await.unwrap();
    assert_eq!(heard(&mut news, 2).await, [Change::Tools, Change::Resources]);
    assert_eq!(called(&all, "a").await.unwrap(), "old:a");
    assert_eq!(called(&all, "b").await.unwrap(), "new:b");
    assert_eq!(listed(&all).await.unwrap().len(), 3);
    all.remove("new").await.unwrap();
    assert_eq!(heard(&mut news, 2).await, [Change::Tools, Change::Resources]);
    assert!(called(&all, "b").await.is_err());
    assert_eq!(listed(&all).await.unwrap().len(), 1);
    until(&journal, "new stops").await;
    assert_eq!(happened(&journal), ["new starts", "new b", "new stops"]);
}

#[tokio::test]
async fn one_that_cannot_start_is_not_added_and_nobody_hears_of_it() {
    let changes = Changes::default();
    let all = all([]);
    all.start(&changes).await.unwrap();
    let mut news = changes.news();
    let error = all.add(Arc::new(Stub::new("bad").tools(["a"]).with(Fault::Starting))).await.unwrap_err();
    assert_eq!(error.message(), "starting provider `bad`: no such program");
    assert!(listed(&all).await.unwrap().is_empty());
    all.add(Arc::new(Stub::new("bad").prompts(["p"]))).await.unwrap();
    assert_eq!(heard(&mut news, 1).await, [Change::Prompts]);
}

#[tokio::test]
async fn one_that_goes_is_stopped_after_its_last_call() {
    let (journal, door) = (Journal::default(), Arc::new(Door::default()));
    let all = Arc::new(all([Stub::new("slow").tools(["a"]).writing(&journal).behind(&door)]));
    all.start(&Changes::default()).await.unwrap();
    let under_way = tokio::spawn({
        let all = all.clone();
        async move { called(&*all, "a").await }
    });
    door.inside.acquire().await.unwrap().forget();
    all.remove("slow").await.unwrap();
    assert!(called(&*all, "a").await.is_err());
    all.add(Arc::new(Stub::new("slow").tools(["a"]).writing(&journal))).await.unwrap();
    assert_eq!(called(&*all, "a").await.unwrap(), "slow:a");
    door.open.add_permits(1);
    assert_eq!(under_way.await.unwrap().unwrap(), "slow:a");
    until(&journal, "slow stops").await;
    assert_eq!(happened(&journal), ["slow starts", "slow starts", "slow a", "slow a", "slow stops"]);
}

#[tokio::test]
async fn the_end_waits_for_no_call_on_one_that_has_gone() {
    let (journal, door) = (Journal::default(), Arc::new(Door::default()));
    let all = Arc::new(all([Stub::new("slow").tools(["a"]).writing(&journal).behind(&door)]));
    all.start(&Changes::default()).await.unwrap();
    let under_way = tokio::spawn({
        let all = all.clone();
        async move { called(&*all, "a").await }
    });
    door.inside.acquire().await.unwrap().forget();
    all.remove("slow").await.unwrap();
    all.stop().await;
    assert_eq!(happened(&journal), ["slow starts", "slow stops"]);
    under_way.abort();
}

#[tokio::test]
async fn a_swap_leaves_alone_what_stays() {
    let (journal, changes) = (Journal::default(), Changes::default());
    let stub = |name: &str| Arc::new(Stub::new(name).tools([name]).writing(&journal));
    let (stays, goes) = (stub("stays"), stub("goes"));
    let all = Aggregate::new([goes as _, stays.clone() as _]);
    all.start(&changes).await.unwrap();
    let bad = Arc::new(Stub::new("bad").writing(&journal).with(Fault::Starting));
    assert!(all.replace([stub("comes") as _, bad as _]).await.is_err());
    assert_eq!(happened(&journal)[2..], ["comes starts", "bad starts", "comes stops"]);
    let mut news = changes.news();
    all.replace([stays as _, stub("comes") as _]).await.unwrap();
    assert_eq!(heard(&mut news, 1).await, [Change::Tools]);
    until(&journal, "goes stops").await;
    assert_eq!(happened(&journal)[5..], ["comes starts", "goes stops"]);
    let names: Vec<_> = listed(&all).await.unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["stays", "comes"]);
}

#[tokio::test]
async fn before_the_start_nothing_is_started_or_told() {
    let journal = Journal::default();
    let all = all([]);
    all.add(Arc::new(Stub::new("early").tools(["a"]).writing(&journal))).await.unwrap();
    assert!(happened(&journal).is_empty());
    all.start(&Changes::default()).await.unwrap();
    assert_eq!(happened(&journal), ["early starts"]);
}
