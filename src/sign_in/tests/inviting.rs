use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{
    Answer, Ask, Auth, Call, ErrorKind, Medium, Principal, Result, StaticToken,
    host::{Caller, JsonObject},
};
use tokio_util::sync::CancellationToken;

use super::world::{Browser, FakeTerminal, World};
use crate::sign_in::{Invitations, SignIn};

/// A client whose user opens every page, or none.
struct Client {
    agrees: bool,
    asked: AtomicUsize,
    pages: Mutex<Vec<String>>,
}

impl Client {
    fn new(agrees: bool) -> Arc<Self> {
        Arc::new(Self { agrees, asked: AtomicUsize::new(0), pages: Mutex::default() })
    }

    fn call(self: &Arc<Self>) -> Call {
        Call::of(self.clone(), Principal::local(), Duration::from_secs(30), CancellationToken::new())
    }
}

#[async_trait]
impl Caller for Client {
    fn can_be_asked(&self, medium: Medium) -> bool {
        medium == Medium::Url
    }

    async fn ask(&self, _: &str, question: &Ask) -> Result<Answer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Ask::Url { url, .. } = question.clone() else { panic!("{question:?}") };
        self.pages.lock().unwrap().push(url.clone());
        if !self.agrees {
            return Ok(Answer::Decline);
        }
        // The client learns nothing of what happens on the page.
        tokio::spawn(async move { Browser::new().visit(&url).await });
        Ok(Answer::Accept(JsonObject::new()))
    }
}

fn invitations(world: &World, auth: impl Into<Auth>) -> Invitations {
    let request = world.request(auth, &FakeTerminal::new(&[]));
    Invitations::new(move |terminal| Ok(SignIn { terminal, open_browser: true, ..request.clone() }))
}

#[tokio::test]
async fn a_user_who_agrees_is_signed_in() {
    let world = World::new().await;
    let invitations = invitations(&world, World::oauth().client("switchboard"));
    assert!(invitations.invite(&Client::new(true).call(), "`test`").await.unwrap());
    assert!(world.record().await.is_some());
    assert_eq!(world.noted(), ["P1"]);
}

#[tokio::test]
async fn two_calls_at_once_wait_for_one_sign_in() {
    let world = World::new().await;
    let (invitations, client) = (invitations(&world, World::oauth().client("switchboard")), Client::new(true));
    let (one, two) = (client.call(), client.call());
    let (one, two) = tokio::join!(invitations.invite(&one, "`test`"), invitations.invite(&two, "`test`"));
    assert!(one.unwrap() && two.unwrap());
    let pages = client.pages.lock().unwrap();
    assert_eq!((pages.len(), &pages[0]), (2, &pages[1]));
}

#[tokio::test]
async fn a_page_that_the_user_declines_is_there_no_longer() {
    let world = World::new().await;
    let (invitations, client) = (invitations(&world, World::oauth().client("switchboard")), Client::new(false));
    assert!(!invitations.invite(&client.call(), "`test`").await.unwrap());
    let page = client.pages.lock().unwrap()[0].parse::<url::Url>().unwrap();
    let address = page.socket_addrs(|| None).unwrap();
    while tokio::net::TcpStream::connect(&*address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_sign_in_behind() {
    let world = World::new().await;
    let request = world.request(World::oauth().client("switchboard"), &FakeTerminal::new(&[]));
    let begun = Arc::new(Mutex::new(None));
    let seen = begun.clone();
    let invitations = Invitations::new(move |terminal| {
        *seen.lock().unwrap() = Some(Arc::downgrade(&terminal));
        Ok(SignIn { terminal, open_browser: true, ..request.clone() })
    });
    let client = Client::new(true);
    {
        let call = client.call();
        let mut invited = Box::pin(invitations.invite(&call, "`test`"));
        assert!(futures::poll!(&mut invited).is_pending());
    }
    let terminal = begun.lock().unwrap().take().unwrap();
    while terminal.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_client_that_cannot_show_a_page_is_not_asked() {
    let world = World::new().await;
    let call = Call::new(Principal::local(), Duration::from_secs(30));
    assert!(!invitations(&world, World::oauth().client("switchboard")).invite(&call, "`test`").await.unwrap());
}

#[tokio::test]
async fn what_needs_more_than_a_browser_is_left_to_the_terminal() {
    let world = World::new().await;
    let client = Client::new(true);
    assert!(
        !invitations(&world, StaticToken::new("Paste it", "Ask for one"))
            .invite(&client.call(), "`test`")
            .await
            .unwrap()
    );
    assert_eq!(client.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_sign_in_that_fails_says_so_and_the_next_begins_anew() {
    let world = World::new().await;
    let (invitations, client) = (invitations(&world, World::oauth().client("switchboard")), Client::new(true));
    world.close_store();
    let error = invitations.invite(&client.call(), "`test`").await.unwrap_err();
    assert!(error.to_string().starts_with("the sign-in to `test` failed: "), "{error}");
    assert_ne!(error.kind(), ErrorKind::TimedOut);
    drop(invitations.invite(&client.call(), "`test`").await.unwrap_err());
    let pages = client.pages.lock().unwrap();
    assert_ne!(pages[0], pages[1]);
}
