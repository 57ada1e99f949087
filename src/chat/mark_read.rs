//! `mark_read`: how far the user has read.

use switchboard_kit::{Error, ErrorKind, Result, Text, chat::History, tool};

use super::{find::Purpose, sanitise, served::Chats};

/// Marks a conversation as read, up to a message or all of it: the user, and on some platforms others, see it as read.
/// Only if the user asks for it.
#[tool(write)]
async fn mark_read(
    chats: &Chats,
    /// Conversation, such as `#general`, `@mara` or `account:id`.
    target: String,
    /// Id or ref of the last message to mark; without it, the newest.
    until: Option<String>,
) -> Result<Text> {
    // Found as for reading, since a direct chat is not to be opened for this.
    let found = chats.place(&target, Purpose::Read).await?;
    let (account, key) = (found.opened.account, found.opened.account.key());
    if account.may_write && !account.may_mark_read {
        return Err(Error::new(ErrorKind::Forbidden, format!("marking as read is off in `{key}`"))
            .hint(format!("ask the user to set `mark_read: true` for `{key}` in provider-config.yaml")));
    }
    let place = chats.place(&found.target(), Purpose::Write).await?;
    let chat = place.opened.chat()?;
    let markers = chat.read_markers().ok_or_else(|| place.opened.lacks("marks of what was read"))?;
    let conversation = &place.conversation.id;
    let until = match until {
        Some(until) => Some(place.id_of(chats, "until", &until)?),
        None => found.message.clone(),
    };
    let until = if let Some(until) = until {
        until
    } else {
        let newest = History { limit: 1, ..History::default() };
        let page = place.opened.run(chat.messages().list(conversation, &newest)).await?;
        let newest = page.items.into_iter().next().map(|message| message.at.id);
        newest.ok_or_else(|| Error::not_found(format!("there are no messages in {}", place.title())))?
    };
    place.opened.run(markers.mark_read(conversation, &until)).await?;
    Ok(Text(format!("marked {} as read up to {}", place.title(), place.reference(&sanitise::line(&until)))))
}
