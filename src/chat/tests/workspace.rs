//! A served sandbox, accounts in it, and calls of the verbs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Principal, Result, ToolHost,
    host::{
        Account, Content, CredentialSource, Credentials, Method, Outgoing, Reply, Secret, Shared, local_call,
        platforms, tools,
    },
};
use switchboard_sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};
use url::Url;

use crate::{
    audit::Audit,
    chat::{Budget, Chats, Confirm, FileRoots, Guards, Rules, Served, ServedAccount},
    state::State,
};

const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const REDIRECT: &str = "http://127.0.0.1:49999/auth/callback";

/// One sandbox on a free port, and folders for files; both go when it is dropped.
pub(super) struct Workspace {
    pub(super) folder: TempDir,
    origin: String,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

/// A token that does not change, or nobody's.
pub(super) struct Fixed(pub(super) Option<String>);

#[async_trait]
impl CredentialSource for Fixed {
    async fn fresh(&self, _: &Principal, _: &str) -> Result<Credentials> {
        let token = self.0.clone().ok_or_else(|| Error::new(ErrorKind::SignInRequired, "nobody is signed in"))?;
        Ok(Credentials { scheme: "Bearer", secret: Secret::from(token) })
    }

    async fn refused(&self, _: &Principal, _: &str, _: &Credentials) -> Result<Credentials> {
        Err(Error::new(ErrorKind::SignInRequired, "the sign-in was refused"))
    }
}

impl Workspace {
    pub(super) async fn open() -> Self {
        Self::crowded(0, 0, false).await
    }

