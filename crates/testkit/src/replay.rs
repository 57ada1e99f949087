//! A server on loopback that answers from samples, and remembers what it was asked.
//!
//! A sample file holds exchanges, each under a heading: a request line, a status, and the answer.
//!
//! ```text
//! ### who is signed in
//! GET /_matrix/client/v3/account/whoami
//! 200
//! { "user_id": "@alice:example.org" }
//! ```
//!
//! Of the query only what the sample names must agree. Of several exchanges for the same request, each is used once, in
//! their order; the last goes on being used.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

/// A server that answers from samples; it stops when dropped.
pub struct Replay {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Method and path, percent-decoded, such as `PUT /rooms/!a:x/state`.
    pub line: String,
    /// Query parameters, in their order.
    pub query: Vec<(String, String)>,
    /// Body, if it is JSON.
    pub body: Value,
}

#[derive(Default)]
struct Shared {
    exchanges: Vec<Exchange>,
    received: Vec<Received>,
}

struct Exchange {
    line: String,
    query: Vec<(String, String)>,
    status: u16,
    answer: String,
    used: bool,
}

impl Replay {
    /// Starts a server for the exchanges in `samples`.
    ///
    /// # Panics
    ///
    /// If a sample cannot be read, or no port is free.
    pub async fn start(samples: &str) -> Self {
        let exchanges = samples.split("### ").skip(1).map(exchange).collect();
        let shared = Arc::new(Mutex::new(Shared { exchanges, received: Vec::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the listener's address");
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { address, shared, task }
    }

    /// Returns where it listens, such as `http://127.0.0.1:4000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what it was asked so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }

    /// Returns the only request with this line.
    ///
    /// # Panics
    ///
    /// If there is none, or there are several.
    pub fn request(&self, line: &str) -> Received {
        let received = self.received();
        let mut matching = received.iter().filter(|request| request.line.starts_with(line));
        match (matching.next(), matching.next()) {
            (Some(only), None) => only.clone(),
            _ => panic!("`{line}` is not the line of exactly one request: {received:#?}"),
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn exchange(text: &str) -> Exchange {
    let mut parts = text.splitn(4, '\n').skip(1);
    let (request, status) = (parts.next().expect("a request line"), parts.next().expect("a status"));
    let (method, target) = request.split_once(' ').expect("a method and a path");
    let (line, query) = parted(method, target);
    let status = status.trim().parse().expect("a status that is a number");
    Exchange { line, query, status, answer: parts.next().unwrap_or_default().trim().into(), used: false }
}

fn parted(method: &str, target: &str) -> (String, Vec<(String, String)>) {
    let url = Url::parse("http://replay.invalid").and_then(|base| base.join(target.trim())).expect("a path");
    // A form's decoder is a path's, but for the plus sign.
    let path = url.path().replace('+', "%2B");
    let path: String = form_urlencoded::parse(path.as_bytes()).map(|(path, _)| path.into_owned()).collect();
    (format!("{method} {path}"), url.query_pairs().into_owned().collect())
}

async fn answer(State(shared): State<Arc<Mutex<Shared>>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (line, query) = parted(method.as_str(), &uri.to_string());
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let body = serde_json::from_slice(&body).unwrap_or_default();
    shared.received.push(Received { line: line.clone(), query: query.clone(), body });
    let agrees = |exchange: &Exchange| exchange.line == line && exchange.query.iter().all(|pair| query.contains(pair));
    let exchanges = &mut shared.exchanges;
    let fresh = exchanges.iter().position(|exchange| agrees(exchange) && !exchange.used);
    let Some(found) = fresh.or_else(|| exchanges.iter().rposition(agrees)) else {
        let problem = json!({ "error": format!("no sample answers `{line}`") });
        return (StatusCode::IM_A_TEAPOT, problem.to_string()).into_response();
    };
    exchanges[found].used = true;
    let status = StatusCode::from_u16(exchanges[found].status).expect("a status");
    (status, [(header::CONTENT_TYPE, "application/json")], exchanges[found].answer.clone()).into_response()
}
