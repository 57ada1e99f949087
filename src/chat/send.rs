//! `send_message`: text, files, or both, to one target or several.

mod answer;
mod delivery;
mod once;
mod several;

use switchboard_kit::{Error, Result, Text, tool};

use self::delivery::{Delivery, Letter};
use super::{find::Purpose, read::Format, sanitise, served::Chats};

/// Most targets of one call.
const MOST_TARGETS: usize = 20;
/// Most characters of an idempotency key.
const LONGEST_KEY: usize = 200;

/// Sends a message as the user, in a thread if one is named, and answers with its ref. Long texts go out in parts; files
/// follow as messages of their own.
#[tool(write)]
#[expect(clippy::too_many_arguments, reason = "the parameters are the tool's")]
async fn send_message(
    chats: &Chats,
    /// Conversation, such as `#general`, `@mara` or `account:id`.
    target: String,
    /// Markdown.
    text: String,
    /// Where to send the same.
    more_targets: Option<Vec<String>>,
    /// Message id or ref to answer in a thread.
    thread: Option<String>,
    /// Paths under the user's upload folders.
    files: Option<Vec<String>>,
    /// Any word; within a day, sending the same again with it sends nothing twice.
    idempotency_key: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let targets: Vec<String> = [target].into_iter().chain(more_targets.unwrap_or_default()).collect();
    let json = matches!(format, Some(Format::Json));
    if targets.len() > 1 && thread.is_some() {
        return Err(Error::invalid("argument `thread` goes with one target only")
            .hint("leave it out, or send to each conversation by itself"));
    }
    if targets.len() > MOST_TARGETS {
        let message = format!("there are {} targets, more than {MOST_TARGETS}", targets.len());
        return Err(Error::invalid(message).hint("send to some of them first, then to the rest"));
    }
    let letter = letter(chats, &text, &files.unwrap_or_default(), idempotency_key)?;
    if let [target] = targets.as_slice() {
        let place = chats.place(target, Purpose::Write).await?;
        let delivery = Delivery::prepare(chats, &place, &letter, thread.as_deref())?;
        let permit = chats.permit(place, delivery.deed(&letter)).await?;
        let sent = delivery.send(chats, &permit, &letter).await?;
        let place = &permit.place;
        let answer =
            if json { answer::one_as_json(place, &sent).to_string() } else { answer::one(place, &sent, &letter) };
        return Ok(Text(answer));
    }
    let fates = several::send(chats, &targets, &letter).await;
    let lines = answer::several(&targets, &fates, &letter);
    several::some_sent(&fates, &lines)?;
    Ok(Text(if json { answer::several_as_json(&targets, &fates).to_string() } else { lines.join("\n") }))
}

/// Puts together what is to be sent, or refuses it whoever is to get it.
fn letter(chats: &Chats, text: &str, files: &[String], key: Option<String>) -> Result<Letter> {
    let text = sanitise::outgoing(text)?;
    if text.trim().is_empty() && files.is_empty() {
        return Err(Error::invalid("argument `text` is empty").hint("write something, or name `files`"));
    }
    if key.as_ref().is_some_and(|key| key.trim().is_empty() || key.chars().count() > LONGEST_KEY) {
        let message = format!("argument `idempotency_key` is empty or longer than {LONGEST_KEY} characters");
        return Err(Error::invalid(message).hint("leave it out, or write one word"));
    }
    let uploads = files.iter().map(|path| chats.served.files.read(path)).collect::<Result<_>>()?;
    Ok(Letter { text, uploads, key })
}
