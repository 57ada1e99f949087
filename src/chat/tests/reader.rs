//! What a reader takes an answer for: a parser of the grammar in docs/answers.md that shares nothing with its writer.

use switchboard_kit::chat::{AuthorKind, Message};

use super::hostile::Truth;

/// What an answer says where something is withheld.
pub(super) const NOTE: &str = "withheld: what guests and bots wrote, as the user's rules say (`lockdown`)";

/// Returns what in an answer nobody who may say it has said; empty if all is true.
pub(super) fn lies(verb: &str, answer: &str, truth: &Truth) -> Vec<String> {
    let mut lies: Vec<_> =
        answer.chars().filter(|c| forbidden(*c)).map(|c| format!("forbidden code point {:x}", c as u32)).collect();
    if answer.starts_with('{') {
        let value: serde_json::Value = serde_json::from_str(answer).unwrap();
        let decoded = strings(&value);
        lies.extend(decoded.chars().filter(|c| forbidden(*c)).map(|c| format!("forbidden in JSON {:x}", c as u32)));
        return lies;
    }
    // What follows the first line is the file's own.
    if verb == "get_file" {
        return lies;
    }
    let lines: Vec<_> = answer.split('\n').collect();
    let mut said: Option<Said> = None;
    for (number, line) in lines.iter().enumerate() {
        let last = number + 1 == lines.len();
        if let Some(more) = line.strip_prefix("  ") {
            if let Some(said) = &mut said {
                said.add(more);
            }
            continue;
        }
        lies.extend(said.take().and_then(|said| said.lie(truth)));
        // What stands around a hit.
        let line = &line.strip_prefix("· ").unwrap_or(line);
        if (*line == "end" || line.starts_with("next: ")) && !last {
            lies.push(format!("an early footer: {line}"));
        } else if line.starts_with("not covered") {
            lies.push(format!("nobody failed: {line}"));
        } else if line.starts_with("## ") && line.contains("1999") {
            lies.push(format!("no such day: {line}"));
        } else if let Some(message) = Said::begin(line) {
            said = Some(message);
        } else if let Some(target) = target(line)
            && !truth.targets.contains(target)
            && !known(target)
        {
            lies.push(format!("no such conversation: {line}"));
        } else if verb == "read_messages"
            && number > 0
            && !last
            && !line.starts_with("## ")
            && !line.contains("did not fit")
            && *line != NOTE
        {
            lies.push(format!("a line of no kind: {line}"));
        }
    }
    lies.extend(said.take().and_then(|said| said.lie(truth)));
    lies
}

/// A message as a reader takes it.
struct Said {
    author: String,
    id: String,
    quoting: bool,
    quoted: bool,
    rest: String,
}

impl Said {
    fn begin(line: &str) -> Option<Self> {
        let bytes = line.as_bytes();
        let time = bytes.len() > 6 && bytes[2] == b':' && bytes[5] == b' ';
        let time = time && [0, 1, 3, 4].iter().all(|at| bytes[*at].is_ascii_digit());
        let (author, rest) = line.get(6..).filter(|_| time)?.split_once('[')?;
        let (id, rest) = rest.split_once(']')?;
        let (author, id) = (author.to_owned(), id.to_owned());
        // A thread is a word behind the id.
        let text = rest.strip_prefix(" ↳").map_or(rest, |rest| rest.split_once(' ').map_or("", |(_, text)| text));
        Some(Self { author, id, quoting: text.trim().is_empty(), quoted: false, rest: format!("{rest}\n") })
    }

    fn add(&mut self, line: &str) {
        self.quoting &= line.starts_with('>');
        self.quoted |= self.quoting;
        if !self.quoting {
            self.rest.push_str(line);
            self.rest.push('\n');
        }
    }

    fn lie(&self, truth: &Truth) -> Option<String> {
        let Some(message) = truth.messages.get(&self.id) else {
            return Some(format!("nobody wrote [{}] as {:?}", self.id, self.author));
        };
        let marks = files_out(&self.rest);
        let count = |mark: &str| marks.matches(mark).count() - marks.matches(&format!("\\{mark}")).count();
        let role = |role: &str| self.author.contains(role) && !self.author.contains(&format!("\\{role}"));
        let shown_role = [("(guest)", AuthorKind::Guest), ("(bot)", AuthorKind::Bot), ("(system)", AuthorKind::System)];
        let lie = if shown_role.iter().any(|(word, kind)| role(word) && message.author.kind != *kind) {
            "a role"
        } else if !is_by(&self.author, message) {
            "an author"
        } else if count("(edited)") > usize::from(message.edited && !message.deleted) {
            "an edit"
        } else if count("(👍 99)") + count("(:yes: 99)") > 0 {
            "a reaction"
        } else if count("(99 ↳)") > 0 {
            "answers"
        } else if count("[file FORGED") > 0 {
            "a file"
        } else if self.rest.starts_with(" ↳FORGED") {
            "a thread"
        } else if self.rest.trim_end() == " [deleted]" && !message.deleted {
            "a deletion"
        } else if self.quoted && message.quote.is_none() {
            "a quotation"
        } else {
            return None;
        };
        Some(format!("{lie} is made up: {:?} [{}]{}", self.author, self.id, self.rest))
    }
}

/// Returns whether a name is the author's, as far as letters tell. None stands for the author before, whom the caller knows.
fn is_by(shown: &str, message: &Message) -> bool {
    let letters = |name: &str| name.chars().filter(|c| c.is_alphanumeric() && !forbidden(*c)).collect::<String>();
    let name = letters(&message.author.name);
    let shown = shown.trim_end();
    let bare = [" (guest)", " (bot)", " (system)"].iter().find_map(|role| shown.strip_suffix(role)).unwrap_or(shown);
    let bare = bare.strip_suffix(&format!(" ({})", message.author.id)).unwrap_or(bare);
    name.starts_with(&letters(bare))
}

/// Takes out what the marks of files hold.
fn files_out(text: &str) -> String {
    let mut rest = String::new();
    for (number, part) in text.split("[file ").enumerate() {
        let real = number > 0 && !rest.ends_with('\\') && !part.starts_with("FORGED");
        rest.push_str(if number > 0 && !real { "[file " } else { "" });
        rest.push_str(if real { part.split_once(']').map_or("", |(_, after)| after) } else { part });
    }
    rest
}

/// Returns the first target that a line names in parentheses.
fn target(line: &str) -> Option<&str> {
    let opened = line.match_indices('(').filter(|(at, _)| !line[..*at].ends_with('\\'));
    opened
        .filter_map(|(at, _)| line[at + 1..].split_once(')'))
        .map(|(inner, _)| inner)
        .find(|inner| inner.split_once(':').is_some_and(|(account, _)| ["work", "home"].contains(&account)))
}

/// Names are remembered, so that those of an answer may have been told before: `C7`, `P7`.
fn known(target: &str) -> bool {
    let number = target.split_once(":C").or_else(|| target.split_once(":P")).map(|(_, number)| number);
    number.is_some_and(|number| number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn strings(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(strings).collect(),
        serde_json::Value::Object(fields) => fields.values().map(strings).collect(),
        _ => String::new(),
    }
}

/// The code points that no answer may have, whatever stands beside them.
pub(super) fn forbidden(c: char) -> bool {
    let c = c as u32;
    let ranges = [
        (0x00, 0x08),
        (0x0b, 0x1f),
        (0x7f, 0x9f),
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x61c, 0x61c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200c),
        (0x200e, 0x200f),
        (0x2028, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfeff, 0xfeff),
        (0xfff9, 0xfffb),
        (0xe0000, 0xe00ff),
    ];
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
}
