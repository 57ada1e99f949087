//! The points of a renewal at which a process can die.

use serde::{Deserialize, Serialize};

/// A point of a renewal, in the order in which they are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Point {
    /// Holding the lock, nothing else.
    Locked,
    /// With room for the replacement.
    Reserved,
    /// About to send the refresh token.
    BeforeRequest,
    /// With the request under way, while the server has done nothing yet.
    InFlight,
    /// With the refresh token spent, and no answer yet.
    Committed,
    /// With the answer in memory only.
    Received,
    /// In the middle of writing the replacement.
    HalfWritten,
    /// With the replacement written beside the file.
    Written,
    /// With the replacement in place, but not its name on the disk.
    Renamed,
    /// With everything done but letting go of the lock.
    Persisted,
}

impl Point {
    pub(crate) const ALL: [Self; 10] = [
        Self::Locked,
        Self::Reserved,
        Self::BeforeRequest,
        Self::InFlight,
        Self::Committed,
        Self::Received,
        Self::HalfWritten,
        Self::Written,
        Self::Renamed,
        Self::Persisted,
    ];

    /// Returns what the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Reserved => "reserved",
            Self::BeforeRequest => "before the request",
            Self::InFlight => "request in flight",
            Self::Committed => "committed, no answer",
            Self::Received => "answer in memory",
            Self::HalfWritten => "replacement half written",
            Self::Written => "before the rename",
            Self::Renamed => "before the folder's fsync",
            Self::Persisted => "before the unlock",
        }
    }

    /// Whether the server has spent the refresh token by then.
    pub(crate) fn is_spent(self) -> bool {
        !matches!(self, Self::Locked | Self::Reserved | Self::BeforeRequest | Self::InFlight)
    }

    /// Whether what it gave instead is in the file by then.
    pub(crate) fn is_saved(self) -> bool {
        matches!(self, Self::Renamed | Self::Persisted)
    }

    /// Dies if this is the point, as if killed: nothing is cleaned up.
    pub(super) fn reached(self, crash: Option<Self>) {
        if crash == Some(self) {
            std::process::abort();
        }
    }
}
