//! The end of a session: what the client has asked for is still answered, what only the client could end is ended.
//!
//! The protocol library stops reading, writing and notifying at once when its input ends, and gives handlers that are under way
//! a few seconds in which their progress goes nowhere and blocks them. So it learns of the end only when nothing is under way.

use std::{
    collections::{HashSet, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use rmcp::{
    RoleServer,
    model::{
        CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification, ClientRequest,
        ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerNotification,
    },
    transport::Transport,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// A transport that ends late.
pub(super) struct Farewell<T, S> {
    inner: T,
    /// Completes when the process is asked to end.
    stopped: Pin<Box<S>>,
    patience: Duration,
    /// When the end began.
    end: Arc<OnceLock<Instant>>,
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
    /// Requests of the client that are not answered yet.
    unanswered: HashSet<RequestId>,
    /// Those among them that only the client ends.
    listening: HashSet<RequestId>,
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
    fn received(&mut self, message: &ClientJsonRpcMessage) {
        match message {
            JsonRpcMessage::Request(request) => {
                self.unanswered.insert(request.id.clone());
                if matches!(request.request, ClientRequest::SubscriptionsListenRequest(_)) {
                    self.listening.insert(request.id.clone());
                }
            }
            JsonRpcMessage::Response(response) => drop(self.asked.remove(&response.id)),
            JsonRpcMessage::Error(error) => drop(error.id.as_ref().map(|id| self.asked.remove(id))),
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.answered(id);
                }
            }
        }
    }

    fn answered(&mut self, id: &RequestId) {
        self.unanswered.remove(id);
        self.listening.remove(id);
    }

    /// Speaks for the client, who is gone: no question is answered any more, nothing is listened to.
    fn end(&mut self) {
        self.ended = true;
        for id in std::mem::take(&mut self.asked) {
            self.instead.push_back(gone(id));
        }
        for id in std::mem::take(&mut self.listening) {
            self.unanswered.remove(&id);
            let cancelled = CancelledNotificationParam::new(Some(id), None);
            let notification = ClientNotification::CancelledNotification(CancelledNotification::new(cancelled));
            self.instead.push_back(ClientJsonRpcMessage::notification(notification));
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
        Self { inner, stopped: Box::pin(stopped), patience, end: Arc::default(), book: Arc::default() }
    }

    /// Returns where it will be said when the end began.
    pub(super) fn end(&self) -> Arc<OnceLock<Instant>> {
        self.end.clone()
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
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            JsonRpcMessage::Request(request) => {
                let mut entries = self.book.entries();
                if entries.ended {
                    entries.instead.push_back(gone(request.id.clone()));
                    self.book.changed.notify_one();
                } else {
                    entries.asked.insert(request.id.clone());
                }
                None
            }
            JsonRpcMessage::Notification(notification) => {
                if let ServerNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.book.entries().asked.remove(id);
                }
                None
            }
        };
        let (sending, book) = (self.inner.send(message), self.book.clone());
        async move {
            let sent = sending.await;
            if let Some(id) = answered {
                book.entries().answered(&id);
                book.changed.notify_one();
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let Some(end) = self.end.get() else {
                let received = tokio::select! {
                    biased;
                    received = self.inner.receive() => received,
                    () = &mut self.stopped => None,
                };
                if let Some(message) = received {
                    self.book.entries().received(&message);
                    return Some(message);
                }
                self.book.entries().end();
                self.end.get_or_init(Instant::now);
                continue;
            };
            {
                let mut entries = self.book.entries();
                if let Some(message) = entries.instead.pop_front() {
                    return Some(message);
                }
                if entries.unanswered.is_empty() {
                    return None;
                }
            }
            timeout_at(*end + self.patience, self.book.changed.notified()).await.ok()?;
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
