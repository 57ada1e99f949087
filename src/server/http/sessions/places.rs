//! How sessions are in use: the requests under way in each, so many at a time and none twice, and the streams.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    io,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use rmcp::{
    model::{JsonRpcMessage, RequestId},
    transport::streamable_http_server::{SessionId, session::ServerSseMessage},
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::super::named::Refused;

/// Most sessions at a time.
const MOST: usize = 64;
/// Most requests at a time in all sessions, counting those that nobody waits for any more.
const MOST_REQUESTS: usize = 256;
/// Most of them in one session.
const MOST_IN_SESSION: usize = 32;
/// As many as each session may have under way even if others have all the rest.
const SHARE: usize = 4;

#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<SessionId, Place>>>);

/// How much a session is in use.
struct Place {
    last: Instant,
    /// Whether its first request is under way.
    opening: bool,
    requests: HashMap<RequestId, Underway>,
    streams: usize,
}

/// A request under way.
#[derive(Default)]
struct Underway {
    /// Its place among the calls of all clients.
    turn: Option<OwnedSemaphorePermit>,
    /// Whether the library has it.
    begun: Option<Weak<Use>>,
    /// How many streams its client has for the answer.
    listeners: usize,
    /// What its client was asked, and has not answered.
    questions: HashSet<RequestId>,
    /// What its events' ids end in.
    channel: Option<String>,
}

impl Underway {
    /// Whether it waits for a client that has hung up.
    fn is_deserted(&self) -> bool {
        self.listeners == 0 && !self.questions.is_empty()
    }
}

/// One use of a session.
pub(super) struct Use {
    places: Places,
    id: SessionId,
    of: Purpose,
}

/// One stream for the answer to a request.
pub(super) struct Listener(Arc<Use>);

enum Purpose {
    Opening,
    Request(RequestId),
    Stream,
}

/// A request that has been let in. If the library does not get it, it is over.
pub(in super::super) struct Admitted {
    places: Places,
    session: SessionId,
    id: RequestId,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    /// Frees a place, if all are taken: that of the session idle for longest, one without any stream first. One whose
    /// requests all wait for a client that has hung up is idle.
    pub(super) fn make_room(&self) -> io::Result<Option<(SessionId, Vec<RequestId>)>> {
        let mut places = self.lock();
        if places.len() < MOST {
            return Ok(None);
        }
        let idle =
            places.iter().filter(|(_, place)| !place.opening && place.requests.values().all(Underway::is_deserted));
        let longest = idle.min_by_key(|(_, place)| (place.streams > 0, place.last)).map(|(id, _)| id.clone());
        let longest = longest.ok_or_else(|| busy("every session is in use"))?;
        let abandoned = places.remove(&longest).map(Place::abandon).unwrap_or_default();
        Ok(Some((longest, abandoned)))
    }

    /// Takes up a place, for a session whose first request is under way.
    pub(super) fn open(&self, id: SessionId) {
        let place = Place { last: Instant::now(), opening: true, requests: HashMap::new(), streams: 0 };
        self.lock().insert(id, place);
    }

    /// Gives a place back; returns the requests under way in it.
    pub(super) fn close(&self, id: &SessionId) -> Vec<RequestId> {
        let closed = self.lock().remove(id);
        closed.map(Place::abandon).unwrap_or_default()
    }

    pub(super) fn touch(&self, id: &SessionId) {
        self.with(id, |place| place.last = Instant::now());
    }

    /// Lets a request into a session, if there is that session.
    pub(super) fn admit(&self, session: &str, id: RequestId, limited: bool) -> Result<Option<Admitted>, Refused> {
        let mut places = self.lock();
        let total: usize = places.values().map(|place| place.requests.len()).sum();
        let Some((session, _)) = places.get_key_value(session) else { return Ok(None) };
        let session = session.clone();
        let Some(place) = places.get_mut(&session) else { return Ok(None) };
        if place.requests.contains_key(&id) {
            return Err(Refused::Twice);
        }
        let own = place.requests.len();
        if limited && (own >= MOST_IN_SESSION || (own >= SHARE && total >= MOST_REQUESTS)) {
            return Err(Refused::TooMany);
        }
        place.requests.insert(id.clone(), Underway::default());
        Ok(Some(Admitted { places: self.clone(), session, id }))
    }

    /// Begins what has been let in; returns nothing if it has not, or has begun before.
    pub(super) fn begin(&self, session: &SessionId, id: &RequestId) -> Option<Listener> {
        self.with_request(session, id, |request| {
            if request.begun.is_some() {
                return None;
            }
            let begun = Arc::new(Use { places: self.clone(), id: session.clone(), of: Purpose::Request(id.clone()) });
            (request.begun, request.listeners) = (Some(Arc::downgrade(&begun)), 1);
            Some(Listener(begun))
        })?
    }

