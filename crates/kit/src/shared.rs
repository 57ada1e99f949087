//! What calls share: the connection pool, and what is got once and holds for all of them.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    fmt, mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{FutureExt as _, future::join_all};
use tokio::sync::OnceCell;
use tracing::warn;

use crate::{AccountKey, Error, ErrorKind, Principal, Result, host::Http, patience::in_time};

/// Something that must be closed before the process ends.
#[async_trait]
pub trait Close: Send + Sync {
    /// Closes it. It is of no use afterwards.
    async fn close(&self) -> Result<()>;
}

/// What calls share, whoever they are for. What came by a token is kept apart, by principal and account.
pub struct Shared {
    http: Arc<Http>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    cells: BTreeMap<Key, Cell>,
    closing: Vec<Arc<dyn Close>>,
    closed: bool,
}

type Cell = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// Whose something is, what it is called, and of what type it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    owner: Option<(Principal, AccountKey)>,
    name: String,
    of: TypeId,
}

impl Key {
    fn new<T: 'static>(owner: Option<(Principal, AccountKey)>, name: &str) -> Self {
        Self { owner, name: name.to_owned(), of: TypeId::of::<T>() }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Shared {
    /// Shares these connections, and closes at the end what `http` has embedded.
    pub fn new(http: Arc<Http>) -> Self {
        let closing = http.embedded().map(|service| service as Arc<dyn Close>).collect();
        Self { http, kept: Mutex::new(Kept { closing, ..Kept::default() }) }
    }

    /// Returns what sends requests.
    pub fn http(&self) -> &Arc<Http> {
        &self.http
    }

    /// Returns what `key` stands for, constructing it if it is not there: for what anybody may know.
    ///
    /// However many ask, it is constructed once; those who ask for another key do not wait. Where that fails, or whom it was
    /// done for gives up, the next who asks tries anew.
    pub async fn cached<T: Send + Sync + 'static>(
        &self,
        key: &str,
        construct: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        self.keep(Key::new::<T>(None, key), Box::pin(async { construct.await.map(Arc::new) })).await
    }

    /// Does the same for something that is closed at the end.
    pub async fn opened<T: Close + 'static>(
        &self,
        key: &str,
        construct: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        let open = async {
            let value = Arc::new(construct.await?);
            self.at_the_end(value.clone()).await?;
            Ok(value)
        };
        self.keep(Key::new::<T>(None, key), Box::pin(open)).await
    }

    /// Does the same for what one principal's token gave access to in one account.
    pub(crate) async fn cached_of<T: Send + Sync + 'static>(
        &self,
        owner: (Principal, AccountKey),
        key: &str,
        construct: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        self.keep(Key::new::<T>(Some(owner), key), Box::pin(async { construct.await.map(Arc::new) })).await
    }

    async fn keep<T: Send + Sync + 'static>(
        &self,
        key: Key,
        construct: impl Future<Output = Result<Arc<T>>> + Send,
    ) -> Result<Arc<T>> {
        let cell = {
            let mut kept = self.kept();
            if kept.closed {
                return Err(ending());
            }
            kept.cells.entry(key.clone()).or_default().clone()
        };
        let cell = Asked { shared: self, key, cell };
        let value = cell.cell.get_or_try_init(|| async { construct.await.map(|value| value as Arc<_>) }).await?;
        Ok(value.clone().downcast().expect("the key names the type"))
    }

    /// Closes `value` with the rest, or now, if that has been.
    async fn at_the_end(&self, value: Arc<dyn Close>) -> Result<()> {
        let late = {
            let mut kept = self.kept();
            if !kept.closed {
                kept.closing.push(value.clone());
            }
            kept.closed
        };
        if late {
            value.close().await?;
            return Err(ending());
        }
        Ok(())
    }

    /// Closes all that wants it, the first time: what fails, panics or takes longer than `patience` keeps nothing else from
    /// it. Nothing is constructed afterwards.
    pub async fn close(&self, patience: Duration) {
        let closing = {
            let mut kept = self.kept();
            kept.closed = true;
            kept.cells.clear();
            mem::take(&mut kept.closing)
        };
        let close = async |value: &Arc<dyn Close>| match in_time(
            patience,
            AssertUnwindSafe(value.close()).catch_unwind(),
        )
        .await
        {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => warn!(%error, "Something shared could not be closed"),
            Some(Err(_)) => warn!("Something shared panicked while it was closed"),
            None => warn!("Something shared was not closed in time"),
        };
        join_all(closing.iter().map(close)).await;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cell that somebody waits for. One that stays empty is not kept: there may be no end of keys.
struct Asked<'a> {
    shared: &'a Shared,
    key: Key,
    cell: Cell,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.cell.initialized() {
            return;
        }
        let mut kept = self.shared.kept();
        // The list's, and ours: nobody else waits.
        if Arc::strong_count(&self.cell) == 2 {
            kept.cells.remove(&self.key);
        }
    }
}

