//! Sessions of clients that speak the revisions before 2026-07-28: so many at most, and the one idle for longest gives way.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt as _};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        SessionId,
        session::{
            ServerSseMessage, SessionManager,
            local::{LocalSessionManager, SessionTransport},
        },
    },
};
use tokio::{runtime::Handle, time::Instant};

/// Most sessions at a time.
const MOST: usize = 64;
/// Most requests at a time, counting those that nobody waits for any more.
const MOST_REQUESTS: usize = 256;
/// How long a stream that is over can be asked for again.
const MEMORY: Duration = Duration::from_secs(5);

/// The library's sessions, counted.
pub(super) struct Sessions {
    library: Arc<LocalSessionManager>,
    places: Places,
    /// Whoever makes room also takes it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<SessionId, Place>>>);

/// How much a session is in use.
struct Place {
    last: Instant,
    requests: usize,
    streams: usize,
}

/// One use of a session.
struct Use {
    places: Places,
    id: SessionId,
    of: fn(&mut Place) -> &mut usize,
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
        self.places.lock().contains_key(id)
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees a place, if all are taken: that of the session idle for longest, one without any stream first.
    fn make_room(&self) -> io::Result<Option<SessionId>> {
        let mut places = self.lock();
        if places.len() < MOST {
            return Ok(None);
        }
        let idle = places.iter().filter(|(_, place)| place.requests == 0);
        let longest = idle.min_by_key(|(_, place)| (place.streams > 0, place.last)).map(|(id, _)| id.clone());
        let longest = longest.ok_or_else(|| busy("every session is in use"))?;
        places.remove(&longest);
        Ok(Some(longest))
    }

    /// How many requests are under way, counting those that nobody waits for any more.
    fn requests(&self) -> usize {
        self.lock().values().map(|place| place.requests).sum()
    }

    fn used(&self, id: &SessionId, of: fn(&mut Place) -> &mut usize) -> Use {
        if let Some(place) = self.lock().get_mut(id) {
            *of(place) += 1;
        }
        Use { places: self.clone(), id: id.clone(), of }
    }

    fn touch(&self, id: &SessionId) {
        if let Some(place) = self.lock().get_mut(id) {
            place.last = Instant::now();
        }
    }
}

/// The answer to one request. When the client hangs up, the call goes on and is followed to its end: it may have asked for
/// something to be sent, and may come back for the answer.
struct Followed {
    stream: Option<Pin<Box<dyn Stream<Item = ServerSseMessage> + Send + Sync>>>,
    used: Option<Use>,
}

impl Stream for Followed {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        let polled = stream.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None)) {
            (self.stream, self.used) = (None, None);
        }
        polled
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let (Some(mut stream), Some(used)) = (self.stream.take(), self.used.take()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                while stream.next().await.is_some() {}
                drop(used);
            });
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if let Some(place) = self.places.lock().get_mut(&self.id) {
            *(self.of)(place) -= 1;
            place.last = Instant::now();
        }
    }
}

fn busy(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, what)
}

fn requests(place: &mut Place) -> &mut usize {
    &mut place.requests
}

fn streams(place: &mut Place) -> &mut usize {
    &mut place.streams
}

impl SessionManager for Sessions {
    type Error = io::Error;
    type Transport = SessionTransport;

    async fn create_session(&self) -> io::Result<(SessionId, Self::Transport)> {
        let _turn = self.turn.lock().await;
        if let Some(evicted) = self.places.make_room()? {
            let library = self.library.clone();
            // A session whose client does not read takes its time to end.
            drop(tokio::spawn(async move { library.close_session(&evicted).await }));
        }
        let (id, transport) = self.library.create_session().await.map_err(io::Error::other)?;
        // Its first request is under way: `initialize_session` ends that.
        self.places.lock().insert(id.clone(), Place { last: Instant::now(), requests: 1, streams: 0 });
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> io::Result<ServerJsonRpcMessage> {
        let _use = Use { places: self.places.clone(), id: id.clone(), of: requests };
        self.library.initialize_session(id, message).await.map_err(io::Error::other)
    }

    async fn has_session(&self, id: &SessionId) -> io::Result<bool> {
        self.places.touch(id);
        // One that gives way is gone at once, however long its end takes.
        Ok(self.has(id))
    }

    async fn close_session(&self, id: &SessionId) -> io::Result<()> {
        self.places.lock().remove(id);
        self.library.close_session(id).await.map_err(io::Error::other)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> io::Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        if self.places.requests() >= MOST_REQUESTS {
            return Err(busy("too many calls are under way"));
        }
        let used = self.places.used(id, requests);
        let stream = self.library.create_stream(id, message).await.map_err(io::Error::other)?;
        Ok(Followed { stream: Some(Box::pin(stream)), used: Some(used) })
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> io::Result<()> {
        self.library.accept_message(id, message).await.map_err(io::Error::other)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> io::Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        let used = self.places.used(id, streams);
        let stream = self.library.create_standalone_stream(id).await.map_err(io::Error::other)?;
        Ok(stream.inspect(move |_| {
            let _: &Use = &used;
        }))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> io::Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static> {
        let used = self.places.used(id, streams);
        let stream = self.library.resume(id, last_event_id).await.map_err(io::Error::other)?;
        Ok(stream.inspect(move |_| {
            let _: &Use = &used;
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many sessions as there may be, each idle for a second less than the one before.
    fn full() -> Places {
        let places = Places::default();
        let now = Instant::now();
        for number in 0..MOST {
            let last = now + Duration::from_secs(number as u64);
            places.lock().insert(number.to_string().into(), Place { last, requests: 0, streams: 0 });
        }
        places
    }

    fn evicted(places: &Places) -> Option<String> {
        places.make_room().unwrap().map(|id| id.to_string())
    }

    #[test]
    fn the_session_idle_for_longest_gives_way() {
        let places = full();
        assert_eq!(evicted(&places).as_deref(), Some("0"));
        assert_eq!(evicted(&places), None);
    }

    #[test]
    fn one_with_a_stream_goes_last_and_one_with_a_call_never() {
        let places = full();
        let _call = places.used(&"0".into(), requests);
        let mut uses: Vec<_> = (1..MOST).map(|number| places.used(&number.to_string().into(), streams)).collect();
        let freed = uses.remove(7);
        assert_eq!(evicted(&places).as_deref(), Some("1"));
        places.lock().insert("1".into(), Place { last: Instant::now(), requests: 0, streams: 0 });
        drop(freed);
        assert_eq!(evicted(&places).as_deref(), Some("1"), "`8` was used later");
        uses.clear();
        places.lock().insert("new".into(), Place { last: Instant::now(), requests: 0, streams: 0 });
        places.lock().values_mut().for_each(|place| place.requests += 1);
        assert_eq!(places.make_room().unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    }

    #[tokio::test]
    async fn a_call_whose_client_hangs_up_is_followed_to_its_end() {
        let places = full();
        let (answer, answers) = tokio::sync::mpsc::channel(1);
        let stream = futures::stream::unfold(answers, async |mut answers| Some((answers.recv().await?, answers)));
        let used = Some(places.used(&"0".into(), requests));
        drop(Followed { stream: Some(Box::pin(stream)), used });
        assert_eq!(places.requests(), 1);
        answer.send(ServerSseMessage::default()).await.unwrap();
        drop(answer);
        while places.requests() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
