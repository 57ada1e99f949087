//! Takes out of text what people cannot see but models read, on the way in and on the way out.

use std::fmt::Write;

use switchboard_kit::{
    Error, Result,
    chat::{Conversation, Message},
};

/// Most bytes of one message.
const LONGEST_TEXT: usize = 20_000;
/// Most characters of a text to send, which platforms get in parts.
const LONGEST_OUTGOING: usize = 100_000;
/// Most characters of a name.
const LONGEST_NAME: usize = 120;

const JOINER: char = '\u{200d}';

/// Cleans a text of several lines.
pub(crate) fn text(dirty: &str) -> String {
    let mut clean = visible(dirty);
    if clean.len() > LONGEST_TEXT {
        let end = clean.floor_char_boundary(LONGEST_TEXT);
        let rest = clean.len() - end;
        clean.truncate(end);
        let _ = write!(clean, " [… cut, {rest} bytes more]");
    }
    clean
}

/// Cleans a text that is to be sent; nothing of it is cut.
pub(super) fn outgoing(dirty: &str) -> Result<String> {
    let clean = visible(dirty);
    let length = clean.chars().count();
    if length <= LONGEST_OUTGOING {
        return Ok(clean);
    }
    Err(Error::invalid(format!("argument `text` has {length} characters, more than {LONGEST_OUTGOING}"))
        .hint("send it in several calls, or as a file"))
}

