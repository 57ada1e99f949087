//! Conversations that clients watch. While somebody does, one follower for each account asks what is new there.

use std::{
    any::Any,
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use switchboard_kit::{
    AccountKey, Call, Error, ErrorKind, Principal, Result,
    chat::{Change, Delta, Message},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::Named;
use crate::chat::{
    served::{Chats, Served},
    wait::{Word, follow},
};

/// How long one call follows an account. A connection that has died unseen is left by then.
const ROUND: Duration = Duration::from_mins(5);
/// How much longer such a call may take than that.
const MARGIN: Duration = Duration::from_secs(30);
/// How long an account is left alone that cannot be followed, as when nobody is signed in any more.
const REST: Duration = Duration::from_mins(1);

/// Hears the URI of what holds something else now.
type Tell = Box<dyn Fn(&str) + Send + Sync>;
/// One account, for one caller.
type Line = (Principal, AccountKey);

/// What clients watch.
pub(crate) struct Watching {
    served: Arc<Served>,
    tell: OnceLock<Tell>,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    followed: HashMap<Line, Followed>,
    /// The number of the next that is watched.
    next: u64,
    has_ended: bool,
}

/// An account that is followed.
struct Followed {
    watched: HashMap<u64, Watched>,
    follower: JoinHandle<()>,
}

/// What one client watches.
struct Watched {
    uri: Arc<str>,
    conversation: String,
    message: Option<String>,
}

/// Keeps something watched as long as it is there.
struct Ticket {
    watching: Arc<Watching>,
    line: Line,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut lines = self.watching.lines();
        let Some(followed) = lines.followed.get_mut(&self.line) else { return };
        followed.watched.remove(&self.number);
        if followed.watched.is_empty() {
            followed.follower.abort();
            lines.followed.remove(&self.line);
        }
    }
}

impl Watching {
    pub(crate) fn new(served: Arc<Served>) -> Arc<Self> {
        Arc::new(Self { served, tell: OnceLock::new(), lines: Mutex::default() })
    }

    /// Tells from now on what has changed.
    pub(crate) fn start(&self, tell: impl Fn(&str) + Send + Sync + 'static) {
        drop(self.tell.set(Box::new(tell)));
    }

    /// Follows nobody any more.
    pub(crate) async fn stop(&self) {
        let followed: Vec<_> = {
            let mut lines = self.lines();
            lines.has_ended = true;
            lines.followed.drain().map(|(_, followed)| followed.follower).collect()
        };
        followed.iter().for_each(JoinHandle::abort);
        drop(join_all(followed).await);
    }

    /// Watches what a URI names until what is returned is dropped. What comes after that is told, and nothing twice.
    pub(crate) async fn watch(
        self: &Arc<Self>,
        call: &Call,
        uri: &str,
        named: &Named,
    ) -> Result<Box<dyn Any + Send + Sync>> {
        let chats = Chats::new(self.served.clone(), call.clone());
        let place = chats.resource(named).await?;
        let line = (call.principal().clone(), place.opened.account.key().clone());
        let message = named.message.as_deref().map(|id| place.id_of(&chats, "message", id)).transpose()?;
        let is_followed = self.lines().followed.contains_key(&line);
        // Nothing that comes from here on is missed, and what cannot be followed says so.
        let cursor = match is_followed {
            true => None,
            false => Some(place.opened.news(None, Duration::ZERO).await?.cursor),
        };
        let watched = Watched { uri: uri.into(), conversation: place.conversation.id.clone(), message };
        let mut lines = self.lines();
        if lines.has_ended {
            return Err(Error::new(ErrorKind::Unavailable, "the server is ending"));
        }
        lines.next += 1;
        let number = lines.next;
        let followed = lines.followed.entry(line.clone()).or_insert_with(|| {
            let follower = tokio::spawn(self.clone().follow(line.clone(), cursor));
            Followed { watched: HashMap::new(), follower }
        });
        followed.watched.insert(number, watched);
        drop(lines);
        Ok(Box::new(Ticket { watching: self.clone(), line, number }))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks what is new until that is aborted.
    async fn follow(self: Arc<Self>, line: Line, cursor: Option<String>) {
        let cursor = Mutex::new(cursor);
        let reached = || cursor.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let chats = Chats::new(self.served.clone(), Call::new(line.0.clone(), ROUND + MARGIN));
            let Some(account) = self.served.account(line.1.as_str()) else { return };
            let (opened, from) = (chats.open_to_the_end(account), reached().clone());
            let hears = |word| {
                if let Word::Told { delta, .. } = word {
                    self.hear(&line, &delta);
                    *reached() = Some(delta.cursor);
                }
                true
            };
            if timeout(ROUND, follow(&opened, from, Instant::now() + ROUND, hears)).await.is_ok() {
                sleep(REST).await;
            }
        }
    }

    /// Tells once what of that somebody watches.
    fn hear(&self, line: &Line, delta: &Delta) {
        let changed: Vec<&Message> = delta.changes.iter().filter_map(Change::message).collect();
        let touched: BTreeSet<Arc<str>> = {
            let lines = self.lines();
            let watched = lines.followed.get(line).into_iter().flat_map(|followed| followed.watched.values());
            watched
                .filter(|watched| changed.iter().any(|message| watched.is_of(message)))
                .map(|watched| watched.uri.clone())
                .collect()
        };
        let Some(tell) = self.tell.get() else { return };
        for uri in &touched {
            tell(uri);
        }
    }
}

impl Watched {
    /// Returns whether a message is in what is watched: in the conversation, or the very message and what answers it.
    fn is_of(&self, message: &Message) -> bool {
        let own = |id: &String| *id == message.at.id || Some(id) == message.thread.as_ref();
        self.conversation == message.at.conversation && self.message.as_ref().is_none_or(own)
    }
}
