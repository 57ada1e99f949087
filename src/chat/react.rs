//! `react`: an emoji under a message, there or gone.

use switchboard_kit::{Error, Result, Text, tool};

use super::{find::Purpose, sanitise, served::Chats};

/// Adds the user's reaction to a message, or takes it away.
#[tool(write)]
async fn react(
    chats: &Chats,
    /// Message, such as `account:C1/M12`, its URL, or its id with `target`.
    r#ref: String,
    /// Such as `👍`, or `:name:` for the workspace's own.
    emoji: String,
    /// Take it away.
    #[default(false)]
    remove: bool,
    /// Conversation, if `ref` is a bare id.
    target: Option<String>,
) -> Result<Text> {
    let emoji = sanitise::name(&emoji);
    if emoji.is_empty() {
        return Err(Error::invalid("argument `emoji` is empty").hint("write one, such as `👍`"));
    }
    let place = chats.message(&r#ref, target.as_deref(), Purpose::Write).await?;
    let reactions = place.opened.chat()?.reactions().ok_or_else(|| place.opened.lacks("reactions"))?;
    let (conversation, id) = (&place.conversation.id, place.message()?);
    let done =
        if remove { reactions.remove(conversation, id, &emoji) } else { reactions.add(conversation, id, &emoji) };
    place.opened.run(done).await?;
    let what = if remove { "took" } else { "added" };
    let place = format!("{} {}", if remove { "from" } else { "to" }, place.reference(id));
    Ok(Text(format!("{what} {emoji} {place}")))
}
