//! A way back through one conversation, page by page, with the answers that its history leaves out.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, History, Message},
};

use super::frontier::Frontier;
use crate::chat::{cursor::mark, served::Opened, time::Window};

/// Messages on a page.
const PAGE: usize = 100;
/// Most pages of one thread.
const THREAD_PAGES: usize = 5;
/// How long before `since` a thread may have begun, if its answers come apart.
pub(super) const THREADS_LIVE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many requests are left.
pub(super) struct Budget(AtomicUsize);

impl Budget {
    pub(super) fn of(requests: usize) -> Self {
        Self(AtomicUsize::new(requests))
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nothing was read.
    Nothing,
    /// Everything after this millisecond was read.
    Back(i64),
    /// The end of what is wanted.
    End,
}

pub(super) struct Walk<'c> {
    pub(super) conversation: &'c Conversation,
    pub(super) reached: Reached,
    /// Why it went no further.
    pub(super) error: Option<Error>,
    /// What is kept of each run of messages, newest first: the history, and each thread that it leaves out.
    pub(super) runs: Vec<Vec<Message>>,
    /// How many pages were read.
    pub(super) pages: usize,
    history: History,
    /// The last millisecond of a message that was there when the scan began.
    until: Option<i64>,
    /// What ends the last page: the next one may have more of the same millisecond, and a walk stops between two.
    held: Vec<Message>,
}

/// A page, and what of it is settled.
pub(super) struct Stretch {
    history: Vec<Message>,
    /// The millisecond of the message that each hangs on, and its answers.
    threads: Vec<(i64, Vec<Message>)>,
    held: Vec<Message>,
    next: Option<String>,
    reached: Reached,
}

impl<'c> Walk<'c> {
    /// Starts where the scan before stopped.
    pub(super) fn new(conversation: &'c Conversation, window: Window, start: &Frontier, apart: bool) -> Self {
        let stopped = start.stopped.get(&mark(&conversation.id)).copied();
        let last = stopped.into_iter().chain(start.until).min();
        let after = last.and_then(|last| Timestamp::from_millisecond(last.checked_add(1)?).ok());
        let until = window.until.into_iter().chain(after).min();
        let since = if apart { window.since.map(began) } else { window.since };
        Self {
            conversation,
            reached: stopped.map_or(Reached::Nothing, Reached::Back),
            error: None,
            runs: vec![Vec::new()],
            pages: 0,
            history: History { since, until, limit: PAGE, ..History::default() },
            until: start.until,
            held: Vec::new(),
        }
    }

    /// Returns whether there is more to read.
    pub(super) fn is_open(&self) -> bool {
        self.error.is_none() && self.reached != Reached::End
    }

    /// Reads the next page.
    pub(super) async fn page(&self, opened: &Opened<'_>, budget: &Budget) -> Result<Option<Stretch>> {
        if !self.is_open() || !budget.take() {
            return Ok(None);
        }
        let page = opened.page(&self.conversation.id, &self.history).await?;
        let mut history = [self.held.clone(), page.items].concat();
        let last = history.last().map(millisecond).filter(|_| page.next.is_some());
        let settled = history.iter().rposition(|message| Some(millisecond(message)) != last).map_or(0, |at| at + 1);
        let held = history.split_off(if last.is_some() { settled } else { history.len() });
        let reached = match (&page.next, last) {
            (None, _) => Reached::End,
            (Some(_), Some(last)) => Reached::Back(last),
            (Some(_), None) => self.reached,
        };
        let mut stretch = Stretch { history, threads: Vec::new(), held, next: page.next, reached };
        if !opened.include_answers()? {
            self.read_threads(opened, budget, &mut stretch).await?;
        }
        Ok(Some(stretch))
    }

    /// Reads the threads of a page; it ends before the first that cannot be read in time.
    async fn read_threads(&self, opened: &Opened<'_>, budget: &Budget, stretch: &mut Stretch) -> Result<()> {
        for at in 0..stretch.history.len() {
            let first = &stretch.history[at];
            if first.replies == 0 {
                continue;
            }
            let left = millisecond(first);
            if let Some(thread) = self.thread(opened, budget, &first.at.id).await? {
                stretch.threads.push((left, thread));
                continue;
            }
            stretch.history.retain(|message| millisecond(message) > left);
            stretch.threads.retain(|(first, _)| *first > left);
            (stretch.reached, stretch.next) = (Reached::Back(left), None);
            stretch.held.clear();
            break;
        }
        Ok(())
    }

    /// Reads one thread, without the message that it hangs on; none if there is no time for it.
    async fn thread(&self, opened: &Opened<'_>, budget: &Budget, first: &str) -> Result<Option<Vec<Message>>> {
        let mut history = History { thread: Some(first.to_owned()), limit: PAGE, ..History::default() };
        let mut thread = Vec::new();
        for _ in 0..THREAD_PAGES {
            if opened.is_hurried() || !budget.take() {
                return Ok(None);
            }
            let page = opened.page(&self.conversation.id, &history).await?;
            thread.extend(page.items);
            history.cursor = page.next;
            if history.cursor.is_none() {
                break;
            }
        }
        thread.retain(|answer| answer.at.id != first && self.until.is_none_or(|until| millisecond(answer) <= until));
        Ok(Some(thread))
    }

    /// Takes a page that was read, and returns its messages, each with its run. What cannot be read ends the walk, but
    /// for a missing sign-in, which ends them all.
    pub(super) fn take(&mut self, page: Result<Option<Stretch>>) -> Result<Vec<(usize, Message)>> {
        let stretch = match page {
            Ok(Some(stretch)) => stretch,
            Ok(None) => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::SignInRequired => return Err(error),
            Err(error) => {
                self.error = Some(error);
                return Ok(Vec::new());
            }
        };
        self.pages += 1;
        self.reached = stretch.reached;
        self.held = stretch.held;
        self.history.cursor = stretch.next;
        let first = self.runs.len();
        self.runs.resize(first + stretch.threads.len(), Vec::new());
        let threads = stretch.threads.into_iter().enumerate();
        let answers = threads.flat_map(|(at, (_, thread))| thread.into_iter().map(move |answer| (first + at, answer)));
        Ok(stretch.history.into_iter().map(|message| (0, message)).chain(answers).collect())
    }
}

/// Returns when the threads may have begun that are answered since `since`.
fn began(since: Timestamp) -> Timestamp {
    since.checked_sub(THREADS_LIVE).unwrap_or(Timestamp::MIN)
}

pub(super) fn millisecond(message: &Message) -> i64 {
    message.time.as_millisecond()
}
