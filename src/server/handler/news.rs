//! What a client hears without having asked just now: how far its call has come, and what has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible as Never,
    future::pending,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ResourceUpdatedNotificationParam, SubscriptionFilter},
    service::{Peer, SubscriptionContext},
};
use switchboard_kit::{Call, Error, ErrorKind, Principal, Result};
use tokio::{sync::mpsc, task::AbortHandle, time::timeout};
use tracing::debug;

use crate::server::{
    changes::{Change, News},
    provider::{Kinds, Provider, Watch},
};

/// How long a client may take to read one piece of news.
const PATIENCE: Duration = Duration::from_millis(250);
/// Most resources that one client may watch.
const WATCHED: usize = 1_000;
/// How many of them are sought at once, and how long that may take.
const AT_ONCE: usize = 8;
const ATTEMPT: Duration = Duration::from_mins(1);
/// Longest URI of a resource, in bytes.
pub(super) const LONGEST_URI: usize = 2_048;

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
                pending::<()>().await;
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
    watched: Arc<Mutex<BTreeMap<String, Option<Watch>>>>,
    following: Mutex<Option<AbortHandle>>,
}

impl Subscriptions {
    /// Watches a resource; by `watch`, if that is needed.
    pub(super) fn add(&self, uri: String, watch: Option<Watch>) -> Result<()> {
        let mut watched = lock(&self.watched);
        if watched.len() >= WATCHED && !watched.contains_key(&uri) {
            let message = format!("more than {WATCHED} resources cannot be watched");
            return Err(Error::new(ErrorKind::InvalidInput, message).hint("unsubscribe from some"));
        }
        watched.insert(uri, watch);
        Ok(())
    }

    /// Watches a resource no longer.
    pub(super) fn remove(&self, uri: &str) {
        lock(&self.watched).remove(uri);
    }

    /// Tells the client from now on, until this is dropped with its session.
    pub(super) fn follow(&self, mut news: News, peer: Peer<RoleServer>) {
        let watched = self.watched.clone();
        let following = tokio::spawn(async move {
            while let Some(change) = news.next().await {
                let told = Told::of(change, Kinds::ALL, || lock(&watched).keys().cloned().collect());
                for told in told {
                    let told = async {
                        match told {
                            Told::Tools => peer.notify_tool_list_changed().await,
                            Told::Prompts => peer.notify_prompt_list_changed().await,
                            Told::Resources => peer.notify_resource_list_changed().await,
                            Told::Resource(uri) => {
                                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await
                            }
                        }
                    };
                    drop(timeout(PATIENCE, told).await);
                }
            }
        });
        if let Some(earlier) = lock(&self.following).replace(following.abort_handle()) {
            earlier.abort();
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        if let Some(following) = lock(&self.following).take() {
            following.abort();
        }
    }
}

/// Returns as much of what a modern client wants to listen to as it can be told.
pub(super) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let mut accepted = requested.clone();
    if let Some(uris) = &mut accepted.resource_subscriptions {
        uris.retain(|uri| uri.len() <= LONGEST_URI);
        uris.truncate(WATCHED);
    }
    accepted
}

/// Tells a modern client, which keeps a request open for it, until it closes that.
pub(super) async fn pass_on(mut news: News, subscription: &SubscriptionContext) {
    let (sink, accepted) = (subscription.sink(), subscription.accepted());
    let kinds = Kinds {
        tools: accepted.tools_list_changed == Some(true),
        prompts: accepted.prompts_list_changed == Some(true),
        resources: accepted.resources_list_changed == Some(true),
        completions: false,
    };
    let watched: BTreeSet<String> = accepted.resource_subscriptions.iter().flatten().cloned().collect();
    loop {
        let change = tokio::select! {
            () = subscription.cancelled() => return,
            change = news.next() => change,
        };
        let Some(change) = change else { return };
        for told in Told::of(change, kinds, || watched.clone()) {
            let told = async {
                match told {
                    Told::Tools => sink.notify_tool_list_changed().await,
                    Told::Prompts => sink.notify_prompt_list_changed().await,
                    Told::Resources => sink.notify_resource_list_changed().await,
                    Told::Resource(uri) => sink.notify_resource_updated(uri).await,
                }
            };
            drop(timeout(PATIENCE, told).await);
        }
    }
}

/// Watches what a modern client listens to, as long as it is polled. It was told already that it will hear of all that, so what
/// cannot be watched is silent.
pub(super) async fn watch(provider: &dyn Provider, subscription: &SubscriptionContext) -> Never {
    let call = Call::new(Principal::local(), ATTEMPT);
    let uris = subscription.accepted().resource_subscriptions.iter().flatten();
    let watches: Vec<_> = uris.map(|uri| call.run(provider.watch_resource(&call, uri))).collect();
    let _watches: Vec<Option<Watch>> = stream::iter(watches)
        .buffered(AT_ONCE)
        .filter_map(|watch| async { watch.inspect_err(|error| debug!(%error, "A resource is not watched")).ok() })
        .collect()
        .await;
    pending().await
}

/// What a client is told of a change.
enum Told {
    Tools,
    Prompts,
    Resources,
    Resource(String),
}

impl Told {
    /// Returns what of a change concerns a client that listens to these lists and watches these resources.
    fn of(change: Change, listens: Kinds, watched: impl Fn() -> BTreeSet<String>) -> Vec<Self> {
        let list = |told, listens: bool| listens.then_some(told);
        match change {
            Change::Tools => list(Self::Tools, listens.tools).into_iter().collect(),
            Change::Prompts => list(Self::Prompts, listens.prompts).into_iter().collect(),
            Change::Resources => list(Self::Resources, listens.resources).into_iter().collect(),
            Change::Resource(uri) => watched().take(&*uri).map(Self::Resource).into_iter().collect(),
            Change::Everything => [
                list(Self::Tools, listens.tools),
                list(Self::Prompts, listens.prompts),
                list(Self::Resources, listens.resources),
            ]
            .into_iter()
            .flatten()
            .chain(watched().into_iter().map(Self::Resource))
            .collect(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
