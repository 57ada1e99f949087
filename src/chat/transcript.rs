//! Messages as a transcript: few bytes beyond the text, every id that an answer needs, and no line that a message could
//! have written itself.
//!
//! A line that begins at the margin is ours: `## date`, or `HH:MM Name [id] text`. Whatever else a message brings is
//! indented, a name has no brackets, and what looks like a mark of ours gets a backslash (`escapes`).

mod page;

use std::fmt::Write;

use jiff::{civil::Date, tz::TimeZone};
use switchboard_kit::{
    AccountKey,
    chat::{File, Message},
};

use self::page::Page;
use super::{
    escapes::{self, label},
    sanitise,
};

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
        self.write(&mut text, message, Some(&page::longest(&message.author)), message.thread.as_deref());
        text.chars().count() + "## 2026-11-21 Sat\n".len()
    }

    /// Shows messages, oldest first.
    pub(super) fn lines<'m>(&self, messages: impl IntoIterator<Item = &'m Message>) -> String {
        let messages: Vec<_> = messages.into_iter().collect();
        let (mut text, mut day, mut page) = (String::new(), None::<Date>, Page::of(&messages));
        for message in messages {
            let date = message.time.to_zoned(self.zone.clone()).date();
            let before = day.replace(date);
            if before != Some(date) {
                // The year is said where it changes, and the day of the week with it.
                let year = before.is_none_or(|before| before.year() != date.year());
                let _ = writeln!(text, "## {}", date.strftime(if year { "%Y-%m-%d %a" } else { "%m-%d" }));
                page.begin();
            }
            let (author, thread) = (page.author(&message.author), page.thread(message));
            self.write(&mut text, message, author.as_deref(), thread.as_deref());
        }
        text
    }

    fn write(&self, out: &mut String, message: &Message, author: Option<&str>, thread: Option<&str>) {
        let mut line = message.time.to_zoned(self.zone.clone()).strftime("%H:%M ").to_string();
        line.push_str(author.unwrap_or_default());
        let _ = write!(line, "[{}]", message.at.id);
        match thread.filter(|_| message.thread.as_deref() != Some(&message.at.id)) {
            Some(_) if message.thread.as_deref() == self.thread => {}
            Some(thread) => {
                let _ = write!(line, " ↳{thread}");
            }
            None => {}
        }
        let quote = message.quote.as_ref().map(|quote| {
            let text = cut(&sanitise::text(&quote.text), LONGEST_QUOTE);
            quote.author.as_ref().map_or(text.clone(), |author| format!("{}: {text}", escapes::quoted(author)))
        });
        for quoted in quote.iter().flat_map(|quote| quote.lines()) {
            let _ = write!(line, "\n{INDENT}> {quoted}");
        }
        let text = if message.deleted {
            "[deleted]".to_owned()
        } else if message.withheld {
            format!("[withheld: written by {}]", page::outsider(message.author.kind))
        } else {
            cut(&escapes::text(&sanitise::text(&message.text), quote.is_some()), LONGEST_TEXT)
        };
        for (number, said) in text.lines().enumerate() {
            if number == 0 && quote.is_none() {
                line.push(' ');
            } else {
                line.push('\n');
                line.push_str(INDENT);
            }
            line.push_str(said);
        }
        let mut marks = String::new();
        self.write_marks(&mut marks, message);
        // Behind a quotation they would be the quotation's.
        if quote.is_some() && text.is_empty() && !marks.is_empty() {
            let _ = write!(line, "\n{INDENT}{}", marks.trim_start());
        } else {
            line.push_str(&marks);
        }
        out.push_str(&line);
        out.push('\n');
    }

    fn write_marks(&self, line: &mut String, message: &Message) {
        if message.edited && !message.deleted {
            line.push_str(" (edited)");
        }
        let reactions =
            message.reactions.iter().map(|reaction| format!("{} {}", escapes::emoji(&reaction.emoji), reaction.count));
        let reactions = reactions.collect::<Vec<_>>().join(" ");
        if !reactions.is_empty() {
            let _ = write!(line, " ({reactions})");
        }
        for file in &message.files {
            let _ = write!(line, " [file {}]", self.file(file));
        }
        match message.replies {
            _ if self.thread == Some(&message.at.id) => {}
            0 => {}
            replies => {
                let _ = write!(line, " ({replies} ↳)");
            }
        }
    }

    /// Shows a file: its id, name and size.
    pub(super) fn file(&self, file: &File) -> String {
        let account = self.account.map(|account| format!("{account}:")).unwrap_or_default();
        let size = file.size.map(|size| format!(" {}", bytes(size))).unwrap_or_default();
        format!("{account}{} {}{size}", file.id, label(&file.name))
    }
}

/// Returns a size as people say it.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

/// Returns a message with at most `longest` characters of its text.
pub(super) fn shortened(message: Message, longest: usize) -> Message {
    Message { text: cut(&message.text, longest), ..message }
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
    use switchboard_kit::chat::{Author, AuthorKind, MessageRef, Quote, Reaction};

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
## 11-22
08:00 Noor (guest) [M4] [deleted] (3 ↳)
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_thread_is_named_whole_once_and_then_shortly_but_never_ambiguously() {
        let (one, other) = ("$Ab3dEfGhIjKlMnOpQrStUvWx", "$Ab3dEfGyIjKlMnOpQrStUvWx");
        let answer = |id, thread: &str| Message { thread: Some(thread.into()), ..message(id, "Ana", "x") };
        let shown = show(&[
            message(one, "Ana", "x"),
            answer("$1", one),
            answer("$2", other),
            answer("$3", other),
            message("M1", "Ana", "x"),
            answer("$4", "M1"),
        ]);
        let threads: Vec<_> = shown.lines().filter_map(|line| Some(line.split_once(" ↳")?.1)).collect();
        assert_eq!(threads, ["$Ab3dEfGh… x", &format!("{other} x"), "$Ab3dEfGy… x", "M1 x"]);
    }

    #[test]
    fn a_name_is_short_the_second_time_and_never_anothers() {
        let by = |id: &str, name: &str| Message {
            author: Author { id: id.into(), ..message("M1", name, "").author },
            ..message("M1", name, "")
        };
        let names = |messages: &[Message]| -> Vec<String> {
            let lines = show(messages);
            lines
                .lines()
                .skip(1)
                .map(|line| line["12:05 ".len()..].split(" [").next().unwrap_or_default().to_owned())
                .collect()
        };
        let (mara, eve, ana) = (by("P2", "Mara Lindqvist"), by("P9", "Mara"), by("P3", "Ana Silva."));
        assert_eq!(
            names(&[mara.clone(), ana.clone(), mara.clone(), ana.clone()]),
            ["Mara Lindqvist", "Ana Silva", "Mara.", "Ana."]
        );
        assert_eq!(names(&[mara.clone(), eve, mara]), ["Mara Lindqvist (P2)", "Mara (P9)", "Mara Lindqvist (P2)"]);
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
}
