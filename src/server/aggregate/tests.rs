//! The laws of an aggregate: who has a name, what happens when somebody fails, and that providers come and go.

mod coming_and_going;
mod random;

use std::{
    io::{self, Seek as _},
    sync::{Arc, atomic::Ordering},
};

use switchboard_kit::{ErrorKind, Result};

use super::*;
use crate::server::stub::{Fault, Stub, call, called, completed, listed, read, rendered, watched};

fn all(stubs: impl IntoIterator<Item = Stub>) -> Aggregate {
    Aggregate::new(stubs.into_iter().map(|stub| Arc::new(stub) as _))
}

fn stub() -> Stub {
    Stub::new("only").tools(["list_boards"]).prompts(["greet"]).resources(["x://home"]).templates(["x://{id}/data"])
}

#[tokio::test]
async fn the_first_provider_shadows_the_second() {
    let first = Stub::new("first").tools(["b", "a"]).prompts(["p"]).resources(["x://1"]).templates(["x://{a}/y"]);
    let second = Stub::new("second")
        .tools(["c", "a"])
        .prompts(["q", "p"])
        .resources(["x://2", "x://1"])
        .templates(["x://{a}/z", "x://{a}/y"]);
    let all = all([first, second]);
    let names = ["a", "b", "c", "x://1", "x://2", "x://{a}/y", "x://{a}/z", "p", "q"];
    let listed = listed(&all).await.unwrap();
    assert_eq!(listed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
    let seconds: Vec<_> = listed.iter().filter(|(_, what)| what.starts_with("second:")).map(|(name, _)| name).collect();
    assert_eq!(seconds, ["c", "x://2", "x://{a}/z", "q"]);
    for (name, owner) in [("a", "first:a"), ("c", "second:c")] {
        assert_eq!(called(&all, name).await.unwrap(), owner);
    }
    for (uri, owner) in [("x://1", "x://1 first:x://1"), ("x://2", "x://2 second:x://2")] {
        assert_eq!(read(&all, uri).await.unwrap(), owner);
    }
    for (name, owner) in [("p", "first:p"), ("q", "second:q")] {
        assert_eq!(rendered(&all, name).await.unwrap(), owner);
        assert_eq!(completed(&all, Completed::Prompt(name)).await.unwrap().unwrap(), [owner]);
    }
    for (template, owner) in [("x://{a}/y", "first:x://{a}/y"), ("x://{a}/z", "second:x://{a}/z")] {
        assert_eq!(completed(&all, Completed::Template(template)).await.unwrap().unwrap(), [owner]);
    }
    assert_eq!(completed(&all, Completed::Prompt("nobodys")).await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_listed_to_find_one_thing() {
    let stub = Arc::new(stub());
    let all = Aggregate::new([Arc::new(Stub::new("empty")) as _, stub.clone() as _]);
    called(&all, "list_boards").await.unwrap();
    read(&all, "x://home").await.unwrap();
    read(&all, "x://1/data").await.unwrap();
    rendered(&all, "greet").await.unwrap();
    completed(&all, Completed::Prompt("greet")).await.unwrap();
    assert_eq!(stub.listings.load(Ordering::Relaxed), 0);
    assert!(called(&all, "list_bords").await.is_err());
    assert_eq!(stub.listings.load(Ordering::Relaxed), 1, "for what it may have meant");
}

#[tokio::test]
async fn what_nobody_has_is_unknown_and_the_nearest_is_told() {
    let all = all([stub()]);
    let error = called(&all, "list_bords").await.unwrap_err();
    assert_eq!((error.message(), error.hint_text()), ("unknown tool `list_bords`", Some("call `list_boards`")));
    assert_eq!(called(&all, "x").await.unwrap_err().hint_text(), None);
    let error = called(&all, "send_message").await.unwrap_err();
    assert_eq!((error.kind(), error.hint_text().is_some()), (ErrorKind::Forbidden, true));
    let error = read(&all, "y://1").await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "unknown resource `y://1`"));
    assert_eq!(rendered(&all, "gret").await.unwrap_err().message(), "unknown prompt `gret`");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_asked_is_passed_over_if_another_has_it() {
    let broken =
        [Fault::LookingUp, Fault::LookingUpHangs].map(|fault| Stub::new("broken").tools(["other"]).with(fault));
    let all = all(broken.into_iter().chain([stub()]));
    assert_eq!(called(&all, "list_boards").await.unwrap(), "only:list_boards");
    assert_eq!(read(&all, "x://1/data").await.unwrap(), "x://1/data only:x://1/data");
    assert_eq!(rendered(&all, "greet").await.unwrap(), "only:greet");
    assert!(completed(&all, Completed::Template("x://{id}/data")).await.unwrap().is_some());
    assert!(all.get_tool(&call(), "list_boards").await.unwrap().is_some());
}

#[tokio::test]
async fn who_cannot_be_asked_is_named_if_nobody_else_has_it() {
    let all = all([stub(), Stub::new("broken").with(Fault::LookingUp)]);
    let failures =
        [called(&all, "x").await, read(&all, "y://1").await, rendered(&all, "x").await].map(Result::unwrap_err);
    for error in failures {
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "provider `broken`: down"));
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_list_is_left_out_or_fails_the_list() {
    for (fault, kind) in [(Fault::Listing, ErrorKind::Unavailable), (Fault::ListingHangs, ErrorKind::TimedOut)] {
        let stubs = || [Stub::new("broken").tools(["a"]).with(fault), stub()];
        assert_eq!(listed(&all(stubs())).await.unwrap().len(), 4);
        let error = listed(&all(stubs()).raising()).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.message().starts_with("provider `broken`: "), "{error}");
    }
}

#[tokio::test]
async fn an_error_in_doing_stops_there() {
    let broken = Stub::new("broken").tools(["a"]).prompts(["p"]).resources(["x://1"]);
    let all = all([
        broken.with(Fault::Doing(ErrorKind::Unavailable)),
        Stub::new("sound").tools(["a"]).prompts(["p"]).resources(["x://1"]),
    ]);
    for error in [called(&all, "a").await, read(&all, "x://1").await, rendered(&all, "p").await] {
        let error = error.unwrap_err();
        assert_eq!((error.message(), error.hint_text()), ("the inner secret", Some("look inside")));
    }
}

#[tokio::test]
async fn what_somebody_lists_comes_before_anybodys_family() {
    let all = all([Stub::new("family").templates(["x://{id}"]), Stub::new("concrete").resources(["x://1"])]);
    assert_eq!(read(&all, "x://1").await.unwrap(), "x://1 concrete:x://1");
    assert_eq!(read(&all, "x://2").await.unwrap(), "x://2 family:x://2");
    assert_eq!(watched(&all, "x://1").await.unwrap().unwrap(), "concrete:watches x://1");
    assert_eq!(watched(&all, "x://2").await.unwrap().unwrap(), "family:watches x://2");
    assert_eq!(watched(&all, "y://1").await.unwrap(), None, "whose it is may come later");
}

#[tokio::test]
async fn only_what_is_meant_for_the_user_passes_a_mask() {
    let broken = |kind| Stub::new("broken").tools(["a"]).prompts(["p"]).resources(["x://1"]).with(Fault::Doing(kind));
    for kind in [
        ErrorKind::InvalidInput,
        ErrorKind::RateLimited,
        ErrorKind::TimedOut,
        ErrorKind::SignInRequired,
        ErrorKind::Unavailable,
    ] {
        let error = called(&all([broken(kind)]).masking(), "a").await.unwrap_err();
        assert_eq!((error.kind(), error.message(), error.hint_text()), (kind, "the inner secret", Some("look inside")));
    }
    let mut log = tempfile::tempfile().unwrap();
    let subscriber = tracing_subscriber::fmt().with_writer(Arc::new(log.try_clone().unwrap())).finish();
    let logged = tracing::subscriber::set_default(subscriber);
    let masked = all([broken(ErrorKind::Unexpected)]).masking();
    for (outcome, message) in [
        (called(&masked, "a").await, "calling `a` failed"),
        (read(&masked, "x://1").await, "reading `x://1` failed"),
        (rendered(&masked, "p").await, "rendering `p` failed"),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!((error.message(), error.hint_text()), (message, None));
    }
    drop(logged);
    log.rewind().unwrap();
    let log = io::read_to_string(log).unwrap();
    assert_eq!(log.matches("the inner secret").count(), 3, "{log}");
    let bare = all([broken(ErrorKind::Unexpected)]);
    assert_eq!(called(&bare, "a").await.unwrap_err().message(), "the inner secret");
}

#[tokio::test]
async fn a_provider_that_overrides_nothing_does_no_harm() {
    struct Bare;
    impl Provider for Bare {
        fn name(&self) -> &str {
            "bare"
        }
    }
    let all = Aggregate::new([Arc::new(Bare) as _, Arc::new(stub()) as _]);
    all.start(&Changes::default()).await.unwrap();
    assert_eq!(listed(&all).await.unwrap().len(), 4);
    assert_eq!(called(&all, "list_boards").await.unwrap(), "only:list_boards");
    all.stop().await;
}

#[test]
fn what_there_can_be_is_what_any_can_have_or_what_was_said() {
    assert_eq!(all([]).kinds(), Kinds::default());
    let prompts = Kinds { prompts: true, ..Kinds::default() };
    let two = || [Stub::new("tools").kinds(Kinds::TOOLS), Stub::new("prompts").kinds(prompts)];
    assert_eq!(all(two()).kinds(), Kinds { prompts: true, ..Kinds::TOOLS });
    assert_eq!(all(two()).of_kinds(Kinds::ALL).kinds(), Kinds::ALL);
}
