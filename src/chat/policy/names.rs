//! The names by which the user's rules know what is acted on, and what the rules say of them.

use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, Person},
};

use crate::{
    chat::{
        escapes,
        find::{Place, is_person, people},
        names::{ABSENCE_LASTS, Extent, LIST_LASTS},
        sanitise,
        served::{Opened, ServedAccount},
        targets,
    },
    glob::matches,
};

/// Most people of one name who are looked at.
const NAMESAKES: usize = 50;

/// The names by which rules know something, without the account.
#[derive(Default)]
pub(super) struct Names {
    /// Those that nothing else has: ids and handles.
    unique: Vec<String>,
    /// What people call it, as `#name` or `@name`. Others may be called the same.
    called: Vec<String>,
    /// Those that can only be denied: who runs a conversation can give it any.
    given: Vec<String>,
}

/// What an `allow` list says of something.
pub(super) enum Listing {
    /// There is no list.
    None,
    /// It is on it.
    On,
    /// It is not, for this reason.
    Off(String),
}

/// How it is found out whether others have a name too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The platform is asked about each name.
    Asked,
    /// By the list of the user's conversations, which is read once a day, and by the people who are remembered: many conversations are
    /// judged at once where something is read.
    Listed,
}

impl Names {
    /// Names what was found.
    pub(super) fn of(place: &Place<'_>) -> Self {
        Self::of_both(&place.conversation, place.person.as_deref())
    }

    /// Names a conversation, and whom it is with, if that is known.
    pub(super) fn of_both(conversation: &Conversation, person: Option<&Person>) -> Self {
        let names = Self::of_conversation(conversation);
        match person {
            Some(person) => names.and(Self::of_person(person)),
            None => names,
        }
    }

    /// Names a platform's own tool.
    pub(super) fn of_tool(name: &str) -> Self {
        Self { unique: vec![name.to_owned()], ..Self::default() }
    }

    fn of_person(person: &Person) -> Self {
        let handle = person.handle.as_ref().map(|handle| format!("@{}", handle.trim_start_matches('@')));
        let unique = [person.id.clone()].into_iter().chain(handle).collect();
        Self { unique, called: vec![called(&person.name, '@')], given: Vec::new() }
    }

    /// Names a conversation. The aliases of a direct chat say who the other is, but for those of a room.
    pub(super) fn of_conversation(conversation: &Conversation) -> Self {
        let direct = conversation.kind == ConversationKind::Direct;
        let (others, given): (Vec<_>, Vec<_>) =
            conversation.aliases.iter().cloned().partition(|alias| direct && !alias.starts_with('#'));
        let unique = [conversation.id.clone()].into_iter().chain(others).collect();
        Self { unique, called: vec![called_conversation(conversation)], given }
    }

    /// Adds those of something that it is about as well.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.unique.extend(other.unique);
        self.called.extend(other.called);
        self.given.extend(other.given);
        self
    }

    /// Returns all of them.
    fn all(&self) -> impl Iterator<Item = &String> {
        self.unique.iter().chain(&self.called).chain(&self.given)
    }

    /// Returns the name that an error shows.
    pub(super) fn shown(&self) -> String {
        self.unique.first().map(|name| sanitise::name(name)).unwrap_or_default()
    }

    /// Returns which of `patterns` denies it. Who leaves the sign out, as targets may, is not let down.
    pub(super) fn denied_by<'p>(&self, account: &ServedAccount, patterns: &'p [String]) -> Option<&'p String> {
        let names: Vec<_> = self.all().flat_map(|name| [name, name.trim_start_matches(['#', '@'])]).collect();
        patterns.iter().find(|pattern| names.iter().any(|name| is_named(account, pattern, name)))
    }

    /// Returns what a list says of it.
    pub(super) async fn listing(&self, opened: &Opened<'_>, allow: &[String], sharing: Sharing) -> Result<Listing> {
        let account = opened.account;
        let allowed = |name: &&String| allow.iter().any(|pattern| is_named(account, pattern, name));
        if allow.is_empty() {
            return Ok(Listing::None);
        }
        if self.unique.iter().any(|name| allowed(&name)) {
            return Ok(Listing::On);
        }
        let mut why = format!("`{}:{}` is not on the user's `allow` list", account.key(), self.shown());
        for name in self.called.iter().filter(allowed) {
            if !self.is_shared(opened, name, sharing).await? {
                return Ok(Listing::On);
            }
            why = format!(
                "several are called `{}`, so that the user's `allow` list must have the id",
                sanitise::name(name)
            );
        }
        Ok(Listing::Off(why))
    }

    /// Returns whether something else, in the account, is called `name` too.
    async fn is_shared(&self, opened: &Opened<'_>, name: &str, sharing: Sharing) -> Result<bool> {
        let same = |other: &Conversation| targets::fold(&called_conversation(other)) == targets::fold(name);
        let believed = match sharing {
            Sharing::Asked => ABSENCE_LASTS,
            Sharing::Listed if opened.list_all::<Conversation>(LIST_LASTS).await? == Extent::Part => {
                return Err(opened.partly_listed::<Conversation>());
            }
            Sharing::Listed => LIST_LASTS,
        };
        let conversations = opened.called(name, believed, same).await?.found;
        // One person may have several direct chats.
        let ours = |other: &Conversation| Self::of_conversation(other).unique.iter().any(|id| self.unique.contains(id));
        if conversations.iter().any(|other| !ours(other)) {
            return Ok(true);
        }
        let Some(person) = name.strip_prefix('@') else { return Ok(false) };
        let others = match sharing {
            Sharing::Asked => people(opened, person).await?,
            Sharing::Listed => opened.remembered.about(person, NAMESAKES).await?,
        };
        Ok(others.iter().any(|other| is_person(other, person) && !self.unique.contains(&other.id)))
    }
}

/// Says that something is on a `deny` list.
pub(super) fn denied(account: &ServedAccount, names: &Names, pattern: &str) -> Error {
    let message = format!("`{}:{}` is on the user's `deny` list, as `{pattern}`", account.key(), names.shown());
    Error::new(ErrorKind::Forbidden, message).hint("ask the user; do not try another way")
}

/// Returns whether the user's rules keep a conversation from being read, and so from being listed to pick from.
pub(in crate::chat) fn is_hidden(account: &ServedAccount, conversation: &Conversation) -> bool {
    let (names, rules) = (Names::of_conversation(conversation), &account.rules);
    let allowed = |name: &String| rules.allow.read.iter().any(|pattern| is_named(account, pattern, name));
    let mut own = names.unique.iter().chain(&names.called);
    names.denied_by(account, &rules.deny.read).is_some() || !(rules.allow.read.is_empty() || own.any(allowed))
}

fn is_named(account: &ServedAccount, pattern: &str, name: &str) -> bool {
    matches(pattern, &format!("{}:{name}", account.key())) || matches(pattern, name)
}

/// Returns the name by which rules know a conversation.
fn called_conversation(conversation: &Conversation) -> String {
    called(&conversation.name, if conversation.kind == ConversationKind::Direct { '@' } else { '#' })
}

fn called(name: &str, sign: char) -> String {
    format!("{sign}{}", sanitise::name(name).trim_start_matches(sign))
}

/// Returns what people call a conversation.
pub(in crate::chat) fn title(conversation: &Conversation) -> String {
    let name = || escapes::label(&conversation.name);
    match conversation.kind {
        ConversationKind::Channel => format!("#{}", name().trim_start_matches('#')),
        ConversationKind::Direct => format!("@{}", name().trim_start_matches('@')),
        ConversationKind::Group => escapes::title(&conversation.name),
    }
}
