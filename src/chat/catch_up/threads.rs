//! The threads that the user is in: some listings leave answers out, and who else answered is not on every page.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use switchboard_kit::{Error, Result, chat::History};

use super::{
    gather::{AT_ONCE, Room},
    look::Look,
};
use crate::chat::served::{Chats, Opened};

/// Most threads that are read.
const MOST: usize = 8;
/// Answers of a thread that are read.
const PAGE: usize = 100;

/// The threads that the user began or answered in, by conversation and first message.
#[derive(Default)]
pub(super) struct Mine(BTreeSet<(String, String)>);

impl Mine {
    pub(super) fn has(&self, conversation: &str, thread: &str) -> bool {
        self.0.contains(&(conversation.to_owned(), thread.to_owned()))
    }

    fn learn(&mut self, room: &Room, me: &str, until: Timestamp) {
        let mine = room.messages.values().filter(|message| message.author.id == me && message.time < until);
        let threads = mine.map(|message| message.thread.clone().unwrap_or_else(|| message.at.id.clone()));
        self.0.extend(threads.map(|thread| (room.conversation.id.clone(), thread)));
    }
}

/// What became known of threads.
pub(super) struct Threads {
    pub(super) mine: Mine,
    /// How many were not read and may hold something new.
    pub(super) unseen: usize,
}

/// A thread of which not all is known.
struct Candidate {
    room: usize,
    thread: String,
    mine: bool,
    newest: Timestamp,
}

/// Reads the threads that matter most: the user's first, then those where something happened last. With `fixed`, those
/// that were read before.
pub(super) async fn read(
    chats: &Chats,
    opened: &Opened<'_>,
    me: &str,
    look: &Look,
    rooms: &mut [Room],
    fixed: bool,
) -> Result<Threads> {
    let answers_come_along = opened.include_answers()?;
    let mut mine = Mine::default();
    for room in rooms.iter() {
        mine.learn(room, me, look.until);
    }
    let mut unseen = 0;
    let chosen: Vec<(usize, String)> = if fixed {
        let threads = rooms.iter_mut().enumerate();
        threads
            .flat_map(|(index, room)| {
                room.threads().iter().map(move |thread| (index, thread.clone())).collect::<Vec<_>>()
            })
            .collect()
    } else {
        let rooms = rooms.iter().enumerate();
        let mut found: Vec<_> =
            rooms.flat_map(|(index, room)| candidates(index, room, &mine, look, answers_come_along)).collect();
        found.sort_by_key(|candidate| (!candidate.mine, Reverse(candidate.newest)));
        unseen = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        found.into_iter().map(|candidate| (candidate.room, candidate.thread)).collect()
    };
    for some in chosen.chunks(AT_ONCE) {
        if opened.is_hurried() {
            unseen += some.len();
            continue;
        }
        let reads = some.iter().map(|(room, thread)| {
            let conversation = rooms[*room].conversation.id.clone();
            async move {
                let until = fixed.then_some(look.until);
                let history = History { thread: Some(thread.clone()), limit: PAGE, until, ..History::default() };
                let page = opened.page(&conversation, &history).await?;
                Ok::<_, Error>(page.items)
            }
        });
        for ((room, thread), answers) in some.iter().zip(futures::future::join_all(reads).await) {
            // A thread that cannot be read is as one that was not looked at.
            let Ok(answers) = answers else {
                unseen += 1;
                continue;
            };
            let room = &mut rooms[*room];
            room.learn(answers);
            if !fixed {
                room.threads().push(thread.clone());
            }
        }
        chats.call.step(&format!("read threads of `{}`", opened.account.key()));
    }
    for room in rooms.iter() {
        mine.learn(room, me, look.until);
    }
    Ok(Threads { mine, unseen })
}

/// Returns the threads with answers that were not seen, or where it is not known whether the user is in them.
fn candidates(index: usize, room: &Room, mine: &Mine, look: &Look, answers_come_along: bool) -> Vec<Candidate> {
    let mut answers: BTreeMap<&str, (u32, Timestamp)> = BTreeMap::new();
    for message in room.messages.values() {
        if let Some(thread) = message.thread.as_deref().filter(|thread| *thread != message.at.id) {
            let seen = answers.entry(thread).or_insert((0, message.time));
            *seen = (seen.0 + 1, seen.1.max(message.time));
        }
    }
    let conversation = &room.conversation.id;
    let known = |thread: &str| mine.has(conversation, thread);
    let begun = room.messages.values().filter(|message| message.replies > 0).filter_map(|message| {
        let id = message.at.id.as_str();
        let (seen, newest) = answers.get(id).copied().unwrap_or((0, message.time));
        (!answers_come_along && seen < message.replies).then(|| (id, newest.max(message.time)))
    });
    let elsewhere = answers.iter().filter(|(thread, (_, newest))| {
        let fresh = look.since.is_none_or(|since| *newest >= since);
        !room.messages.contains_key(**thread) && !known(thread) && fresh
    });
    let found = begun.chain(elsewhere.map(|(thread, (_, newest))| (*thread, *newest)));
    found
        .map(|(thread, newest)| Candidate { room: index, thread: thread.to_owned(), mine: known(thread), newest })
        .collect()
}
