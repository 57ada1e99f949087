//! Search without the platform: conversations are read backwards, each a page before any its next, up to a bound, and
//! the answer says how far.

use std::{cmp::Reverse, collections::HashSet, fmt::Write};

use futures::future::join_all;
use switchboard_kit::{
    Result,
    chat::{Conversation, Message},
};

use super::{
    context::Hit,
    frontier::Frontier,
    matching::Match,
    message_mark,
    ranking::Corpus,
    unsearched,
    walk::{Budget, Reached, THREADS_LIVE, Walk, millisecond},
    wanted::{Filter, Wanted},
};
use crate::chat::{
    cursor::mark,
    policy::title,
    served::{Chats, Opened},
    time,
};

/// Most conversations that one call looks at.
const CONVERSATIONS: usize = 50;
/// Most pages of each.
const PAGES: usize = 10;
/// Most requests of one call.
const REQUESTS: usize = 200;
/// Conversations that are read at the same time.
const AT_ONCE: usize = 4;
/// Most conversations that are named because they could not be read.
const NAMED: usize = 3;
/// Most conversations that a cursor remembers. A search through more is better narrowed.
const REMEMBERED: usize = 800;

/// What a scan has found.
pub(super) struct Scanned {
    /// The best first.
    pub(super) hits: Vec<Hit>,
    /// How many more were found.
    pub(super) more: usize,
    /// Where this stretch began.
    pub(super) start: Frontier,
    /// Where the next one begins, if there is one.
    pub(super) end: Option<Frontier>,
    /// How far it got.
    pub(super) coverage: String,
}

/// A message that says what is wanted: which walk read it, in which run of it, and where there.
struct Found {
    how: Match,
    at: (usize, usize, usize),
}

/// Scans one conversation, or those that were active last, from where the call before stopped.
pub(super) async fn scan(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    filter: &Filter,
    only: Option<&Conversation>,
    mut start: Frontier,
) -> Result<Scanned> {
    let mut conversations = match only {
        Some(conversation) => vec![conversation.clone()],
        None => chats.conversations(opened, false).await?.to_vec(),
    };
    let all = conversations.len();
    conversations.retain(|conversation| !conversation.encrypted);
    let encrypted = all - conversations.len();
    conversations.retain(|conversation| !start.done.contains(&mark(&conversation.id)));
    conversations.sort_by_key(|conversation| Reverse(conversation.last_activity));
    let waiting = conversations.len().saturating_sub(CONVERSATIONS);
    conversations.truncate(CONVERSATIONS);

    let apart = !opened.include_answers()?;
    let walk = |conversation| Walk::new(conversation, wanted.window, &start, apart);
    let mut walks: Vec<_> = conversations.iter().map(walk).collect();
    let mut corpus = Corpus::new(&wanted.pattern);
    let (found, newest) = read(chats, opened, wanted, filter, &mut walks, &mut corpus).await?;
    if start.until.is_none() {
        start.until = newest;
    }

    let (hows, places): (Vec<_>, Vec<_>) = found.into_iter().map(|Found { how, at }| (how, at)).unzip();
    let ranked = corpus.rank(&hows).into_iter().map(|at| places[at]);
    let ranked: Vec<_> =
        ranked.filter(|(walk, run, at)| !start.shown.contains(&message_mark(&walks[*walk].runs[*run][*at]))).collect();
    let best = ranked.iter().take(wanted.limit);
    let hits: Vec<_> =
        best.filter_map(|(walk, run, at)| Hit::of(&walks[*walk].runs[*run], *at, wanted.context)).collect();

    let (mut end, mut failed, mut unread) = (start.clone(), Vec::new(), waiting);
    end.shown.clear();
    for walk in &mut walks {
        let mark = mark(&walk.conversation.id);
        if let Some(error) = walk.error.take() {
            if only.is_some() {
                return Err(error);
            }
            failed.push((title(walk.conversation), error));
            walk.reached = Reached::End;
        }
        match walk.reached {
            Reached::Nothing => unread += 1,
            // A whole call's worth of messages of one millisecond is passed over rather than read forever.
            Reached::Back(at) if walk.pages == PAGES && start.stopped.get(&mark) == Some(&at) => {
                end.stopped.insert(mark, at - 1);
            }
            Reached::Back(at) => {
                end.stopped.insert(mark, at);
            }
            Reached::End => {
                end.stopped.remove(&mark);
                end.done.insert(mark);
            }
        }
    }
    if !failed.is_empty() && failed.len() == end.conversations() {
        return Err(failed.remove(0).1);
    }
    let mut coverage = format!("scanned {} of {all} conversations", end.conversations() - failed.len());
    coverage.push_str(unsearched(opened));
    if encrypted > 0 {
        let _ = write!(coverage, " ({encrypted} end-to-end encrypted)");
    }
    if let Some(back_to) = end.back_to() {
        let _ = write!(coverage, ", back to {}", time::minute(back_to, &time::zone()));
    }
    if let Some(since) = wanted.window.since.filter(|_| apart) {
        let began = since.checked_sub(THREADS_LIVE).unwrap_or(since);
        let _ = write!(coverage, ", without threads begun before {}", time::minute(began, &time::zone()));
    }
    if !failed.is_empty() {
        // No name reads like the coverage of another account.
        let plain = |name: &str| name.replace([';', ':'], ",");
        let names: Vec<_> = failed.iter().take(NAMED).map(|(name, _)| plain(name)).collect();
        let others = if failed.len() > NAMED { " …" } else { "" };
        let _ = write!(coverage, ", {} could not be read: {}{others}", failed.len(), names.join(" "));
    }
    let more = ranked.len() - hits.len();
    let mut end = (unread > 0 || !end.stopped.is_empty()).then_some(end);
    if end.as_ref().is_some_and(|end| end.done.len() > REMEMBERED) {
        coverage.push_str(", and no further: name a conversation with `in`");
        end = None;
    }
    Ok(Scanned { hits, more, start, end, coverage })
}

