//! What arrived while waiting, what of it fits, and where the next wait goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    time::Duration,
};

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Result,
    chat::{Change, Conversation, Message},
};

use super::follow::Word;
use crate::chat::{
    answers::Answers,
    cursor::{self, footer},
    policy::title,
    served::{Chats, Opened},
    time,
    transcript::{LONGEST, View, shortened},
};

/// What is kept free for the first and the last lines.
const MARGIN: usize = 1_500;
/// Most characters of one message's text here: `read_messages` shows all of it.
const LONGEST_TEXT: usize = 3_000;

/// What the line above a conversation's messages takes, and its place in the cursor.
const GROUP: usize = 400;
/// A conversation whose name cannot be had.
const UNNAMED: &str = "conversation";

/// What a cursor says. It needs nothing that a process remembers.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Bookmark {
    #[serde(rename = "w")]
    points: BTreeMap<AccountKey, Point>,
}

/// Where one account was left off.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Point {
    /// The platform's own cursor.
    #[serde(rename = "c")]
    cursor: String,
    /// What was shown already of what comes after it: the last of each conversation.
    #[serde(rename = "s", default, skip_serializing_if = "BTreeMap::is_empty")]
    shown: BTreeMap<String, Mark>,
}

/// Names one change of a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark(Kind, String);

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "n")]
    New,
    #[serde(rename = "e")]
    Edited,
    #[serde(rename = "d")]
    Deleted,
}

/// One change that the user is to see.
struct Arrival {
    /// The account's place among all.
    place: usize,
    /// The platform's cursor before the answer that told it.
    before: String,
    kind: Kind,
    message: Message,
}

/// An account that is followed.
struct Line<'a> {
    opened: &'a Opened<'a>,
    /// Where it stands; none before it has answered.
    point: Option<Point>,
    /// Where it stood at first.
    start: Option<Point>,
    failed: Option<Error>,
}

/// All that arrived.
pub(super) struct Arrivals<'a> {
    chats: &'a Chats,
    lines: Vec<Line<'a>>,
    only: Option<&'a str>,
    mentions_only: bool,
    arrived: Vec<Arrival>,
    size: usize,
}

