//! News for clients: what they have listed is no longer so.

use std::sync::Arc;

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
}

/// Carries news from providers to every client that is connected. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Changes {
    /// Tells every client.
    pub fn tell(&self, change: Change) {
        // Nobody may be connected.
        drop(self.0.send(change));
    }

    /// Hears everything from now on.
    pub(super) fn news(&self) -> News {
        News(self.0.subscribe())
    }
}

/// What one client hears.
pub(super) struct News(broadcast::Receiver<Change>);

impl News {
    /// Returns what has changed since; nothing once nobody can say any more.
    pub(super) async fn next(&mut self) -> Option<Vec<Change>> {
        match self.0.recv().await {
            Ok(change) => Some(vec![change]),
            Err(broadcast::error::RecvError::Lagged(_)) => {
                Some(vec![Change::Tools, Change::Prompts, Change::Resources])
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
