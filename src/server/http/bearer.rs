//! The bearer token: a key to the door, which says nothing about who comes in.

use std::{fmt, fs::File, io::Read as _, path::Path};

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use switchboard_kit::{Error, ErrorKind, Result};

use crate::tokens::is_open_to_others;

const SHORTEST: usize = 32;
const LONGEST: u64 = 4 << 10;

/// A token that every caller must show. Only its hash is kept, and compared: how long that takes tells nothing about it.
#[derive(Clone)]
pub struct BearerToken([u8; 32]);

impl BearerToken {
    /// Takes a token that was read from `place`.
    pub fn new(token: &str, place: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::Config, format!("the bearer token in {place} {what}"))
                .hint("make one with `openssl rand -hex 32`")
        };
        if token.len() < SHORTEST {
            return Err(wrong(&format!("has fewer than {SHORTEST} characters")));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("has characters that a header cannot carry"));
        }
        Ok(Self(Sha256::digest(token).into()))
    }

    /// Reads a token from a file that only its owner may read.
    pub fn read(path: &Path) -> Result<Self> {
        let place = format!("`{}`", path.display());
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Config, format!("the bearer token in {place} cannot be read: {error}"))
                .hint("name a file that holds the token and nothing else")
        };
        let file = File::open(path).map_err(failed)?;
        if is_open_to_others(&file.metadata().map_err(failed)?) {
            let message = format!("the bearer token in {place} can be read by other users of this machine");
            return Err(Error::new(ErrorKind::Config, message)
                .hint(format!("make a new one, and `chmod 600 {}`", path.display())));
        }
        let mut token = String::new();
        file.take(LONGEST).read_to_string(&mut token).map_err(failed)?;
        Self::new(token.trim(), &place)
    }

    /// Whether a request shows it, once.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(shown), None) = (shown.next(), shown.next()) else { return false };
        let Some((scheme, token)) = shown.to_str().ok().and_then(|shown| shown.split_once(' ')) else { return false };
        scheme.eq_ignore_ascii_case("bearer") && <[u8; 32]>::from(Sha256::digest(token.trim())) == self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn only_the_whole_token_opens() {
        let token = BearerToken::new(TOKEN, "a test").unwrap();
        let shown = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            token.is_shown(&headers)
        };
        let whole = format!("Bearer {TOKEN}");
        assert!(shown(&[&whole]) && shown(&[&format!("bearer  {TOKEN}")]));
        for bad in
            [TOKEN, "Bearer", "Bearer ", &whole[..whole.len() - 1], &format!("{whole}0"), &format!("Basic {TOKEN}")]
        {
            assert!(!shown(&[bad]), "{bad}");
        }
        assert!(!shown(&[]) && !shown(&[&whole, &whole]));
    }

    #[test]
    fn a_token_is_long_and_is_never_said() {
        assert!(!format!("{:?}", BearerToken::new(TOKEN, "a test").unwrap()).contains("0123"));
        for bad in
            ["", "tooshort", &TOKEN[1..], "0123456789 abcdef 0123456789 abcdef", "0123456789abcdef0123456789abcdéf"]
        {
            let error = BearerToken::new(bad, "a test").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
        for (mode, good) in [(0o644, false), (0o640, false), (0o600, true), (0o400, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(BearerToken::read(&path).is_ok(), good, "{mode:o}");
        }
        assert!(BearerToken::read(&folder.path().join("gone")).is_err());
    }
}
