//! The beginning and the end of a session: what would break it off is kept from the protocol library, what the client has
//! asked for is still answered, what only the client could end is ended.
//!
//! The library stops reading, writing and notifying at once when its input ends, and gives handlers that are under way
//! a few seconds in which their progress goes nowhere and blocks them. So it learns of the end only when nothing is under way.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::{
    RoleServer,
    model::{
        CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification, ClientRequest,
        ErrorData, GetMeta as _, JsonRpcMessage, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerNotification,
    },
    transport::Transport,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout, timeout_at},
};

/// Most requests under way. A client that sends more without reading what comes waits until it has read.
const MOST: usize = 1_000;
/// How long such a client may read nothing at all before it is taken to be gone: nobody looks whether it has hung up.
const DEAF: Duration = Duration::from_secs(10);
/// How long a client that is gone may take to read a last word.
const LAST_WORD: Duration = Duration::from_millis(250);

/// A transport that ends late.
pub(super) struct Farewell<T, S> {
    inner: T,
    /// Completes when the process is asked to end.
    stopped: Pin<Box<S>>,
    patience: Duration,
    /// When the end began.
    end: watch::Sender<Option<Instant>>,
    book: Arc<Book>,
}

/// What is under way.
#[derive(Default)]
struct Book {
    entries: Mutex<Entries>,
    changed: Notify,
}

#[derive(Default)]
struct Entries {
    /// Whether a session has begun: the library ends at anything else that is no request.
    begun: bool,
    /// Requests of the client that are not answered yet, and whether only the client ends them.
    unanswered: HashMap<RequestId, bool>,
    /// How many messages the client has not read yet.
    sending: usize,
    /// Requests to the client that it has not answered yet.
    asked: HashSet<RequestId>,
    /// Whether the client is gone.
    ended: bool,
    /// What the client would have said.
    instead: VecDeque<ClientJsonRpcMessage>,
}

impl Book {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Takes note of a message; tells whether it is one to pass on.
    fn received(&mut self, message: &ClientJsonRpcMessage) -> Result<(), Unfit> {
        match message {
            JsonRpcMessage::Request(request) => {
                self.begun |= begins(&request.request);
                let listens = matches!(request.request, ClientRequest::SubscriptionsListenRequest(_));
                if self.unanswered.contains_key(&request.id) {
                    return Err(Unfit::Twice);
                }
                self.unanswered.insert(request.id.clone(), listens);
            }
            _ if !self.begun => return Err(Unfit::Early),
            JsonRpcMessage::Response(response) => drop(self.asked.remove(&response.id)),
            JsonRpcMessage::Error(error) => drop(error.id.as_ref().map(|id| self.asked.remove(id))),
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.unanswered.remove(id);
                }
            }
        }
        Ok(())
    }

    /// Whether so much is under way that the client should read first. Questions are answered by what it says next.
    fn is_crowded(&self) -> bool {
        self.unanswered.len() >= MOST + self.asked.len()
    }

    /// Speaks for the client, who is gone: no question is answered any more, nothing is listened to.
    fn end(&mut self) {
        self.ended = true;
        for id in std::mem::take(&mut self.asked) {
            self.instead.push_back(gone(id));
        }
        let listening = self.unanswered.iter().filter(|(_, listens)| **listens).map(|(id, _)| id.clone());
        for id in listening.collect::<Vec<_>>() {
            self.cancel(id);
        }
    }

    fn cancel(&mut self, id: RequestId) {
        self.unanswered.remove(&id);
        let cancelled = CancelledNotification::new(CancelledNotificationParam::new(Some(id), None));
        let notification = ClientNotification::CancelledNotification(cancelled);
        self.instead.push_back(ClientJsonRpcMessage::notification(notification));
    }
}

/// Why a message is not passed on.
enum Unfit {
    /// A request of that id is under way.
    Twice,
    /// Nobody has said in which era the session is.
    Early,
}

/// Whether a session begins with this request, at the latest: a handshake, or anything that needs none but says its version.
fn begins(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let (meta, modern) = (request.get_meta(), &ProtocolVersion::V_2026_07_28);
            meta.missing_required_keys(modern).is_empty()
                && meta.protocol_version().is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version))
        }
    }
}

