//! A platform, a terminal and a browser for one test.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use switchboard_kit::{
    AccountKey, Auth, Call, Endpoints, OAuth, Response, Result,
    chat::Facets,
    host::{Account, Bound, Http, Live, Method, Outgoing, Secret, header, platforms},
};
use switchboard_sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc, watch},
    task::JoinHandle,
};
use url::Url;

use crate::{
    audit::{Audit, Event, Wanted},
    sign_in::{Completed, SignIn, Terminal, sign_in},
    tokens::{FileStore, Record, TokenStore as _},
};

/// The sandbox's platform, with a sign-in and an address of the test's choice.
struct Described {
    inner: Arc<dyn Bound>,
    auth: Auth,
    endpoints: Endpoints,
}

impl Bound for Described {
    fn platform(&self) -> &'static str {
        self.inner.platform()
    }
    fn auth(&self) -> Auth {
        self.auth.clone()
    }
    fn endpoints(&self) -> Endpoints {
        self.endpoints.clone()
    }
    fn facets(&self) -> Facets {
        self.inner.facets()
    }
    fn connect(&self, account: &Arc<Account>, call: &Call) -> Box<dyn Live> {
        self.inner.connect(account, call)
    }
}

pub(super) struct World {
    folder: TempDir,
    pub(super) origin: String,
    pub(super) store: Arc<FileStore>,
    pub(super) http: Arc<Http>,
}

impl World {
    /// A world around a sandbox that approves of everything.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self::around(format!("http://{}", listener.local_addr().unwrap()));
        let path = world.folder.path().join("sandbox.db");
        let options =
            Options { public_url: Some(world.origin.clone()), auto_approve: true, control: true, ..Options::default() };
        let sandbox = tokio::task::spawn_blocking(move || Sandbox::open(&path)).await.unwrap().unwrap().with(options);
        tokio::spawn(sandbox.serve(listener, std::future::pending()));
        world
    }

    /// A world around a server at `origin`.
    pub(super) fn around(origin: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private").join("token.json");
        let store = Arc::new(FileStore::new(BTreeMap::from([(AccountKey::new("test"), path)])));
        Self { folder, origin, store, http: Arc::default() }
    }

    pub(super) fn oauth() -> OAuth {
        Auth::oauth_discovered(".well-known/oauth-authorization-server").scopes(["chat:read"], ["chat:write"])
    }

    pub(super) fn bound(&self, auth: Auth) -> Arc<dyn Bound> {
        let platform = platforms().into_iter().find(|platform| platform.key == "sandbox").unwrap();
        let inner = (platform.bind)(serde_json::Value::Null).unwrap();
        Arc::new(Described { inner, auth, endpoints: Endpoints::api(&self.origin) })
    }

    pub(super) fn request(&self, auth: impl Into<Auth>, terminal: &Arc<FakeTerminal>) -> SignIn {
        let (bound, store) = (self.bound(auth.into()), self.store.clone());
        let mut request = SignIn::new(AccountKey::new("test"), bound, self.http.clone(), store, terminal.clone());
        request.open_browser = false;
        request.audit = Some(self.audit());
        request
    }

    fn audit(&self) -> Audit {
        Audit::at(self.folder.path().join("audit.jsonl"))
    }

    /// Returns the ids of those whose sign-ins were noted.
    pub(super) fn noted(&self) -> Vec<String> {
        let wanted = Wanted { events: vec![Event::SignedIn], accounts: vec!["test".into()], ..Wanted::default() };
        self.audit().read(wanted).unwrap().map(|entry| entry.unwrap().person.unwrap()).collect()
    }

    /// Lets nothing be noted: a folder is where the file should be.
    pub(super) fn close_audit(&self) {
        fs::create_dir(self.folder.path().join("audit.jsonl")).unwrap();
    }

    pub(super) async fn record(&self) -> Option<Record> {
        let request = self.request(Self::oauth(), &FakeTerminal::new(&[]));
        self.store.load(&request.key()).await.unwrap()
    }

    /// Returns what is on the disk, to the byte.
    pub(super) fn stored(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("private").join("token.json")).unwrap()
    }

    /// Lets nothing be stored: a file is where the folder should be.
    pub(super) fn close_store(&self) {
        fs::write(self.folder.path().join("private"), "").unwrap();
    }

    /// Changes what is stored, as another program might.
    pub(super) async fn tamper(&self, change: impl FnOnce(&mut Record)) {
        let request = self.request(Self::oauth(), &FakeTerminal::new(&[]));
        let mut entry = self.store.lock(&request.key()).await.unwrap();
        let mut record = entry.current().unwrap().clone();
        record.generation += 1;
        change(&mut record);
        entry.replace(record).await.unwrap();
    }

    /// Makes the sandbox's OAuth server misbehave.
    pub(super) async fn faults(&self, faults: &str) {
        let url = Url::parse(&format!("{}/control/faults", self.origin)).unwrap();
        let set = Outgoing::new(Method::PUT, url).body("application/json", faults.into());
        assert_eq!(self.http.execute(set).await.unwrap().status(), 200);
    }

    /// Signs in as `hint`, to the end.
    pub(super) async fn sign_in_as(&self, hint: &str, change: impl FnOnce(&mut SignIn)) -> Result<Completed> {
        let terminal = FakeTerminal::new(&[]);
        let auth = Self::oauth().client("switchboard").parameter("login_hint", hint);
        let mut request = self.request(auth, &terminal);
        change(&mut request);
        let running = start(request);
        let start = format!("{}&again=1", terminal.start().await);
        Browser::new().visit(&start).await;
        running.await.unwrap()
    }
}

