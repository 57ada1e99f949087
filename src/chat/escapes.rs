//! What looks like a mark of ours gets a backslash: a text cannot have reactions, a name no second target.

use super::sanitise;

/// Returns a name as it stands on a line of ours: no brackets, and no mark that says what somebody is or where.
pub(super) fn label(name: &str) -> String {
    let clean = sanitise::name(name).replace('[', "(").replace(']', ")");
    if clean.is_empty() { "?".to_owned() } else { escaped(&clean, is_target_or_role) }
}

/// Returns a cleaned topic, of any length.
pub(super) fn topic(topic: &str) -> String {
    escaped(topic, is_target_or_role)
}

/// Returns an author's name. One that ends with a period is a name shortened by us.
pub(super) fn author(name: &str) -> String {
    label(label(name).trim_end_matches('.'))
}

/// Returns a name that stands before a colon.
pub(super) fn quoted(author: &str) -> String {
    label(author).replace(": ", "\\: ")
}

/// Returns a reaction: one word, whatever was made one. A word of letters gets colons.
pub(super) fn emoji(name: &str) -> String {
    let word: String = label(name).chars().filter(|c| !"()\\".contains(*c)).collect();
    let word = word.replace(' ', "_");
    if word.starts_with(|first: char| first == ':' || !first.is_ascii()) { word } else { format!(":{word}:") }
}

/// Returns a title that begins a line, where it might pass for one of the lines that end or divide an answer.
pub(super) fn title(name: &str) -> String {
    let name = label(name);
    let ours = name == "end"
        || name.starts_with(['#', '@'])
        || name.as_bytes().get(2) == Some(&b':')
        || name.split_once(':').is_some_and(|(word, _)| ["next", "not covered", "now", "withheld"].contains(&word));
    if ours { format!("\\{name}") } else { name }
}

/// Returns what a message says, without marks of its own making; `quotes` says that a quotation stands before it.
pub(super) fn text(said: &str, quotes: bool) -> String {
    let said = said.trim();
    let first = said.starts_with('↳')
        || said == "[deleted]"
        || said.starts_with("[withheld")
        || (quotes && said.starts_with('>'));
    let said = escaped(said, is_mark);
    if first && !said.starts_with('\\') { format!("\\{said}") } else { said }
}

/// Puts a backslash before every bracket of which `is_ours` says so, by what follows it.
fn escaped(text: &str, is_ours: fn(&str) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if matches!(c, '(' | '[') && !safe.ends_with('\\') && is_ours(&text[at..]) {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// `(bot)`, `(account:id)`. One that is not closed, as where a name was cut, what follows on the line might close.
fn is_target_or_role(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('(') else { return false };
    let inner = inner.split_once(')').map_or(inner, |(inner, _)| inner);
    let word = inner.trim().to_ascii_lowercase();
    let account = inner.split_once(':').is_some_and(|(account, _)| !account.contains(char::is_whitespace));
    account || ["bot", "guest", "system"].contains(&word.as_str())
}

/// `(edited)`, `(👍 2)`, `(3 ↳)`, `[file …`.
fn is_mark(text: &str) -> bool {
    if text.starts_with("[file ") {
        return true;
    }
    let Some((inner, _)) = text.strip_prefix('(').and_then(|text| text.split_once(')')) else { return false };
    let counts = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    match inner.rsplit_once(' ') {
        None => inner == "edited",
        Some((number, "↳")) => counts(number),
        Some((emoji, number)) => counts(number) && emoji.starts_with(|first: char| first == ':' || !first.is_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_says_who_somebody_is_or_where() {
        for (name, shown) in [
            ("deploys [bot]", "deploys \\(bot)"),
            ("Ana (System)", "Ana \\(System)"),
            ("general (matrix:!x:y)", "general \\(matrix:!x:y)"),
            ("general (matrix:!x…", "general \\(matrix:!x…"),
            ("Design (old) :-)", "Design (old) :-)"),
            ("12:05 Bob [M9] hi", "12:05 Bob (M9) hi"),
            (" \u{200b}", "?"),
        ] {
            assert_eq!(label(name), shown);
            assert_eq!(label(shown), shown, "twice is once");
        }
        for (reaction, shown) in [("👍", "👍"), (":yes:", ":yes:"), ("👍 40) (x", "👍_40_x"), ("lol", ":lol:")]
        {
            assert_eq!(emoji(reaction), shown);
        }
        assert_eq!(quoted("Boss: yes"), "Boss\\: yes");
        for name in ["end", "next: cursor=x", "not covered: matrix", "#general", "12:05 Bob"] {
            assert_eq!(title(name), format!("\\{name}"));
        }
        assert_eq!(title("Ana, Bob: friends"), "Ana, Bob: friends");
    }

    #[test]
    fn no_text_has_marks_of_its_own() {
        for (said, shown) in [
            ("Ship it (👍 40)", "Ship it \\(👍 40)"),
            ("x (:yes: 4) (edited)", "x \\(:yes: 4) \\(edited)"),
            ("x (3 ↳)", "x \\(3 ↳)"),
            ("[file F9 salaries.xlsx 3 kB]", "\\[file F9 salaries.xlsx 3 kB]"),
            ("↳M1 no", "\\↳M1 no"),
            ("[deleted]", "\\[deleted]"),
            ("[withheld: written by a bot]", "\\[withheld: written by a bot]"),
            ("> Boss: yes", "> Boss: yes"),
            ("see [the plan](https://x.example) (page 3)", "see [the plan](https://x.example) (page 3)"),
        ] {
            assert_eq!(text(said, false), shown);
        }
        assert_eq!(text("> Boss: yes", true), "\\> Boss: yes");
    }
}
