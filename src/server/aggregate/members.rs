//! The providers of an aggregate: they come and go while calls are under way.

use std::{
    collections::BTreeSet,
    ops::Deref,
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use switchboard_kit::{Error, ErrorKind, Result, host::in_time};
use tokio::{sync::Mutex, time::timeout};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::{error, warn};

use crate::server::{
    changes::{Change, Changes},
    provider::{Kinds, Provider},
};

/// How long a provider may take to stop.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long the next waits for one that takes its time to stop.
const HEAD_START: Duration = Duration::from_millis(50);

/// Providers in the order of precedence.
pub(super) struct Members {
    list: RwLock<Vec<Member>>,
    /// Whom to tell, between start and stop. Held while the list changes: one change comes after the other.
    running: Mutex<Option<Changes>>,
    /// Those that are gone, but not stopped yet.
    leaving: TaskTracker,
    ending: CancellationToken,
}

#[derive(Clone)]
struct Member {
    provider: Arc<dyn Provider>,
    calls: TaskTracker,
}

/// A provider that is not stopped for being removed while this is there.
pub(super) struct Held {
    provider: Arc<dyn Provider>,
    _call: TaskTrackerToken,
}

impl Deref for Held {
    type Target = dyn Provider;

    fn deref(&self) -> &Self::Target {
        &*self.provider
    }
}

impl Member {
    fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, calls: TaskTracker::new() }
    }

    fn is(&self, provider: &Arc<dyn Provider>) -> bool {
        Arc::ptr_eq(&self.provider, provider)
    }

    /// Stops it. One that hangs or panics must not keep others from being stopped.
    async fn stop(&self) {
        let name = self.provider.name();
        match in_time(FAREWELL, AssertUnwindSafe(self.provider.stop()).catch_unwind()).await {
            Some(Ok(())) => {}
            Some(Err(_)) => error!(provider = name, "A provider panicked while it stopped"),
            None => warn!(provider = name, "A provider did not stop in time"),
        }
    }
}

impl Members {
    pub(super) fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self {
            list: RwLock::new(providers.into_iter().map(Member::new).collect()),
            running: Mutex::default(),
            leaving: TaskTracker::new(),
            ending: CancellationToken::new(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Member>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self) -> Vec<Member> {
        self.read().clone()
    }

    fn swap(&self, list: Vec<Member>) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
    }

    /// Returns those that are there now, for one call.
    pub(super) fn held(&self) -> Vec<Held> {
        let hold = |member: &Member| Held { provider: member.provider.clone(), _call: member.calls.token() };
        self.read().iter().map(hold).collect()
    }

    /// Returns what any of them can have.
    pub(super) fn kinds(&self) -> Kinds {
        self.read().iter().fold(Kinds::default(), |kinds, member| kinds.or(member.provider.kinds()))
    }

    /// Starts all, in order. If one fails, those before it are stopped again.
    pub(super) async fn start(&self, changes: &Changes) -> Result<()> {
        let mut running = self.running.lock().await;
        let members = self.list();
        apart(&members)?;
        self.start_each(&members, changes).await?;
        *running = Some(changes.clone());
        Ok(())
    }

    async fn start_each(&self, members: &[Member], changes: &Changes) -> Result<()> {
        for (at, member) in members.iter().enumerate() {
            let started = tokio::select! {
                biased;
                () = self.ending.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the server is ending")),
                started = member.provider.start(changes) => started,
            };
            if let Err(error) = started {
                for earlier in members[..at].iter().rev() {
                    earlier.stop().await;
                }
                return Err(error.context(format_args!("starting provider `{}`", member.provider.name())));
            }
        }
        Ok(())
    }

    /// Stops all in reverse order, and those that are on their way out. Nothing starts here any more.
    pub(super) async fn stop(&self) {
        self.ending.cancel();
        if self.running.lock().await.take().is_some() {
            let (list, mut stopping) = (self.list(), FuturesUnordered::new());
            for member in list.iter().rev() {
                stopping.push(member.stop());
                drop(timeout(HEAD_START, stopping.next()).await);
            }
            while stopping.next().await.is_some() {}
        }
        self.leaving.close();
        self.leaving.wait().await;
    }

    /// Adds a provider behind the others, once it has started.
    pub(super) async fn add(&self, provider: Arc<dyn Provider>) -> Result<()> {
        let running = self.running.lock().await;
        let list = self.list().into_iter().chain([Member::new(provider)]).collect();
        self.become_list(list, running.as_ref()).await
    }

    /// Removes a provider. It is stopped when the calls under way on it have ended.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let running = self.running.lock().await;
        let (gone, list): (Vec<_>, Vec<_>) = self.list().into_iter().partition(|member| member.provider.name() == name);
        if gone.is_empty() {
            return Err(Error::not_found(format!("no provider `{name}`")));
        }
        self.become_list(list, running.as_ref()).await
    }

    /// Swaps all for others. Those that are among them stay as they are.
    pub(super) async fn replace(&self, providers: Vec<Arc<dyn Provider>>) -> Result<()> {
        let running = self.running.lock().await;
        let old = self.list();
        let kept = |provider: &Arc<dyn Provider>| old.iter().find(|member| member.is(provider)).cloned();
        let list = providers.into_iter().map(|provider| kept(&provider).unwrap_or_else(|| Member::new(provider)));
        self.become_list(list.collect(), running.as_ref()).await
    }

    /// Starts those that are new in `list`, swaps, tells, and lets those go that are not in it. Or nothing of that.
    async fn become_list(&self, list: Vec<Member>, running: Option<&Changes>) -> Result<()> {
        apart(&list)?;
        let old = self.list();
        let lacks = |list: &[Member], member: &Member| !list.iter().any(|other| other.is(&member.provider));
        let come: Vec<_> = list.iter().filter(|member| lacks(&old, member)).cloned().collect();
        let gone: Vec<_> = old.into_iter().filter(|member| lacks(&list, member)).collect();
        let Some(changes) = running else {
            self.swap(list);
            return Ok(());
        };
        self.start_each(&come, changes).await?;
        self.swap(list);
        tell(changes, come.iter().chain(&gone));
        for member in gone.into_iter().rev() {
            self.dismiss(member);
        }
        Ok(())
    }

    /// Stops a provider that is no longer in the list after its last call, or when all end.
    fn dismiss(&self, member: Member) {
        let ending = self.ending.clone();
        self.leaving.spawn(async move {
            member.calls.close();
            tokio::select! {
                () = member.calls.wait() => {}
                () = ending.cancelled() => {}
            }
            member.stop().await;
        });
    }
}

/// Refuses two providers of one name.
fn apart(members: &[Member]) -> Result<()> {
    let mut names = BTreeSet::new();
    match members.iter().map(|member| member.provider.name()).find(|name| !names.insert(*name)) {
        Some(name) => Err(Error::new(ErrorKind::Conflict, format!("there are two providers `{name}`"))
            .hint("remove the other one first, or give them names of their own")),
        None => Ok(()),
    }
}

/// Tells clients what there may be more or less of.
fn tell<'a>(changes: &Changes, members: impl Iterator<Item = &'a Member>) {
    let kinds = members.fold(Kinds::default(), |kinds, member| kinds.or(member.provider.kinds()));
    for (changed, change) in
        [(kinds.tools, Change::Tools), (kinds.prompts, Change::Prompts), (kinds.resources, Change::Resources)]
    {
        if changed {
            changes.tell(change);
        }
    }
}