/// Shows nothing of what is kept.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("kept", &self.kept().cells.len()).finish_non_exhaustive()
    }
}

fn ending() -> Error {
    Error::new(ErrorKind::Cancelled, "the server is ending")
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::{sync::Semaphore, task::yield_now};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3);

    fn down<T>() -> Result<T> {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    }

    #[tokio::test]
    async fn many_who_ask_at_once_wait_for_one_construction() {
        let (shared, constructed) = (Shared::default(), AtomicUsize::new(0));
        let construct = async || {
            yield_now().await;
            Ok(constructed.fetch_add(1, Ordering::Relaxed))
        };
        let all = join_all((0..64).map(|_| shared.cached("key", construct()))).await;
        assert!(all.into_iter().all(|value| *value.unwrap() == 0));
        assert_eq!(constructed.load(Ordering::Relaxed), 1);
        assert_eq!(*shared.cached("other key", construct()).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let shared = Shared::default();
        assert!(shared.cached("key", async { down::<u8>() }).await.is_err());
        assert!(shared.cached("key", pending::<Result<u8>>()).now_or_never().is_none());
        assert!(shared.kept().cells.is_empty());
        assert_eq!(*shared.cached("key", async { Ok(7_u8) }).await.unwrap(), 7);
        assert_eq!(*shared.cached("key", async { down::<u8>() }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn one_of_many_tries_anew_after_a_failure() {
        let (shared, tries) = (Shared::default(), AtomicUsize::new(0));
        let construct = async || {
            yield_now().await;
            if tries.fetch_add(1, Ordering::Relaxed) == 0 { down() } else { Ok(7_u8) }
        };
        let all = join_all((0..64).map(|_| shared.cached("key", construct()))).await;
        assert_eq!(all.iter().filter(|value| value.is_err()).count(), 1);
        assert_eq!(tries.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_slow_key_keeps_no_other_waiting_and_who_gives_up_spoils_nothing() {
        let shared = Shared::default();
        {
            let mut slow = Box::pin(shared.cached("slow", pending::<Result<u8>>()));
            assert!((&mut slow).now_or_never().is_none());
            let quick = shared.cached("quick", async { Ok(1_u8) }).now_or_never();
            assert_eq!(*quick.unwrap().unwrap(), 1);
            assert!(shared.cached("slow", async { Ok(2_u8) }).now_or_never().is_none());
        }
        assert_eq!(*shared.cached("slow", async { Ok(3_u8) }).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_key_stands_for_one_thing_of_each_type() {
        let shared = Shared::default();
        shared.cached("key", async { Ok(1_u8) }).await.unwrap();
        assert_eq!(*shared.cached("key", async { Ok("text") }).await.unwrap(), "text");
        assert_eq!(*shared.cached("key", async { down::<u8>() }).await.unwrap(), 1);
    }

    #[derive(Clone, Copy)]
    enum Ending {
        Sound,
        Fails,
        Hangs,
        Panics,
    }

    struct Closing(Ending, Arc<Semaphore>);

    #[async_trait]
    impl Close for Closing {
        async fn close(&self) -> Result<()> {
            self.1.add_permits(1);
            match self.0 {
                Ending::Sound => Ok(()),
                Ending::Fails => down(),
                Ending::Hangs => pending().await,
                Ending::Panics => panic!("it panics when it is closed"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn everything_is_closed_once_whatever_becomes_of_the_rest() {
        let (shared, closed) = (Shared::default(), Arc::new(Semaphore::new(0)));
        for (key, ending) in [("a", Ending::Panics), ("b", Ending::Hangs), ("c", Ending::Fails), ("d", Ending::Sound)] {
            shared.opened(key, async { Ok(Closing(ending, closed.clone())) }).await.unwrap();
        }
        shared.cached("plain", async { Ok(1_u8) }).await.unwrap();
        shared.close(PATIENCE).await;
        shared.close(PATIENCE).await;
        assert_eq!(closed.available_permits(), 4);
        assert_eq!(shared.cached("late", async { Ok(1_u8) }).await.unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[tokio::test]
    async fn what_opens_while_all_is_closed_is_closed_too() {
        let (shared, closed) = (Shared::default(), Arc::new(Semaphore::new(0)));
        let open = async {
            shared.close(PATIENCE).await;
            Ok(Closing(Ending::Sound, closed.clone()))
        };
        assert!(shared.opened("key", open).await.is_err());
        assert_eq!(closed.available_permits(), 1);
    }
}
