//! The sandbox as a process of its own, and a browser that signs in to it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::switchboard::Home;

/// The sandbox as a process of its own.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
}

impl Service {
    /// Starts one that takes back used refresh tokens, and whose access tokens are good for a second.
    pub(crate) fn start(home: &Home) -> Self {
        Self::with(home, "strict", "1s")
    }

    /// Starts one that rotates and expires tokens like this.
    pub(crate) fn with(home: &Home, rotation: &str, lifetime: &str) -> Self {
        Self::started(home, &["--rotation", rotation, "--token-lifetime", lifetime])
    }

    /// Starts one with these options.
    pub(crate) fn started(home: &Home, options: &[&str]) -> Self {
        // In the home, because a service that is killed removes no file of its own.
        let arguments = ["sandbox", "--control", "--approve", "--state", "sandbox.db"];
        let mut child = home.command(&arguments).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: said["url"].as_str().unwrap().to_owned() }
    }

    /// Makes it misbehave.
    pub(crate) fn set(&self, faults: &Value) {
        ask("PUT", &format!("{}/control/faults", self.url), "", &faults.to_string());
    }

    /// Waits until a counter is as wanted.
    pub(crate) fn wait_until(&self, counter: &str, wanted: impl Fn(u64) -> bool) {
        while !wanted(self.counters()[counter].as_u64().unwrap()) {
            thread::sleep(Duration::from_millis(5)); // until the next look
        }
    }

    pub(crate) fn counters(&self) -> Value {
        serde_json::from_str(&get(&format!("{}/control/counters", self.url), "").body).unwrap()
    }

    /// Writes a configuration whose sandbox is this one.
    pub(crate) fn configure(&self, home: &Home) -> String {
        let api = &self.url;
        let text = format!(
            "providers:\n  sandbox:\n    token_path: token.json\n    access: write\n    endpoints: {{ api: \"{api}\" }}\n"
        );
        home.write("config.yaml", &text).to_str().unwrap().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) struct Answer {
    headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value)
    }
}

pub(crate) fn get(url: &str, cookie: &str) -> Answer {
    ask("GET", url, cookie, "")
}

pub(crate) fn ask(method: &str, url: &str, cookie: &str, body: &str) -> Answer {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let media_type = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let about = format!("content-type: {media_type}\r\ncontent-length: {}", body.len());
    let head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n{about}");
    write!(stream, "{head}\r\nconnection: close\r\n\r\n{body}").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { headers: headers.into(), body: body.into() }
}

/// Signs in by the page that is printed.
pub(crate) fn sign_in(home: &Home, config: &str) {
    let arguments = ["--config", config, "--provider", "sandbox", "--local-auth", "--no-browser"];
    let mut child = home.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let start = errors.by_ref().map(Result::unwrap).find_map(|line| {
        let at = line.find("http://127.0.0.1:")?;
        line.contains("/auth?nonce=").then(|| line[at..].trim().to_owned())
    });
    visit(start.expect("the page to open is printed"));
    let rest: Vec<_> = errors.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
}

/// Opens a page as a browser would and goes where it is sent, keeping cookies.
pub(crate) fn visit(mut url: String) {
    let mut cookie = String::new();
    loop {
        let answer = get(&url, &cookie);
        if let Some(set) = answer.header("set-cookie") {
            cookie = set.split(';').next().unwrap().to_owned();
        }
        let Some(location) = answer.header("location") else {
            // Whoever is signed in already is asked whether to go on.
            if !answer.body.contains("again=1") {
                break;
            }
            url += "&again=1";
            continue;
        };
        let origin: String = url.split('/').take(3).collect::<Vec<_>>().join("/");
        url = if location.starts_with('/') { format!("{origin}{location}") } else { location.to_owned() };
    }
}
