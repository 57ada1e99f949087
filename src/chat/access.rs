//! The gate that every write passes, once it is known what it acts on.

use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, Person},
};

use super::{escapes, find::people, names::ABSENCE_LASTS, sanitise, served::Opened, targets};
use crate::glob::matches;

/// The names by which rules know what a write acts on, without the account.
#[derive(Default)]
pub(super) struct Names {
    /// Those that nothing else has: ids and handles.
    unique: Vec<String>,
    /// What people call it, as `#name` or `@name`. Others may be called the same.
    called: Vec<String>,
    /// Those that can only be denied: who runs a conversation can give it any.
    given: Vec<String>,
}

impl Names {
    /// Names a person.
    pub(super) fn of_person(person: &Person) -> Self {
        let handle = person.handle.as_ref().map(|handle| format!("@{}", handle.trim_start_matches('@')));
        let unique = [person.id.clone()].into_iter().chain(handle).collect();
        Self { unique, called: vec![called(&person.name, '@')], given: Vec::new() }
    }

    /// Names a conversation. The aliases of a direct chat say who the other is, but for those of a room.
    fn of_conversation(conversation: &Conversation) -> Self {
        let direct = conversation.kind == ConversationKind::Direct;
        let (others, given): (Vec<_>, Vec<_>) =
            conversation.aliases.iter().cloned().partition(|alias| direct && !alias.starts_with('#'));
        let unique = [conversation.id.clone()].into_iter().chain(others).collect();
        Self { unique, called: vec![called_conversation(conversation)], given }
    }

    /// Returns all of them.
    fn all(&self) -> impl Iterator<Item = &String> {
        self.unique.iter().chain(&self.called).chain(&self.given)
    }

    /// Returns whether something else, in the account, is called `name` too.
    async fn is_shared(&self, opened: &Opened<'_>, name: &str) -> Result<bool> {
        let same = |other: &Conversation| targets::fold(&called_conversation(other)) == targets::fold(name);
        let conversations = opened.called(name, ABSENCE_LASTS, same).await?.found;
        // One person may have several direct chats.
        let ours = |other: &Conversation| Self::of_conversation(other).unique.iter().any(|id| self.unique.contains(id));
        if conversations.iter().any(|other| !ours(other)) {
            return Ok(true);
        }
        let Some(person) = name.strip_prefix('@') else { return Ok(false) };
        Ok(people(opened, person).await?.iter().any(|other| !self.unique.contains(&other.id)))
    }
}

/// Refuses a write to what has these names, unless the account's rules let it pass.
pub(super) async fn permit(opened: &Opened<'_>, names: &Names) -> Result<()> {
    let (account, key) = (opened.account, opened.account.key());
    let shown = names.unique.first().map(|name| sanitise::name(name)).unwrap_or_default();
    if !account.may_write {
        return Err(Error::new(ErrorKind::Forbidden, format!("writing to `{key}` is off")).hint(format!(
            "ask the user to set `access: write` for `{key}` in provider-config.yaml, or to start with `--allow-write`"
        )));
    }
    let is_named = |pattern: &str, name: &String| matches(pattern, &format!("{key}:{name}")) || matches(pattern, name);
    let denied = |pattern: &&String| names.all().any(|name| is_named(pattern, name));
    if let Some(pattern) = account.deny.iter().find(denied) {
        let message = format!("`{key}:{shown}` is on the user's `deny` list, as `{pattern}`");
        return Err(Error::new(ErrorKind::Forbidden, message).hint("ask the user; do not try another way"));
    }
    let allowed = |name: &&String| account.allow.iter().any(|pattern| is_named(pattern, name));
    if account.allow.is_empty() || names.unique.iter().any(|name| allowed(&name)) {
        return Ok(());
    }
    let mut message = format!("`{key}:{shown}` is not on the user's `allow` list");
    for name in names.called.iter().filter(allowed) {
        if !names.is_shared(opened, name).await? {
            return Ok(());
        }
        message =
            format!("several are called `{}`, so that the user's `allow` list must have the id", sanitise::name(name));
    }
    Err(Error::new(ErrorKind::Forbidden, message)
        .hint(format!("ask the user to add `{key}:{shown}` to `allow` in provider-config.yaml")))
}

/// Refuses a write to a conversation; `person` is who it is with, if that is known.
pub(super) async fn permit_conversation(
    opened: &Opened<'_>,
    conversation: &Conversation,
    person: Option<&Person>,
) -> Result<()> {
    let mut names = Names::of_conversation(conversation);
    if let Some(person) = person.map(Names::of_person) {
        names.unique.extend(person.unique);
        names.called.extend(person.called);
    }
    permit(opened, &names).await?;
    if conversation.encrypted {
        let message = format!("`{}` is end-to-end encrypted, which is not supported", title(conversation));
        return Err(Error::unsupported(message).hint("ask the user to write there in the platform's own client"));
    }
    Ok(())
}

/// Returns the name by which rules know a conversation.
fn called_conversation(conversation: &Conversation) -> String {
    called(&conversation.name, if conversation.kind == ConversationKind::Direct { '@' } else { '#' })
}

fn called(name: &str, sign: char) -> String {
    format!("{sign}{}", sanitise::name(name).trim_start_matches(sign))
}

/// Returns what people call a conversation.
pub(super) fn title(conversation: &Conversation) -> String {
    let name = || escapes::label(&conversation.name);
    match conversation.kind {
        ConversationKind::Channel => format!("#{}", name().trim_start_matches('#')),
        ConversationKind::Direct => format!("@{}", name().trim_start_matches('@')),
        ConversationKind::Group => escapes::title(&conversation.name),
    }
}