    /// Opens one with so many people and conversations, which may look no names up.
    pub(super) async fn crowded(people: u32, conversations: u32, no_lookup: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["uploads", "downloads"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let options = Options { public_url: Some(origin.clone()), control: true, no_lookup, ..Options::default() };
        let sandbox = Sandbox::open(&folder.path().join("sandbox.db")).unwrap();
        let sandbox = sandbox.crowded(people, conversations).unwrap().with(options);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(sandbox.serve(listener, async {
            let _ = stopped.await;
        }));
        Self { folder, origin, shared: Arc::default(), _stop: stop }
    }

    /// Returns an account of `person`, signed in, with writing on.
    pub(super) async fn account(&self, key: &str, person: &str) -> ServedAccount {
        self.served(key, Some(self.sign_in(person).await))
    }

    /// Returns an account that nobody is signed in to.
    pub(super) fn stranger(&self, key: &str) -> ServedAccount {
        self.served(key, None)
    }

    /// Returns an account with a token that only what stands in for the sandbox takes.
    pub(super) fn stand_in(&self, key: &str) -> ServedAccount {
        self.served(key, Some("any".into()))
    }

    fn served(&self, key: &str, token: Option<String>) -> ServedAccount {
        let platform = platforms().into_iter().find(|platform| platform.key == "sandbox").unwrap();
        let bound = (platform.bind)(Value::Null).unwrap();
        let api = BTreeMap::from([("api".to_owned(), self.origin.clone())]);
        let endpoints = bound.endpoints().overridden(&api).unwrap();
        let credentials = Arc::new(Fixed(token));
        ServedAccount {
            account: Arc::new(Account::new(AccountKey::new(key), endpoints, credentials, self.shared.clone())),
            bound,
            name: "Kestrel".into(),
            description: None,
            rules: free(),
            sign_in_place: key.into(),
            sign_in_command: format!("switchboard --provider {key} --local-auth"),
            signed_in: Arc::new(|| false),
            invitations: None,
        }
    }

    /// Serves accounts with this workspace's folders for files.
    pub(super) fn serve(&self, accounts: Vec<ServedAccount>) -> Assistant {
        let files = FileRoots {
            upload: vec![self.folder.path().join("uploads")],
            download: Some(self.folder.path().join("downloads")),
            closed: Vec::new(),
        };
        let state = State::at(self.folder.path().join("state.db"));
        let audit = Audit::at(self.folder.path().join("audit.jsonl"));
        Assistant(Arc::new(Served::new(accounts, files, state, audit)))
    }

    /// Serves one account of Robin's, called `sandbox`.
    pub(super) async fn robin(&self) -> Assistant {
        self.serve(vec![self.account("sandbox", "robin@kestrel.example").await])
    }

    /// Returns what the sandbox counts.
    pub(super) async fn count(&self, what: &str) -> u64 {
        let url = Url::parse(&format!("{}/control/counters", self.origin)).unwrap();
        let counters: Value =
            self.shared.http().execute(Outgoing::new(Method::GET, url)).await.unwrap().json().unwrap();
        counters[what].as_u64().unwrap()
    }

    async fn sign_in(&self, person: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let parameters = [
            ("response_type", "code"),
            ("client_id", "switchboard"),
            ("redirect_uri", REDIRECT),
            ("scope", "chat:read chat:write"),
            ("state", "state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("prompt", "none"),
            ("login_hint", person),
        ];
        let page = Url::parse_with_params(&format!("{}/oauth/authorize", self.origin), parameters).unwrap();
        let redirected = self.shared.http().execute(Outgoing::new(Method::GET, page)).await.unwrap();
        let location = Url::parse(redirected.header("location").unwrap()).unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "switchboard"),
            ("redirect_uri", REDIRECT),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
        ];
        let url = Url::parse(&format!("{}/oauth/token", self.origin)).unwrap();
        let body = Url::parse_with_params(url.as_str(), form).unwrap().query().unwrap().into();
        let request = Outgoing::new(Method::POST, url).body("application/x-www-form-urlencoded", body);
        let answer: Value = self.shared.http().execute(request).await.unwrap().json().unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

/// Rules that let everything pass.
pub(super) fn free() -> Rules {
    Rules {
        write: true,
        confirm: Confirm::Never,
        budget: Budget { minute: u32::MAX, day: u32::MAX },
        guards: Guards { private: false, secrets: false, links: false },
        ..Rules::default()
    }
}

/// What an assistant does: it calls verbs.
pub(super) struct Assistant(pub(super) Arc<Served>);

impl Assistant {
    pub(super) async fn attempt(&self, verb: &str, arguments: Value) -> Result<Reply> {
        let tool = tools().into_iter().find(|tool| tool.host == Chats::KEY && tool.name == verb).unwrap();
        let chats = Chats::new(self.0.clone(), local_call(Duration::from_secs(30)));
        let Value::Object(arguments) = arguments else { unreachable!() };
        (tool.call)(&chats, arguments).await
    }

    /// Calls a verb that must succeed and returns its text.
    pub(super) async fn call(&self, verb: &str, arguments: Value) -> String {
        let shown = arguments.to_string();
        let reply = self.attempt(verb, arguments).await.unwrap_or_else(|error| panic!("{verb} {shown}: {error:?}"));
        match reply.content.into_iter().next() {
            Some(Content::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    /// Calls a verb that must fail.
    pub(super) async fn refused(&self, verb: &str, arguments: Value) -> Error {
        let shown = arguments.to_string();
        match self.attempt(verb, arguments).await {
            Err(error) => error,
            Ok(reply) => panic!("{verb} {shown}: {reply:?}"),
        }
    }

    /// Sends a message and returns its ref.
    pub(super) async fn send(&self, target: &str, text: &str) -> String {
        let answer = self.call("send_message", json!({ "target": target, "text": text, "format": "json" })).await;
        serde_json::from_str::<Value>(&answer).unwrap()["ref"].as_str().unwrap().to_owned()
    }
}

/// Returns the cursor of an answer's last line.
pub(super) fn next(text: &str) -> Option<String> {
    text.lines().last()?.strip_prefix("next: cursor=").map(ToOwned::to_owned)
}

/// Returns the ids of the messages that a transcript shows.
pub(super) fn ids(text: &str) -> Vec<String> {
    let ours = text.lines().filter(|line| line.as_bytes().get(2) == Some(&b':') && line.contains('['));
    ours.map(|line| line.split(['[', ']']).nth(1).unwrap().to_owned()).collect()
}
