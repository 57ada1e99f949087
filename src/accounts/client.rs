//! credentials.json: the OAuth client that the user has registered with a platform.

use std::{fs, path::Path};

use serde::Deserialize;
use switchboard_kit::{AccountKey, Error, ErrorKind, Result};

use crate::sign_in::ClientCredentials;

/// The shapes that such a file has: Google's two, and the flat one.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Installed { installed: ClientCredentials },
    Web { web: ClientCredentials },
    Flat(ClientCredentials),
}

/// Reads the file. It is named in full by every error, its contents by none.
pub(super) fn read(key: &AccountKey, path: &Path) -> Result<ClientCredentials> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Config, format!("account `{key}`: `credentials_path`: `{}` {what}", path.display()))
            .hint("put the OAuth client there as `{\"client_id\": \"…\", \"client_secret\": \"…\"}`")
    };
    let text = fs::read(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    match serde_json::from_slice(&text) {
        Ok(File::Installed { installed: client } | File::Web { web: client } | File::Flat(client)) => Ok(client),
        Err(_) => Err(wrong("holds no OAuth client")),
    }
}

#[cfg(test)]
mod tests {
    use switchboard_kit::host::ExposeSecret as _;

    use super::*;

    fn of(text: &str) -> Result<ClientCredentials> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.json");
        fs::write(&path, text).unwrap();
        read(&AccountKey::new("chat"), &path)
    }

    #[test]
    fn all_three_shapes_are_read() {
        for text in [
            r#"{"installed":{"client_id":"id","client_secret":"secret","redirect_uris":[]}}"#,
            r#"{"web":{"client_id":"id","client_secret":"secret"}}"#,
            r#"{"client_id":"id","client_secret":"secret"}"#,
        ] {
            let client = of(text).unwrap();
            assert_eq!((client.id.as_str(), client.secret.unwrap().expose_secret()), ("id", "secret"));
        }
    }

    #[test]
    fn what_is_no_client_is_refused_without_its_contents() {
        let error = of(r#"{"type":"service_account","private_key":"hush"}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?}").contains("hush"));
    }
}
