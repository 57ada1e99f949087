//! What a client hears without having asked just now: how far its call has come, and what has changed.

use std::{
    collections::HashSet,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ResourceUpdatedNotificationParam},
    service::{Peer, SubscriptionContext},
};
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::{sync::mpsc, task::AbortHandle, time::timeout};

use crate::server::changes::{Change, News};

/// How long a client may take to read one piece of news.
const PATIENCE: Duration = Duration::from_millis(250);
/// Most resources that one client may watch.
const WATCHED: usize = 1_000;

/// Reports of progress on one call, sent in order while it is under way.
pub(super) struct Reports(Option<(Peer<RoleServer>, mpsc::Receiver<ProgressNotificationParam>)>);

impl Reports {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn to(peer: Peer<RoleServer>, reports: mpsc::Receiver<ProgressNotificationParam>) -> Self {
        Self(Some((peer, reports)))
    }

    /// Does the work and sends what it reports meanwhile, all of it before the result.
    pub(super) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let Some((peer, mut reports)) = self.0 else { return work.await };
        let mut work = pin!(work);
        let outcome = {
            let mut sending = pin!(async {
                while let Some(report) = reports.recv().await {
                    drop(timeout(PATIENCE, peer.notify_progress(report)).await);
                }
                std::future::pending::<()>().await;
            });
            tokio::select! {
                biased;
                outcome = &mut work => outcome,
                () = &mut sending => unreachable!("it pends"),
            }
        };
        reports.close();
        let rest = async {
            while let Some(report) = reports.recv().await {
                drop(peer.notify_progress(report).await);
            }
        };
        drop(timeout(PATIENCE, rest).await);
        outcome
    }
}

/// The resources that a legacy client has subscribed to, and what tells it of them.
#[derive(Default)]
pub(super) struct Subscriptions {
    watched: Arc<Mutex<HashSet<String>>>,
    following: Mutex<Option<AbortHandle>>,
}

impl Subscriptions {
    /// Watches a resource.
    pub(super) fn add(&self, uri: &str) -> Result<()> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.len() >= WATCHED && !watched.contains(uri) {
            let message = format!("more than {WATCHED} resources cannot be watched");
            return Err(Error::new(ErrorKind::InvalidInput, message).hint("unsubscribe from some"));
        }
        watched.insert(uri.to_owned());
        Ok(())
    }

    /// Watches a resource no longer.
    pub(super) fn remove(&self, uri: &str) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    /// Tells the client from now on, until this is dropped with its session.
    pub(super) fn follow(&self, mut news: News, peer: Peer<RoleServer>) {
        let watched = self.watched.clone();
        let following = tokio::spawn(async move {
            while let Some(changes) = news.next().await {
                for change in changes {
                    let told = async {
                        match change {
                            Change::Tools => peer.notify_tool_list_changed().await,
                            Change::Prompts => peer.notify_prompt_list_changed().await,
                            Change::Resources => peer.notify_resource_list_changed().await,
                            Change::Resource(uri) => {
                                if !watched.lock().unwrap_or_else(PoisonError::into_inner).contains(&*uri) {
                                    return Ok(());
                                }
                                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(&*uri)).await
                            }
                        }
                    };
                    drop(timeout(PATIENCE, told).await);
                }
            }
        });
        let following = following.abort_handle();
        let earlier = self.following.lock().unwrap_or_else(PoisonError::into_inner).replace(following);
        if let Some(earlier) = earlier {
            earlier.abort();
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        if let Some(following) = self.following.lock().unwrap_or_else(PoisonError::into_inner).take() {
            following.abort();
        }
    }
}

/// Tells a modern client, which keeps a request open for it, until it closes that.
pub(super) async fn pass_on(mut news: News, subscription: &SubscriptionContext) {
    let (sink, accepted) = (subscription.sink(), subscription.accepted());
    loop {
        let changes = tokio::select! {
            () = subscription.cancelled() => return,
            changes = news.next() => changes,
        };
        let Some(changes) = changes else { return };
        for change in changes {
            let told = async {
                match &change {
                    Change::Tools if accepted.tools_list_changed == Some(true) => sink.notify_tool_list_changed().await,
                    Change::Prompts if accepted.prompts_list_changed == Some(true) => {
                        sink.notify_prompt_list_changed().await
                    }
                    Change::Resources if accepted.resources_list_changed == Some(true) => {
                        sink.notify_resource_list_changed().await
                    }
                    Change::Resource(uri)
                        if accepted.resource_subscriptions.iter().flatten().any(|watched| **watched == **uri) =>
                    {
                        sink.notify_resource_updated(&**uri).await
                    }
                    _ => Ok(()),
                }
            };
            drop(timeout(PATIENCE, told).await);
        }
    }
}
