//! What a session's clients hear, and what becomes of a call whose client hangs up.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt as _};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, local::LocalSessionManager};
use tokio::{runtime::Handle, time::timeout};

use super::places::{Listener, Use};

/// How long a call waits for its user after its client has hung up.
const PATIENCE: Duration = Duration::from_mins(1);

type Events = Pin<Box<dyn Stream<Item = ServerSseMessage> + Send + Sync>>;

/// The events of one stream. When the client hangs up, its call goes on and is followed to its end: it may have asked for
/// something to be sent, and may come back for the answer. Only one that waits for the user of such a client is ended.
pub(super) struct Answering {
    events: Option<Events>,
    call: Option<Listener>,
    _listening: Option<Use>,
    library: Arc<LocalSessionManager>,
}

impl Answering {
    pub(super) fn new(
        events: impl Stream<Item = ServerSseMessage> + Send + Sync + 'static,
        call: Option<Listener>,
        listening: Option<Use>,
        library: Arc<LocalSessionManager>,
    ) -> Self {
        Self { events: Some(Box::pin(events)), call, _listening: listening, library }
    }
}

impl Stream for Answering {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        let polled = events.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(event)) if self.call.as_ref().is_some_and(|call| call.note(event)) => self.call = None,
            Poll::Ready(None) => (self.events, self.call) = (None, None),
            _ => {}
        }
        polled
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let (Some(events), Some(call)) = (self.events.take(), self.call.take()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(follow(events, call.hung_up(), self.library.clone()));
        }
    }
}

async fn follow(mut events: Events, call: Arc<Use>, library: Arc<LocalSessionManager>) {
    loop {
        match timeout(PATIENCE, events.next()).await {
            Ok(Some(event)) if !call.note(&event) => {}
            Ok(_) => return,
            Err(_) => {
                if let Some((session, request)) = call.request().filter(|_| call.is_deserted()) {
                    drop(super::cancel(&library, session, request.clone()).await);
                }
            }
        }
    }
}
