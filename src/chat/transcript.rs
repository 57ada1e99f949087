//! Messages as a transcript: few bytes beyond the text, every id that an answer needs, and no line that a message could
//! have written itself.
//!
//! A line that begins at the margin is ours: `## date`, or `HH:MM Name [id] text`. Whatever else a message brings is
//! indented, and a name has no brackets.

use std::fmt::Write;

use jiff::{civil::Date, tz::TimeZone};
use switchboard_kit::{
    AccountKey,
    chat::{AuthorKind, File, Message},
};

use super::sanitise;

/// Most characters of an answer.
pub(super) const LONGEST: usize = 12_000;
/// What header, notes and footer may take of them.
const MARGIN: usize = 1_000;
/// Most characters of one message's text, as it is shown.
const LONGEST_TEXT: usize = 9_000;
/// Most characters of a quote.
const LONGEST_QUOTE: usize = 500;
/// What stands before each line that is not a message's first.
const INDENT: &str = "  ";

/// How to show messages.
pub(super) struct View<'a> {
    /// The zone of the times.
    pub(super) zone: &'a TimeZone,
    /// The account to name before the ids of files, where there are several.
    pub(super) account: Option<&'a AccountKey>,
    /// The thread that all the messages are in.
    pub(super) thread: Option<&'a str>,
}

/// Returns how many of `sizes` fit into one answer; at least one.
pub(super) fn fitting(sizes: impl IntoIterator<Item = usize>) -> usize {
    let mut left = LONGEST - MARGIN;
    let fits = sizes.into_iter().take_while(|size| {
        let fits = *size <= left;
        left = left.saturating_sub(*size);
        fits
    });
    fits.count().max(1)
}

impl View<'_> {
    /// Returns the most characters that a message takes.
    pub(super) fn size(&self, message: &Message) -> usize {
        let mut text = String::new();
        self.write(&mut text, message, true);
        text.chars().count() + "## 2026-11-21 Sat\n".len()
    }

    /// Shows messages, oldest first.
    pub(super) fn lines<'m>(&self, messages: impl IntoIterator<Item = &'m Message>) -> String {
        let (mut text, mut day, mut author) = (String::new(), None::<Date>, None::<&str>);
        for message in messages {
            let date = message.time.to_zoned(self.zone.clone()).date();
            if day.replace(date) != Some(date) {
                let _ = writeln!(text, "## {}", date.strftime("%Y-%m-%d %a"));
                author = None;
            }
            let named = author.replace(&message.author.id) != Some(&message.author.id);
            self.write(&mut text, message, named);
        }
        text
    }

    fn write(&self, out: &mut String, message: &Message, named: bool) {
        let mut line = message.time.to_zoned(self.zone.clone()).strftime("%H:%M ").to_string();
        if named {
            line.push_str(&label(&message.author.name));
            line.push_str(match message.author.kind {
                AuthorKind::Person => " ",
                AuthorKind::Guest => " (guest) ",
                AuthorKind::Bot => " (bot) ",
                AuthorKind::System => " (system) ",
            });
        }
        let _ = write!(line, "[{}]", label(&message.at.id));
        match message.thread.as_deref() {
            Some(thread) if self.thread == Some(thread) => line.push_str(" ↳"),
            Some(thread) if thread != message.at.id => {
                let _ = write!(line, " ↳{}", label(thread));
            }
            _ => {}
        }
        let quote = message.quote.as_ref().map(|quote| {
            let text = cut(&sanitise::text(&quote.text), LONGEST_QUOTE);
            quote.author.as_ref().map_or(text.clone(), |author| format!("{}: {text}", label(author)))
        });
        for quoted in quote.iter().flat_map(|quote| quote.lines()) {
            let _ = write!(line, "\n{INDENT}> {quoted}");
        }
        let text =
            if message.deleted { "[deleted]".to_owned() } else { cut(&sanitise::text(&message.text), LONGEST_TEXT) };
        for (number, said) in text.trim().lines().enumerate() {
            if number == 0 && quote.is_none() {
                line.push(' ');
            } else {
                line.push('\n');
                line.push_str(INDENT);
            }
            line.push_str(said);
        }
        self.write_marks(&mut line, message);
        out.push_str(&line);
        out.push('\n');
    }

    fn write_marks(&self, line: &mut String, message: &Message) {
        if message.edited && !message.deleted {
            line.push_str(" (edited)");
        }
        for reaction in &message.reactions {
            let _ = write!(line, " ({} {})", label(&reaction.emoji), reaction.count);
        }
        for file in &message.files {
            let _ = write!(line, " [file {}]", self.file(file));
        }
        match message.replies {
            0 => {}
            1 => line.push_str(" (1 reply)"),
            replies => {
                let _ = write!(line, " ({replies} replies)");
            }
        }
    }

    /// Shows a file: its id, name and size.
    pub(super) fn file(&self, file: &File) -> String {
        let account = self.account.map(|account| format!("{account}:")).unwrap_or_default();
        let size = file.size.map(|size| format!(" {}", bytes(size))).unwrap_or_default();
        format!("{account}{} {}{size}", label(&file.id), label(&file.name))
    }
}

