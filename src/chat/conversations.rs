//! `list_conversations`: what there is to read, one line each.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use switchboard_kit::{
    AccountKey, Result, Text,
    chat::{Conversation, ConversationKind, Listing},
    tool,
};

use super::{
    answers::for_programs,
    cursor::{Cursor, Position, footer},
    policy::title,
    read::Format,
    sanitise,
    served::{Chats, Opened, ServedAccount},
    targets::fold,
    time,
    transcript::fitting,
};

/// Conversations on a page of the platform's, and most pages that are read for one of ours.
const PAGE: usize = 1_000;
const PAGES: usize = 20;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Kind {
    Channel,
    Group,
    Direct,
}

impl Kind {
    fn is(self, kind: ConversationKind) -> bool {
        matches!(
            (self, kind),
            (Self::Channel, ConversationKind::Channel)
                | (Self::Group, ConversationKind::Group)
                | (Self::Direct, ConversationKind::Direct)
        )
    }
}

struct Wanted {
    query: Option<String>,
    kind: Option<Kind>,
    limit: usize,
}

#[derive(Serialize)]
struct Listed {
    target: String,
    account: AccountKey,
    #[serde(flatten)]
    conversation: Conversation,
}

/// Lists channels, groups and direct chats with their exact targets, topics and unread counts.
#[tool(read)]
async fn list_conversations(
    chats: &Chats,
    /// Part of a name, alias or topic.
    query: Option<String>,
    /// Only this kind.
    kind: Option<Kind>,
    /// Only this account.
    account: Option<String>,
    /// Most per account.
    #[default(100)]
    limit: u16,
    /// From the `next:` line before.
    cursor: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let wanted = &Wanted { query: query.as_deref().map(fold), kind, limit: usize::from(limit.clamp(1, 500)) };
    let cursor = Cursor::read(cursor.as_deref())?;
    let mut accounts: Vec<&ServedAccount> = match account {
        Some(key) => vec![chats.served.known(&key)?],
        None => chats.served.accounts.iter().collect(),
    };
    if let Some(Cursor(positions)) = &cursor {
        accounts.retain(|account| positions.contains_key(account.key()));
    }
    let positions = &cursor.unwrap_or_default().0;
    let answers = chats.ask(&accounts, |opened| async move {
        let position = positions.get(opened.account.key()).cloned().unwrap_or_default();
        list(&opened, wanted, position).await
    });
    let answers = answers.await.some()?;
    let walled = answers.given.iter().filter(|(account, _)| account.rules.restrict_reading());
    // Not how many there are: that would say whether one is called so.
    let mut notes: Vec<_> =
        walled.map(|(account, _)| format!("{}: only what may be read is listed", account.key())).collect();
    notes.extend(answers.coverage());
    let (mut lines, mut listed, mut next) = (Vec::new(), Vec::new(), Cursor::default());
    for (account, (found, left_off)) in answers.given {
        for (conversation, position) in found {
            let target = format!("{}:{}", account.key(), conversation.id);
            lines.push((line(&conversation, &target), position));
            listed.push(Listed { target, account: account.key().clone(), conversation });
        }
        if let Some(position) = left_off {
            next.0.insert(account.key().clone(), position);
        }
    }
    let json = matches!(format, Some(Format::Json));
    let size = |(listed, (line, _)): (&Listed, &(String, Position))| {
        if json { json!(listed).to_string().chars().count() + 1 } else { line.chars().count() + 1 }
    };
    let fits = fitting(listed.iter().zip(&lines).map(size)).min(lines.len());
    // What did not fit is asked for again, from the place of the first that did not, account by account.
    for (listed, (_, before)) in listed.iter().zip(&lines).skip(fits).rev() {
        next.0.insert(listed.account.clone(), before.clone());
    }
    let next = next.write();
    if json {
        let answer = json!({ "conversations": &listed[..fits] });
        return Ok(Text(for_programs(answer, notes, next)));
    }
    let lines: Vec<_> = lines.into_iter().take(fits).map(|(line, _)| line).collect();
    let mut text = if lines.is_empty() { "no conversations".to_owned() } else { lines.join("\n") };
    for line in notes.into_iter().chain([footer(next.as_deref())]) {
        text.push('\n');
        text.push_str(&line);
    }
    Ok(Text(text))
}

/// Returns what matches, each with the position just before it, and where the account was left off.
async fn list(
    opened: &Opened<'_>,
    wanted: &Wanted,
    mut position: Position,
) -> Result<(Vec<(Conversation, Position)>, Option<Position>)> {
    let chat = opened.chat()?;
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let (listing, begun) = (Listing { limit: PAGE, cursor: position.page.clone() }, Timestamp::now());
        let page = chat.conversations(&listing).await?;
        if listing.cursor.is_none() && page.next.is_none() {
            // What is remembered is no reason to fail.
            let _ = opened.remembered.turn(&page, begun).await;
        } else {
            opened.remembered.keep(&page.items).await;
        }
        let shown = position.after.as_ref().and_then(|after| page.items.iter().position(|item| item.id == *after));
        for mut conversation in page.items.into_iter().skip(shown.map_or(0, |shown| shown + 1)) {
            let after = position.clone().behind(&conversation.id);
            let readable = opened.refusal(&conversation, None).await?.is_none();
            opened.clean_conversation(&mut conversation);
            if readable && sanitise::is_plain(&conversation.id) && wanted.is_met_by(&conversation) {
                if found.len() == wanted.limit {
                    return Ok((found, Some(position)));
                }
                found.push((conversation, position));
            }
            position = after;
        }
        match page.next {
            Some(next) => position = Position::page(next),
            None => return Ok((found, None)),
        }
    }
    Ok((found, Some(position)))
}

impl Wanted {
    fn is_met_by(&self, conversation: &Conversation) -> bool {
        let says = |query: &String| {
            let texts = conversation.aliases.iter().chain([&conversation.name, &conversation.id]);
            texts.chain(&conversation.topic).any(|text| fold(text).contains(query.trim_start_matches(['#', '@'])))
        };
        self.kind.is_none_or(|kind| kind.is(conversation.kind)) && self.query.as_ref().is_none_or(says)
    }
}

fn line(conversation: &Conversation, target: &str) -> String {
    let notes = notes(conversation);
    let notes = if notes.is_empty() { String::new() } else { format!(" {}", notes.join(", ")) };
    let topic = conversation.topic.as_deref().map(|topic| format!(" — {topic}")).unwrap_or_default();
    format!("{} ({target}){notes}{topic}", title(conversation))
}

/// Returns what is notable about a conversation besides its name and topic.
pub(super) fn notes(conversation: &Conversation) -> Vec<String> {
    let mut notes = Vec::new();
    if conversation.kind == ConversationKind::Group {
        notes.push("group".to_owned());
    }
    if conversation.kind == ConversationKind::Channel && conversation.private {
        notes.push("private".to_owned());
    }
    if conversation.encrypted {
        notes.push("encrypted".to_owned());
    }
    if let Some(members) = conversation.members.filter(|_| conversation.kind != ConversationKind::Direct) {
        notes.push(format!("{members} members"));
    }
    if let Some(unread) = conversation.unread.filter(|unread| *unread > 0) {
        notes.push(format!("{unread} unread"));
    }
    if let Some(last) = conversation.last_activity {
        notes.push(format!("last {}", time::minute(last, &time::zone())));
    }
    notes
}
