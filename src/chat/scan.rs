//! Search where the platform has none: the newest messages are read, up to a bound, and the answer says how far.

use std::fmt::Write;

use jiff::Timestamp;
use switchboard_kit::{
    Result,
    chat::{Conversation, History, Message},
};

use super::{
    access,
    cursor::Position,
    sanitise,
    search::{From, Hits, Wanted},
    served::{Chats, Opened},
    targets::fold,
    time,
};

/// Most conversations that are scanned.
const CONVERSATIONS: usize = 20;
/// Most pages of each.
const PAGES: usize = 10;
/// Messages on a page.
const PAGE: usize = 100;
/// Conversations that are scanned at the same time.
const AT_ONCE: usize = 4;

/// What was read of one conversation.
#[derive(Default)]
struct Scanned {
    hits: Vec<Message>,
    /// The oldest message that was read, if there are older ones.
    stopped: Option<Timestamp>,
}

/// Scans one conversation, or those that were active last.
pub(super) async fn scan(
    chats: &Chats,
    opened: &Opened<'_>,
    wanted: &Wanted,
    from: &From,
    only: Option<&Conversation>,
) -> Result<Hits> {
    let mut conversations = match only {
        Some(conversation) => vec![conversation.clone()],
        None => chats.names(opened, false).await?.0.to_vec(),
    };
    let all = conversations.len();
    conversations.retain(|conversation| !conversation.encrypted);
    conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.last_activity));
    conversations.truncate(CONVERSATIONS);
    let words: Vec<String> = fold(&wanted.text).split_whitespace().map(ToOwned::to_owned).collect();
    let (mut messages, mut scanned, mut stopped) = (Vec::new(), 0, None::<Timestamp>);
    for some in conversations.chunks(AT_ONCE) {
        if opened.is_hurried() {
            break;
        }
        let scans = some.iter().map(|conversation| async {
            let scanned = one(opened, wanted, from, conversation, &words).await;
            chats.call.step(&format!("scanned {}", access::title(conversation)));
            scanned
        });
        for one in futures::future::join_all(scans).await {
            // One conversation that cannot be read does not end the search of the others.
            match one {
                Ok(one) => {
                    scanned += 1;
                    messages.extend(one.hits);
                    stopped = stopped.max(one.stopped);
                }
                Err(error) if all == 1 => return Err(error),
                Err(_) => {}
            }
        }
    }
    messages.sort_by_key(|message| std::cmp::Reverse(message.time));
    let found = messages.len();
    messages.truncate(wanted.limit);
    sanitise::messages(&mut messages);
    let mut note = format!("no search of its own; scanned {scanned} of {all} conversations");
    if let Some(stopped) = stopped {
        let date = stopped.to_zoned(time::zone()).strftime("%Y-%m-%d %H:%M").to_string();
        let _ = write!(note, ", all of them back to {date}; give `until` to look further back");
    }
    if found > messages.len() {
        let _ = write!(note, "; {} older hits are left out", found - messages.len());
    }
    Ok(Hits { messages, position: Position::default(), next: None, note: Some(note) })
}

async fn one(
    opened: &Opened<'_>,
    wanted: &Wanted,
    from: &From,
    conversation: &Conversation,
    words: &[String],
) -> Result<Scanned> {
    let mut history =
        History { since: wanted.window.since, until: wanted.window.until, limit: PAGE, ..History::default() };
    let mut scanned = Scanned::default();
    let mut oldest = None;
    for _ in 0..PAGES {
        if opened.is_hurried() {
            break;
        }
        let page = opened.run(opened.chat()?.messages().list(&conversation.id, &history)).await?;
        oldest = page.items.last().map(|message| message.time).or(oldest);
        let hits = page.items.into_iter().filter(|message| {
            !message.deleted && from.wrote(message) && wanted.window.has(message.time) && says(message, words)
        });
        scanned.hits.extend(hits);
        history.cursor = page.next;
        if history.cursor.is_none() {
            return Ok(scanned);
        }
    }
    scanned.stopped = oldest.or(Some(Timestamp::now()));
    Ok(scanned)
}

/// Returns whether a message says all the words, or names them in its files.
fn says(message: &Message, words: &[String]) -> bool {
    let texts: Vec<String> =
        message.files.iter().map(|file| &file.name).chain([&message.text]).map(|text| fold(text)).collect();
    words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
}