/// Returns a name in which nothing looks like the transcript's own marks.
pub(super) fn label(name: &str) -> String {
    let clean = sanitise::name(name).replace('[', "(").replace(']', ")");
    if clean.is_empty() { "?".to_owned() } else { clean }
}

/// Returns a size as people say it.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

/// Cuts a text to `longest` characters, the indents of its lines included.
fn cut(text: &str, longest: usize) -> String {
    let mut left = longest;
    let end = text.char_indices().find(|(_, c)| {
        let width = if *c == '\n' { 1 + INDENT.len() } else { 1 };
        let full = width > left;
        left = left.saturating_sub(width);
        full
    });
    match end {
        Some((end, _)) => format!("{} [… cut, {} characters more]", &text[..end], text[end..].chars().count()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use switchboard_kit::chat::{Author, MessageRef, Quote, Reaction};

    use super::*;

    fn message(id: &str, author: &str, text: &str) -> Message {
        let at = MessageRef { account: AccountKey::new("work"), conversation: "C1".into(), id: id.into() };
        let author = Author { id: format!("P{author}"), name: author.into(), kind: AuthorKind::Person };
        Message::new(at, "2026-11-21T12:05:00Z".parse().unwrap(), author, text)
    }

    fn show(messages: &[Message]) -> String {
        View { zone: &TimeZone::UTC, account: None, thread: None }.lines(messages)
    }

    #[test]
    fn a_transcript_says_all_in_few_bytes() {
        let mut second = message("M2", "Ana", "two\nlines");
        second.edited = true;
        second.reactions = vec![Reaction { emoji: "👍".into(), count: 2, mine: false }];
        second.files = vec![File { id: "F4".into(), name: "plan.pdf".into(), media_type: None, size: Some(120_400) }];
        let mut third = message("M3", "deploys", "live");
        third.author.kind = AuthorKind::Bot;
        third.thread = Some("M1".into());
        third.quote = Some(Quote { author: Some("Ana".into()), text: "when?".into() });
        let mut fourth = message("M4", "Noor", "");
        fourth.author.kind = AuthorKind::Guest;
        (fourth.deleted, fourth.replies) = (true, 3);
        fourth.time = "2026-11-22T08:00:00Z".parse().unwrap();
        let shown = show(&[message("M1", "Ana", "hello"), second, third, fourth]);
        let expected = "\
## 2026-11-21 Sat
12:05 Ana [M1] hello
12:05 [M2] two
  lines (edited) (👍 2) [file F4 plan.pdf 120 kB]
12:05 deploys (bot) [M3] ↳M1
  > Ana: when?
  live
## 2026-11-22 Sun
08:00 Noor (guest) [M4] [deleted] (3 replies)
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_page_is_cut_between_messages_and_never_to_nothing() {
        assert_eq!(fitting([6_000, 4_000, 3_000]), 2);
        assert_eq!(fitting([20_000]), 1);
        for long in ["x", "x\n"] {
            let mut long = message("M1", "Ana", &long.repeat(9_500));
            long.quote = Some(Quote { author: None, text: long.text.clone() });
            assert!(show(&[long]).chars().count() < LONGEST - MARGIN);
        }
    }

    proptest! {
        #[test]
        fn no_message_forges_a_line(
            name in "(\\PC|[\\[\\]\n\r\u{85}\u{2028}#:0-9\u{202e}]){0,40}",
            text in "(\\PC|[\n\r\u{85}\u{2028}\u{b}\u{c}]|\n## 2026-11-21 Sat|\n12:05 Bob \\[M9\\] hi|\nend|\nnext: cursor=x){0,20}",
            quote in "(\\PC|\n12:05 Bob \\[M9\\] hi|\r## ){0,10}",
        ) {
            let mut hostile = message("M2", "Eve", &text);
            hostile.author.name = name;
            hostile.quote = Some(Quote { author: Some(text.clone()), text: quote });
            hostile.files = vec![File { id: "F1".into(), name: text, media_type: None, size: None }];
            let shown = show(&[message("M1", "Ana", "hi"), hostile]);
            let ours: Vec<_> = shown.lines().filter(|line| !line.starts_with(INDENT)).collect();
            prop_assert_eq!(ours.len(), 3, "{}", shown);
            prop_assert_eq!(ours[0], "## 2026-11-21 Sat");
            prop_assert_eq!(ours[2].find('['), ours[2].find("[M2]"), "{}", shown);
            prop_assert!(shown.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
            let invisible = shown.contains(['\u{2028}', '\u{2029}', '\u{202e}', '\u{200b}']);
            prop_assert!(!invisible, "{:?}", shown);
        }
    }
}
