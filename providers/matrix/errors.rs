//! How a homeserver refuses: <https://spec.matrix.org/latest/client-server-api/#standard-error-response>.

use std::time::Duration;

use serde::Deserialize;
use switchboard_kit::{Error, ErrorKind, Response, Result};

/// Longest explanation to pass on.
const LONGEST: usize = 160;

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    errcode: String,
    #[serde(default)]
    error: String,
    retry_after_ms: Option<u64>,
}

/// Turns a refusal into the error that it stands for.
pub(crate) fn check(response: &Response) -> Result<()> {
    let Err(error) = response.error_for_status() else { return Ok(()) };
    let Ok(refusal) = response.json::<Refusal>() else { return Err(error) };
    Err(read(&refusal, error, response.retry_after()))
}

/// `by_status` is what the HTTP status alone says.
fn read(refusal: &Refusal, by_status: Error, retry_after: Option<Duration>) -> Error {
    let code = refusal.errcode.as_str();
    let (kind, what) = match code {
        "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" => {
            (ErrorKind::SignInRequired, "the homeserver no longer accepts the sign-in")
        }
        "M_USER_DEACTIVATED" => (ErrorKind::SignInRequired, "the homeserver says that the account is closed"),
        "M_LIMIT_EXCEEDED" => {
            let error = Error::new(ErrorKind::RateLimited, "the homeserver asks to slow down");
            let wait = retry_after.or_else(|| refusal.retry_after_ms.map(Duration::from_millis));
            return match wait {
                Some(wait) => error.after(wait),
                None => error,
            };
        }
        "M_FORBIDDEN" | "M_GUEST_ACCESS_FORBIDDEN" | "M_USER_LOCKED" | "M_USER_SUSPENDED" => {
            (ErrorKind::Forbidden, "the homeserver does not allow it")
        }
        "M_CONSENT_NOT_GIVEN" => {
            let error = Error::new(ErrorKind::Forbidden, "the homeserver wants its terms accepted first");
            return error.hint("open your Matrix client and accept the homeserver's terms");
        }
        "M_NOT_FOUND" | "M_UNKNOWN_POS" => (ErrorKind::NotFound, "the homeserver does not know it"),
        "M_UNRECOGNIZED" => (ErrorKind::Unsupported, "the homeserver has no such function"),
        "M_TOO_LARGE" => (ErrorKind::InvalidInput, "the homeserver says it is too large"),
        "M_DUPLICATE_ANNOTATION" | "M_ROOM_IN_USE" => (ErrorKind::Conflict, "the homeserver has it already"),
        "M_BAD_JSON" | "M_NOT_JSON" | "M_INVALID_PARAM" | "M_MISSING_PARAM" | "M_BAD_STATE" => {
            (ErrorKind::InvalidInput, "the homeserver refuses the request")
        }
        _ if is_code(code) => (by_status.kind(), by_status.message()),
        _ => return by_status,
    };
    let explanation: String = refusal.error.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
    let said = if explanation.is_empty() { code.to_owned() } else { format!("{code}: {explanation}") };
    Error::new(kind, format!("{what} ({said})"))
}

fn is_code(text: &str) -> bool {
    text.len() < 64 && text.contains('_') && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: ErrorKind, errcode: &str) -> ErrorKind {
        let refusal = Refusal { errcode: errcode.into(), ..Refusal::default() };
        read(&refusal, Error::new(status, "the platform refused the request"), None).kind()
    }

    #[test]
    fn the_code_says_more_than_the_status() {
        let unexpected = ErrorKind::Unexpected;
        assert_eq!(kind(unexpected, "M_UNKNOWN_TOKEN"), ErrorKind::SignInRequired);
        assert_eq!(kind(unexpected, "M_MISSING_TOKEN"), ErrorKind::SignInRequired);
        assert_eq!(kind(ErrorKind::NotFound, "M_UNRECOGNIZED"), ErrorKind::Unsupported);
        assert_eq!(kind(unexpected, "M_DUPLICATE_ANNOTATION"), ErrorKind::Conflict);
        assert_eq!(kind(unexpected, "M_TOO_LARGE"), ErrorKind::InvalidInput);
        assert_eq!(kind(ErrorKind::Unavailable, "M_UNKNOWN"), ErrorKind::Unavailable);
        assert_eq!(kind(ErrorKind::Unavailable, ""), ErrorKind::Unavailable);
    }

    #[test]
    fn the_header_outranks_the_deprecated_field() {
        let refusal = Refusal { errcode: "M_LIMIT_EXCEEDED".into(), retry_after_ms: Some(1500), ..Refusal::default() };
        let error = |header| read(&refusal, Error::unexpected("refused"), header);
        assert_eq!(error(None).retry_after(), Some(Duration::from_millis(1500)));
        assert_eq!(error(Some(Duration::from_secs(2))).retry_after(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn an_explanation_is_one_short_line() {
        let refusal = Refusal { errcode: "M_FORBIDDEN".into(), error: "a\nb".repeat(400), ..Refusal::default() };
        let text = read(&refusal, Error::unexpected("refused"), None).to_string();
        assert!(text.starts_with("the homeserver does not allow it (M_FORBIDDEN: ab"), "{text}");
        assert!(text.len() < 250 && !text.contains('\n'), "{text}");
    }
}
