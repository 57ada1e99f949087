//! `search_messages`: the platforms' own search where it will do, else a bounded scan that says how far it got.
//!
//! - `wanted`: what is searched for. `matching`, `words` and `ranking`: which texts say it, and which say it best.
//! - `scan` and `walk`: how conversations are read where the platform does not search. `frontier`: where that goes on.
//! - `context`: what stands around a hit. `showing`: what the answer looks like.

mod context;
mod frontier;
mod matching;
mod ranking;
mod scan;
mod showing;
mod walk;
mod wanted;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Result, Text,
    chat::{Conversation, Message, Query},
    tool,
};

use self::{
    context::{ASKED, Hit},
    frontier::{Frontier, Place},
    matching::{Mode, Pattern},
    scan::{Scanned, scan},
    showing::Shown,
    wanted::{Filter, Has, Wanted},
};
use super::{
    cursor::{Cursor, Position, mark},
    policy::title,
    read::Format,
    sanitise,
    scope::Scope,
    served::{Chats, Opened},
    time::Window,
};

/// Most pages of a platform's own search in which nothing passes the filters.
const PASSED_OVER: usize = 5;
/// Most messages to show on either side of a hit.
const MOST_AROUND: u8 = 3;
/// Most conversations that are asked for their names one by one.
const NAMED: usize = 5;

/// What one account found.
struct Findings {
    /// The best first.
    hits: Vec<Hit>,
    /// How many more were found.
    more: usize,
    source: Source,
    /// How it was searched, and how far.
    coverage: String,
    /// The conversations, as far as they are known.
    known: BTreeMap<String, Conversation>,
}

/// Where the hits are from, and where their search goes on.
enum Source {
    /// A page of the platform's search.
    Platform { page: Option<String>, position: Position, next: Option<String> },
    /// A stretch of a scan.
    Scan { start: Frontier, end: Option<Frontier> },
}

