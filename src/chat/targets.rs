//! What a target says by itself, before anyone is asked: its account, and whether it is a person, a name or a message.

use switchboard_kit::{Error, Result, chat::Reference};
use unicode_normalization::UnicodeNormalization;

use super::{
    policy::Reads,
    sanitise,
    served::{Served, ServedAccount},
};

/// Splits the account from a target. What stands before the first colon is one only if it is served: ids have colons too.
pub(super) fn split<'s, 't>(served: &'s Served, target: &'t str) -> (Option<&'s ServedAccount>, &'t str) {
    let target = target.trim();
    match target.split_once(':') {
        Some((key, rest)) => match served.account(key.trim()) {
            Some(account) => (Some(account), rest.trim()),
            None => (None, target),
        },
        None => (None, target),
    }
}

/// Splits a reference to a message into its conversation, as a target, and its id: the platform's own form, or
/// `conversation/id`.
pub(super) fn message<'t>(chat: Reads<'_>, text: &'t str) -> Option<(Part<'t>, String)> {
    if let Some(Reference::Message { conversation, id }) = chat.reference(text) {
        return Some((Part::Id(conversation), id));
    }
    if text.contains("://") {
        return None;
    }
    let slashes = text.match_indices('/').map(|(at, _)| (&text[..at], &text[at + 1..]));
    for (conversation, id) in slashes.filter(|(_, id)| !id.is_empty()) {
        if let Some(Reference::Conversation(conversation)) = chat.reference(conversation) {
            return Some((Part::Id(conversation), id.to_owned()));
        }
    }
    let (name, id) = text.rsplit_once('/')?;
    (name.len() > 1 && name.starts_with(['#', '@']) && !id.is_empty()).then(|| (Part::Name(name), id.to_owned()))
}

/// Refuses an id that is empty, or that a transcript has shortened.
pub(super) fn whole(argument: &str, id: &str) -> Result<()> {
    if id.trim().is_empty() {
        return Err(Error::invalid(format!("argument `{argument}` is empty")).hint("leave it out, or give a whole id"));
    }
    if !id.ends_with('…') {
        return Ok(());
    }
    Err(Error::invalid(format!("argument `{argument}`: `{}` is a shortened id", sanitise::name(id)))
        .hint("give a whole id: that of any message in the thread names the thread"))
}

/// A conversation as a reference has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// The platform's id.
    Id(String),
    /// A name, still to be found.
    Name(&'t str),
}

/// Returns whether a target means a person, and then the person's name without `@`.
pub(super) fn person(target: &str) -> Option<&str> {
    if let Some(name) = target.strip_prefix('@') {
        return (!name.is_empty()).then_some(name);
    }
    let (local, domain) = target.split_once('@')?;
    let address = !local.is_empty() && domain.contains('.') && !target.contains([' ', '/', ':']);
    address.then_some(target)
}

/// Returns a name in the form in which names are compared.
pub(crate) fn fold(name: &str) -> String {
    name.trim().nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_from_channels() {
        assert_eq!(person("@mara"), Some("mara"));
        assert_eq!(person("mara@kestrel.example"), Some("mara@kestrel.example"));
        for target in ["#general", "general", "@", "meet @ noon", "a@b"] {
            assert_eq!(person(target), None, "{target}");
        }
    }

    #[test]
    fn names_are_compared_without_case_and_composition() {
        assert_eq!(fold("Toma\u{301}s "), fold("TOMÁS"));
    }
}
