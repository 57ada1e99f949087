//! What is kept back under `lockdown`: what outsiders and programs wrote.
//!
//! Platforms do not tell by whom a quotation, a reaction or a topic is, so that these are kept back as well: every quotation, every
//! reaction that is no plain emoji, and every topic but those of conversations of which the platform says that only members are there.

use switchboard_kit::chat::{AuthorKind, Conversation, Message, Person};

use crate::chat::sanitise::is_emoji;

/// What stands for a quotation.
const QUOTE: &str = "[withheld]";
/// What stands for a reaction.
const REACTION: &str = ":withheld:";
/// Most characters of an emoji.
const LONGEST_EMOJI: usize = 12;

/// What an answer says of it.
pub(super) const NOTE: &str = "withheld: what guests and bots wrote, as the user's rules say (`lockdown`)";

/// Returns whether somebody is no member.
fn is_outside(kind: AuthorKind) -> bool {
    matches!(kind, AuthorKind::Guest | AuthorKind::Bot)
}

/// Withholds what there is to withhold of a message; of the user's own, whatever the platform takes the user for, only what others
/// may have added.
pub(super) fn message(message: &mut Message, me: &str) {
    for reaction in &mut message.reactions {
        if !is_plain(&reaction.emoji) {
            REACTION.clone_into(&mut reaction.emoji);
        }
    }
    if let Some(quote) = &mut message.quote {
        QUOTE.clone_into(&mut quote.text);
    }
    if is_outside(message.author.kind) && message.author.id != me {
        message.withheld = !message.deleted;
        message.text.clear();
        message.files.clear();
        message.quote = None;
    }
}

/// Withholds what an outsider may have written about a conversation.
pub(super) fn conversation(conversation: &mut Conversation) {
    if conversation.outsiders != Some(false) {
        conversation.topic = None;
    }
}

/// Withholds what an outsider says of themselves, but for the names.
pub(super) fn person(person: &mut Person) {
    if is_outside(person.kind) {
        person.title = None;
    }
}

/// Returns whether something of a message was withheld, where anything may be: what stands for it others may have written.
pub(super) fn is_less(message: &Message) -> bool {
    message.withheld
        || message.quote.as_ref().is_some_and(|quote| quote.text == QUOTE)
        || message.reactions.iter().any(|reaction| reaction.emoji == REACTION)
}

/// Returns whether a reaction says nothing in words.
fn is_plain(emoji: &str) -> bool {
    let sign =
        |c: char| is_emoji(c) || matches!(c, '\u{20e3}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '#' | '*' | '0'..='9');
    let words = emoji.chars().any(|c| !sign(c) || c.is_alphabetic());
    let digits = emoji.chars().filter(char::is_ascii).count();
    !words && digits <= 1 && emoji.chars().nth(LONGEST_EMOJI).is_none()
}