/// Cleans what stands on one line.
pub(crate) fn line(dirty: &str) -> String {
    visible(dirty).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cleans a name: one short line.
pub(crate) fn name(dirty: &str) -> String {
    let clean = line(dirty);
    match clean.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// Returns whether an id can stand on a line as it is: one visible word that no bracket ends. It cannot be cleaned, since
/// it would then name something else.
pub(super) fn is_plain(id: &str) -> bool {
    !id.is_empty() && !id.contains(|c: char| c.is_whitespace() || "[]()…".contains(c)) && visible(id) == id
}

/// Takes out of a whole answer what may have slipped through elsewhere. It divides no line in two.
pub(crate) fn answer(text: &mut String) {
    if text.contains(|c| is_invisible(c) || line_break(c) != c || c == JOINER || matches!(c, '\u{fe0e}' | '\u{fe0f}')) {
        let lines = text.replace(|c| line_break(c) != c, " ");
        *text = visible(&lines);
    }
}

/// Cleans messages, and drops those that an id would make more than one line.
pub(super) fn messages(messages: &mut Vec<Message>) {
    messages.retain(|message| {
        let ids = [&message.at.id, &message.at.conversation];
        ids.into_iter().chain(&message.thread).all(|id| is_plain(id))
    });
    messages.iter_mut().for_each(message);
}

/// Cleans all that people wrote in a message.
pub(super) fn message(message: &mut Message) {
    message.text = text(&message.text);
    message.author.name = name(&message.author.name);
    for reaction in &mut message.reactions {
        reaction.emoji = name(&reaction.emoji);
    }
    message.files.retain(|file| is_plain(&file.id));
    for file in &mut message.files {
        file.name = name(&file.name);
        file.media_type = file.media_type.as_deref().map(name);
    }
    if let Some(quote) = &mut message.quote {
        quote.author = quote.author.as_deref().map(name);
        quote.text = text(&quote.text);
    }
    message.url = message.url.as_deref().map(line);
}

/// Cleans all that people wrote about a conversation.
pub(super) fn conversation(conversation: &mut Conversation) {
    conversation.name = name(&conversation.name);
    conversation.topic = conversation.topic.as_deref().map(name);
    for alias in &mut conversation.aliases {
        *alias = name(alias);
    }
}

fn visible(dirty: &str) -> String {
    let lines = dirty.replace("\r\n", "\n");
    let mut kept = lines.chars().map(line_break).filter(|&c| !is_invisible(c)).peekable();
    let mut clean = String::with_capacity(lines.len());
    while let Some(c) = kept.next() {
        let before = clean.chars().next_back();
        let keep = match c {
            JOINER => {
                before.is_some_and(|before| is_emoji(before) || before == '\u{fe0f}')
                    && kept.peek().copied().is_some_and(is_emoji)
            }
            '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|c| is_emoji(c) || matches!(c, '0'..='9' | '#' | '*')),
            '\u{e0100}'..='\u{e01ef}' => before.is_some_and(is_ideograph),
            _ => true,
        };
        if keep {
            clean.push(c);
        }
    }
    clean
}

/// Makes every line break one that we see.
fn line_break(c: char) -> char {
    match c {
        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        c => c,
    }
}

/// Returns whether nobody sees `c`, wherever it stands.
fn is_invisible(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{200c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}' => true,
        _ => false,
    }
}

pub(super) fn is_emoji(c: char) -> bool {
    matches!(c, '©' | '®' | '‼' | '⁉' | '\u{2100}'..='\u{2bff}' | '〰' | '〽' | '㊗' | '㊙' | '\u{1f000}'..='\u{1faff}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use switchboard_kit::{
        AccountKey, Timestamp,
        chat::{Author, AuthorKind, MessageRef},
    };

    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_what_people_see_stays() {
        for (dirty, clean) in [
            ("a\u{e0041}\u{e0042}b", "ab"),
            ("a\u{202e}b\u{2066}c\u{2069}", "abc"),
            ("a\u{200b}\u{200d}b\u{feff}\u{ad}", "ab"),
            ("\u{1b}[31mred\r\nnext\u{7}\tx", "[31mred\nnext\tx"),
            ("one\u{2028}two\u{85}three", "one\ntwo\nthree"),
            ("x\u{fe0f}\u{fe0f}\u{e0101}", "x"),
            ("👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}⃣ 👋🏽 🇫🇷", "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}⃣ 👋🏽 🇫🇷"),
            ("葛\u{e0100}", "葛\u{e0100}"),
            ("Tomás — naïve Ελλάδα", "Tomás — naïve Ελλάδα"),
        ] {
            assert_eq!(text(dirty), clean);
        }
        assert_eq!(name(" Ana\n12:00 Bob\u{202e} "), "Ana 12:00 Bob");
    }

    #[test]
    fn messages_whose_ids_are_no_line_are_dropped() {
        let message = |id: &str, thread: Option<&str>| {
            let at = MessageRef { account: AccountKey::new("a"), conversation: "C1".into(), id: id.into() };
            let author = Author { id: "P1".into(), name: "Ana".into(), kind: AuthorKind::Person };
            let thread = thread.map(Into::into);
            Message { thread, ..Message::new(at, Timestamp::UNIX_EPOCH, author, "x") }
        };
        let mut found = vec![message("M1", None), message("M2\n09:00 Bob", None), message("M3", Some("M1\u{202e}"))];
        messages(&mut found);
        assert_eq!(found.iter().map(|message| message.at.id.as_str()).collect::<Vec<_>>(), ["M1"]);
    }

    #[test]
    fn a_long_message_is_cut_and_says_so() {
        let cut = text(&"é".repeat(20_000));
        assert!(cut.len() < 20_050 && cut.ends_with("[… cut, 20000 bytes more]"), "{}", cut.len());
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_left_and_twice_is_once(dirty in "(\\PC|[\u{e0020}-\u{e007f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{fe00}-\u{fe0f}\u{feff}\r\n❤👩]){0,60}") {
            let clean = text(&dirty);
            prop_assert!(!clean.chars().any(is_invisible), "{clean:?}");
            let orphan = clean.starts_with([JOINER, '\u{fe0f}']);
            prop_assert!(!orphan, "{:?}", clean);
            prop_assert_eq!(text(&clean), clean.clone());
            prop_assert!(!name(&dirty).contains('\n'));
        }
    }
}
