//! Several processes over one token file, while the server takes back every refresh token that was used.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::switchboard::{Home, Session};

/// The sandbox as a process of its own.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(home: &Home) -> Self {
        let arguments = ["sandbox", "--rotation", "strict", "--token-lifetime", "1s", "--control", "--approve"];
        let mut child = home.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: said["url"].as_str().unwrap().to_owned() }
    }

    fn counters(&self) -> Value {
        serde_json::from_str(&get(&format!("{}/control/counters", self.url), "").body).unwrap()
    }

    /// Writes a configuration whose sandbox is this one.
    fn configure(&self, home: &Home) -> String {
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

struct Answer {
    headers: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value)
    }
}

fn get(url: &str, cookie: &str) -> Answer {
    ask("GET", url, cookie, "")
}

fn ask(method: &str, url: &str, cookie: &str, body: &str) -> Answer {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let (length, json) = (body.len(), "content-type: application/json");
    let head =
        format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n{json}\r\ncontent-length: {length}");
    write!(stream, "{head}\r\nconnection: close\r\n\r\n{body}").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { headers: headers.into(), body: body.into() }
}

/// Signs in as a browser would: opens the page that is printed and goes where it is sent, keeping cookies.
fn sign_in(home: &Home, config: &str) {
    let arguments = ["--config", config, "--provider", "sandbox", "--local-auth", "--no-browser"];
    let mut child = home.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let start = errors.by_ref().map(Result::unwrap).find_map(|line| {
        let at = line.find("http://127.0.0.1:")?;
        line.contains("/auth?nonce=").then(|| line[at..].trim().to_owned())
    });
    let (mut url, mut cookie) = (start.expect("the page to open is printed"), String::new());
    loop {
        let answer = get(&url, &cookie);
        if let Some(set) = answer.header("set-cookie") {
            cookie = set.split(';').next().unwrap().to_owned();
        }
        let Some(location) = answer.header("location") else { break };
        let origin: String = url.split('/').take(3).collect::<Vec<_>>().join("/");
        url = if location.starts_with('/') { format!("{origin}{location}") } else { location.to_owned() };
    }
    let rest: Vec<_> = errors.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
}

#[test]
fn four_processes_share_a_sign_in_and_never_use_a_refresh_token_twice() {
    let home = Home::new();
    let service = Service::start(&home);
    let config = service.configure(&home);
    let config = config.as_str();
    sign_in(&home, config);
    let token = home.path().join("token.json");
    assert!(fs::metadata(&token).is_ok(), "the token file is where the configuration says");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let enough = |service: &Service| service.counters()["refreshes"].as_u64().unwrap() >= 4;
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut session = home.session(&["--config", config, "--provider", "sandbox"]);
                while !enough(&service) && started.elapsed() < Duration::from_mins(1) {
                    session.call("list_conversations", json!({})).unwrap_or_else(|error| panic!("{error}"));
                    thread::sleep(Duration::from_millis(50)); // paces the load: an expiry is a second away
                }
                session.end();
            });
        }
    });
    let counters = service.counters();
    assert!(enough(&service), "too few refreshes: {counters}");
    assert_eq!(counters["reuses"], 0, "{counters}");
    assert!(counters["most_uses_of_one_refresh_token"].as_u64().unwrap() <= 1, "{counters}");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_terminated_while_it_renews_loses_no_sign_in() {
    ends_while_it_renews(Session::terminate);
}

#[cfg(unix)]
#[test]
fn a_server_that_is_killed_while_it_renews_loses_no_sign_in() {
    ends_while_it_renews(drop);
}

#[cfg(unix)]
fn ends_while_it_renews(end: impl FnOnce(Session)) {
    let home = Home::new();
    let service = Service::start(&home);
    let config = service.configure(&home);
    sign_in(&home, &config);
    let renewals = || service.counters()["refreshes"].as_u64().unwrap();
    let set = |faults: Value| ask("PUT", &format!("{}/control/faults", service.url), "", &faults.to_string());
    set(json!({ "rotation": "strict", "access_lifetime": 60, "delay_after_commit_ms": 1500 }));
    let mut session = home.session(&["--config", &config, "--provider", "sandbox"]);
    let before = renewals();
    while renewals() == before {
        session.begin("list_conversations");
        thread::sleep(Duration::from_millis(50)); // paces the calls until one of them renews
    }
    end(session);
    set(json!({ "rotation": "strict" }));
    let mut session = home.session(&["--config", &config, "--provider", "sandbox"]);
    let started = Instant::now();
    // The first token, good for a second, must not hide what was lost.
    while started.elapsed() < Duration::from_secs(2) {
        session.call("list_conversations", json!({})).unwrap();
        thread::sleep(Duration::from_millis(50)); // paces the calls
    }
    session.end();
}
