//! The disk of this machine, which fails as often as it is told to, or at which the process dies.

use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use serde::{Deserialize, Serialize};
use switchboard::tokens::{Disk, Found, Lease, RealDisk};
use tempfile::NamedTempFile;

use super::Point;

/// A way for a disk to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DiskFault {
    /// Nothing can be written: the lock file cannot be opened.
    ReadOnlyAtLock,
    ReadOnlyAtReserve,
    FullAtReserve,
    FullAtWrite,
    FailedFsync,
    FailedRename,
    FailedFolderFsync,
    /// Half of the replacement is written.
    TornWrite,
}

impl DiskFault {
    pub(crate) const ALL: [Self; 8] = [
        Self::ReadOnlyAtLock,
        Self::ReadOnlyAtReserve,
        Self::FullAtReserve,
        Self::FullAtWrite,
        Self::FailedFsync,
        Self::FailedRename,
        Self::FailedFolderFsync,
        Self::TornWrite,
    ];

    /// Returns what the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReadOnlyAtLock => "read-only at the lock",
            Self::ReadOnlyAtReserve => "read-only at the reservation",
            Self::FullAtReserve => "full at the reservation",
            Self::FullAtWrite => "full at the write",
            Self::FailedFsync => "failing fsync",
            Self::FailedRename => "failing rename",
            Self::FailedFolderFsync => "failing fsync of the folder",
            Self::TornWrite => "torn write",
        }
    }

    /// Whether it shows before the refresh token is spent.
    pub(crate) fn is_early(self) -> bool {
        matches!(self, Self::ReadOnlyAtLock | Self::ReadOnlyAtReserve | Self::FullAtReserve)
    }

    /// Whether everything is done by then but to make it last.
    pub(crate) fn is_late(self) -> bool {
        self == Self::FailedFolderFsync
    }

    fn error(self) -> io::Error {
        const EIO: i32 = 5;
        const ENOSPC: i32 = 28;
        const EROFS: i32 = 30;
        io::Error::from_raw_os_error(match self {
            Self::ReadOnlyAtLock | Self::ReadOnlyAtReserve => EROFS,
            Self::FullAtReserve | Self::FullAtWrite => ENOSPC,
            Self::FailedFsync | Self::FailedRename | Self::FailedFolderFsync | Self::TornWrite => EIO,
        })
    }
}

pub(super) struct FaultyDisk {
    crash: Option<Point>,
    fault: Option<DiskFault>,
    left: AtomicU32,
    failures: AtomicU32,
}

impl FaultyDisk {
    pub(super) fn new(crash: Option<Point>, fault: Option<(DiskFault, u32)>) -> Self {
        let (fault, times) = fault.unzip();
        Self { crash, fault, left: AtomicU32::new(times.unwrap_or(0)), failures: AtomicU32::default() }
    }

    /// Fails if this is the fault and it has not happened often enough.
    fn fail(&self, fault: DiskFault) -> io::Result<()> {
        let once = |left: u32| left.checked_sub(1);
        let now =
            self.fault == Some(fault) && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, once).is_ok();
        if !now {
            return Ok(());
        }
        self.failures.fetch_add(1, Ordering::Relaxed);
        Err(fault.error())
    }

    /// Returns how often it has failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }
}

fn half(reserved: &mut NamedTempFile, content: &[u8]) -> io::Result<()> {
    reserved.seek(SeekFrom::Start(0))?;
    reserved.write_all(&content[..content.len() / 2])
}

impl Disk for FaultyDisk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        RealDisk.resolve(path)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.create_folder(folder)
    }

    fn restrict(&self, path: &Path) -> io::Result<()> {
        RealDisk.restrict(path)
    }

    fn read(&self, path: &Path) -> io::Result<Option<Found>> {
        RealDisk.read(path)
    }

    fn reserve(&self, path: &Path) -> io::Result<NamedTempFile> {
        self.fail(DiskFault::ReadOnlyAtReserve)?;
        self.fail(DiskFault::FullAtReserve)?;
        let reserved = RealDisk.reserve(path)?;
        Point::Reserved.reached(self.crash);
        Ok(reserved)
    }

    fn fill(&self, reserved: &mut NamedTempFile, content: &[u8]) -> io::Result<()> {
        self.fail(DiskFault::FullAtWrite)?;
        if self.crash == Some(Point::HalfWritten) {
            half(reserved, content)?;
        }
        Point::HalfWritten.reached(self.crash);
        if let Err(error) = self.fail(DiskFault::TornWrite) {
            half(reserved, content)?;
            return Err(error);
        }
        RealDisk.fill(reserved, content)?;
        self.fail(DiskFault::FailedFsync)
    }

    fn rename(&self, reserved: NamedTempFile, path: &Path) -> io::Result<()> {
        Point::Written.reached(self.crash);
        self.fail(DiskFault::FailedRename)?;
        RealDisk.rename(reserved, path)?;
        Point::Renamed.reached(self.crash);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.fail(DiskFault::FailedFolderFsync)?;
        RealDisk.sync_folder(path)?;
        Point::Persisted.reached(self.crash);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sweep(&self, path: &Path) -> io::Result<()> {
        RealDisk.sweep(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<File>> {
        self.fail(DiskFault::ReadOnlyAtLock)?;
        let locked = RealDisk.try_lock(path)?;
        if locked.is_some() {
            Point::Locked.reached(self.crash);
        }
        Ok(locked)
    }

    fn try_lease(&self, path: &Path) -> io::Result<Option<Lease>> {
        RealDisk.try_lease(path)
    }
}
