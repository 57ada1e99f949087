//! `search_messages`: the platforms' own search where there is one, else a bounded scan that says how far it got.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use serde_json::json;
use switchboard_kit::{
    Error, ErrorKind, Result, Text,
    chat::{Conversation, Message, Query, Reference},
    tool,
};

use super::{
    access::title,
    answers::Answers,
    cursor::{Cursor, Position, footer},
    find::{Purpose, people},
    read::{Format, with_ref},
    sanitise,
    scan::scan,
    served::{Chats, Opened, ServedAccount},
    targets::{self, fold},
    time::{self, Window},
    transcript::{View, fitting},
};

/// What is searched for, wherever.
pub(super) struct Wanted {
    pub(super) text: String,
    pub(super) from: Option<String>,
    pub(super) window: Window,
    pub(super) limit: usize,
}

/// Who must have written it.
pub(super) enum From {
    Anyone,
    Id(String),
    Name(String),
}

impl From {
    pub(super) fn wrote(&self, message: &Message) -> bool {
        match self {
            Self::Anyone => true,
            Self::Id(id) => message.author.id == *id,
            Self::Name(name) => fold(&message.author.name) == *name,
        }
    }
}

/// What one account found.
pub(super) struct Hits {
    /// In the platform's own order.
    pub(super) messages: Vec<Message>,
    pub(super) position: Position,
    pub(super) next: Option<Position>,
    /// How it was searched, if not by the platform.
    pub(super) note: Option<String>,
}

/// Searches messages by words, in one conversation or everywhere.
#[expect(clippy::too_many_arguments, reason = "the parameters are the tool's")]
#[tool(read)]
async fn search_messages(
    chats: &Chats,
    /// Words.
    query: String,
    /// Conversation such as `#general`, or `account:` for one account.
    r#in: Option<String>,
    /// Author: `@mara`, an e-mail, an id or `me`.
    from: Option<String>,
    /// From this time, such as `1d` or `2026-11-20`.
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// Most per account.
    #[default(20)]
    limit: u16,
    /// From the `next:` line before.
    cursor: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let text = sanitise::line(&query);
    if text.is_empty() {
        return Err(Error::invalid("argument `query` is empty").hint("write words; read_messages reads without them"));
    }
    let window = Window::read(since.as_deref(), until.as_deref())?;
    let cursor = Cursor::read(cursor.as_deref())?;
    let wanted = &Wanted { text, from, window, limit: usize::from(limit.clamp(1, 100)) };
    let (mut accounts, conversation) = scope(chats, r#in.as_deref()).await?;
    if let Some(Cursor(positions)) = &cursor {
        accounts.retain(|account| positions.contains_key(account.key()));
    }
    let (positions, conversation) = (&cursor.unwrap_or_default().0, conversation.as_ref());
    let answers = chats.ask(&accounts, |opened| async move {
        let position = positions.get(opened.account.key()).cloned().unwrap_or_default();
        let names = chats.names(&opened, false).await.map(|(names, _)| names).unwrap_or_default();
        Ok((search(chats, &opened, wanted, conversation, position).await?, names))
    });
    let answers = answers.await.some()?;
    let shown = show(chats, answers, |names, id| {
        let known = names.iter().chain(conversation).find(|conversation| conversation.id == id);
        known.map(|known| {
            let mut known = known.clone();
            sanitise::conversation(&mut known);
            title(&known)
        })
    });
    Ok(Text(if matches!(format, Some(Format::Json)) { shown.json() } else { shown.text(&wanted.text) }))
}

async fn scope<'a>(chats: &'a Chats, within: Option<&str>) -> Result<(Vec<&'a ServedAccount>, Option<Conversation>)> {
    let Some(within) = within else { return Ok((chats.served.accounts.iter().collect(), None)) };
    if let (Some(account), "") = targets::split(&chats.served, within) {
        return Ok((vec![account], None));
    }
    let place = chats.place(within, Purpose::Read).await?;
    if place.conversation.encrypted {
        return Err(Error::unsupported(format!(
            "{} is end-to-end encrypted and cannot be searched here",
            place.title()
        ))
        .hint("ask the user to search in the platform's own client"));
    }
    Ok((vec![place.opened.account], Some(place.conversation)))
}

