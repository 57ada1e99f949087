//! Names of things as the API spells them: `C7`, `M123`, `P2`, `F4`.

use super::Refusal;

pub(super) fn conversation(name: &str) -> Result<i64, Refusal> {
    number('C', name).ok_or_else(|| Refusal::not_found("conversation", name))
}

pub(super) fn message(name: &str) -> Result<i64, Refusal> {
    number('M', name).ok_or_else(|| Refusal::not_found("message", name))
}

pub(super) fn file(name: &str) -> Result<i64, Refusal> {
    number('F', name).ok_or_else(|| Refusal::not_found("file", name))
}

/// Reads an optional name, such as a cursor.
pub(super) fn optional(name: Option<&str>, read: fn(&str) -> Result<i64, Refusal>) -> Result<Option<i64>, Refusal> {
    name.filter(|name| !name.is_empty()).map(read).transpose()
}

pub(super) fn number(letter: char, name: &str) -> Option<i64> {
    name.strip_prefix(letter)?.parse().ok().filter(|number| *number > 0)
}
