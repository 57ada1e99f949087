//! What was shown in a session: the private conversations whose messages were read, which messages, and which links.
//!
//! A session is one connection of a client: the process over standard input and output, a session over HTTP until 2025-11-25. Later
//! there are none over HTTP, and all calls of one caller to one process count as one.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchboard_kit::{AccountKey, Call, Principal};

use super::links;

/// Most sessions that are known at once; the server itself has fewer.
const MOST: usize = 1_024;
/// Most things that a session remembers to have shown; with the next, all are forgotten.
const REMEMBERED: usize = 100_000;
/// How many private places have to be known: wherever something is sent, one of two is elsewhere.
const ENOUGH: usize = 2;

/// The sessions of a process.
#[derive(Default)]
pub(in crate::chat) struct Sessions(Mutex<Known>);

#[derive(Default)]
struct Known {
    sessions: HashMap<(Principal, Option<String>), (u64, Arc<Session>)>,
    /// Counts the calls: the last of each session stands beside it.
    calls: u64,
}

/// What was shown in one.
#[derive(Default)]
pub(in crate::chat) struct Session(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    private: BTreeSet<Read>,
    shown: HashSet<u64>,
    marks: RandomState,
}

/// Where something private is from. A file may be from nobody knows where.
pub(super) type Read = (AccountKey, Option<String>);

/// Stands in the place of a conversation where a file is meant: no id has a space.
const FILE: &str = "a file";

impl Sessions {
    /// Returns the session that a call is in.
    pub(in crate::chat) fn of(&self, call: &Call) -> Arc<Session> {
        let name = (call.principal().clone(), call.caller().session().map(ToOwned::to_owned));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.calls += 1;
        let now = known.calls;
        if known.sessions.len() >= MOST && !known.sessions.contains_key(&name) {
            // The server has fewer than half as many, and those that it has are the ones that were used last.
            let mut used: Vec<_> = known.sessions.values().map(|(used, _)| *used).collect();
            used.sort_unstable();
            let middle = used[MOST / 2];
            known.sessions.retain(|(_, session), (used, _)| session.is_none() || *used >= middle);
        }
        let (used, session) = known.sessions.entry(name).or_default();
        *used = now;
        session.clone()
    }
}

impl Session {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that messages of a private conversation were read, or a file of which nobody knows where it is from.
    pub(super) fn reads_private(&self, account: &AccountKey, conversation: Option<&str>) {
        let mut seen = self.seen();
        if seen.private.len() < ENOUGH {
            seen.private.insert((account.clone(), conversation.map(ToOwned::to_owned)));
        }
    }

    /// Returns a private conversation that was read and is not this one.
    pub(super) fn read_elsewhere(&self, account: &AccountKey, conversation: &str) -> Option<Read> {
        let place = (account.clone(), Some(conversation.to_owned()));
        self.seen().private.iter().find(|read| **read != place).cloned()
    }

    /// Notes that a message or a thread was shown.
    pub(super) fn shows(&self, account: &AccountKey, conversation: &str, id: &str) {
        let mut seen = self.seen();
        if seen.shown.len() >= REMEMBERED {
            seen.shown.clear();
        }
        let mark = seen.marks.hash_one((account, conversation, id));
        seen.shown.insert(mark);
    }

    /// Notes that a file was shown with its message.
    pub(super) fn shows_file(&self, account: &AccountKey, id: &str) {
        self.shows(account, FILE, id);
    }

    /// Returns whether it was.
    pub(super) fn has_shown_file(&self, account: &AccountKey, id: &str) -> bool {
        self.has_shown(account, FILE, id)
    }

    /// Returns whether a message or a thread was shown.
    pub(super) fn has_shown(&self, account: &AccountKey, conversation: &str, id: &str) -> bool {
        let seen = self.seen();
        seen.shown.contains(&seen.marks.hash_one((account, conversation, id)))
    }

    /// Notes the links in a text that was shown, exactly as they stand there.
    pub(in crate::chat) fn shows_links(&self, text: &str) {
        let links = links::written(text);
        if links.is_empty() {
            return;
        }
        let mut seen = self.seen();
        if seen.shown.len() + links.len() > REMEMBERED {
            seen.shown.clear();
        }
        let marks: Vec<_> = links.iter().map(|link| seen.marks.hash_one(("link", &link.text))).collect();
        seen.shown.extend(marks);
    }

    /// Returns whether a link was.
    pub(super) fn has_shown_link(&self, link: &str) -> bool {
        let seen = self.seen();
        seen.shown.contains(&seen.marks.hash_one(("link", link)))
    }
}
