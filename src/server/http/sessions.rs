//! Sessions of clients that speak the revisions before 2026-07-28: so many at most, and the one idle for longest gives way.

mod answers;
mod places;

use std::{io, sync::Arc, time::Duration};

use futures::Stream;
use rmcp::{
    model::{
        CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification, JsonRpcMessage,
        RequestId, ServerJsonRpcMessage,
    },
    transport::streamable_http_server::{
        SessionId,
        session::{
            ServerSseMessage, SessionManager,
            local::{LocalSessionManager, SessionTransport},
        },
    },
};

pub(super) use self::places::Admitted;
use self::{
    answers::Answering,
    places::{Places, busy},
};
use super::named::{Named, Refused};

/// How long a stream that is over can be asked for again.
const MEMORY: Duration = Duration::from_secs(5);

/// The library's sessions, counted.
pub(super) struct Sessions {
    library: Arc<LocalSessionManager>,
    places: Places,
    /// Whoever makes room also takes it.
    turn: tokio::sync::Mutex<()>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let mut library = LocalSessionManager::default();
        library.session_config.completed_cache_ttl = MEMORY;
        // A client that was left alone over lunch finds its session again, unless its place was needed.
        library.session_config.keep_alive = None;
        Self { library: Arc::new(library), places: Places::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Whether there is such a session.
    pub(super) fn has(&self, id: &str) -> bool {
        self.places.has(id)
    }

    /// Lets a request into the session that it names, if it does and there is one. The library would not answer two with one
    /// id.
    pub(super) fn admit(&self, session: Option<&str>, named: &Named) -> Result<Option<Admitted>, Refused> {
        let Some(session) = session else { return Ok(None) };
        let Some(id) = named.request() else { return Ok(None) };
        self.places.admit(session, id, named.method.as_deref() != Some("ping"))
    }
}

/// Ends what is under way in a session, then the session.
async fn close(library: &LocalSessionManager, id: &SessionId, requests: Vec<RequestId>) -> io::Result<()> {
    for request in requests {
        if cancel(library, id, request).await.is_err() {
            break;
        }
    }
    library.close_session(id).await.map_err(io::Error::other)
}

/// Ends a request, as its client could.
async fn cancel(library: &LocalSessionManager, session: &SessionId, request: RequestId) -> io::Result<()> {
    let cancelled = CancelledNotificationParam::new(Some(request), None);
    let cancelled = ClientNotification::CancelledNotification(CancelledNotification::new(cancelled));
    library.accept_message(session, ClientJsonRpcMessage::notification(cancelled)).await.map_err(io::Error::other)
}

impl SessionManager for Sessions {
    type Error = io::Error;
    type Transport = SessionTransport;

    async fn create_session(&self) -> io::Result<(SessionId, Self::Transport)> {
        let _turn = self.turn.lock().await;
        if let Some((evicted, requests)) = self.places.make_room()? {
            let library = self.library.clone();
            // A session whose client does not read takes its time to end.
            drop(tokio::spawn(async move { close(&library, &evicted, requests).await }));
        }
        let (id, transport) = self.library.create_session().await.map_err(io::Error::other)?;
        // Its first request is under way: `initialize_session` ends that.
        self.places.open(id.clone());
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> io::Result<ServerJsonRpcMessage> {
        let _opening = self.places.opening(id);
        self.library.initialize_session(id, message).await.map_err(io::Error::other)
    }

    async fn has_session(&self, id: &SessionId) -> io::Result<bool> {
        self.places.touch(id);
        // One that gives way is gone at once, however long its end takes.
        Ok(self.has(id))
    }

    async fn close_session(&self, id: &SessionId) -> io::Result<()> {
        close(&self.library, id, self.places.close(id)).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> io::Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        let JsonRpcMessage::Request(request) = &message else { return Err(busy("only requests are answered")) };
        let begun = self.places.begin(id, &request.id).ok_or_else(|| busy("the request has not been let in"))?;
        let answer = self.library.create_stream(id, message).await.map_err(io::Error::other)?;
        Ok(Answering::new(answer, Some(begun), None, self.library.clone()))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> io::Result<()> {
        let answered = match &message {
            JsonRpcMessage::Response(answer) => Some(&answer.id),
            JsonRpcMessage::Error(refused) => refused.id.as_ref(),
            _ => None,
        };
        if let Some(question) = answered {
            self.places.answered(id, question);
        }
        self.library.accept_message(id, message).await.map_err(io::Error::other)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> io::Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        let listening = self.places.listening(id);
        let events = self.library.create_standalone_stream(id).await.map_err(io::Error::other)?;
        Ok(Answering::new(events, None, Some(listening), self.library.clone()))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> io::Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        let listening = self.places.listening(id);
        let resumed = self.places.resume(id, &last_event_id);
        let events = self.library.resume(id, last_event_id).await.map_err(io::Error::other)?;
        Ok(Answering::new(events, resumed, Some(listening), self.library.clone()))
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};
    use rmcp::transport::Transport as _;
    use serde_json::{from_value, json};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_outlives_any_silence() {
        let sessions = Sessions::new();
        let (id, mut server) = sessions.create_session().await.unwrap();
        let info = json!({ "name": "test", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info });
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello });
        let welcome = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": info });
        let welcome = json!({ "jsonrpc": "2.0", "id": 0, "result": welcome });
        let (opened, ()) = tokio::join!(sessions.initialize_session(&id, from_value(hello).unwrap()), async {
            server.receive().await.unwrap();
            server.send(from_value(welcome).unwrap()).await.unwrap();
        });
        opened.unwrap();
        let mut news = sessions.create_standalone_stream(&id).await.unwrap();
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(news.next().now_or_never().is_none(), "the stream has neither news nor an end");
    }
}
