//! The news of all accounts in the order of how much they concern the user, as far as they fit.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use switchboard_kit::{
    AccountKey,
    chat::{Conversation, Message},
};

use super::{
    gather::News,
    look::{Look, Rank, Section},
};
use crate::chat::{
    answers::{Answers, for_programs},
    cursor::{self, footer},
    policy::title,
    read::with_ref,
    served::Chats,
    time,
    transcript::{LONGEST, View, shortened},
};

/// Most characters of one message's text here: `read_messages` shows all of it.
const LONGEST_TEXT: usize = 1_500;
/// What is kept free for the first and the last lines.
const MARGIN: usize = 400;
/// Most encrypted conversations that are named.
const SEALED: usize = 20;

/// One message of the news.
struct Item {
    rank: Rank,
    /// The account's and the conversation's place among all.
    place: (usize, usize),
    message: Message,
}

/// A conversation as it is shown.
struct Heading {
    conversation: Conversation,
    title: String,
    target: String,
    earlier: usize,
    is_cut: bool,
}

/// What is shown of the news.
pub(super) struct Digest {
    zone: TimeZone,
    several: bool,
    json: bool,
    from: Vec<String>,
    headings: Vec<Vec<Heading>>,
    counts: BTreeMap<Section, usize>,
    items: Vec<Item>,
    left: usize,
    sealed: Vec<String>,
    pub(super) notes: Vec<String>,
    looks: BTreeMap<AccountKey, Look>,
    /// Those that answered this time.
    answered: BTreeSet<AccountKey>,
}

impl Digest {
    /// Puts in order what the accounts answered; `earlier` are the looks that a cursor brought along.
    pub(super) fn new(
        chats: &Chats,
        answers: Answers<'_, News>,
        earlier: Option<BTreeMap<AccountKey, Look>>,
        limit: usize,
        json: bool,
    ) -> Self {
        let first = earlier.is_none();
        let several = chats.served.accounts.len() > 1;
        let mut digest = Self {
            zone: time::zone(),
            several,
            json,
            from: Vec::new(),
            headings: Vec::new(),
            counts: BTreeMap::new(),
            items: Vec::new(),
            left: 0,
            sealed: Vec::new(),
            notes: Vec::new(),
            looks: earlier.unwrap_or_default(),
            answered: BTreeSet::new(),
        };
        let coverage = answers.coverage();
        for (index, (account, news)) in answers.given.into_iter().enumerate() {
            digest.add(index, account.key(), news, first);
        }
        digest.notes.extend(coverage);
        digest.items.sort_by(|one, other| one.rank.cmp(&other.rank));
        digest.cut(limit);
        let mut withheld = None;
        for item in &digest.items {
            let conversation = &digest.heading(item).conversation;
            withheld = chats.shows(&item.rank.2, Some(conversation), [&item.message]).or(withheld);
        }
        digest.notes.extend(withheld);
        digest
    }

    fn add(&mut self, account: usize, key: &AccountKey, news: News, first: bool) {
        let since = news.look.since.map(|since| format!("since {}", time::minute(since, &self.zone)));
        let from = format!("{}{}", since.unwrap_or_default(), news.from);
        // What is unread is said on the first page.
        if !from.is_empty() {
            self.from.push(if self.several { format!("{key}: {from}") } else { from });
        }
        if first {
            self.notes.push(news.coverage);
        }
        let shown = news.look.shown.as_ref();
        for one in news.sealed.iter().take(SEALED) {
            self.sealed.push(sealed(key, one));
        }
        if let Some(more) = news.sealed.len().checked_sub(SEALED).filter(|more| *more > 0) {
            self.sealed.push(format!("and {more} more of {key}"));
        }
        let mut headings = Vec::new();
        for (index, room) in news.rooms.into_iter().enumerate() {
            let id = &room.conversation.id;
            headings.push(Heading {
                conversation: room.conversation.clone(),
                title: title(&room.conversation),
                target: format!("{key}:{id}"),
                earlier: room.earlier,
                is_cut: room.is_cut,
            });
            if first && room.earlier > 0 && room.news.is_empty() {
                let target = format!("{} ({key}:{id})", title(&room.conversation));
                self.notes
                    .push(format!("{target}: {} unread, in threads that were not read or further back", room.earlier));
            } else if first && room.earlier > 0 {
                let section = room.news.iter().map(|(section, _)| *section).max().unwrap_or(Section::Rest);
                *self.counts.entry(section).or_default() += room.earlier;
            }
            let mut newest: BTreeMap<Section, i64> = BTreeMap::new();
            for (section, message) in &room.news {
                let time = message.time.as_millisecond();
                newest.entry(*section).and_modify(|newest| *newest = time.max(*newest)).or_insert(time);
            }
            for (section, message) in room.news {
                let (group, id) = (-newest[&section], message.at.id.clone());
                let conversation = message.at.conversation.clone();
                let rank = Rank(section, group, key.clone(), conversation, message.time, id);
                if shown.is_some_and(|shown| rank <= *shown) {
                    // The page before has said what there is before these.
                    if let Some(heading) = headings.last_mut() {
                        (heading.earlier, heading.is_cut) = (0, false);
                    }
                } else {
                    *self.counts.entry(section).or_default() += 1;
                    self.items.push(Item { rank, place: (account, index), message: shortened(message, LONGEST_TEXT) });
                }
            }
        }
        self.headings.push(headings);
        self.answered.insert(key.clone());
        self.looks.insert(key.clone(), news.look);
    }

