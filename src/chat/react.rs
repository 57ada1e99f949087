//! `react`: an emoji under a message, there or gone.

use switchboard_kit::{Error, Result, Text, tool};

use super::{emoji, find::Purpose, policy::Deed, sanitise, served::Chats};

/// Adds the user's reaction to a message, or takes it away.
#[tool(write)]
async fn react(
    chats: &Chats,
    /// Message, such as `account:C1/M12`, its URL, or its id with `target`.
    r#ref: String,
    /// Such as `👍` or `:tada:`; also a `:name:` of the workspace's own.
    emoji: String,
    /// Take it away.
    #[default(false)]
    remove: bool,
    /// Conversation, if `ref` is a bare id.
    target: Option<String>,
) -> Result<Text> {
    let text = sanitise::name(&emoji);
    // What others reacted with may be any text, and so may what is to be taken back.
    let emoji = emoji::named(&text).or_else(|| (remove && !text.is_empty()).then(|| text.clone()));
    let emoji = emoji.ok_or_else(|| {
        Error::invalid(format!("argument `emoji`: `{text}` is no emoji"))
            .hint("write one, such as `👍`, or its name between colons, such as `:tada:`")
    })?;
    let place = chats.message(&r#ref, target.as_deref(), Purpose::Write).await?;
    let id = place.message()?.to_owned();
    let permit = chats.permit(place, Deed::React { id: &id, emoji: &emoji, remove }).await?;
    let done = async {
        let hand = permit.hand().await?;
        let (reactions, conversation) = (hand.reactions()?, &permit.place.conversation.id);
        hand.run(if remove {
            reactions.remove(conversation, &id, &emoji)
        } else {
            reactions.add(conversation, &id, &emoji)
        })
        .await
    };
    permit.note(&[], done.await).await?;
    let what = if remove { "took" } else { "added" };
    let place = format!("{} {}", if remove { "from" } else { "to" }, permit.place.reference(&id));
    Ok(Text(format!("{what} {emoji} {place}")))
}
