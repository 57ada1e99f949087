//! Questions to the user, and their answers.

use serde_json::Value;

use crate::{Error, ErrorKind, Result, tool::JsonObject};

/// The way in which a user is asked. Clients can some, all or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A form in the client.
    Form,
    /// A page in the user's browser, of which the client learns nothing.
    Url,
}

/// A question to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// To fill in a form.
    Form {
        /// What to show.
        message: String,
        /// The JSON Schema of the answer: an object whose properties are text, numbers, booleans or choices.
        schema: Value,
    },
    /// To open a page.
    Url {
        /// What to show.
        message: String,
        /// The page.
        url: String,
    },
}

impl Ask {
    /// Asks for what `schema` describes. An answer need not fit: read it as untrusted.
    pub fn form(message: impl Into<String>, schema: Value) -> Self {
        Self::Form { message: message.into(), schema }
    }

    /// Asks to open a page. The answer says that the user agreed to, not that anything was done there.
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self::Url { message: message.into(), url: url.into() }
    }

    /// Returns what to show.
    pub fn message(&self) -> &str {
        match self {
            Self::Form { message, .. } | Self::Url { message, .. } => message,
        }
    }

    /// Returns how it is asked.
    pub fn medium(&self) -> Medium {
        match self {
            Self::Form { .. } => Medium::Form,
            Self::Url { .. } => Medium::Url,
        }
    }
}

/// What the user did with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Agreed, and filled in the form if it was one.
    Accept(JsonObject),
    /// Said no.
    Decline,
    /// Went away.
    Cancel,
}

impl Answer {
    /// Returns what was filled in; anything but consent is an error.
    pub fn accepted(self) -> Result<JsonObject> {
        match self {
            Self::Accept(content) => Ok(content),
            Self::Decline => Err(Error::new(ErrorKind::Forbidden, "the user declined")),
            Self::Cancel => Err(Error::new(ErrorKind::Forbidden, "the user did not decide")),
        }
    }
}
