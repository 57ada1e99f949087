//! `get_conversation`: all about one conversation, and who is in it.

use serde_json::json;
use switchboard_kit::{
    ErrorKind, Result, Text,
    chat::{Conversation, ConversationKind, Listing, Person},
    tool,
};

use super::{
    answers::for_programs,
    conversations::notes,
    cursor::{Cursor, Position, footer},
    escapes,
    find::{Place, Purpose},
    people,
    policy::title,
    read::Format,
    sanitise,
    served::Chats,
    transcript::fitting,
};

/// Most characters of a topic.
const LONGEST_TOPIC: usize = 1_000;

/// Tells all about one conversation: kind, topic, unread count, last activity and, with `members`, who is in it.
#[tool(read)]
async fn get_conversation(
    chats: &Chats,
    /// Conversation, such as `#general`, `@mara` or `account:id`.
    target: String,
    /// Whether to list its members.
    #[default(false)]
    members: bool,
    /// Most members.
    #[default(100)]
    limit: u16,
    /// From the `next:` line before.
    cursor: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let cursor = Cursor::read(cursor.as_deref())?;
    let mut place = chats.place(&target, Purpose::Read).await?;
    let mut conversation = match place.remembered {
        true => place.opened.run(place.opened.chat()?.conversation(&place.conversation.id)).await?,
        false => place.conversation.clone(),
    };
    place.opened.remembered.keep(std::slice::from_ref(&conversation)).await;
    if let Some(error) = place.opened.refusal(&conversation, place.person.as_deref()).await? {
        return Err(error);
    }
    let topic: Option<String> =
        conversation.topic.as_deref().map(|topic| sanitise::line(topic).chars().take(LONGEST_TOPIC).collect());
    place.opened.clean_conversation(&mut conversation);
    // There is room for more of it here, unless it is withheld.
    let topic = topic.filter(|_| conversation.topic.is_some());
    place.conversation = Conversation { topic, ..conversation };
    let json = matches!(format, Some(Format::Json));
    let company = if members {
        let position = cursor.unwrap_or_default().0.remove(place.opened.account.key()).unwrap_or_default();
        Some(Company::of(&place, position, usize::from(limit.clamp(1, 500)), json).await?)
    } else {
        None
    };
    Ok(Text(if json { to_json(&place, company) } else { text(&place, company) }))
}

/// Some of those who are in a conversation.
struct Company {
    people: Vec<Person>,
    next: Option<String>,
    note: Option<String>,
}

impl Company {
    async fn of(place: &Place<'_>, mut position: Position, limit: usize, json: bool) -> Result<Self> {
        let key = place.opened.account.key();
        let listing = Listing { limit, cursor: position.page.clone() };
        let page = place.opened.chat()?.members(&place.conversation.id, &listing);
        let page = match place.opened.run(page).await {
            Ok(page) => page,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let note = Some("this platform does not list members".to_owned());
                return Ok(Self { people: Vec::new(), next: None, note });
            }
            Err(error) => return Err(error),
        };
        place.opened.remembered.keep(&page.items).await;
        let mut people = page.items;
        if let Some(shown) = position.after.as_ref().and_then(|after| people.iter().position(|one| one.id == *after)) {
            people.drain(..=shown);
        }
        people.retain(|person| sanitise::is_plain(&person.id));
        place.opened.withhold(&mut people);
        let size = |person: &Person| {
            let shown = if json { people::to_json(key, person).to_string() } else { people::line(key, person) };
            shown.chars().count() + 1
        };
        let fits = fitting(people.iter().map(size)).min(people.len());
        let next = if fits < people.len() {
            people.truncate(fits);
            if let Some(last) = people.last() {
                position = position.behind(&last.id);
            }
            Some(position)
        } else {
            page.next.map(Position::page)
        };
        Ok(Self { people, next: Cursor::one(key, next), note: None })
    }
}

fn text(place: &Place<'_>, company: Option<Company>) -> String {
    let conversation = &place.conversation;
    let kind = match conversation.kind {
        ConversationKind::Channel => Some("channel"),
        ConversationKind::Direct => Some("direct chat"),
        // Said by the notes.
        ConversationKind::Group => None,
    };
    let outsiders = (conversation.outsiders == Some(true)).then(|| "with people from outside".to_owned());
    let notes: Vec<_> = kind.map(ToOwned::to_owned).into_iter().chain(outsiders).chain(notes(conversation)).collect();
    let mut lines = vec![format!("{} ({}) {}", title(conversation), place.target(), notes.join(", "))];
    lines.extend(conversation.topic.as_ref().map(|topic| format!("topic: {}", escapes::topic(topic))));
    let aliases: Vec<_> = conversation.aliases.iter().map(|alias| escapes::label(alias)).collect();
    if !aliases.is_empty() {
        lines.push(format!("also: {}", aliases.join(", ")));
    }
    let Some(company) = company else {
        lines.push("end".to_owned());
        return lines.join("\n");
    };
    lines.push("members:".to_owned());
    lines.extend(company.people.iter().map(|person| people::line(place.opened.account.key(), person)));
    lines.extend(company.note);
    lines.push(footer(company.next.as_deref()));
    lines.join("\n")
}

fn to_json(place: &Place<'_>, company: Option<Company>) -> String {
    let mut answer = json!({ "target": place.target(), "conversation": place.conversation });
    let Some(company) = company else { return answer.to_string() };
    let members = company.people.iter().map(|person| people::to_json(place.opened.account.key(), person));
    answer["members"] = members.collect();
    for_programs(answer, company.note, company.next)
}
