//! The shared token store: what every process on this machine reads before each call, and only one at a time renews.

mod disk;
#[cfg(test)]
pub(crate) mod faulty;
mod file;
mod lease;
mod private;
mod record;

use std::process::Stdio;

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard_kit::{AccountKey, Principal, Result};

pub use disk::{Disk, Found, RealDisk};
pub use file::FileStore;
pub use lease::Lease;
pub(crate) use private::{is_open_to_others, own_file};
pub use record::{Death, Method, Record};

/// Whose tokens, for which account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenKey {
    /// Whom they act for.
    pub principal: Principal,
    /// The account that they sign in to.
    pub account: AccountKey,
}

/// Who holds the lock of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, if it left one.
    pub process: Option<u32>,
    /// When it took the lock, if it said so.
    pub since: Option<Timestamp>,
}

/// Keeps tokens between runs. Nothing here assumes a file: a database can stand behind it.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Returns what is stored, without waiting for anyone.
    async fn load(&self, key: &TokenKey) -> Result<Option<Record>>;

    /// Locks one entry across tasks and processes, and reserves the room for its replacement.
    async fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedTokens>>;

    /// Returns who holds the lock, if anyone does, without waiting for it.
    async fn holder(&self, key: &TokenKey) -> Result<Option<Holder>>;
}

/// One entry, held by one task alone until dropped.
#[async_trait]
pub trait LockedTokens: Send {
    /// Returns what was stored when the lock was taken.
    fn current(&self) -> Option<&Record>;

    /// Returns what makes a child process, as its standard input, hold the lock on, where locks can be passed on.
    fn hand_over(&self) -> Option<Stdio> {
        None
    }

    /// Replaces the entry. A crash leaves the old tokens or the new, never a mix.
    async fn replace(&mut self, record: Record) -> Result<()>;

    /// Removes the entry.
    async fn remove(&mut self) -> Result<()>;
}
