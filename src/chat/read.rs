//! `read_messages`: a page of a conversation or a thread, oldest first.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use switchboard_kit::{
    Error, Result, Text,
    chat::{History, Message},
    tool,
};

use super::{
    answers::for_programs,
    cursor::{self, Cursor, Position, footer, mark},
    find::{Place, Purpose},
    sanitise,
    served::Chats,
    time::{self, Window},
    transcript::{View, fitting},
};

/// Most pages that are passed over to find where the page before ended.
const PASSED_OVER: usize = 5;

/// Form of the answer.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Format {
    /// For reading.
    Transcript,
    /// For programs.
    Json,
}

/// Reads a conversation, newest page first, as a transcript. With a message's URL or ref as target, reads around it;
/// with `thread`, that thread.
#[expect(clippy::too_many_arguments, reason = "the parameters are the tool's")]
#[tool(read)]
pub(super) async fn read_messages(
    chats: &Chats,
    /// Conversation, such as `#general`, `@mara` or `account:id`.
    target: String,
    /// From this time, such as `1d` or `2026-11-20`.
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// Thread: the id or ref of its first message.
    thread: Option<String>,
    /// Message id or ref to read around.
    around: Option<String>,
    /// Most messages.
    #[default(50)]
    limit: u16,
    /// From the `next:` line before.
    cursor: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let window = Window::read(since.as_deref(), until.as_deref())?;
    let cursor = Cursor::read(cursor.as_deref())?;
    let place = chats.place(&target, Purpose::Read).await?;
    if place.conversation.encrypted {
        let notice = "is end-to-end encrypted: its messages cannot be read here, only in the platform's own client";
        return Ok(Text(format!("{} {notice}\nend", place.title())));
    }
    let id = |argument, text: Option<String>| text.map(|text| place.id_of(chats, argument, &text)).transpose();
    let (thread, around) = (id("thread", thread)?, id("around", around)?.or_else(|| place.message.clone()));
    let around = around.filter(|_| thread.is_none());
    if around.is_some() && (window.since.is_some() || window.until.is_some()) {
        return Err(Error::invalid("a message's surroundings go without `since` and `until`")
            .hint("leave these out, or give the conversation alone as `target`"));
    }
    let mut history = History {
        since: window.since,
        until: window.until,
        thread,
        around,
        limit: usize::from(limit.clamp(1, 200)),
        cursor: None,
    };
    let goes_on = cursor.is_some();
    let position = cursor.unwrap_or_default().0.remove(place.opened.account.key()).unwrap_or_default();
    // Where a timeline has no answers, an answer is read in its thread.
    let begun = if history.around.is_some() { Some(fetch(&place, &history, Position::default()).await?) } else { None };
    if let (Some(begun), Some(around)) = (&begun, &history.around)
        && !begun.messages.iter().any(|message| message.at.id == *around)
    {
        history.thread = Some(around.clone());
    }
    let asked = mark(&format!("{:?}", (&place.conversation.id, &history.thread, &since, &until)));
    if goes_on {
        cursor::same(position.asked, asked, "`target`, `thread`, `since` and `until`")?;
    }
    let page = match begun {
        Some(page) if history.thread.is_none() && position == Position::default() => page,
        _ => fetch(&place, &history, position).await?,
    };
    if let Some(thread) = &history.thread
        && page.is_nothing()
        && window == Window::default()
    {
        // A thread has at least the message that it begins with.
        return Err(Error::not_found(format!("there is no message `{}` in {}", sanitise::name(thread), place.title()))
            .hint("give the id of a message that this conversation shows"));
    }
    // It may have been named by any of its answers.
    let first = page.messages.iter().find_map(|message| message.thread.clone());
    let thread = history.thread.map(|thread| first.unwrap_or(thread));
    let several = chats.served.accounts.len() > 1;
    let zone = time::zone();
    let view = View { zone: &zone, account: several.then(|| place.opened.account.key()), thread: thread.as_deref() };
    Ok(Text(page.show(chats, &place, &view, asked, matches!(format, Some(Format::Json)))))
}

/// Messages, newest first, and where to go on.
struct Shown {
    messages: Vec<Message>,
    /// The page that they are from.
    position: Position,
    next: Option<Position>,
}

async fn fetch(place: &Place<'_>, history: &History, mut position: Position) -> Result<Shown> {
    for _ in 0..PASSED_OVER {
        let history = History { cursor: position.page.clone(), ..history.clone() };
        let page = place.opened.page(&place.conversation.id, &history).await?;
        let messages = position.rest(page.items);
        let next = page.next.map(Position::page);
        match next {
            Some(next) if messages.is_empty() => position = next,
            next => return Ok(Shown { messages, position, next }),
        }
    }
    Ok(Shown { messages: Vec::new(), next: Some(position.clone()), position })
}

impl Shown {
    /// Returns whether this is the first page, and there is nothing on it or behind it.
    fn is_nothing(&self) -> bool {
        self.messages.is_empty() && self.next.is_none() && self.position == Position::default()
    }

    fn show(mut self, chats: &Chats, place: &Place<'_>, view: &View<'_>, asked: u32, json: bool) -> String {
        let written = |message: &Message| {
            if json { to_json(place, message).to_string().chars().count() + 1 } else { view.size(message) }
        };
        let fits = fitting(self.messages.iter().map(written)).min(self.messages.len());
        let left = self.messages.len() - fits;
        if let Some(last) = self.messages.get(fits.saturating_sub(1)).filter(|_| left > 0) {
            self.next = Some(self.position.behind_message(last));
        }
        self.messages.truncate(fits);
        let withheld = chats.shows(place.opened.account.key(), Some(&place.conversation), &self.messages);
        let next = Cursor::one(place.opened.account.key(), self.next.map(|next| next.with(asked)));
        if json {
            let messages: Vec<_> = self.messages.iter().rev().map(|message| to_json(place, message)).collect();
            let (target, conversation) = (place.target(), &place.conversation);
            let answer = json!({ "target": target, "conversation": conversation, "messages": messages, "left": left });
            return for_programs(answer, withheld, next);
        }
        let mut text = format!("{}{}\n", place.title(), header(&self.messages, view));
        text.push_str(&view.lines(self.messages.iter().rev()));
        if left > 0 {
            let _ = writeln!(text, "{left} older messages of this page did not fit; the cursor goes on with them");
        }
        text.extend(withheld.map(|note| note + "\n"));
        text.push_str(&footer(next.as_deref()));
        text
    }
}

/// Says what follows: a thread, by its id unless its first message shows it, and the zone of the times.
fn header(messages: &[Message], view: &View<'_>) -> String {
    let thread = match view.thread {
        Some(thread) if messages.iter().any(|message| message.at.id == *thread) => " thread".to_owned(),
        Some(thread) => format!(" thread {}", sanitise::line(thread)),
        None => String::new(),
    };
    let none = if messages.is_empty() { ": no messages" } else { "" };
    format!("{thread} {}{none}", time::zone_name(view.zone))
}

fn to_json(place: &Place<'_>, message: &Message) -> Value {
    with_ref(message, &place.reference(&message.at.id))
}

/// Writes a message as JSON, with the reference that names it, and without what is false or 0.
pub(super) fn with_ref(message: &Message, reference: &str) -> Value {
    let mut value = serde_json::to_value(message).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| *value != false && *value != 0);
    }
    value["ref"] = reference.into();
    value
}