    /// Finds the request whose answer a client comes back for, by the last event that it has got.
    pub(super) fn resume(&self, session: &SessionId, last_event: &str) -> Option<Listener> {
        let (_, wanted) = last_event.split_once('/')?;
        self.with(session, |place| {
            let request = place.requests.values_mut().find(|request| request.channel.as_deref() == Some(wanted))?;
            let resumed = request.begun.as_ref()?.upgrade()?;
            request.listeners += 1;
            Some(Listener(resumed))
        })?
    }

    /// Notes that a client has answered a question.
    pub(super) fn answered(&self, session: &SessionId, question: &RequestId) {
        self.with(session, |place| place.requests.values_mut().any(|request| request.questions.remove(question)));
    }

    /// Marks that a session's first request is under way, which `open` has said.
    pub(super) fn opening(&self, id: &SessionId) -> Use {
        Use { places: self.clone(), id: id.clone(), of: Purpose::Opening }
    }

    /// Marks that a client listens to its session.
    pub(super) fn listening(&self, id: &SessionId) -> Use {
        self.with(id, |place| place.streams += 1);
        Use { places: self.clone(), id: id.clone(), of: Purpose::Stream }
    }

    fn with<T>(&self, id: &SessionId, change: impl FnOnce(&mut Place) -> T) -> Option<T> {
        self.lock().get_mut(id).map(change)
    }

    fn with_request<T>(
        &self,
        session: &SessionId,
        id: &RequestId,
        change: impl FnOnce(&mut Underway) -> T,
    ) -> Option<T> {
        self.with(session, |place| place.requests.get_mut(id).map(change))?
    }
}

impl Place {
    /// Returns the requests that the library still has.
    fn abandon(self) -> Vec<RequestId> {
        self.requests.into_iter().filter(|(_, request)| request.begun.is_some()).map(|(id, _)| id).collect()
    }
}

impl Admitted {
    /// Keeps a call's place among those of all clients until it is over, nobody waits for it, or it waits for its user.
    pub(in super::super) fn keep(&self, turn: OwnedSemaphorePermit) {
        self.places.with_request(&self.session, &self.id, |request| request.turn = Some(turn));
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.places.with(&self.session, |place| {
            if place.requests.get(&self.id).is_some_and(|request| request.begun.is_none()) {
                place.requests.remove(&self.id);
            }
        });
    }
}

impl Use {
    /// Notes what an event says of its request; returns whether it is the answer.
    pub(super) fn note(&self, event: &ServerSseMessage) -> bool {
        self.with(|request| {
            if let (None, Some((_, channel))) =
                (&request.channel, event.event_id.as_deref().and_then(|id| id.split_once('/')))
            {
                request.channel = Some(channel.to_owned());
            }
            match event.message.as_deref() {
                Some(JsonRpcMessage::Request(question)) => {
                    request.questions.insert(question.id.clone());
                    request.turn = None;
                    false
                }
                Some(JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)) => true,
                _ => false,
            }
        })
        .unwrap_or_default()
    }

    /// Whether it waits for a client that has hung up.
    pub(super) fn is_deserted(&self) -> bool {
        self.with(|request| request.is_deserted()).unwrap_or_default()
    }

    /// Returns the request, and its session.
    pub(super) fn request(&self) -> Option<(&SessionId, &RequestId)> {
        match &self.of {
            Purpose::Request(request) => Some((&self.id, request)),
            Purpose::Opening | Purpose::Stream => None,
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Underway) -> T) -> Option<T> {
        let (session, request) = self.request()?;
        self.places.with_request(session, request, change)
    }
}

impl Listener {
    /// Lets the client go.
    pub(super) fn hung_up(self) -> Arc<Use> {
        self.0.clone()
    }
}

impl Deref for Listener {
    type Target = Use;

    fn deref(&self) -> &Use {
        &self.0
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.with(|request| {
            request.listeners -= 1;
            request.turn = None;
        });
        self.places.touch(&self.id);
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.places.with(&self.id, |place| {
            match &self.of {
                Purpose::Opening => place.opening = false,
                Purpose::Request(request) => drop(place.requests.remove(request)),
                Purpose::Stream => place.streams -= 1,
            }
            place.last = Instant::now();
        });
    }
}

/// Fails as what is full does.
pub(super) fn busy(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, what)
}
