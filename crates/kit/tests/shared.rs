//! Whose credentials a request bears, and who sees what was got with them: through a platform, over real connections.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{join, join_all};
use switchboard_kit::{
    AccountKey, Api, Auth, Call, Endpoints, Error, ErrorKind, Identity, Platform, Principal, Result, async_trait,
    host::{Account, CredentialSource, Credentials, Live, PlatformDef, Secret, Shared},
    schemars,
    serde::{self, Deserialize},
    serde_json::json,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

/// A platform that knows people by their tokens, and answers only when two are asking.
#[derive(Clone)]
struct Service {
    both: Arc<Barrier>,
    answered: Arc<AtomicUsize>,
}

impl Service {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let service = Self { both: Arc::new(Barrier::new(2)), answered: Arc::default() };
        let serving = service.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().answer(stream));
            }
        });
        (service, origin)
    }

    async fn answer(self, stream: TcpStream) {
        let (mut stream, mut proof, mut line) = (BufReader::new(stream), String::new(), String::new());
        while stream.read_line(&mut line).await.unwrap() > 2 {
            if let Some(value) = line.trim_end().strip_prefix("authorization: ") {
                value.clone_into(&mut proof);
            }
            line.clear();
        }
        self.both.wait().await;
        self.answered.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "id": proof, "name": "whoever that is" }).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}

/// Its provider, which may keep who is signed in.
struct Mirror {
    api: Api,
    keeps: bool,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Settings {
    origin: String,
    keeps: bool,
}

impl Platform for Mirror {
    const KEY: &'static str = "mirror";
    type Settings = Settings;

    fn auth(_: &Settings) -> Auth {
        Auth::oauth("https://mirror.example/authorize", "https://mirror.example/token").into()
    }

    fn endpoints(settings: &Settings) -> Endpoints {
        Endpoints::api(&settings.origin)
    }

    fn connect(api: Api, settings: &Settings) -> Self {
        Self { api, keeps: settings.keeps }
    }

    async fn whoami(&self) -> Result<Identity> {
        let ask = self.api.get("me").send::<Identity>();
        if self.keeps { Ok((*self.api.cached("me", ask).await?).clone()) } else { ask.await }
    }
}

/// A token for each principal.
struct Tokens(BTreeMap<Principal, &'static str>);

#[async_trait]
impl CredentialSource for Tokens {
    async fn fresh(&self, principal: &Principal, _: &str) -> Result<Credentials> {
        let token = self.0.get(principal).ok_or_else(|| Error::new(ErrorKind::SignInRequired, "not signed in"))?;
        Ok(Credentials { scheme: "Bearer", secret: Secret::from(*token) })
    }

    async fn refused(&self, principal: &Principal, origin: &str, _: &Credentials) -> Result<Credentials> {
        self.fresh(principal, origin).await
    }
}

fn principal(subject: &str) -> Principal {
    Principal { issuer: "test".into(), subject: subject.into() }
}

/// Returns clients of one account, of two principals: one for each call.
async fn clients(keeps: bool) -> (Service, Arc<Account>, impl Fn(&str) -> Box<dyn Live>) {
    let (service, origin) = Service::start().await;
    let bound = (PlatformDef::new::<Mirror>().bind)(json!({ "origin": origin, "keeps": keeps })).unwrap();
    let tokens = Tokens([(principal("ana"), "sentinel-ana"), (principal("bo"), "sentinel-bo")].into());
    let account = Arc::new(Account::new(
        AccountKey::new("work"),
        bound.endpoints(),
        Arc::new(tokens),
        Arc::new(Shared::default()),
    ));
    let of = account.clone();
    let connect = move |subject: &str| bound.connect(&of, &Call::new(principal(subject), Duration::from_secs(30)));
    (service, account, connect)
}

/// Has both ask many times, all at once, and returns how often the platform was asked.
async fn both_see_their_own(keeps: bool) -> usize {
    let (service, _, connect) = clients(keeps).await;
    let ask = |subject: &'static str| {
        let connect = &connect;
        async move { (subject, connect(subject).whoami().await.unwrap().id) }
    };
    let all = join_all((0..8).map(|_| join(ask("ana"), ask("bo")))).await;
    for (subject, seen) in all.into_iter().flat_map(|(ana, bo)| [ana, bo]) {
        assert_eq!(seen, format!("Bearer sentinel-{subject}"));
    }
    service.answered.load(Ordering::Relaxed)
}

#[tokio::test]
async fn principals_whose_calls_interleave_see_only_their_own() {
    assert_eq!(both_see_their_own(false).await, 16);
}

#[tokio::test]
async fn what_is_kept_of_one_principal_is_not_shown_to_the_other() {
    assert_eq!(both_see_their_own(true).await, 2);
}

#[tokio::test]
async fn who_is_not_signed_in_gets_nothing_that_others_got() {
    let (_, _, connect) = clients(true).await;
    let (ana, bo) = (connect("ana"), connect("bo"));
    let (ana, bo) = join(ana.whoami(), bo.whoami()).await;
    assert!(ana.is_ok() && bo.is_ok());
    assert_eq!(connect("eve").whoami().await.unwrap_err().kind(), ErrorKind::SignInRequired);
}

#[tokio::test]
async fn what_is_shown_of_an_account_holds_no_token() {
    let (_, account, connect) = clients(true).await;
    let (ana, bo) = (connect("ana"), connect("bo"));
    let (seen, _) = join(ana.whoami(), bo.whoami()).await;
    assert!(seen.unwrap().id.contains("sentinel"));
    let ana = ana.as_any().downcast_ref::<Mirror>().unwrap();
    let credentials = account.credentials.fresh(&principal("ana"), "").await.unwrap();
    let shown = format!("{account:?} {:?} {:?} {:?} {credentials:?}", account.shared, ana.api, ana.api.call());
    assert!(!shown.contains("sentinel"), "{shown}");
}
