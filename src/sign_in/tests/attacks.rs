//! What others may try on the callback server, by class. Every answer is compared whole: status, all headers and body.

mod browsers;
mod csrf;
mod injection;
mod issuer;
mod methods;
mod ports;
mod rebinding;
mod redirect;
mod slow;
mod state;
mod wire;

use std::sync::Arc;

use switchboard_kit::Result;
use tokio::task::JoinHandle;
use url::{Url, form_urlencoded};

use super::world::{Browser, FakeTerminal, World, start};
use crate::sign_in::{Completed, SignIn};

/// Titles of refusals.
const UNKNOWN: &str = "This sign-in is unknown, used or too old";
const FOREIGN: &str = "This sign-in was begun in another browser";
const ISSUER: &str = "Another server answered than was asked";
const INCOMPLETE: &str = "This answer is not complete";

/// A sign-in that waits for a browser.
struct Target {
    world: World,
    terminal: Arc<FakeTerminal>,
    /// The address that the terminal shows.
    start: String,
    running: JoinHandle<Result<Completed>>,
}

impl Target {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// Waits with the request as `change` leaves it.
    async fn with(change: impl FnOnce(&mut SignIn)) -> Self {
        Self::of(World::new().await, change).await
    }

    async fn of(world: World, change: impl FnOnce(&mut SignIn)) -> Self {
        let terminal = FakeTerminal::new(&[]);
        let mut request = world.request(World::oauth().client("switchboard"), &terminal);
        change(&mut request);
        let mut running = start(request);
        let start = tokio::select! {
            start = terminal.start() => start,
            ended = &mut running => panic!("{ended:?}"),
        };
        Self { world, terminal, start, running }
    }

    /// The host and port that it serves.
    fn authority(&self) -> &str {
        self.origin().strip_prefix("http://").unwrap()
    }

    fn origin(&self) -> &str {
        self.start.split_once("/auth").unwrap().0
    }

    fn port(&self) -> &str {
        self.authority().rsplit(':').next().unwrap()
    }

    fn nonce(&self) -> &str {
        self.start.split_once("?nonce=").unwrap().1
    }

    /// What a request names of an address of ours.
    fn path<'a>(&self, address: &'a str) -> &'a str {
        address.strip_prefix(self.origin()).unwrap()
    }

    /// Sends these lines and a `Host`, as a browser would.
    async fn ask(&self, first: &str, headers: &[&str]) -> String {
        let host = format!("Host: {}", self.authority());
        self.say(&[&[first, &host], headers].concat()).await
    }

    /// Sends these lines and nothing else.
    async fn say(&self, lines: &[&str]) -> String {
        wire::send(self.authority(), format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).await
    }

    async fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1"), &[]).await
    }

    /// Gets a page as `browser` would.
    async fn get_as(&self, browser: &Browser, path: &str) -> String {
        let cookies = browser.cookies(Url::parse(&self.start).unwrap().host_str().unwrap());
        self.ask(&format!("GET {path} HTTP/1.1"), &[&format!("Cookie: {cookies}")]).await
    }

    /// Begins in a new browser; returns where the platform sends it back to.
    async fn begun(&self) -> (Browser, String) {
        let browser = Browser::new();
        let callback = self.begun_in(&browser).await;
        (browser, callback)
    }

    async fn begun_in(&self, browser: &Browser) -> String {
        let page =
            browser.visit_until(&self.start, |url| url.starts_with(self.origin()) && url.contains("code=")).await;
        self.path(&page.url).to_owned()
    }

    /// Nobody was linked, the sign-in still waits, and it works for who begins it now.
    async fn stands(self) {
        assert!(self.world.record().await.is_none() && !self.running.is_finished());
        let page = Browser::new().visit(&self.start).await;
        assert_eq!((page.status, page.title()), (200, "Signed in as Robin Vega"));
        assert_eq!(self.running.await.unwrap().unwrap().identity.name, "Robin Vega");
    }
}

/// Gives a parameter of a path these values: none removes it.
fn changed(path: &str, name: &str, values: &[&str]) -> String {
    let (path, query) = path.split_once('?').unwrap();
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != name);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).extend_pairs(values.iter().map(|value| (name, value)));
    format!("{path}?{}", query.finish())
}

/// What a path says of a parameter.
fn value(path: &str, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(path.split_once('?').unwrap().1.as_bytes());
    pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
}
