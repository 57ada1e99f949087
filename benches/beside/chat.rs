//! A chat verb beside the requests that it makes, sent by the same client: the sandbox is a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    time::Instant,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use switchboard_kit::host::{
    Http, Method, Outgoing,
    header::{AUTHORIZATION, COOKIE, HeaderValue, LOCATION, SET_COOKIE},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Result,
    process::{IN_FLIGHT, Process, Program},
    table::median,
};

/// What `read_messages` asks the platform for, once it remembers the conversation.
const REQUESTS: [&str; 1] = ["api/conversations/C1/messages?limit=20"];
const CONFIG: &str = "workspace.yaml";

/// A workspace that someone has signed in to.
pub(crate) struct Workspace {
    _sandbox: Process,
    url: String,
    http: Http,
    token: HeaderValue,
    runtime: Runtime,
}

impl Workspace {
    /// The arguments of a server for it.
    pub(crate) const ARGUMENTS: [&str; 4] = ["--config", CONFIG, "--provider", "sandbox"];

    /// Starts the sandbox and signs in to it.
    pub(crate) fn open(program: &Program, home: &Path) -> Result<Self> {
        let service = ["sandbox", "--approve", "--control", "--state", "sandbox.db"];
        let mut child = program.with(&service).command().spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let sandbox = Process(child);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let url = said["url"].as_str().ok_or("no address")?.to_owned();
        let config =
            format!("providers:\n  sandbox:\n    token_path: token.json\n    endpoints: {{ api: \"{url}\" }}\n");
        fs::write(home.join(CONFIG), config)?;
        let (http, runtime) = (Http::default(), Builder::new_current_thread().enable_all().build()?);
        runtime.block_on(sign_in(program, &http))?;
        let record: Value = serde_json::from_slice(&fs::read(home.join("token.json"))?)?;
        let token = format!("Bearer {}", record["token"].as_str().ok_or("no token")?);
        Ok(Self { _sandbox: sandbox, url, http, token: token.try_into()?, runtime })
    }

    /// Returns how many requests have come so far.
    pub(crate) fn requests(&self) -> Result<u64> {
        let counters: Value = serde_json::from_slice(&self.runtime.block_on(self.get("control/counters"))?)?;
        counters["api_calls"].as_u64().ok_or_else(|| "no count".into())
    }

    /// Returns how many requests one call makes.
    pub(crate) fn requests_of_a_call() -> usize {
        REQUESTS.len()
    }

    /// Sends the requests of so many calls, one after the other, and returns the median for a call in microseconds.
    pub(crate) fn one_by_one(&self, calls: usize) -> Result<f64> {
        self.runtime.block_on(async {
            let mut took = Vec::with_capacity(calls);
            for _ in 0..calls {
                let started = Instant::now();
                self.call().await?;
                took.push(started.elapsed().as_secs_f64() * 1e6);
            }
            Ok(median(took))
        })
    }

    /// Does the same with 64 calls under way, and returns how many were answered in a second.
    pub(crate) fn pipelined(&self, calls: usize) -> Result<f64> {
        self.runtime.block_on(async {
            let started = Instant::now();
            let calling = stream::iter(0..calls).map(|_| self.call()).buffer_unordered(IN_FLIGHT);
            calling.try_for_each(|()| async { Ok(()) }).await?;
            #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
            Ok(calls as f64 / started.elapsed().as_secs_f64())
        })
    }

    async fn call(&self) -> Result<()> {
        for path in REQUESTS {
            self.get(path).await?;
        }
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let outgoing = Outgoing::new(Method::GET, format!("{}/{path}", self.url).parse()?);
        let response = self.http.execute(outgoing.header(AUTHORIZATION, self.token.clone())).await?;
        response.error_for_status()?;
        Ok(response.into_body())
    }
}

/// Signs in as a browser would: opens the page that is printed and goes where it is sent, keeping the cookie.
async fn sign_in(program: &Program, http: &Http) -> Result<()> {
    let mut command = program.with(&[&Workspace::ARGUMENTS[..], &["--local-auth", "--no-browser"]].concat()).command();
    let mut process = Process(command.stderr(Stdio::piped()).spawn()?);
    let mut said = BufReader::new(process.0.stderr.take().ok_or("no output")?).lines();
    let page = loop {
        let line = said.next().ok_or("no page to open")??;
        if let Some(at) = line.find("http://127.0.0.1:").filter(|_| line.contains("/auth?nonce=")) {
            break line[at..].trim().to_owned();
        }
    };
    let (mut url, mut cookie) = (page.parse::<url::Url>()?, String::new());
    loop {
        let answer = http.execute(Outgoing::new(Method::GET, url.clone()).header(COOKIE, cookie.parse()?)).await?;
        if let Some(set) = answer.header(SET_COOKIE.as_str()) {
            set.split(';').next().unwrap_or_default().clone_into(&mut cookie);
        }
        let Some(location) = answer.header(LOCATION.as_str()) else { break };
        url = url.join(location)?;
    }
    let ended = process.0.wait()?;
    if ended.success() { Ok(()) } else { Err("nobody could sign in".into()) }
}
