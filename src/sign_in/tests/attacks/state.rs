//! Answers that come twice, too late, or to nothing that was begun.

use std::time::Duration;

use proptest::{
    prelude::any,
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use tokio::time;
use url::form_urlencoded::byte_serialize;

use super::{FOREIGN, INCOMPLETE, Target, UNKNOWN, changed, value, wire};

fn unknown() -> String {
    wire::stray("400 Bad Request", UNKNOWN)
}

#[tokio::test]
async fn a_state_is_good_once() {
    let target = Target::with(|request| request.keep_running = true).await;
    let (browser, callback) = target.begun().await;
    assert_eq!(target.get_as(&browser, &callback).await, wire::redirect("/auth/done", &[]));
    let first = target.world.record().await.unwrap();
    for again in [callback.clone(), changed(&callback, "code", &["another"])] {
        assert_eq!(target.get_as(&browser, &again).await, unknown(), "{again}");
    }
    // Whether it was good is nobody else's business either.
    assert_eq!(target.get(&callback).await, unknown());
    assert_eq!(target.world.record().await.unwrap().generation, first.generation);
    target.running.abort();
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let target = Target::with(|request| request.keep_running = true).await;
    let (browser, callback) = target.begun().await;
    let mut answers: [String; 2] =
        tokio::join!(target.get_as(&browser, &callback), target.get_as(&browser, &callback)).into();
    answers.sort();
    assert_eq!(answers, [wire::redirect("/auth/done", &[]), unknown()]);
    assert_eq!(target.world.record().await.unwrap().generation, 1);
    target.running.abort();
}

/// Lets time pass in no time.
async fn after(wait: Duration) {
    time::pause();
    time::advance(wait).await;
    time::resume();
}

#[tokio::test]
async fn a_state_is_good_for_ten_minutes() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    after(Duration::from_mins(10)).await;
    assert_eq!(target.get_as(&browser, &callback).await, unknown());
    let (browser, callback) = target.begun().await;
    after(Duration::from_secs(590)).await;
    assert_eq!(target.get_as(&browser, &callback).await, wire::redirect("/auth/done", &[]));
    target.running.abort();
}

#[tokio::test]
async fn a_state_that_made_room_for_others_is_unknown() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    for _ in 0..15 {
        target.get(target.path(&target.start)).await;
    }
    let (other, last) = target.begun().await;
    assert_eq!(target.get_as(&browser, &callback).await, unknown());
    assert_eq!(target.get_as(&other, &last).await, wire::redirect("/auth/done", &[]));
}

#[tokio::test]
async fn a_state_of_another_run_is_unknown() {
    let (target, before) = (Target::new().await, Target::new().await);
    let (browser, callback) = before.begun().await;
    assert_eq!(target.get_as(&browser, &callback).await, unknown());
    target.stands().await;
    before.stands().await;
}

#[tokio::test]
async fn a_made_up_state_is_unknown() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let state = value(&callback, "state");
    let longer = format!("{state}A");
    for made_up in ["", "AAAA", &state[..42], &longer, &state.to_lowercase(), " ", "\0", "%", &"A".repeat(4000)] {
        let forged = changed(&callback, "state", &[made_up]);
        assert_eq!(target.get_as(&browser, &forged).await, unknown(), "{made_up}");
    }
    // None of that has used up the good one.
    assert_eq!(target.get(&callback).await, wire::stray("403 Forbidden", FOREIGN));
    target.stands().await;
}

#[tokio::test]
async fn an_answer_without_one_state_is_no_answer() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let state = &*value(&callback, "state");
    let incomplete = wire::stray("400 Bad Request", INCOMPLETE);
    for states in [&[][..], &[state, state], &[state, "other"], &["other", state]] {
        let forged = changed(&callback, "state", states);
        assert_eq!(target.get_as(&browser, &forged).await, incomplete, "{states:?}");
    }
    for path in
        ["/auth/callback", "/auth/callback?", "/auth/callback?&&&", "/auth/callback?%", "/auth/callback?STATE=a"]
    {
        assert_eq!(target.get_as(&browser, path).await, incomplete, "{path}");
    }
    target.stands().await;
}

#[tokio::test]
async fn an_answer_without_one_code_is_no_answer() {
    let target = Target::new().await;
    for codes in [&[][..], &["one", "two"]] {
        let (browser, callback) = target.begun().await;
        let forged = changed(&callback, "code", codes);
        assert_eq!(target.get_as(&browser, &forged).await, wire::stray("400 Bad Request", INCOMPLETE), "{codes:?}");
        assert_eq!(target.get_as(&browser, &callback).await, unknown());
    }
    target.stands().await;
}

#[tokio::test]
async fn whatever_comes_back_ends_at_one_of_our_pages() {
    let target = Target::new().await;
    let mut random = TestRunner::deterministic();
    let (bytes, letters) = (any::<Vec<u8>>(), "(state|code|iss|error|[!-~]{1,9}|=|&|%[0-9a-f]{2}){0,40}");
    for _ in 0..100 {
        let encoded: String = byte_serialize(&bytes.new_tree(&mut random).unwrap().current()).collect();
        let unknown = format!("/auth/callback?iss={encoded}&state={encoded}&code={encoded}&error={encoded}");
        assert_eq!(target.get(&unknown).await, self::unknown(), "{unknown}");
        let query = letters.new_tree(&mut random).unwrap().current();
        let answer = target.get(&format!("/auth/callback?{query}")).await;
        let ours = [self::unknown(), wire::stray("400 Bad Request", INCOMPLETE), wire::bare("400 Bad Request")];
        assert!(ours.contains(&answer), "{query}: {answer}");
    }
    target.stands().await;
}