    /// Keeps what fits, and notes what of each account is left for the next page.
    fn cut(&mut self, limit: usize) {
        let around: usize =
            self.notes.iter().chain(&self.sealed).chain(&self.from).map(|line| line.chars().count() + 1).sum();
        let mut room = LONGEST.saturating_sub(MARGIN + around + cursor::pack(&self.looks).len());
        let (mut fits, mut before) = (0, None);
        for item in self.items.iter().take(limit) {
            let heading = self.heading(item);
            let mut size = if self.json {
                json!(item.message).to_string().chars().count() + heading.target.len() + item.message.at.id.len() + 32
            } else {
                self.view(&item.rank.2).size(&item.message)
            };
            let group = (item.rank.0, item.place);
            if before.replace(group) != Some(group) {
                size += heading.title.chars().count() + heading.target.len() + 120;
            }
            if size > room && fits > 0 {
                break;
            }
            room = room.saturating_sub(size);
            fits += 1;
        }
        self.left = self.items.len() - fits;
        let left: BTreeSet<_> =
            self.items[fits..].iter().map(|item| (item.rank.2.clone(), item.rank.3.clone())).collect();
        let last = fits.checked_sub(1).and_then(|last| self.items.get(last)).map(|item| item.rank.clone());
        for (key, look) in self.looks.iter_mut().filter(|(key, _)| self.answered.contains(*key)) {
            look.conversations.retain(|id, _| left.contains(&(key.clone(), id.clone())));
            look.shown = last.clone().or(look.shown.take());
        }
        self.items.truncate(fits);
    }

    /// Returns the looks as they are now, and whether nothing is left to be shown.
    pub(super) fn looks(&self) -> (BTreeMap<AccountKey, Look>, bool) {
        (self.looks.clone(), !self.looks.values().any(Look::has_more))
    }

    pub(super) fn text(&self, first: bool, next: Option<&str>) -> String {
        let mut text = self.from.join("; ");
        text.push_str(if text.is_empty() { "" } else { ", " });
        let _ = writeln!(text, "times in {}", time::zone_name(&self.zone));
        let (mut section, mut rest) = (None, &self.items[..]);
        while let Some(begin) = rest.first() {
            let group = (begin.rank.0, begin.place);
            let length = rest.iter().take_while(|item| (item.rank.0, item.place) == group).count();
            let (shown, after) = rest.split_at(length);
            rest = after;
            if section.replace(begin.rank.0) != Some(begin.rank.0) {
                let count = self.counts.get(&begin.rank.0).copied().unwrap_or_default();
                let left = if first { "" } else { " left" };
                let _ = writeln!(text, "# {} ({count}{left})", begin.rank.0.title());
            }
            let heading = self.heading(begin);
            let _ = writeln!(text, "{} ({}){}", heading.title, heading.target, heading.note(begin.rank.0));
            text.push_str(&self.view(&begin.rank.2).lines(shown.iter().map(|item| &item.message)));
        }
        if self.items.is_empty() {
            text.push_str("nothing new\n");
        }
        if !self.sealed.is_empty() {
            let _ = writeln!(text, "# end-to-end encrypted, cannot be read here\n{}", self.sealed.join("\n"));
        }
        if self.left > 0 {
            let _ = writeln!(text, "{} more did not fit; the cursor goes on with them", self.left);
        }
        for note in &self.notes {
            text.push_str(note);
            text.push('\n');
        }
        text.push_str(&footer(next));
        text
    }

    pub(super) fn json(&self, next: Option<&str>) -> String {
        let messages: Vec<Value> = self
            .items
            .iter()
            .map(|item| {
                let mut value =
                    with_ref(&item.message, &format!("{}/{}", self.heading(item).target, item.message.at.id));
                value["section"] = item.rank.0.title().into();
                value
            })
            .collect();
        let counts: BTreeMap<_, _> = self.counts.iter().map(|(section, count)| (section.title(), count)).collect();
        let answer = json!({
            "from": self.from, "counts": counts, "messages": messages, "encrypted": self.sealed, "left": self.left,
        });
        for_programs(answer, self.notes.clone(), next.map(ToOwned::to_owned))
    }

    fn heading(&self, item: &Item) -> &Heading {
        &self.headings[item.place.0][item.place.1]
    }

    fn view<'a>(&'a self, account: &'a AccountKey) -> View<'a> {
        View { zone: &self.zone, account: Some(account).filter(|_| self.several), thread: None }
    }
}

impl Heading {
    /// Says what of the conversation is not shown.
    fn note(&self, section: Section) -> String {
        let mut note = String::new();
        if section != Section::Direct && section != Section::Rest {
            return note;
        }
        if self.earlier > 0 {
            let _ = write!(note, ", {} before these: read_messages has them", self.earlier);
        }
        if self.is_cut {
            note.push_str(", not read to the beginning: read_messages goes on");
        }
        note
    }
}

fn sealed(account: &AccountKey, conversation: &Conversation) -> String {
    let unread =
        conversation.unread.filter(|unread| *unread > 0).map(|unread| format!(", {unread} unread")).unwrap_or_default();
    format!("{} ({account}:{}){unread}", title(conversation), conversation.id)
}
