//! Files and folders that only their owner may open, as far as the operating system has such a thing.

#[cfg(unix)]
pub(super) use unix::{folder, is_open_to_others, lock_options, restrict};

#[cfg(not(unix))]
pub(super) use other::{folder, is_open_to_others, lock_options, restrict};

#[cfg(unix)]
mod unix {
    use std::{
        fs::{DirBuilder, Metadata, OpenOptions, Permissions, set_permissions},
        io,
        os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
        path::Path,
    };

    pub(in crate::tokens) fn folder() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
    }

    pub(in crate::tokens) fn lock_options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options
    }

    pub(in crate::tokens) fn is_open_to_others(metadata: &Metadata) -> bool {
        metadata.permissions().mode() & 0o077 != 0
    }

    pub(in crate::tokens) fn restrict(path: &Path) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(0o600))
    }
}

/// Elsewhere the user's profile folder keeps others out.
#[cfg(not(unix))]
mod other {
    use std::{
        fs::{DirBuilder, Metadata, OpenOptions},
        io,
        path::Path,
    };

    pub(in crate::tokens) fn folder() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        builder
    }

    pub(in crate::tokens) fn lock_options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options
    }

    pub(in crate::tokens) fn is_open_to_others(_: &Metadata) -> bool {
        false
    }

    pub(in crate::tokens) fn restrict(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