impl<'a> Arrivals<'a> {
    pub(super) fn new(
        chats: &'a Chats,
        opened: &'a [Opened<'a>],
        mut bookmark: Bookmark,
        only: Option<&'a str>,
        mentions_only: bool,
    ) -> Self {
        let lines = opened.iter().map(|opened| {
            let point = bookmark.points.remove(opened.account.key());
            Line { opened, start: point.clone(), point, failed: None }
        });
        Self { chats, lines: lines.collect(), only, mentions_only, arrived: Vec::new(), size: 0 }
    }

    /// Returns from where on each account is followed.
    pub(super) fn starts(&self) -> Vec<Option<String>> {
        self.lines.iter().map(|line| line.point.as_ref().map(|point| point.cursor.clone())).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.arrived.len()
    }

    /// Returns whether every account has told where now is, or why it does not.
    pub(super) fn have_begun(&self) -> bool {
        self.lines.iter().all(|line| line.point.is_some() || line.failed.is_some())
    }

    /// Returns whether an answer could not hold more.
    pub(super) fn are_many(&self) -> bool {
        self.size > LONGEST - MARGIN
    }

    /// Takes in what was heard of an account; returns whether there is something in it for the user.
    pub(super) fn hear(&mut self, place: usize, word: Word) -> bool {
        let line = &mut self.lines[place];
        let (before, delta, me) = match word {
            Word::Failed(error) => {
                line.failed = Some(error);
                return false;
            }
            Word::Told { before, delta, me } => (before, delta, me),
        };
        line.failed = None;
        let shown = line.point.replace(Point { cursor: delta.cursor, shown: BTreeMap::new() });
        let Some(before) = before else { return false };
        let changes = delta.changes.into_iter().filter_map(read).collect();
        let shown = shown.map(|point| point.shown).unwrap_or_default();
        let mut changes = unseen(changes, &shown);
        changes.retain(|(_, message)| {
            let mentioned = message.mentions_everyone || message.mentions.contains(&me.id);
            message.author.id != me.id
                && self.only.is_none_or(|only| message.at.conversation == only)
                && (mentioned || !self.mentions_only)
        });
        let count = self.arrived.len();
        for (kind, message) in changes {
            self.arrived.push(Arrival {
                place,
                before: before.clone(),
                kind,
                message: shortened(message, LONGEST_TEXT),
            });
        }
        let zone = time::zone();
        let view = View { zone: &zone, account: None, thread: None };
        self.size += self.arrived[count..].iter().map(|arrival| view.size(&arrival.message)).sum::<usize>();
        self.arrived.len() > count
    }

    /// Shows what arrived, the newest version of each message, with the cursor that goes on behind it.
    pub(super) async fn show(mut self, waited: Duration) -> Result<String> {
        let fits = self.fitting();
        let left = self.arrived.split_off(fits);
        let next = cursor::pack(&self.bookmark(&left));
        let arrived = std::mem::take(&mut self.arrived);
        let groups = grouped(if left.is_empty() { newest_versions(arrived) } else { arrived });
        let known = self.known(&groups).await;
        let several = self.chats.served.accounts.len() > 1;
        let (zone, mut withheld) = (time::zone(), None);
        let waited = time::duration_name(waited);
        let mut text = match groups.iter().map(|group| group.messages.len()).sum::<usize>() {
            0 => format!("nothing new in {waited}\n"),
            count => format!("{count} new in {waited}, times in {}\n", time::zone_name(&zone)),
        };
        for (group, known) in groups.iter().zip(known) {
            let account = self.lines[group.place].opened.account.key();
            withheld = self.chats.shows(account, known.as_ref(), &group.messages).or(withheld);
            let title = known.as_ref().map_or_else(|| UNNAMED.to_owned(), title);
            let view = View { zone: &zone, account: Some(account).filter(|_| several), thread: None };
            let _ = writeln!(text, "# {title} ({account}:{})", group.conversation);
            text.push_str(&view.lines(&group.messages));
        }
        if !left.is_empty() {
            let _ = writeln!(text, "{} more did not fit; the cursor goes on with them", left.len());
        }
        let coverage = self.answers().some()?.coverage();
        for line in withheld.into_iter().chain(coverage).chain([footer(Some(&next))]) {
            text.push_str(&line);
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        Ok(text)
    }

    /// Says which accounts were followed, and which were not, at least at the end.
    fn answers(&mut self) -> Answers<'a, ()> {
        let mut answers = Answers::default();
        for line in &mut self.lines {
            let account = line.opened.account;
            if line.point.is_some() {
                answers.given.push((account, ()));
            } else if line.failed.is_none() {
                line.failed = Some(Error::new(ErrorKind::TimedOut, "it has not answered yet"));
            }
            if let Some(error) = line.failed.take() {
                answers.missing.push((account, account.explain(error)));
            }
        }
        answers
    }

    /// Returns how many of what arrived can be shown; at least one.
    fn fitting(&self) -> usize {
        let zone = time::zone();
        let (mut room, mut groups) = (LONGEST - MARGIN, BTreeSet::new());
        let fits = self.arrived.iter().take_while(|arrival| {
            let account = self.lines[arrival.place].opened.account.key();
            let mut size = View { zone: &zone, account: Some(account), thread: None }.size(&arrival.message);
            if groups.insert(arrival.group()) {
                size += GROUP;
            }
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        fits.count().max(1).min(self.arrived.len())
    }

    /// Returns where to go on, if `left` was not shown.
    fn bookmark(&self, left: &[Arrival]) -> Bookmark {
        let mut points = BTreeMap::new();
        for (place, line) in self.lines.iter().enumerate() {
            let Some(mut point) = line.point.clone() else { continue };
            if let Some(first) = left.iter().find(|arrival| arrival.place == place) {
                let again = line.start.as_ref().filter(|start| start.cursor == first.before);
                let mut shown = again.map(|start| start.shown.clone()).unwrap_or_default();
                let told =
                    self.arrived.iter().filter(|arrival| arrival.place == place && arrival.before == first.before);
                shown.extend(told.map(|arrival| (arrival.message.at.conversation.clone(), arrival.mark())));
                point = Point { cursor: first.before.clone(), shown };
            }
            points.insert(line.opened.account.key().clone(), point);
        }
        Bookmark { points }
    }

    /// Returns the conversations, as far as they are known.
    async fn known(&self, groups: &[Group]) -> Vec<Option<Conversation>> {
        let asked = groups.iter().map(|group| self.lines[group.place].opened.conversation(&group.conversation));
        join_all(asked).await.into_iter().map(Result::ok).collect()
    }
}

/// What is said together.
struct Group {
    place: usize,
    conversation: String,
    messages: Vec<Message>,
}

impl Arrival {
    fn group(&self) -> (usize, &str) {
        (self.place, &self.message.at.conversation)
    }

    fn mark(&self) -> Mark {
        Mark(self.kind, self.message.at.id.clone())
    }
}

/// Reads a change as a message that says what became of it.
fn read(change: Change) -> Option<(Kind, Message)> {
    match change {
        Change::New(message) => Some((Kind::New, message)),
        Change::Edited(message) => Some((Kind::Edited, Message { edited: true, ..message })),
        Change::Deleted(message) => Some((Kind::Deleted, Message { deleted: true, ..message })),
        _ => None,
    }
}

/// Takes out what was shown: in each conversation, all up to its mark. A conversation only grows at its end.
fn unseen(changes: Vec<(Kind, Message)>, shown: &BTreeMap<String, Mark>) -> Vec<(Kind, Message)> {
    let is = |(kind, message): &(Kind, Message), mark: &Mark| *kind == mark.0 && message.at.id == mark.1;
    let marked = shown.iter().filter_map(|(conversation, mark)| {
        let place = changes.iter().position(|change| is(change, mark))?;
        Some((conversation.clone(), place))
    });
    let marked: BTreeMap<String, usize> = marked.collect();
    let unseen = changes
        .into_iter()
        .enumerate()
        .filter(|(place, (_, message))| marked.get(&message.at.conversation).is_none_or(|last| place > last));
    unseen.map(|(_, change)| change).collect()
}

/// Keeps of each message the newest version, where it first was.
fn newest_versions(arrived: Vec<Arrival>) -> Vec<Arrival> {
    let mut kept: Vec<Arrival> = Vec::new();
    for arrival in arrived {
        let same = |other: &&mut Arrival| other.place == arrival.place && other.message.at == arrival.message.at;
        match kept.iter_mut().find(same) {
            Some(other) => *other = arrival,
            None => kept.push(arrival),
        }
    }
    kept
}

fn grouped(arrived: Vec<Arrival>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Arrival { place, message, .. } in arrived {
        let conversation = message.at.conversation.clone();
        match groups.iter_mut().find(|group| group.place == place && group.conversation == conversation) {
            Some(group) => group.messages.push(message),
            None => groups.push(Group { place, conversation, messages: vec![message] }),
        }
    }
    groups
}