async fn search(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    conversation: Option<&Conversation>,
    position: Position,
) -> Result<Hits> {
    let from = author(chats, opened, wanted.from.as_deref()).await?;
    if let Some(platform) = opened.chat()?.search() {
        let query = Query {
            text: wanted.text.clone(),
            conversation: conversation.map(|conversation| conversation.id.clone()),
            from: if let From::Id(id) = &from { Some(id.clone()) } else { None },
            since: wanted.window.since,
            until: wanted.window.until,
            limit: wanted.limit,
            cursor: position.page.clone(),
        };
        match opened.run(platform.search(&query)).await {
            Ok(page) => {
                let mut messages = position.rest(page.items);
                messages.retain(|message| from.wrote(message) && wanted.window.has(message.time));
                sanitise::messages(&mut messages);
                return Ok(Hits { messages, position, next: page.next.map(Position::page), note: None });
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
    }
    scan(chats, opened, wanted, &from, conversation).await
}

/// Finds out who is meant by `from`, with the account at hand.
async fn author(chats: &Chats, opened: &Opened<'_>, from: Option<&str>) -> Result<From> {
    let Some(from) = from.map(str::trim).filter(|from| !from.is_empty()) else { return Ok(From::Anyone) };
    if from == "me" {
        return Ok(From::Id(chats.myself(opened).await?.id.clone()));
    }
    let prefix = format!("{}:", opened.account.key());
    let from = from.strip_prefix(&prefix).unwrap_or(from);
    if let Some(Reference::Person(id)) = opened.chat()?.reference(from) {
        return Ok(From::Id(id));
    }
    let name = from.strip_prefix('@').unwrap_or(from);
    let mut found = people(opened, name).await?;
    match found.len() {
        0 if opened.chat()?.people().is_some() => {
            Err(Error::not_found(format!("nobody is called `{}` exactly", sanitise::name(from)))
                .hint("write a handle, a full name or an id, as transcripts show them"))
        }
        0 => Ok(From::Name(fold(name))),
        1 => Ok(From::Id(found.remove(0).id)),
        _ => {
            let ids: Vec<_> = found
                .iter()
                .take(5)
                .map(|person| format!("`{}` ({})", sanitise::line(&person.id), sanitise::name(&person.name)))
                .collect();
            Err(Error::invalid(format!("`{}` means several: {}", sanitise::name(from), ids.join(", ")))
                .hint("use one of these ids"))
        }
    }
}

/// Hits of one conversation, in the order of time.
struct Group {
    /// What people call it, and its exact target.
    title: String,
    target: String,
    lines: String,
    messages: Vec<Message>,
}

struct Shown {
    groups: Vec<Group>,
    left: usize,
    notes: Vec<String>,
    next: Option<String>,
}

type Names = Arc<Vec<Conversation>>;

fn show(
    chats: &Chats,
    answers: Answers<'_, (Hits, Names)>,
    title: impl Fn(&[Conversation], &str) -> Option<String>,
) -> Shown {
    let (zone, several) = (time::zone(), chats.served.accounts.len() > 1);
    let view = |account| View { zone: &zone, account: Some(account).filter(|_| several), thread: None };
    let coverage = answers.coverage();
    // Round by round, so that what does not fit is cut from every account alike.
    let rounds = answers.given.iter().map(|(_, (hits, _))| hits.messages.len()).max().unwrap_or_default();
    let in_turn = (0..rounds).flat_map(|round| {
        let nth = move |index: usize, hits: &Hits| (index, hits.messages.get(round).cloned());
        answers.given.iter().enumerate().map(move |(index, (_, (hits, _)))| nth(index, hits)).collect::<Vec<_>>()
    });
    let in_turn: Vec<(usize, Message)> = in_turn.filter_map(|(index, hit)| Some((index, hit?))).collect();
    // A conversation's own line comes on top, at worst before every hit.
    let sizes = in_turn.iter().map(|(_, hit)| view(&hit.at.account).size(hit).max(json!(hit).to_string().len()) + 150);
    let fits = fitting(sizes).min(in_turn.len());
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, _) in &in_turn[..fits] {
        *taken.entry(*index).or_default() += 1;
    }
    let (mut groups, mut next, mut notes) = (Vec::new(), Cursor::default(), Vec::new());
    let left = in_turn.len() - fits;
    for (index, (account, (mut hits, names))) in answers.given.into_iter().enumerate() {
        let count = taken.get(&index).copied().unwrap_or_default();
        let cut = count < hits.messages.len();
        hits.messages.truncate(count);
        let position = match hits.messages.last() {
            Some(last) if cut => Some(hits.position.behind(&last.at.id)),
            None if cut => Some(hits.position),
            _ => hits.next,
        };
        if let Some(position) = position {
            next.0.insert(account.key().clone(), position);
        }
        notes.extend(hits.note.map(|note| format!("{}: {note}", account.key())));
        let found = by_conversation(hits.messages).into_iter().map(|(id, messages)| {
            let target = format!("{}:{id}", account.key());
            let title = title(&names, &id).unwrap_or_else(|| "conversation".to_owned());
            let lines = view(account.key()).lines(&messages);
            Group { title: format!("{title} ({target})"), target, lines, messages }
        });
        groups.extend(found);
    }
    notes.extend(coverage);
    Shown { groups, left, notes, next: next.write() }
}

/// Groups hits, each group in the order of time, the groups in the order of their first hit.
fn by_conversation(messages: Vec<Message>) -> Vec<(String, Vec<Message>)> {
    let mut groups: Vec<(String, Vec<Message>)> = Vec::new();
    for message in messages {
        match groups.iter_mut().find(|(id, _)| *id == message.at.conversation) {
            Some((_, group)) => group.push(message),
            None => groups.push((message.at.conversation.clone(), vec![message])),
        }
    }
    for (_, group) in &mut groups {
        group.sort_by_key(|message| message.time);
    }
    groups
}

impl Shown {
    fn text(self, query: &str) -> String {
        let count: usize = self.groups.iter().map(|group| group.messages.len()).sum();
        let hits = if count == 1 { "1 hit".to_owned() } else { format!("{count} hits") };
        let query = super::escapes::label(query);
        let mut text = format!("`{query}`: {hits}, times in {}\n", time::zone_name(&time::zone()));
        for group in self.groups {
            let _ = write!(text, "# {}\n{}", group.title, group.lines);
        }
        if self.left > 0 {
            let _ = writeln!(text, "{} more hits did not fit; the cursor goes on with them", self.left);
        }
        for note in self.notes {
            text.push_str(&note);
            text.push('\n');
        }
        text.push_str(&footer(self.next.as_deref()));
        text
    }

    fn json(self) -> String {
        let messages = self.groups.iter().flat_map(|group| {
            group.messages.iter().map(|message| with_ref(message, &format!("{}/{}", group.target, message.at.id)))
        });
        let messages: Vec<_> = messages.collect();
        json!({ "messages": messages, "left": self.left, "notes": self.notes, "next": self.next }).to_string()
    }
}
