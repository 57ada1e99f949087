//! What a page has named before: a thread's id and an author's name are whole once, and short from then on.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_kit::chat::{Author, AuthorKind, Message};

use crate::chat::{
    escapes::{self, label},
    targets::fold,
};

/// Least characters of a thread's id where it is named again.
const SHORTEST: usize = 5;

/// A page of messages while it is shown.
pub(super) struct Page<'m> {
    /// Every id on it.
    ids: BTreeSet<&'m str>,
    /// By the first word of their names: who is on it.
    authors: BTreeMap<String, BTreeSet<Named<'m>>>,
    /// The threads and authors that were named already.
    threads: BTreeSet<&'m str>,
    known: BTreeSet<Named<'m>>,
    last: Option<Named<'m>>,
}

/// An author's id and name: programs write under several.
type Named<'m> = (&'m str, &'m str);

impl<'m> Page<'m> {
    pub(super) fn of(messages: &[&'m Message]) -> Self {
        let mut authors: BTreeMap<String, BTreeSet<Named<'_>>> = BTreeMap::new();
        for author in messages.iter().map(|message| &message.author) {
            authors.entry(fold(first_word(&author.name))).or_default().insert((&author.id, &author.name));
        }
        let ids = messages.iter().flat_map(|message| ids(message)).collect();
        Self { ids, authors, threads: BTreeSet::new(), known: BTreeSet::new(), last: None }
    }

    /// Has the next author named, whoever wrote before.
    pub(super) fn begin(&mut self) {
        self.last = None;
    }

    /// Returns what stands for the author of the next message; nothing if that is the one before.
    ///
    /// Where nobody else on the page has the first word of a name, that word and a period are enough the next time: no whole
    /// name ends with a period. Those who share it have their ids added, lest they be taken for each other.
    pub(super) fn author(&mut self, author: &'m Author) -> Option<String> {
        let named = (author.id.as_str(), author.name.as_str());
        if self.last.replace(named) == Some(named) {
            return None;
        }
        let first = first_word(&author.name);
        let alone = self.authors.get(&fold(first)).is_none_or(|authors| authors.len() < 2);
        let again = !self.known.insert(named);
        let whole = escapes::author(&author.name);
        if !alone {
            return Some(format!("{whole} ({}){}", label(&author.id), kind(author.kind)));
        }
        let (whole, short) = (whole + kind(author.kind), label(first) + ". ");
        Some(if again && short.len() < whole.len() { short } else { whole })
    }

    /// Returns the thread that a message answers in, and notes what the message shows.
    pub(super) fn thread(&mut self, message: &'m Message) -> Option<String> {
        let thread = message.thread.as_deref();
        let shown =
            thread.map(|thread| if self.threads.contains(thread) { self.short(thread) } else { thread.to_owned() });
        self.threads.extend(ids(message));
        shown
    }

    /// Returns the beginning of an id that begins no other of the page's.
    fn short(&self, id: &str) -> String {
        let common = |other: &&str| id.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let needed = self.ids.iter().filter(|other| **other != id).map(common).max().map_or(0, |common| common + 1);
        match id.char_indices().nth(needed.max(SHORTEST)) {
            Some((end, _)) if end + '…'.len_utf8() < id.len() => format!("{}…", &id[..end]),
            _ => id.to_owned(),
        }
    }
}

/// Returns the longest form of an author's name.
pub(super) fn longest(author: &Author) -> String {
    format!("{} ({}){}", escapes::author(&author.name), label(&author.id), kind(author.kind))
}

fn kind(kind: AuthorKind) -> &'static str {
    match kind {
        AuthorKind::Person => " ",
        AuthorKind::Guest => " (guest) ",
        AuthorKind::Bot => " (bot) ",
        AuthorKind::System => " (system) ",
    }
}

/// Says what somebody is whose words are withheld.
pub(super) fn outsider(kind: AuthorKind) -> &'static str {
    if kind == AuthorKind::Bot { "a bot" } else { "a guest" }
}

fn first_word(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or_default().trim_end_matches('.')
}

/// Returns the ids that a message shows: its own and its thread's.
fn ids(message: &Message) -> impl Iterator<Item = &str> {
    [message.at.id.as_str()].into_iter().chain(message.thread.as_deref())
}
