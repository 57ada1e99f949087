//! How the hits of several accounts are shown together: the best of each in turn, by conversation, cut between messages.

use std::{collections::BTreeMap, fmt::Write, iter::once};

use serde_json::{Value, json};
use switchboard_kit::{AccountKey, chat::Message};

use super::{Findings, called, context::Hit, wanted::Wanted};
use crate::chat::{
    answers::{Answers, for_programs},
    cursor::{Cursor, footer},
    read::with_ref,
    sanitise,
    served::Chats,
    time,
    transcript::{View, fitting},
};

/// What stands before a message that only surrounds a hit.
const AROUND: &str = "· ";
/// Most characters of a conversation's own line, which comes, at worst, before every hit.
const TITLE: usize = 150;

/// Hits of one conversation, as the answer has them.
struct Group {
    /// What people call it, and its exact target.
    title: String,
    account: AccountKey,
    hits: Vec<Hit>,
}

/// What is shown of all that was found.
pub(super) struct Shown {
    /// In the order of their best hit.
    groups: Vec<Group>,
    /// The best first.
    ranked: Vec<Value>,
    left: usize,
    coverage: String,
    /// What has to be said if something is withheld.
    note: Option<String>,
    next: Option<String>,
    several: bool,
}

impl Shown {
    /// Takes from the answers what fits: round by round, so that what does not is cut from every account alike.
    pub(super) fn of(chats: &Chats, answers: Answers<'_, Findings>, wanted: &Wanted, as_json: bool) -> Self {
        let (zone, several) = (time::zone(), chats.served.accounts.len() > 1);
        let missing = answers.coverage();
        let size = |hit: &Hit, title: &str| {
            if as_json {
                return to_json(hit, title).to_string().chars().count() + 1;
            }
            let view = View { zone: &zone, account: Some(&hit.message.at.account).filter(|_| several), thread: None };
            TITLE + hit.all().map(|(message, _)| view.size(message) + AROUND.len()).sum::<usize>()
        };
        let in_turn = in_turn(answers.given.iter().map(|(_, hits)| hits.hits.len()));
        let sizes = in_turn.iter().map(|(account, at)| {
            let hits = &answers.given[*account].1;
            size(&hits.hits[*at], &hits.title(&hits.hits[*at].message))
        });
        let cursors = answers.given.iter().map(|(_, hits)| hits.cursor_size()).sum();
        let fits = fitting(once(cursors).chain(sizes)).saturating_sub(1).max(1).min(in_turn.len());
        let found: usize = answers.given.iter().map(|(_, hits)| hits.hits.len() + hits.more).sum();

        let mut taken = vec![0; answers.given.len()];
        for (account, _) in &in_turn[..fits] {
            taken[*account] += 1;
        }
        let (mut next, mut lines) = (Cursor::default(), Vec::new());
        let mut sources = Vec::new();
        for ((account, hits), count) in answers.given.into_iter().zip(taken) {
            if let Some(position) = hits.next(count, wanted.fingerprint) {
                next.0.insert(account.key().clone(), position);
            }
            lines.push(format!("{}: {}", account.key(), hits.coverage));
            sources.push((account.key(), hits.known, hits.hits.into_iter()));
        }
        lines.extend(missing);
        let (mut groups, mut ranked, mut note): (Vec<Group>, Vec<Value>, Option<String>) = Default::default();
        for (account, _) in &in_turn[..fits] {
            let (key, known, hits) = &mut sources[*account];
            let Some(hit) = hits.next() else { continue };
            let known = known.get(&hit.message.at.conversation);
            note = chats.shows(key, known, hit.all().map(|(message, _)| message)).or(note);
            let title = called(known);
            if as_json {
                ranked.push(to_json(&hit, &title));
                continue;
            }
            let title = format!("{title} ({key}:{})", hit.message.at.conversation);
            match groups.iter_mut().find(|group| group.title == title) {
                Some(group) => group.hits.push(hit),
                None => groups.push(Group { title, account: (*key).clone(), hits: vec![hit] }),
            }
        }
        Self { groups, ranked, left: found - fits, coverage: lines.join("; "), note, next: next.write(), several }
    }

    pub(super) fn text(self, wanted: &Wanted) -> String {
        let zone = time::zone();
        let count: usize = self.groups.iter().map(|group| group.hits.len()).sum();
        let count = if count == 1 { "1 hit".to_owned() } else { format!("{count} hits") };
        let query = sanitise::name(&wanted.text);
        let query = if query.is_empty() { query } else { format!("`{query}`: ") };
        let mut text = format!("{query}{count}, times in {}\n", time::zone_name(&zone));
        for group in self.groups {
            let view = View { zone: &zone, account: Some(&group.account).filter(|_| self.several), thread: None };
            let _ = write!(text, "# {}\n{}", group.title, transcript(&view, &group.hits));
        }
        if self.left > 0 {
            let hits = if self.left == 1 { "hit" } else { "hits" };
            let _ = writeln!(text, "{} more {hits}; the cursor goes on with them", self.left);
        }
        for line in [self.coverage].into_iter().chain(self.note) {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str(&footer(self.next.as_deref()));
        text
    }

    pub(super) fn json(self) -> String {
        for_programs(
            json!({ "messages": self.ranked, "left": self.left }),
            [self.coverage].into_iter().chain(self.note),
            self.next,
        )
    }
}

/// Returns (account, hit) with the best of each account first, then the second of each, and so on.
fn in_turn(counts: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
    let mut all: Vec<_> =
        counts.enumerate().flat_map(|(account, count)| (0..count).map(move |at| (account, at))).collect();
    all.sort_by_key(|(account, at)| (*at, *account));
    all
}

/// Shows hits in the order of time, each among what surrounds it.
fn transcript(view: &View<'_>, hits: &[Hit]) -> String {
    // Of the same instant, what was ranked by time has the newest first.
    let mut all: Vec<_> = hits.iter().rev().flat_map(Hit::all).collect();
    all.sort_by_key(|(message, _)| message.time);
    let lines = view.lines(all.iter().map(|(message, _)| *message));
    let mut meant = all.iter().map(|(_, meant)| *meant);
    let mut marked = String::with_capacity(lines.len());
    for line in lines.lines() {
        // Each message has one line that begins at the margin, and dates have the others.
        let begins = !line.starts_with(' ') && !line.starts_with('#');
        if begins && meant.next() == Some(false) {
            marked.push_str(AROUND);
        }
        marked.push_str(line);
        marked.push('\n');
    }
    marked
}

fn to_json(hit: &Hit, title: &str) -> Value {
    let write = |message: &Message| {
        let at = &message.at;
        with_ref(message, &format!("{}:{}/{}", at.account, at.conversation, sanitise::line(&at.id)))
    };
    let mut value = write(&hit.message);
    value["in"] = title.into();
    for (side, messages) in BTreeMap::from([("before", &hit.before), ("after", &hit.after)]) {
        if !messages.is_empty() {
            value[side] = messages.iter().map(write).collect();
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_each_account_come_first() {
        let turns = in_turn([2, 0, 3].into_iter());
        assert_eq!(turns, [(0, 0), (2, 0), (0, 1), (2, 1), (2, 2)]);
    }
}
