//! What a request is called.

use axum::http::StatusCode;
use rmcp::model::RequestId;
use serde::Deserialize;

use super::answer::{self, Answer, INVALID_REQUEST};

/// What a message says that it is.
#[derive(Default, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) method: String,
    /// None, if it is no request.
    pub(super) id: Option<RequestId>,
}

/// Why a request is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Twice,
    TooMany,
}

impl Named {
    /// Reads it off a message. What is no message says nothing.
    pub(super) fn read(text: &[u8]) -> Self {
        let mut named = serde_json::from_slice::<Self>(text).unwrap_or_default();
        named.id = named.id.filter(|_| !named.method.is_empty());
        named
    }
}

impl Refused {
    pub(super) fn answer(self) -> Answer {
        let (status, message) = match self {
            Self::Twice => (StatusCode::BAD_REQUEST, "a request with this id is under way in this session"),
            Self::TooMany => return answer::busy("too many requests are under way in this session"),
        };
        answer::refusal(status, INVALID_REQUEST, message)
    }
}
