//! Splits a text that is too long for one message, where a reader would.
//!
//! Between paragraphs if it can be, else between lines, sentences or words, and never within what is seen as one
//! character. Code that is cut is closed and opened again, and so is a quote that is cut within a line.

use switchboard_kit::chat::Length;
use unicode_segmentation::UnicodeSegmentation;

/// Returns the parts of `text`, each of which `longest` admits, or none if there would be more than `most`.
pub(super) fn split(text: &str, longest: Length, most: usize) -> Option<Vec<String>> {
    // Where natural places are so far apart that there would be too many parts, these are filled up.
    let fillings = [(1, 2), (9, 10)].into_iter();
    fillings.map(|filling| parts(text, longest, filling)).find(|parts| parts.len() <= most)
}

fn parts(text: &str, longest: Length, (share, of): (usize, usize)) -> Vec<String> {
    let (mut parts, mut rest, mut head, mut fence) = (Vec::new(), text, String::new(), None);
    loop {
        let last = format!("{head}{rest}");
        if longest.admits(&last) {
            if !rest.trim().is_empty() {
                parts.push(last);
            }
            return parts;
        }
        let room = longest.most().saturating_sub(longest.of(&head));
        let cut = Scan { rest, longest, room, floor: room * share / of }.cut(fence);
        let (now, later) = rest.split_at(cut.end);
        if !now.trim().is_empty() {
            let closing = cut.fence.map(Fence::closing).unwrap_or_default();
            parts.push(format!("{head}{}{closing}", now.trim_end()));
        }
        fence = cut.fence;
        (head, rest) = match fence {
            None => (cut.quote.to_owned(), later.trim_start()),
            Some(open) => match later.split_once('\n').unwrap_or((later, "")) {
                // What we closed is not to be closed again.
                (line, after) if open.ends_at(line) => {
                    fence = None;
                    (String::new(), after.trim_start())
                }
                _ => (open.opening() + cut.quote, later),
            },
        };
    }
}

/// Code between lines of backticks or tildes that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fence<'t> {
    quote: &'t str,
    mark: &'t str,
    info: &'t str,
}

impl<'t> Fence<'t> {
    /// Recognises the line that opens one. What could hardly be repeated in each part is none.
    fn begun_by(line: &'t str, longest: Length) -> Option<Self> {
        let quote = quote_of(line);
        let (mark, info) = marked(without_bullet(&line[quote.len()..]))?;
        if mark.starts_with('`') && info.contains('`') {
            return None;
        }
        let whole = Self { quote, mark, info: info.trim() };
        let fits = |fence: &Self| longest.of(&(fence.opening() + &fence.closing())) <= longest.most() / 4;
        [whole, Self { info: "", ..whole }].into_iter().find(fits)
    }

    /// Returns whether a line closes it.
    fn ends_at(self, line: &str) -> bool {
        let Some((mark, rest)) = marked(&line[quote_of(line).len()..]) else { return false };
        mark.starts_with(self.mark) && rest.trim().is_empty()
    }

    /// Returns what is open after a line.
    fn after(open: Option<Self>, line: &'t str, longest: Length) -> Option<Self> {
        match open {
            None => Self::begun_by(line, longest),
            Some(fence) => (!fence.ends_at(line)).then_some(fence),
        }
    }

    fn opening(self) -> String {
        format!("{}{}{}\n", self.quote, self.mark, self.info)
    }

    fn closing(self) -> String {
        format!("\n{}{}", self.quote, self.mark)
    }
}

/// Splits three or more backticks or tildes from what follows on their line.
fn marked(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(' ');
    let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let (mark, rest) = line.split_at(line.len() - line.trim_start_matches(sign).len());
    (mark.len() >= 3).then_some((mark, rest))
}

/// Returns the `>` that a line of a quote starts with, and the space after.
fn quote_of(line: &str) -> &str {
    let start = line.len() - line.trim_start_matches(['>', ' ']).len();
    let Some(last) = line[..start].rfind('>') else { return "" };
    &line[..start.min(last + 2)]
}

fn without_bullet(line: &str) -> &str {
    let line = line.trim_start_matches(' ');
    let numbered = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let after = if numbered.len() < line.len() {
        numbered.strip_prefix(['.', ')'])
    } else {
        line.strip_prefix(['-', '*', '+'])
    };
    after.filter(|after| after.starts_with(' ')).unwrap_or(line)
}

