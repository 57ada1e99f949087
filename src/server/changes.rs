//! News for clients: what they have listed is no longer so.

use std::{fmt, sync::Arc};

use tokio::sync::broadcast;

/// Most pieces of news that a slow client is kept; beyond that it hears that everything has changed.
const KEPT: usize = 64;

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// There are other tools.
    Tools,
    /// There are other prompts.
    Prompts,
    /// There are other resources, or families of them.
    Resources,
    /// The resource of that URI holds something else.
    Resource(Arc<str>),
    /// Too much has changed to tell it all.
    Everything,
}

/// Carries news from providers to every client that is connected. Cheap to clone.
#[derive(Clone)]
pub struct Changes {
    clients: broadcast::Sender<Change>,
    /// What news goes through before it reaches them.
    way: Option<Arc<dyn Fn(Change) + Send + Sync>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { clients: broadcast::Sender::new(KEPT), way: None }
    }
}

impl Changes {
    /// Tells every client.
    pub fn tell(&self, change: Change) {
        match &self.way {
            Some(way) => way(change),
            // Nobody may be connected.
            None => drop(self.clients.send(change)),
        }
    }

    /// Carries news on in the words of `translate`, for a provider within another. Nothing means that nobody is told.
    pub fn through(&self, translate: impl Fn(Change) -> Option<Change> + Send + Sync + 'static) -> Self {
        let outer = self.clone();
        let way = move |change| {
            if let Some(change) = translate(change) {
                outer.tell(change);
            }
        };
        Self { clients: self.clients.clone(), way: Some(Arc::new(way)) }
    }

    /// Hears everything from now on.
    pub(super) fn news(&self) -> News {
        News(self.clients.subscribe())
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("clients", &self.clients.receiver_count()).finish_non_exhaustive()
    }
}

/// What one client hears.
pub(super) struct News(broadcast::Receiver<Change>);

impl News {
    /// Returns what has changed; nothing once nobody can say any more.
    pub(super) async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Change::Everything),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