/// Searches messages: by the platform's own search, or where it has none, or with `mode`, by reading back as far as the
/// answer says. Without `query`, lists what passes the filters.
#[expect(clippy::too_many_arguments, reason = "the parameters are the tool's")]
#[tool(read)]
async fn search_messages(
    chats: &Chats,
    /// Words, a text or a pattern.
    query: Option<String>,
    /// Conversation such as `#general`, or `account:`.
    r#in: Option<String>,
    /// Author: `@mara`, an e-mail, an id or `me`.
    from: Option<String>,
    /// From this time, such as `1d` or `2026-11-20`.
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// What must hang on it.
    has: Option<Has>,
    /// Only what mentions me.
    mentions_me: Option<bool>,
    /// How to match.
    mode: Option<Mode>,
    /// Messages to show around each, up to 3.
    context: Option<u8>,
    /// Most per account.
    #[default(20)]
    limit: u16,
    /// From the `next:` line before.
    cursor: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let (query, mentions_me) = (query.unwrap_or_default(), mentions_me.unwrap_or_default());
    let asked = format!("{:?}", (&query, &r#in, &from, &since, &until, &has, mentions_me, &mode));
    let text = sanitise::text(&query);
    let from = from.map(|from| from.trim().to_owned()).filter(|from| !from.is_empty());
    let pattern = Pattern::read(&text, mode.unwrap_or(Mode::Hybrid))?;
    if matches!(pattern, Pattern::Anything) && from.is_none() && has.is_none() && !mentions_me {
        return Err(Error::invalid("argument `query` is empty")
            .hint("write words, or set `from`, `has` or `mentions_me`; read_messages reads without them"));
    }
    let wanted = &Wanted {
        text: sanitise::line(&text),
        mode,
        pattern,
        from,
        window: Window::read(since.as_deref(), until.as_deref())?,
        has,
        mentions_me,
        context: usize::from(context.unwrap_or_default().min(MOST_AROUND)),
        limit: usize::from(limit.clamp(1, 100)),
        fingerprint: mark(&asked),
    };
    let cursor = Cursor::read(cursor.as_deref())?;
    let places = cursor.as_ref().map(|cursor| places(cursor, wanted.fingerprint)).transpose()?;
    let Scope { mut accounts, conversation } = Scope::read(chats, r#in.as_deref()).await?;
    if let Some(places) = &places {
        accounts.retain(|account| places.contains_key(account.key()));
    }
    let (places, conversation) = (&places.unwrap_or_default(), conversation.as_ref());
    let answers = chats.ask(&accounts, |opened| async move {
        let place = places.get(opened.account.key()).cloned();
        search(chats, &opened, wanted, conversation, place).await
    });
    let as_json = matches!(format, Some(Format::Json));
    let shown = Shown::of(chats, answers.await.some()?, wanted, as_json);
    Ok(Text(if as_json { shown.json() } else { shown.text(wanted) }))
}

/// Reads where each account was left off.
fn places(cursor: &Cursor, fingerprint: u32) -> Result<BTreeMap<AccountKey, (Place, Position)>> {
    let read = |(account, position): (&AccountKey, &Position)| {
        let place = Place::read(position.page.as_deref().unwrap_or_default(), fingerprint)?;
        Ok((account.clone(), (place, position.clone())))
    };
    cursor.0.iter().map(read).collect()
}

async fn search(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    only: Option<&Conversation>,
    place: Option<(Place, Position)>,
) -> Result<Findings> {
    let filter = Filter::of(opened, wanted).await?;
    let found = match place {
        Some((Place::Scan(start), _)) => by_scan(chats, opened, wanted, &filter, only, start).await?,
        Some((Place::Platform(page), position)) => by_platform(opened, wanted, &filter, only, page, position).await?,
        None => match by_platform(opened, wanted, &filter, only, None, Position::default()).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                by_scan(chats, opened, wanted, &filter, only, Frontier::default()).await?
            }
            found => found?,
        },
    };
    let known = known(chats, opened, only, &found.hits).await;
    Ok(Findings { known, ..found })
}

async fn by_platform(
    opened: &Opened<'_>,
    wanted: &Wanted,
    filter: &Filter,
    only: Option<&Conversation>,
    mut page: Option<String>,
    mut position: Position,
) -> Result<Findings> {
    if !wanted.suits_platforms() {
        return Err(opened.lacks("search of that kind"));
    }
    let mut query = Query {
        text: wanted.text.clone(),
        conversation: only.map(|conversation| conversation.id.clone()),
        from: filter.author(),
        since: wanted.window.since,
        until: wanted.window.until,
        limit: wanted.limit,
        cursor: None,
    };
    let mut turns = 0;
    let (mut hits, next) = loop {
        query.cursor.clone_from(&page);
        let found = opened.hits(&query).await?;
        let mut messages = position.rest(found.items);
        messages.retain(|message| filter.admits(message));
        turns += 1;
        match found.next {
            Some(next) if messages.is_empty() && turns < PASSED_OVER && !opened.is_hurried() => {
                (page, position) = (Some(next), Position::default());
            }
            next => break (messages.into_iter().map(Hit::alone).collect::<Vec<_>>(), next),
        }
    };
    let mut coverage = "its own search".to_owned();
    coverage.push_str(unsearched(opened));
    if wanted.context > 0 {
        let unknown = context::surround(opened, &mut hits, wanted.context).await?;
        context::merge(&mut hits);
        if hits.len() > ASKED {
            coverage.push_str(&format!(", context for the best {ASKED} hits only"));
        }
        if unknown > 0 {
            coverage.push_str(&format!(", the context of {unknown} could not be read"));
        }
    }
    Ok(Findings { hits, more: 0, source: Source::Platform { page, position, next }, coverage, known: BTreeMap::new() })
}

async fn by_scan(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    filter: &Filter,
    only: Option<&Conversation>,
    start: Frontier,
) -> Result<Findings> {
    let Scanned { mut hits, more, start, end, coverage } = scan(chats, opened, wanted, filter, only, start).await?;
    context::merge(&mut hits);
    Ok(Findings { hits, more, source: Source::Scan { start, end }, coverage, known: BTreeMap::new() })
}

/// Says what is searched nowhere, so that no search tells what is in it.
fn unsearched(opened: &Opened<'_>) -> &'static str {
    let rules = &opened.account.rules;
    match (rules.restrict_reading(), rules.lockdown) {
        (false, false) => "",
        (true, false) => " of what may be read",
        (false, true) => " of what members wrote",
        (true, true) => " of what may be read and members wrote",
    }
}

/// Returns the conversations of these hits. It is no failure if they are not known.
async fn known(
    chats: &Chats,
    opened: &Opened<'_>,
    only: Option<&Conversation>,
    hits: &[Hit],
) -> BTreeMap<String, Conversation> {
    let wanted: BTreeSet<&str> = hits.iter().map(|hit| hit.message.at.conversation.as_str()).collect();
    let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
    let mut know = |mut conversation: Conversation| {
        sanitise::conversation(&mut conversation);
        known.insert(conversation.id.clone(), conversation);
    };
    for id in wanted {
        let asked_for = only.filter(|only| only.id == id).cloned();
        match asked_for.or(opened.remembered.with_id(id).await) {
            Some(conversation) => know(conversation),
            None => unknown.push(id),
        }
    }
    if unknown.len() > NAMED {
        let listed = chats.conversations(opened, false).await.unwrap_or_default();
        listed.iter().filter(|listed| unknown.contains(&listed.id.as_str())).cloned().for_each(know);
    } else {
        let asked = unknown.iter().map(|id| opened.conversation(id));
        join_all(asked).await.into_iter().flatten().for_each(know);
    }
    known
}

/// Returns what people call a conversation, if it is known.
fn called(known: Option<&Conversation>) -> String {
    known.map_or_else(|| "conversation".to_owned(), title)
}

impl Findings {
    fn title(&self, message: &Message) -> String {
        called(self.known.get(&message.at.conversation))
    }

    /// Returns where the search goes on if the first `shown` hits are shown.
    fn next(&self, shown: usize, fingerprint: u32) -> Option<Position> {
        let left = shown < self.hits.len() || self.more > 0;
        match &self.source {
            Source::Platform { page, position, next } => {
                let page = if left { page.clone() } else { Some(next.clone()?) };
                let mut position = if left { position.clone() } else { Position::default() };
                position.page = Some(Place::Platform(page).write(fingerprint));
                Some(match self.hits.get(shown.wrapping_sub(1)).filter(|_| left) {
                    Some(last) => position.behind(&last.message.at.id),
                    None => position,
                })
            }
            Source::Scan { start, end } => {
                let mut frontier = if left { start.clone() } else { end.clone()? };
                let shown = self.hits[..shown].iter().filter(|_| left);
                frontier.shown.extend(shown.map(|hit| message_mark(&hit.message)));
                Some(Position::page(Place::Scan(frontier).write(fingerprint)))
            }
        }
    }

    /// Returns about how many characters its cursor takes at most.
    fn cursor_size(&self) -> usize {
        let sizes = [0, self.hits.len()]
            .map(|shown| self.next(shown, 0).and_then(|position| position.page).map_or(0, |page| page.len()));
        // The marks of what is shown, and all of it once more in base64.
        (sizes[0].max(sizes[1]) + 6 * self.hits.len() + 40) * 4 / 3
    }
}

/// Returns the mark of a message.
fn message_mark(message: &Message) -> u32 {
    mark(&format!("{}/{}", message.at.conversation, message.at.id))
}