/// Reads page after page until a bound is met; returns what says what is wanted, newest first, and when the newest of all
/// was said.
async fn read(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    filter: &Filter,
    walks: &mut [Walk<'_>],
    corpus: &mut Corpus<'_>,
) -> Result<(Vec<Found>, Option<i64>)> {
    let (budget, mut known) = (Budget::of(REQUESTS), HashSet::new());
    let (mut found, mut newest) = (Vec::new(), None);
    for _ in 0..PAGES {
        let open: Vec<_> = (0..walks.len()).filter(|at| walks[*at].is_open()).collect();
        for some in open.chunks(AT_ONCE) {
            if opened.is_hurried() || budget.is_spent() {
                return Ok((newest_first(found, walks), newest));
            }
            let pages = join_all(some.iter().map(|at| walks[*at].page(opened, &budget)));
            // One that hangs does not take along what the others have given.
            let Some(pages) = opened.in_good_time(pages).await else {
                return Ok((newest_first(found, walks), newest));
            };
            for (at, page) in some.iter().copied().zip(pages) {
                let walk = &mut walks[at];
                for (run, message) in walk.take(page)? {
                    newest = newest.max(Some(millisecond(&message)));
                    let how = if message.deleted || message.withheld { None } else { corpus.read(&said(&message)) };
                    let how = how.filter(|_| filter.admits(&message));
                    // What is sent to a thread and to the conversation comes twice.
                    let how = how.filter(|_| known.insert((at, message.at.id.clone())));
                    if how.is_some() || wanted.context > 0 {
                        found.extend(how.map(|how| Found { how, at: (at, run, walk.runs[run].len()) }));
                        walk.runs[run].push(message);
                    }
                }
                chats.call.step(&format!("scanned {}", title(walk.conversation)));
            }
        }
    }
    Ok((newest_first(found, walks), newest))
}

fn newest_first(mut found: Vec<Found>, walks: &[Walk<'_>]) -> Vec<Found> {
    found.sort_by_key(|Found { at: (walk, run, at), .. }| Reverse(walks[*walk].runs[*run][*at].time));
    found
}

/// Returns what a message says, the names of its files included.
fn said(message: &Message) -> String {
    let names = message.files.iter().map(|file| file.name.as_str());
    [message.text.as_str()].into_iter().chain(names).collect::<Vec<_>>().join("\n\u{1f}")
}
