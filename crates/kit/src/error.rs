//! The one error type: what went wrong, and what the user can do about it.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::AccountKey;

/// The result of every fallible function here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// What went wrong, in terms a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration is wrong; nothing was tried.
    Config,
    /// Nobody is signed in, or the platform no longer accepts the sign-in.
    SignInRequired,
    /// The platform, or the user's own policy, does not allow it.
    Forbidden,
    /// The user has to agree first, and could not be asked.
    Unconfirmed,
    /// There is no such thing, or the user may not see it.
    NotFound,
    /// An argument is wrong.
    InvalidInput,
    /// It is there already, or changed meanwhile.
    Conflict,
    /// Too many requests; see [`Error::retry_after`].
    RateLimited,
    /// The platform, or this kind of account, has no such thing.
    Unsupported,
    /// The platform could not be reached or is failing; trying again may help.
    Unavailable,
    /// The caller's deadline passed.
    TimedOut,
    /// The caller no longer wants the answer.
    Cancelled,
    /// Another process holds the token store and does not let go.
    StoreLocked,
    /// The token file cannot be read as one.
    StoreCorrupt,
    /// The token file could not be replaced.
    StoreWriteFailed,
    /// The platform answered in a way that its documentation does not describe.
    Unexpected,
}

impl ErrorKind {
    const ALL: [Self; 16] = [
        Self::Config,
        Self::SignInRequired,
        Self::Forbidden,
        Self::Unconfirmed,
        Self::NotFound,
        Self::InvalidInput,
        Self::Conflict,
        Self::RateLimited,
        Self::Unsupported,
        Self::Unavailable,
        Self::TimedOut,
        Self::Cancelled,
        Self::StoreLocked,
        Self::StoreCorrupt,
        Self::StoreWriteFailed,
        Self::Unexpected,
    ];

    /// Returns the kind whose [`code`](Self::code) this is.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns the stable name that tool results and logs carry.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::SignInRequired => "reauth_required",
            Self::Forbidden => "permission",
            Self::Unconfirmed => "confirmation_required",
            Self::NotFound => "not_found",
            Self::InvalidInput => "invalid_argument",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "transient",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::StoreLocked => "store_locked",
            Self::StoreCorrupt => "store_corrupt",
            Self::StoreWriteFailed => "store_write_failed",
            Self::Unexpected => "unexpected",
        }
    }
}

/// The error of every public function.
///
/// Its text is written for the person or model that reads it and never holds a secret or a whole response body.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    retry_after: Option<Duration>,
    account: Option<AccountKey>,
    source: Option<Source>,
}

impl Error {
    /// Says what went wrong: lower case, no full stop, names in backticks.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            retry_after: None,
            account: None,
            source: None,
        }))
    }

    /// Reports a wrong argument.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Reports something that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Reports a verb that the platform, or this account, lacks.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Reports a platform that could not be reached.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::new(ErrorKind::Unavailable, "the platform could not be reached").caused_by(source)
    }

    /// Reports an answer that the platform's documentation does not describe.
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unexpected, message)
    }

    /// Adds an order that the user can follow.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds how long to wait before trying again.
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds the account that it is about.
    pub fn about(mut self, account: AccountKey) -> Self {
        self.0.account = Some(account);
        self
    }

    /// Adds what caused it, for the log.
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts the name of what was being done in front of the message.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.0.message = format!("{doing}: {}", self.0.message);
        self
    }

    /// Returns what kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the sentence without its hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the order that the user can follow, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the account that it is about, if it is about one.
    pub fn account(&self) -> Option<&AccountKey> {
        self.0.account.as_ref()
    }

    /// Returns how long the platform asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

/// The message alone; [`Error::hint_text`] and the sources are shown by whoever reports the error.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}
