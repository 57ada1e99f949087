//! What is served: `/mcp`, which the protocol library answers, and `/health`.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts},
};
use hyper::body::Incoming;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService},
};
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    answer::{self, Answer},
    body::Inbox,
    cors::Page,
    gate::Gate,
    held::Held,
    named::Named,
    newcomer::Newcomer,
    sessions::{Admitted, Sessions},
};

/// Most connections at a time; the others wait. Half of the files that a process usually may have open.
const MOST_CONNECTIONS: usize = 512;
/// Most calls at a time; the others wait. Of each account's, sixteen are under way at its platform.
const MOST_CALLS: usize = 128;
/// How long a call may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most streams that stand open for notifications at a time, so that they leave connections for calls.
const MOST_STREAMS: usize = 256;

/// What is served to everybody, and how busy it is.
pub(super) struct Site<H> {
    gate: Gate,
    inbox: Inbox,
    sessions: Arc<Sessions>,
    library: StreamableHttpService<H, Sessions>,
    /// Answers under way.
    pub(super) calls: TaskTracker,
    /// Room for connections.
    pub(super) room: Arc<Semaphore>,
    places: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// Told when nothing new is accepted any more.
    pub(super) closing: CancellationToken,
    /// Told when what still runs is to end.
    pub(super) ended: CancellationToken,
}

impl<H: ServerHandler + Clone + Send + Sync + 'static> Site<H> {
    pub(super) fn new(handler: H, gate: Gate) -> Self {
        let ended = CancellationToken::new();
        let config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_cancellation_token(ended.clone())
            // The gate has looked at `Host` and `Origin`, on every path and before the body was read.
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let sessions = Arc::new(Sessions::new());
        let library = StreamableHttpService::new(move || Ok(handler.clone()), sessions.clone(), config);
        Self {
            gate,
            inbox: Inbox::new(),
            sessions,
            library,
            calls: TaskTracker::new(),
            room: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
            places: Arc::new(Semaphore::new(MOST_CALLS)),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            closing: CancellationToken::new(),
            ended,
        }
    }

    /// Answers one request, which came in at the address `local`.
    pub(super) async fn answer(&self, request: Request<Incoming>, local: Option<IpAddr>) -> Answer {
        let (request, body) = request.into_parts();
        let answer = answer::dressed(self.route(request, body, local).await);
        if self.room.available_permits() == 0 {
            // Others wait for the place.
            return answer::with(answer, header::CONNECTION, "close");
        }
        answer
    }

    async fn route(&self, request: Parts, body: Incoming, local: Option<IpAddr>) -> Answer {
        if let Some(refused) = self.gate.turns_away(&request, local) {
            return refused;
        }
        let Some(page) = Page::of(&request) else { return self.serve(request, body).await };
        match Page::asks_first(&request) {
            true => page.may(&request),
            false => page.told(self.serve(request, body).await),
        }
    }

    async fn serve(&self, mut request: Parts, body: Incoming) -> Answer {
        match request.uri.path() {
            "/health" => health(&request.method),
            "/mcp" => match self.gate.locks_out(&mut request.headers) {
                Some(refused) => refused,
                None => self.mcp(request, body).await,
            },
            _ => answer::text(StatusCode::NOT_FOUND, "There is nothing here; the MCP endpoint is `/mcp`."),
        }
    }

    async fn mcp(&self, mut request: Parts, body: Incoming) -> Answer {
        if let Some(newcomer) = request.extensions.remove::<Newcomer>() {
            newcomer.let_in();
        }
        accept_both(&mut request.headers);
        let method = request.method.clone();
        if method == Method::DELETE && named_session(&request).is_some_and(|id| !self.sessions.has(id)) {
            return answer::text(StatusCode::NOT_FOUND, "Not Found: Session not found");
        }
        // What is not said to be JSON is refused by its headers, unread.
        let reads = method == Method::POST && is_json(&request.headers);
        let (text, named) = match reads {
            true => match self.inbox.receive(Body::new(body)).await {
                Ok(message) => {
                    request.extensions.insert(message.weight);
                    (message.text, message.named)
                }
                Err(refused) => return refused,
            },
            false => (Bytes::new(), Named::default()),
        };
        let admitted = match self.sessions.admit(named_session(&request), &named) {
            Ok(admitted) => admitted,
            Err(refused) => return refused.answer(),
        };
        let Some(held) = self.hold(&request, named.asks(), admitted.as_ref()).await else {
            return answer::busy("too much is under way");
        };
        let answer = self.library.handle(Request::from_parts(request, Body::from(text))).await;
        match answer.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE if reads => answer::no_message(),
            // The library fails only where a session, or the server, goes away under a request.
            StatusCode::INTERNAL_SERVER_ERROR => answer::busy("the server is full or about to end; try again"),
            StatusCode::ACCEPTED if method == Method::DELETE => answer::text(StatusCode::NO_CONTENT, ""),
            _ => {
                let (head, body) = answer.into_parts();
                Answer::from_parts(head, held.until_sent(Body::new(body)))
            }
        }
    }

    /// Takes up what an answer will hold on to, if there is room for that.
    async fn hold(&self, request: &Parts, asks: bool, admitted: Option<&Admitted>) -> Option<Held> {
        let listens = request.headers.get("mcp-method").is_some_and(|method| method == "subscriptions/listen");
        if request.method == Method::GET || (asks && listens) {
            return self.streams.clone().try_acquire_owned().ok().map(Held::Stream);
        }
        if !asks {
            // Calls may wait for just this: the answer to a question of theirs.
            return Some(Held::Nothing);
        }
        let place = timeout(PATIENCE, self.places.clone().acquire_owned()).await.ok()?.ok()?;
        let place = match admitted {
            Some(admitted) => {
                admitted.keep(place);
                None
            }
            None => Some(place),
        };
        Some(Held::Call((self.calls.token(), place)))
    }
}

/// Tells that the server runs, and asks nobody.
fn health(method: &Method) -> Answer {
    if *method == Method::GET || *method == Method::HEAD {
        return answer::json(StatusCode::OK, &json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
    }
    let answer = answer::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    answer::with(answer, header::ALLOW, "GET, HEAD")
}

/// Lets clients that accept anything have the two types that the protocol asks them to name.
fn accept_both(headers: &mut HeaderMap) {
    let mut asked = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let anything =
        |types: &str| types.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == "*/*");
    if !headers.contains_key(header::ACCEPT) || asked.any(anything) {
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn named_session(request: &Parts) -> Option<&str> {
    request.headers.get("mcp-session-id")?.to_str().ok()
}
