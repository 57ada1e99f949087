//! The gate that every write passes, once it is known what it acts on.

use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, Person},
};

use super::{sanitise, served::ServedAccount};

/// The names by which rules know what a write acts on, without the account.
#[derive(Default)]
pub(super) struct Names {
    /// Those that the platform vouches for: ids and handles, and what people call it, as `#name` or `@name`.
    canonical: Vec<String>,
    /// Those that can only be denied: who runs a conversation can give it any.
    given: Vec<String>,
}

impl Names {
    /// Names a person.
    pub(super) fn of_person(person: &Person) -> Self {
        let mut canonical = vec![person.id.clone(), format!("@{}", person.name.trim_start_matches('@'))];
        canonical.extend(person.handle.as_ref().map(|handle| format!("@{}", handle.trim_start_matches('@'))));
        Self { canonical, given: Vec::new() }
    }

    /// Names a conversation. The aliases of a direct chat say who the other is, but for those of a room.
    fn of_conversation(conversation: &Conversation) -> Self {
        let direct = conversation.kind == ConversationKind::Direct;
        let sign = if direct { '@' } else { '#' };
        let mut canonical =
            vec![conversation.id.clone(), format!("{sign}{}", conversation.name.trim_start_matches(sign))];
        let (others, given): (Vec<_>, Vec<_>) =
            conversation.aliases.iter().cloned().partition(|alias| direct && !alias.starts_with('#'));
        canonical.extend(others);
        Self { canonical, given }
    }
}

/// Refuses a write to what has these names, unless the account's rules let it pass.
pub(super) fn permit(account: &ServedAccount, names: &Names) -> Result<()> {
    let key = account.key();
    let shown = names.canonical.first().map(|name| sanitise::name(name)).unwrap_or_default();
    if !account.may_write {
        return Err(Error::new(ErrorKind::Forbidden, format!("writing to `{key}` is off")).hint(format!(
            "ask the user to set `access: write` for `{key}` in provider-config.yaml, or to start with `--allow-write`"
        )));
    }
    let is_named = |pattern: &str, name: &String| matches(pattern, &format!("{key}:{name}")) || matches(pattern, name);
    let denied = |pattern: &&String| names.canonical.iter().chain(&names.given).any(|name| is_named(pattern, name));
    if let Some(pattern) = account.deny.iter().find(denied) {
        let message = format!("`{key}:{shown}` is on the user's `deny` list, as `{pattern}`");
        return Err(Error::new(ErrorKind::Forbidden, message).hint("ask the user; do not try another way"));
    }
    let allowed = |pattern: &String| names.canonical.iter().any(|name| is_named(pattern, name));
    if !account.allow.is_empty() && !account.allow.iter().any(allowed) {
        let message = format!("`{key}:{shown}` is not on the user's `allow` list");
        return Err(Error::new(ErrorKind::Forbidden, message)
            .hint(format!("ask the user to add `{key}:{shown}` to `allow` in provider-config.yaml")));
    }
    Ok(())
}

/// Refuses a write to a conversation; `person` is who it is with, if that is known.
pub(super) fn permit_conversation(
    account: &ServedAccount,
    conversation: &Conversation,
    person: Option<&Person>,
) -> Result<()> {
    let mut names = Names::of_conversation(conversation);
    names.canonical.extend(person.map(|person| Names::of_person(person).canonical).unwrap_or_default());
    permit(account, &names)?;
    if conversation.encrypted {
        let message = format!("`{}` is end-to-end encrypted, which is not supported", title(conversation));
        return Err(Error::unsupported(message).hint("ask the user to write there in the platform's own client"));
    }
    Ok(())
}

/// Returns what people call a conversation.
pub(super) fn title(conversation: &Conversation) -> String {
    let name = super::transcript::label(&conversation.name);
    match conversation.kind {
        ConversationKind::Channel => format!("#{}", name.trim_start_matches('#')),
        ConversationKind::Direct => format!("@{}", name.trim_start_matches('@')),
        ConversationKind::Group => name,
    }
}

/// Returns whether a glob of `*` and `?` matches, whatever the case.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (fold(pattern), fold(name));
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn fold(text: &str) -> Vec<char> {
    super::targets::fold(text).chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("work:#eng-*", "work:#Eng-backend", true),
            ("work:#eng-*", "work:#design", false),
            ("*", "work:C1", true),
            ("work:C?", "work:C1", true),
            ("work:C?", "work:C12", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
