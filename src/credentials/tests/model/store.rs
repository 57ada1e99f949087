//! A token store in memory, shared by all processes of a story, whose writes fail when told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use switchboard_kit::{Error, ErrorKind, Result};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::{Duration, sleep, timeout},
};

use crate::tokens::{Holder, LockedTokens, Record, TokenKey, TokenStore};

#[derive(Default)]
pub(super) struct Memory {
    record: Arc<Mutex<Option<Record>>>,
    lock: Arc<AsyncMutex<()>>,
    faults: Arc<Faults>,
    /// The last generation that was seen.
    checked: Mutex<u64>,
}

#[derive(Default)]
struct Faults {
    writes: AtomicU32,
    reservations: AtomicU32,
    /// How many have failed since the last healing.
    failed: AtomicU32,
}

impl Memory {
    /// Stores a sign-in, whatever was stored before.
    pub(super) fn put(&self, mut record: Record) {
        let mut stored = self.record.lock().unwrap();
        record.generation = stored.as_ref().map_or(0, |stored| stored.generation) + 1;
        *stored = Some(record);
    }

    pub(super) fn rewrite(&self) {
        let mut stored = self.record.lock().unwrap();
        let copy = stored.clone();
        *stored = copy;
    }

    pub(super) fn fail(&self, writes: u32, reservations: u32) {
        self.faults.writes.store(writes, Ordering::Relaxed);
        self.faults.reservations.store(reservations, Ordering::Relaxed);
    }

    pub(super) fn heal(&self) {
        self.fail(0, 0);
    }

    pub(super) fn in_trouble(&self) -> bool {
        self.faults.failed.load(Ordering::Relaxed) > 0
    }

    /// Checks that the generation never goes back.
    pub(super) fn check(&self) {
        let generation = self.record.lock().unwrap().as_ref().unwrap().generation;
        let mut checked = self.checked.lock().unwrap();
        assert!(generation >= *checked, "generation {generation} came after {checked}");
        *checked = generation;
    }
}

impl Faults {
    fn strike(&self, left: &AtomicU32) -> Result<()> {
        let take = |left: u32| left.checked_sub(1);
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            self.failed.fetch_add(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::StoreWriteFailed, "told to fail"));
        }
        Ok(())
    }
}

#[async_trait]
impl TokenStore for Memory {
    async fn load(&self, _: &TokenKey) -> Result<Option<Record>> {
        Ok(self.record.lock().unwrap().clone())
    }

    async fn lock(&self, _: &TokenKey) -> Result<Box<dyn LockedTokens>> {
        let held = timeout(Duration::from_millis(19_500), self.lock.clone().lock_owned()).await;
        let held = held.map_err(|_| Error::new(ErrorKind::StoreLocked, "someone does not let go"))?;
        self.faults.strike(&self.faults.reservations)?;
        let current = self.record.lock().unwrap().clone();
        Ok(Box::new(Locked { record: self.record.clone(), faults: self.faults.clone(), current, _held: held }))
    }

    async fn holder(&self, _: &TokenKey) -> Result<Option<Holder>> {
        Ok(None)
    }
}

struct Locked {
    record: Arc<Mutex<Option<Record>>>,
    faults: Arc<Faults>,
    current: Option<Record>,
    _held: OwnedMutexGuard<()>,
}

#[async_trait]
impl LockedTokens for Locked {
    fn current(&self) -> Option<&Record> {
        self.current.as_ref()
    }

    async fn replace(&mut self, record: Record) -> Result<()> {
        sleep(Duration::from_millis(5)).await;
        self.faults.strike(&self.faults.writes)?;
        *self.record.lock().unwrap() = Some(record.clone());
        self.current = Some(record);
        Ok(())
    }

    async fn remove(&mut self) -> Result<()> {
        *self.record.lock().unwrap() = None;
        Ok(())
    }
}
