//! A second browser beside the one that began.

use super::{FOREIGN, Target, UNKNOWN, wire};
use crate::sign_in::tests::world::{Browser, World};

#[tokio::test]
async fn the_first_browser_goes_on_when_a_second_is_refused() {
    let target = Target::new().await;
    let (first, callback) = target.begun().await;
    let (second, own) = target.begun().await;
    for stranger in [&second, &Browser::new()] {
        assert_eq!(target.get_as(stranger, &callback).await, wire::stray("403 Forbidden", FOREIGN));
    }
    assert_eq!(target.get_as(&first, &own).await, wire::stray("403 Forbidden", FOREIGN));
    assert_eq!(target.get_as(&first, &callback).await, wire::redirect("/auth/done", &[]));
    let done = wire::page(
        "200 OK",
        &[],
        "Signed in as Robin Vega",
        &format!(
            "<p>{}, on sandbox.</p>\n<p>Switchboard now uses this sign-in for the account test.</p>\n\
             <p class=\"quiet\">You can close this tab.</p>",
            described(&target).await
        ),
    );
    assert_eq!(target.get_as(&first, "/auth/done").await, done);
    target.running.await.unwrap().unwrap();
}

async fn described(target: &Target) -> String {
    let identity = target.world.record().await.unwrap().identity.unwrap();
    format!("{} in {}", identity.id, identity.workspace.unwrap())
}

#[tokio::test]
async fn of_two_browsers_that_race_each_ends_its_own() {
    let target = Target::with(|request| request.keep_running = true).await;
    let ((first, one), (second, two)) = (target.begun().await, target.begun().await);
    let answers = tokio::join!(target.get_as(&first, &one), target.get_as(&second, &two));
    let ended = wire::redirect("/auth/done", &[]);
    assert_eq!(answers, (ended.clone(), ended));
    assert_eq!(target.world.record().await.unwrap().generation, 2);
    for (browser, callback) in [(&first, &two), (&second, &one)] {
        assert_eq!(target.get_as(browser, callback).await, wire::stray("400 Bad Request", UNKNOWN));
    }
    target.running.abort();
}

#[tokio::test]
async fn a_browser_that_begins_twice_may_end_either() {
    let target = Target::new().await;
    let (browser, first) = target.begun().await;
    let cookies = browser.cookies("127.0.0.1");
    let second = target.begun_in(&browser).await;
    assert_eq!(browser.cookies("127.0.0.1"), cookies);
    assert_ne!(first, second);
    assert_eq!(target.get_as(&browser, &first).await, wire::redirect("/auth/done", &[]));
}

#[tokio::test]
async fn sign_ins_to_two_accounts_in_one_browser_do_not_disturb_each_other() {
    let (one, two) = (Target::new().await, Target::new().await);
    let browser = Browser::new();
    let (first, second) = (one.begun_in(&browser).await, two.begun_in(&browser).await);
    let ended = wire::redirect("/auth/done", &[]);
    assert_eq!(one.get_as(&browser, &first).await, ended);
    assert_eq!(two.get_as(&browser, &second).await, ended);
}

#[tokio::test]
async fn a_second_browser_learns_no_more_than_that_it_is_done() {
    let world = World::new().await;
    world.sign_in_as("mara", |_| ()).await.unwrap();
    let target = Target::of(world, |_| ()).await;
    // This run has linked nobody, so it tells nobody's name.
    assert_eq!(target.get("/auth/done").await, wire::notice("404 Not Found", &[], "Nobody has signed in yet"));
    let (path, nonce) = (target.path(&target.start), target.nonce());
    let link =
        format!("<p>You can close this tab.</p>\n<p><a href=\"/auth?nonce={nonce}&amp;again=1\">Sign in again</a></p>");
    let page = wire::page("200 OK", &[], "Account test is signed in already", &link);
    assert_eq!(target.get(path).await, page);
    target.running.abort();
}
