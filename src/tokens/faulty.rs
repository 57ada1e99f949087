//! A disk that fails where a test tells it to, and notices every file that others could open.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tempfile::NamedTempFile;

use super::{
    disk::{Disk, Found, RealDisk, folder},
    lease::Lease,
    private,
};

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Reserve,
    Fill,
    Rename,
    SyncFolder,
    Lock,
}

#[derive(Clone, Default)]
pub(crate) struct FaultyDisk {
    faults: Arc<Mutex<BTreeMap<Step, io::ErrorKind>>>,
    below: Arc<Mutex<PathBuf>>,
    open: Arc<Mutex<Vec<PathBuf>>>,
}

impl FaultyDisk {
    pub(crate) fn fail(&self, step: Step, kind: io::ErrorKind) {
        self.faults.lock().unwrap().insert(step, kind);
    }

    /// Restricts the faults to what is in a folder.
    pub(crate) fn only_below(&self, folder: &Path) {
        folder.clone_into(&mut self.below.lock().unwrap());
    }

    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Returns the files and folders that were ever open to others.
    pub(crate) fn open_to_others(&self) -> Vec<PathBuf> {
        self.open.lock().unwrap().clone()
    }

    fn step(&self, step: Step, path: &Path) -> io::Result<()> {
        if !path.starts_with(&*self.below.lock().unwrap()) {
            return Ok(());
        }
        self.faults.lock().unwrap().get(&step).map_or(Ok(()), |kind| Err((*kind).into()))
    }

    fn watch(&self, path: &Path) {
        let entries = fs::read_dir(folder(path)).unwrap().map(|entry| entry.unwrap().path());
        let open = entries
            .chain([folder(path).to_owned()])
            .filter(|path| fs::metadata(path).is_ok_and(|metadata| private::is_open_to_others(&metadata)));
        self.open.lock().unwrap().extend(open);
    }
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
        self.step(Step::Reserve, path)?;
        let reserved = RealDisk.reserve(path);
        self.watch(path);
        reserved
    }

    fn fill(&self, reserved: &mut NamedTempFile, content: &[u8]) -> io::Result<()> {
        self.step(Step::Fill, reserved.path())?;
        RealDisk.fill(reserved, content)
    }

    fn rename(&self, reserved: NamedTempFile, path: &Path) -> io::Result<()> {
        self.step(Step::Rename, path)?;
        self.watch(path);
        RealDisk.rename(reserved, path)?;
        self.watch(path);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step(Step::SyncFolder, path)?;
        RealDisk.sync_folder(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sweep(&self, path: &Path) -> io::Result<()> {
        RealDisk.sweep(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<File>> {
        self.step(Step::Lock, path)?;
        let locked = RealDisk.try_lock(path);
        self.watch(path);
        locked
    }

    fn try_lease(&self, path: &Path) -> io::Result<Option<Lease>> {
        RealDisk.try_lease(path)
    }
}
