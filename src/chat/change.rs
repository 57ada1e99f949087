//! `edit_message` and `delete_message`: what the user sent before.

use switchboard_kit::{Error, Result, Text, tool};

use super::{find::Purpose, policy::Deed, sanitise, served::Chats};

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
    if let Some(longest) = place.opened.chat()?.longest().filter(|longest| !longest.admits(&text)) {
        let length = longest.of(&text);
        let message = format!(
            "argument `text` is {length} long, and one message in `{}` has at most {longest}",
            place.opened.account.key()
        );
        return Err(Error::invalid(message).hint("shorten it, and send the rest with send_message"));
    }
    let id = place.message()?.to_owned();
    let permit = chats.permit(place, Deed::Edit { id: &id, text: &text }).await?;
    let done = async {
        let hand = permit.hand().await?;
        hand.run(hand.edits()?.edit(&permit.place.conversation.id, &id, &text)).await
    };
    permit.note(&[], done.await).await?;
    Ok(Text(format!("edited {}", permit.place.reference(&id))))
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
    let id = place.message()?.to_owned();
    let permit = chats.permit(place, Deed::Delete { id: &id }).await?;
    let done = async {
        let hand = permit.hand().await?;
        hand.run(hand.deletions()?.delete(&permit.place.conversation.id, &id)).await
    };
    permit.note(&[], done.await).await?;
    Ok(Text(format!("deleted {}", permit.place.reference(&id))))
}
