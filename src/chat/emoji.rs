//! Emojis: what they are called, and how each is spelt.

use unicode_segmentation::UnicodeSegmentation as _;

use super::sanitise;

/// A line for each: itself, and its names. Searched only when somebody reacts.
const ALL: &str = include_str!(concat!(env!("OUT_DIR"), "/emojis.txt"));
/// Most bytes of a name.
const LONGEST_NAME: usize = 60;

/// Returns what to react with: an emoji in the spelling that all use, or the `:name:` of the workspace's own.
pub(super) fn named(text: &str) -> Option<String> {
    if let Some(known) = spelt(text) {
        return Some(known.to_owned());
    }
    let name = text.strip_prefix(':').and_then(|text| text.strip_suffix(':'));
    if let Some(emoji) = called(name.unwrap_or(text)) {
        return Some(emoji.to_owned());
    }
    let is_one = text.graphemes(true).count() == 1 && text.chars().any(sanitise::is_emoji);
    let is_name = name.is_some_and(|name| {
        !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(|c: char| c.is_whitespace() || c == ':')
    });
    (is_one || is_name).then(|| text.to_owned())
}

/// Returns whether it is one that all platforms know.
pub(super) fn is_usual(emoji: &str) -> bool {
    spelt(emoji).is_some()
}

/// Returns the emoji of that name, in any case.
fn called(name: &str) -> Option<&'static str> {
    let lines = ALL.lines().filter_map(|line| line.split_once(' '));
    let mut found = lines.filter(|(_, names)| names.split(' ').any(|other| other.eq_ignore_ascii_case(name)));
    found.next().filter(|_| !name.is_empty()).map(|(emoji, _)| emoji)
}

/// Returns an emoji with the selectors that belong to it, whichever it came with: with others it would count as another.
fn spelt(text: &str) -> Option<&'static str> {
    let bare = |text: &str| text.replace(['\u{fe0e}', '\u{fe0f}'], "");
    let wanted = bare(text);
    ALL.lines().filter_map(|line| line.split_once(' ')).map(|(emoji, _)| emoji).find(|emoji| bare(emoji) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_emojis_and_each_is_spelt_in_one_way() {
        for (text, expected) in [
            ("👍", "👍"),
            (":thumbsup:", "👍"),
            ("thumbsup", "👍"),
            (":+1:", "👍"),
            ("Tada", "🎉"),
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            (":heart:", "❤\u{fe0f}"),
            ("👍\u{fe0f}", "👍"),
            ("👍🏽", "👍🏽"),
            ("🏃🏽\u{200d}♂", "🏃🏽\u{200d}♂\u{fe0f}"),
            ("1⃣", "1\u{fe0f}⃣"),
            (":kestrel-parrot:", ":kestrel-parrot:"),
        ] {
            assert_eq!(named(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "lol", "ok 👍", "👍👍", ":", "::", ":two words:", "é", "1", ":a:b:"] {
            assert_eq!(named(text), None, "{text}");
        }
    }
}
