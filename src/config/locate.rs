//! Where the configuration is found: never in whatever folder the server was started in.

use std::{
    env,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use directories::ProjectDirs;

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The one that is built in.
    BuiltIn,
}

impl Source {
    /// Resolves a path that is written in it.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        match self {
            Self::File(file) => super::beside(file, path),
            Self::BuiltIn => path.to_owned(),
        }
    }
}

/// Finds the configuration: the one that was asked for, the user's own, the one beside Cargo.toml when cargo runs the
/// program, or else the one built in. Clients start servers inside repositories that others wrote, so the working
/// directory is not asked.
pub fn locate(asked: Option<PathBuf>) -> Source {
    if let Some(path) = asked {
        return Source::File(std::path::absolute(&path).unwrap_or(path));
    }
    let by_cargo = env::var_os("CARGO_MANIFEST_DIR").map(|root| PathBuf::from(root).join("provider-config.yaml"));
    own_file().into_iter().chain(by_cargo).find(|path| path.is_file()).map_or(Source::BuiltIn, Source::File)
}

/// Returns where the user's own configuration is, if there is one.
pub(crate) fn own_file() -> Option<PathBuf> {
    directories().map(|directories| directories.config_dir().join("provider-config.yaml"))
}

/// Returns the user's directories for this program, where the system has such a thing.
pub(crate) fn directories() -> Option<&'static ProjectDirs> {
    static DIRECTORIES: LazyLock<Option<ProjectDirs>> = LazyLock::new(|| ProjectDirs::from("", "", "switchboard"));
    DIRECTORIES.as_ref()
}
