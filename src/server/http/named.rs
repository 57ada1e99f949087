//! What a request is called.

use axum::http::StatusCode;
use rmcp::model::RequestId;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{self, Answer, INVALID_REQUEST};

/// What a message says that it is.
#[derive(Default, Deserialize)]
pub(super) struct Named {
    pub(super) method: Option<String>,
    id: Option<Value>,
}

/// Why a request is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Twice,
    TooMany,
}

impl Named {
    /// Whether it asks for an answer.
    pub(super) fn asks(&self) -> bool {
        self.method.is_some() && self.id.is_some()
    }

    /// Returns the id by which it asks for one.
    pub(super) fn request(&self) -> Option<RequestId> {
        self.method.as_ref().and_then(|_| serde_json::from_value(self.id.clone()?).ok())
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