/// Where to cut, what is open there, and what a line that is cut has to start with again.
struct Cut<'t> {
    end: usize,
    fence: Option<Fence<'t>>,
    quote: &'t str,
}

/// How good a place between two lines is; less is better.
#[derive(Clone, Copy)]
enum Place {
    Paragraph,
    Line,
    /// Before a line that belongs to the one above, or after a heading.
    Torn,
    Code,
}

/// Looks through what is left for a place to cut: at `floor` at the least, with `room` at the most.
struct Scan<'t> {
    rest: &'t str,
    longest: Length,
    room: usize,
    floor: usize,
}

impl<'t> Scan<'t> {
    fn cut(&self, open: Option<Fence<'t>>) -> Cut<'t> {
        let (mut at, mut size, mut fence) = (0, 0, open);
        let mut best: [Option<Cut<'t>>; 4] = [const { None }; 4];
        let mut heading = false;
        let mut lines = self.rest.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            let before = fence;
            fence = Fence::after(fence, line, self.longest);
            let needed = size + self.longest.of(line.trim_end()) + self.closing(fence);
            if needed > self.room {
                let best = best.into_iter().flatten().next();
                return best.unwrap_or_else(|| self.within(line, at, size, before));
            }
            (at, size) = (at + line.len(), size + self.longest.of(line));
            let blank = line.trim().is_empty();
            heading = if blank { heading } else { line.starts_with('#') && fence.is_none() };
            // Blank lines go with what is above them.
            let Some(next) = lines.peek().filter(|next| fence.is_some() || !next.trim().is_empty()) else { continue };
            let place = match fence {
                Some(_) => Place::Code,
                None if heading || next.starts_with([' ', '\t']) => Place::Torn,
                None if blank => Place::Paragraph,
                None => Place::Line,
            };
            if size >= self.floor {
                best[place as usize] = Some(Cut { end: at, fence, quote: "" });
            }
        }
        Cut { end: self.rest.len(), fence, quote: "" }
    }

    fn closing(&self, fence: Option<Fence<'_>>) -> usize {
        fence.map_or(0, |fence| self.longest.of(&fence.closing()))
    }

    /// Cuts within the line at `at`, with `size` before it.
    fn within(&self, line: &'t str, at: usize, size: usize, fence: Option<Fence<'t>>) -> Cut<'t> {
        let quote = quote_of(line);
        // A quote that is deeper than this leaves no room for what it says.
        let quote =
            if self.longest.of(quote) * 8 > self.longest.most() || fence.is_some_and(|open| open.quote.is_empty()) {
                ""
            } else {
                quote
            };
        let room = self.room.saturating_sub(size + self.closing(fence));
        let fitting = |pieces: &mut dyn Iterator<Item = &str>| {
            let mut spent = 0;
            pieces
                .map_while(|piece| {
                    spent += self.longest.of(piece);
                    (spent <= room).then_some(piece.len())
                })
                .sum::<usize>()
        };
        let full = fitting(&mut line.graphemes(true));
        let is_enough = |&end: &usize| end > quote.len() && size + self.longest.of(&line[..end]) >= self.floor;
        let sentence = fence.is_none().then(|| fitting(&mut line.split_sentence_bounds())).filter(is_enough);
        let word = if line[full..].starts_with(char::is_whitespace) {
            Some(full)
        } else {
            let space = line[..full].char_indices().rfind(|(_, letter)| letter.is_whitespace());
            space.map(|(at, letter)| at + letter.len_utf8())
        };
        let end = sentence.or_else(|| word.filter(is_enough)).or(Some(full).filter(|&full| full > quote.len()));
        let end = match end {
            Some(end) => end,
            // The line can start the next part.
            None if at > 0 => return Cut { end: at, fence, quote: "" },
            // One character that is longer than a message.
            None => match fitting(&mut line.split_inclusive(|_: char| true)) {
                0 => line.chars().next().map_or(0, char::len_utf8),
                end => end,
            },
        };
        Cut { end: at + end, fence, quote }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str, most: usize) -> Vec<String> {
        split(text, Length::Characters(most), 10).unwrap()
    }

    #[test]
    fn a_text_that_fits_is_left_as_it_is() {
        assert_eq!(cut("  one\n\ntwo ", 20), ["  one\n\ntwo "]);
    }