fn gone(id: RequestId) -> ClientJsonRpcMessage {
    ClientJsonRpcMessage::error(ErrorData::internal_error("the client is gone", None), Some(id))
}

impl<T, S> Farewell<T, S>
where
    T: Transport<RoleServer>,
    S: Future<Output = ()> + Send,
{
    /// Ends when `inner` does or `stopped` completes, once all is answered or `patience` is over.
    pub(super) fn new(inner: T, stopped: S, patience: Duration) -> Self {
        Self { inner, stopped: Box::pin(stopped), patience, end: watch::Sender::default(), book: Arc::default() }
    }

    /// Returns where it will be said when the end began.
    pub(super) fn end(&self) -> watch::Receiver<Option<Instant>> {
        self.end.subscribe()
    }

    /// Returns the next message, or nothing if there are no more.
    async fn next(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.book.entries().is_crowded() {
                tokio::select! {
                    heard = timeout(DEAF, self.book.changed.notified()) => {
                        if heard.is_err() && self.book.entries().sending > 0 {
                            return None;
                        }
                    }
                    () = &mut self.stopped => return None,
                }
                continue;
            }
            let received = tokio::select! {
                biased;
                received = self.inner.receive() => received?,
                () = &mut self.stopped => return None,
            };
            let fit = self.book.entries().received(&received);
            match (fit, received) {
                (Ok(()), received) => return Some(received),
                (Err(Unfit::Early), _) => {}
                (Err(Unfit::Twice), _) => {
                    // Whose answer would one with its id be?
                    let error = ErrorData::invalid_request("a request of that id is under way", None);
                    drop(tokio::spawn(self.inner.send(ServerJsonRpcMessage::error(error, None))));
                }
            }
        }
    }

    /// Says of what could not be done that it was not, and has it dropped.
    async fn give_up(&mut self) {
        let unanswered: Vec<_> = self.book.entries().unanswered.keys().cloned().collect();
        for id in unanswered {
            let error = ErrorData::internal_error("the server ends before the call does", None);
            drop(timeout(LAST_WORD, self.inner.send(ServerJsonRpcMessage::error(error, Some(id.clone())))).await);
            self.book.entries().cancel(id);
        }
    }
}

impl<T, S> Transport<RoleServer> for Farewell<T, S>
where
    T: Transport<RoleServer>,
    S: Future<Output = ()> + Send,
{
    type Error = T::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = {
            let mut entries = self.book.entries();
            entries.sending += 1;
            match &message {
                JsonRpcMessage::Response(response) => Some(response.id.clone()),
                JsonRpcMessage::Error(error) => error.id.clone(),
                JsonRpcMessage::Request(request) if entries.ended => {
                    entries.instead.push_back(gone(request.id.clone()));
                    self.book.changed.notify_one();
                    None
                }
                JsonRpcMessage::Request(request) => {
                    entries.asked.insert(request.id.clone());
                    None
                }
                JsonRpcMessage::Notification(notification) => {
                    if let ServerNotification::CancelledNotification(cancelled) = &notification.notification
                        && let Some(id) = &cancelled.params.request_id
                    {
                        entries.asked.remove(id);
                    }
                    None
                }
            }
        };
        let (sending, book) = (self.inner.send(message), self.book.clone());
        async move {
            let sent = sending.await;
            let mut entries = book.entries();
            entries.sending -= 1;
            if let Some(id) = answered {
                entries.unanswered.remove(&id);
                book.changed.notify_one();
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        if self.end.borrow().is_none() {
            if let Some(message) = self.next().await {
                return Some(message);
            }
            self.book.entries().end();
            self.end.send_replace(Some(Instant::now()));
        }
        let end = self.end.borrow().unwrap_or_else(Instant::now);
        loop {
            {
                let mut entries = self.book.entries();
                if let Some(message) = entries.instead.pop_front() {
                    return Some(message);
                }
                if entries.unanswered.is_empty() {
                    return None;
                }
            }
            if timeout_at(end + self.patience, self.book.changed.notified()).await.is_err() {
                self.give_up().await;
            }
        }
    }

    /// A client that does not read must not keep the process.
    async fn close(&mut self) -> Result<(), Self::Error> {
        timeout(LAST_WORD, self.inner.close()).await.unwrap_or(Ok(()))
    }
}
