//! `mark_read`: how far the user has read.

use switchboard_kit::{Error, Result, Text, chat::History, tool};

use super::{
    find::{Place, Purpose},
    policy::{Deed, title},
    sanitise,
    served::Chats,
};

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
    let place = chats.place(&target, Purpose::Write).await?;
    if place.unopened {
        return Err(Error::not_found(format!("there is no direct chat with `{}` yet", title(&place.conversation))));
    }
    let until = match until {
        Some(until) => Some(place.id_of(chats, "until", &until)?),
        None => place.message.clone(),
    };
    let permit = chats.permit(place, Deed::MarkRead).await?;
    let place = &permit.place;
    let done = async {
        let until = match until {
            Some(until) => until,
            None => newest(place).await?,
        };
        let hand = permit.free_hand();
        hand.run(hand.read_markers()?.mark_read(&place.conversation.id, &until)).await?;
        Ok(until)
    };
    let until = permit.note(&[], done.await).await?;
    Ok(Text(format!("marked {} as read up to {}", place.title(), place.reference(&sanitise::line(&until)))))
}

/// Returns the id of the newest message.
async fn newest(place: &Place<'_>) -> Result<String> {
    let newest = History { limit: 1, ..History::default() };
    let newest =
        place.opened.page(&place.conversation.id, &newest).await?.items.into_iter().next().map(|message| message.at.id);
    newest.ok_or_else(|| Error::not_found(format!("there are no messages in {}", place.title())))
}