    #[test]
    fn paragraphs_come_before_lines_sentences_and_words() {
        for (text, expected) in [
            (
                "one two three four\nfive six\n\nseven eight nine ten",
                ["one two three four\nfive six", "seven eight nine ten"],
            ),
            ("one two three four.\nFive six. Seven eight", ["one two three four.", "Five six. Seven eight"]),
            ("One two three four. Five six seven eight", ["One two three four.", "Five six seven eight"]),
            ("one two three four five six seven eight", ["one two three four five six seven", "eight"]),
            ("one two three.\n\n## Another\n\ntext text text", ["one two three.", "## Another\n\ntext text text"]),
            ("- one two three\n- four five\n  six\n- seven", ["- one two three\n- four five\n  six", "- seven"]),
        ] {
            assert_eq!(cut(text, 33), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_cut_that_is_seen_as_one() {
        let family = "👩\u{200d}👩\u{200d}👧";
        let parts = cut(&family.repeat(9), 40);
        assert_eq!(parts, [family.repeat(8), family.to_owned()]);
        // Unless it is longer than a message.
        assert_eq!(cut(&format!("e{}", "\u{301}".repeat(45)), 40).len(), 2);
    }

    #[test]
    fn code_is_closed_and_opened_again() {
        let lines = |from: usize, to: usize| {
            (from..to).fold(String::new(), |text, line| {
                text + &format!(
                    "    let x = {line};
"
                )
            })
        };
        let text = format!("Look:\n\n```rust\n{}```\nThat is all", lines(10, 20));
        let parts = cut(&text, 120);
        assert_eq!(parts[0], format!("Look:\n\n```rust\n{}```", lines(10, 16)));
        assert_eq!(parts[1], format!("```rust\n{}```", lines(16, 20)) + "\nThat is all");
        let text = format!("> ~~~\n{}", "> some code\n".repeat(5));
        assert_eq!(cut(&text, 50)[1], "> ~~~\n> some code\n> some code\n");
    }

    #[test]
    fn a_quote_goes_on_in_the_next_part() {
        assert_eq!(cut(&format!("> {}", "word ".repeat(10)), 40)[1], "> word word word ");
    }

    #[test]
    fn where_natural_places_make_too_many_parts_these_are_filled_up() {
        let text = format!("{}\n\n{}\n\n", "a ".repeat(11).trim(), "b ".repeat(11).trim()).repeat(5);
        assert!(parts(&text, Length::Characters(40), (1, 2)).len() > 8);
        assert!(split(&text, Length::Characters(40), 8).is_some());
        assert_eq!(split(&"x".repeat(401), Length::Characters(40), 10), None);
    }

    fn bare(text: &str) -> String {
        text.split_whitespace().collect()
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(
            text in r"(one |Two\. |dreizehn|日本語。|👩‍👩‍👧|é|\n|\n\n|    |- |3\. |# |, ){0,120}", most in 40..200usize, unit in 0..3usize,
        ) {
            let longest = [Length::Characters(most), Length::Bytes(most), Length::Utf16(most)][unit];
            let parts = split(&text, longest, usize::MAX).unwrap();
            prop_assert!(parts.iter().all(|part| longest.admits(part)), "{parts:?}");
            let seen = |text: &str| text.graphemes(true).map(bare).filter(|seen| !seen.is_empty()).collect::<Vec<_>>();
            prop_assert_eq!(parts.iter().flat_map(|part| seen(part)).collect::<Vec<_>>(), seen(&text));
            prop_assert!(parts.len() <= 2 * longest.of(&text).div_ceil(most) + 1, "{parts:?}");
        }

        #[test]
        fn code_and_quotes_lose_nothing_either(
            text in r"(```|````|~~~|```rust|> |>|\n|\n> |\n```\n|- |word |👩‍👩‍👧|a-very-long-word-in-it|`|    ){0,120}", most in 40..200usize,
        ) {
            let longest = Length::Bytes(most);
            let parts = split(&text, longest, usize::MAX).unwrap();
            prop_assert!(parts.iter().all(|part| longest.admits(part)), "{parts:?}");
            let said = |text: &str| bare(text).replace(['`', '~', '>'], "");
            let (whole, parts) = (said(&text), said(&parts.concat()));
            let mut found = parts.chars();
            prop_assert!(whole.chars().all(|letter| found.any(|other| other == letter)), "{whole} {parts}");
        }
    }
}
