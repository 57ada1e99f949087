//! Files and folders that only their owner may open, as far as the operating system has such a thing.

#[cfg(unix)]
pub(super) use unix::{folder, is_the_file, links, restrict};
#[cfg(unix)]
pub(crate) use unix::{is_open_to_others, own_file};

#[cfg(not(unix))]
pub(super) use other::{folder, is_the_file, links, restrict};
#[cfg(not(unix))]
pub(crate) use other::{is_open_to_others, own_file};

#[cfg(unix)]
mod unix {
    use std::{
        fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, set_permissions},
        io,
        os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
        path::Path,
    };

    pub(in crate::tokens) fn folder() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
    }

    /// Returns what opens a file of the owner's, which is made if it is not there.
    pub(crate) fn own_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options
    }

    pub(crate) fn is_open_to_others(metadata: &Metadata) -> bool {
        metadata.permissions().mode() & 0o077 != 0
    }

    pub(in crate::tokens) fn links(metadata: &Metadata) -> u64 {
        metadata.nlink()
    }

    pub(in crate::tokens) fn is_the_file(file: &File, path: &Path) -> bool {
        let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let (one, other) = (file.metadata().map(identity), std::fs::metadata(path).map(identity));
        matches!((one, other), (Ok(one), Ok(other)) if one == other)
    }

    pub(in crate::tokens) fn restrict(path: &Path) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(0o600))
    }
}

/// Elsewhere the user's profile folder keeps others out.
#[cfg(not(unix))]
mod other {
    use std::{
        fs::{DirBuilder, File, Metadata, OpenOptions},
        io,
        path::Path,
    };

    pub(in crate::tokens) fn folder() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        builder
    }

    /// Returns what opens a file of the owner's, which is made if it is not there.
    pub(crate) fn own_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options
    }

    pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
        false
    }

    pub(in crate::tokens) fn links(_: &Metadata) -> u64 {
        1
    }

    pub(in crate::tokens) fn is_the_file(_: &File, _: &Path) -> bool {
        false
    }

    pub(in crate::tokens) fn restrict(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
