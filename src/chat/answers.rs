//! What several accounts answered, and an honest word about those that did not.

use serde_json::Value;
use switchboard_kit::{Error, Result};

use super::{sanitise, served::ServedAccount};

/// The answers of several accounts.
pub(super) struct Answers<'a, T> {
    /// Those that answered, in the order of the configuration.
    pub(super) given: Vec<(&'a ServedAccount, T)>,
    /// Those that failed.
    pub(super) missing: Vec<(&'a ServedAccount, Error)>,
}

impl<T> Default for Answers<'_, T> {
    fn default() -> Self {
        Self { given: Vec::new(), missing: Vec::new() }
    }
}

impl<T> Answers<'_, T> {
    /// Fails if nobody answered.
    pub(super) fn some(mut self) -> Result<Self> {
        if !self.given.is_empty() || self.missing.is_empty() {
            return Ok(self);
        }
        if self.missing.len() == 1 {
            return Err(self.missing.remove(0).1);
        }
        let kind = self.missing[0].1.kind();
        let missing = self.not_covered();
        Err(Error::new(kind, format!("no account answered: {}", missing.join("; "))))
    }

    /// Returns, for each account that failed, which and why.
    pub(super) fn not_covered(&self) -> Vec<String> {
        self.missing.iter().map(|(account, error)| format!("{} ({})", account.key(), reason(error))).collect()
    }

    /// Returns the line about what was not covered, if there is something.
    pub(super) fn coverage(&self) -> Option<String> {
        (!self.missing.is_empty()).then(|| format!("not covered: {}", self.not_covered().join("; ")))
    }
}

/// Says in one line what went wrong and what to do.
pub(super) fn reason(error: &Error) -> String {
    let message = sanitise::name(error.message());
    match error.hint_text() {
        Some(hint) => format!("{message}: {}", sanitise::line(hint)),
        None => message,
    }
}

/// Writes an answer for programs: what is in it, what has to be said of it, and the cursor of what follows.
pub(super) fn for_programs(mut answer: Value, notes: impl IntoIterator<Item = String>, next: Option<String>) -> String {
    let notes: Vec<_> = notes.into_iter().collect();
    if !notes.is_empty() {
        answer["notes"] = notes.into();
    }
    if let Some(next) = next {
        answer["next"] = next.into();
    }
    answer.to_string()
}