/// Runs a sign-in beside the test.
pub(super) fn start(request: SignIn) -> JoinHandle<Result<Completed>> {
    tokio::spawn(sign_in(request))
}

/// A terminal whose lines the test types and reads.
pub(super) struct FakeTerminal {
    said: watch::Sender<Vec<String>>,
    variables: Mutex<BTreeMap<String, String>>,
    typing: mpsc::UnboundedSender<Option<String>>,
    typed: AsyncMutex<mpsc::UnboundedReceiver<Option<String>>>,
}

impl FakeTerminal {
    pub(super) fn new(variables: &[(&str, &str)]) -> Arc<Self> {
        let (typing, typed) = mpsc::unbounded_channel();
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let said = watch::Sender::new(Vec::new());
        Arc::new(Self { said, variables: Mutex::new(variables), typing, typed: AsyncMutex::new(typed) })
    }

    pub(super) fn types(&self, line: &str) {
        self.typing.send(Some(line.into())).unwrap();
    }

    pub(super) fn ends(&self) {
        self.typing.send(None).unwrap();
    }

    /// Waits for a line that `wanted` accepts.
    pub(super) async fn says(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut said = self.said.subscribe();
        let lines = said.wait_for(|lines| lines.iter().any(|line| wanted(line))).await.unwrap();
        lines.iter().find(|line| wanted(line)).unwrap().clone()
    }

    /// Waits for the address at which a browser starts.
    pub(super) async fn start(&self) -> String {
        self.says(|line| line.contains("/auth?nonce=")).await
    }

    pub(super) fn said(&self) -> String {
        self.said.borrow().join("\n")
    }
}

#[async_trait]
impl Terminal for FakeTerminal {
    fn say(&self, line: &str) {
        self.said.send_modify(|lines| lines.push(line.into()));
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.lock().unwrap().get(name).cloned()
    }

    async fn line(&self) -> Option<String> {
        self.typed.lock().await.recv().await.flatten()
    }

    async fn secret_line(&self, _: &str) -> Option<Secret> {
        self.line().await.map(Secret::from)
    }

    fn open(&self, _: &Url) -> bool {
        false
    }
}

/// What a page was.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: String,
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) answer: Response,
}

impl Page {
    pub(super) fn title(&self) -> &str {
        self.text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map_or("", |(title, _)| title)
    }
}

/// A browser without a window: keeps cookies by host and name, whatever the port, and follows redirects when told to.
#[derive(Default)]
pub(super) struct Browser {
    http: Http,
    cookies: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Browser {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Fetches one page.
    pub(super) async fn fetch(&self, method: Method, url: &str, headers: &[(&'static str, &str)]) -> Page {
        let target = Url::parse(url).unwrap();
        let place = target.host_str().unwrap().to_owned();
        let mut request = Outgoing::new(method, target);
        let cookies = self.cookies(&place);
        if !cookies.is_empty() {
            request.headers.insert(header::COOKIE, cookies.parse().unwrap());
        }
        for (name, value) in headers {
            request.headers.insert(*name, value.parse().unwrap());
        }
        let answer = self.http.execute(request).await.unwrap();
        if let Some(cookie) = answer.header("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.lock().unwrap().entry(place).or_default().insert(name.into(), value.into());
        }
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        Page { url: url.into(), status: answer.status(), text, answer }
    }

    /// Returns what it says in `Cookie` to a host.
    pub(super) fn cookies(&self, host: &str) -> String {
        let jars = self.cookies.lock().unwrap();
        let pairs = jars.get(host).into_iter().flatten().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    pub(super) async fn get(&self, url: &str) -> Page {
        self.fetch(Method::GET, url, &[]).await
    }

    /// Goes where `url` leads.
    pub(super) async fn visit(&self, url: &str) -> Page {
        self.visit_until(url, |_| false).await
    }

    /// Goes where `url` leads, but not to an address that `stop` names.
    pub(super) async fn visit_until(&self, url: &str, stop: impl Fn(&str) -> bool) -> Page {
        let mut page = self.get(url).await;
        for _ in 0..10 {
            let Some(target) = page.answer.header("location") else { break };
            let next = Url::parse(&page.url).unwrap().join(target).unwrap();
            if stop(next.as_str()) {
                page.url = next.into();
                break;
            }
            page = self.get(next.as_str()).await;
        }
        page
    }
}
