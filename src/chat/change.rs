//! `edit_message` and `delete_message`: what the user sent before.

use switchboard_kit::{Error, Result, Text, chat::Posts, tool};

use super::{find::Purpose, sanitise, served::Chats};

/// Replaces the text of a message that the user sent.
#[tool(write)]
async fn edit_message(
    chats: &Chats,
    /// Message, such as `account:C1/M12`, its URL, or its id with `target`.
    r#ref: String,
    /// New text, in Markdown.
    text: String,
    /// Conversation, if `ref` is a bare id.
    target: Option<String>,
) -> Result<Text> {
    let text = sanitise::outgoing(&text)?;
    if text.trim().is_empty() {
        return Err(Error::invalid("argument `text` is empty").hint("write the new text, or call delete_message"));
    }
    let place = chats.message(&r#ref, target.as_deref(), Purpose::Write).await?;
    let edits = place.opened.chat()?.edits().ok_or_else(|| place.opened.lacks("way to edit messages"))?;
    if let Some(longest) = place.opened.chat()?.posts().map(Posts::longest).filter(|longest| !longest.admits(&text)) {
        let length = longest.of(&text);
        let message = format!(
            "argument `text` is {length} long, and one message in `{}` has at most {longest}",
            place.opened.account.key()
        );
        return Err(Error::invalid(message).hint("shorten it, and send the rest with send_message"));
    }
    place.opened.run(edits.edit(&place.conversation.id, place.message()?, &text)).await?;
    Ok(Text(format!("edited {}", place.reference(place.message()?))))
}

/// Deletes a message that the user sent, for everyone and for good.
#[tool(destructive)]
async fn delete_message(
    chats: &Chats,
    /// Message, such as `account:C1/M12`, its URL, or its id with `target`.
    r#ref: String,
    /// Conversation, if `ref` is a bare id.
    target: Option<String>,
) -> Result<Text> {
    let place = chats.message(&r#ref, target.as_deref(), Purpose::Write).await?;
    let deletions = place.opened.chat()?.deletions().ok_or_else(|| place.opened.lacks("way to delete messages"))?;
    place.opened.run(deletions.delete(&place.conversation.id, place.message()?)).await?;
    Ok(Text(format!("deleted {}", place.reference(place.message()?))))
}
