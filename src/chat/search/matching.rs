//! Whether a text says what is searched for, in each of the ways that can be asked for.

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use switchboard_kit::{Error, Result};
use unicode_normalization::UnicodeNormalization;

use super::words::words;
use crate::chat::{sanitise, targets::fold};

/// Most characters of a query.
const LONGEST: usize = 1_000;
/// Most bytes of a compiled pattern.
const LARGEST: usize = 1 << 20;

/// How a query is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in crate::chat) enum Mode {
    /// The very text, whatever its case.
    Exact,
    /// A regular expression.
    Regex,
    /// Most of the words, the best first.
    Words,
    /// Words, and the very text before others.
    Hybrid,
}

/// What a text must say.
pub(super) enum Pattern {
    Anything,
    Exact(String),
    Regex(Box<Regex>),
    Words(Vec<String>),
    Hybrid(String, Vec<String>),
}

/// How a text says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Whether it has the very text.
    pub(super) exact: bool,
    /// How often it has each word.
    pub(super) counts: Vec<u32>,
    /// How many words it has in all.
    pub(super) length: u32,
}

impl Pattern {
    /// Reads a query. Nothing of it is cut, and no way of matching stands in for another.
    pub(super) fn read(query: &str, mode: Mode) -> Result<Self> {
        let length = query.chars().count();
        if length > LONGEST {
            return Err(Error::invalid(format!("argument `query` has {length} characters, more than {LONGEST}"))
                .hint("shorten it; several searches may find more than one"));
        }
        let text = folded(query);
        if text.is_empty() {
            return Ok(Self::Anything);
        }
        let distinct = || {
            let mut distinct = Vec::new();
            words(&text, |word| {
                if !distinct.iter().any(|known| known == word) {
                    distinct.push(word.to_owned());
                }
            });
            distinct
        };
        Ok(match mode {
            Mode::Exact => Self::Exact(text),
            Mode::Regex => Self::Regex(Box::new(compile(query)?)),
            Mode::Words if distinct().is_empty() => {
                return Err(Error::invalid(format!("argument `query`: `{}` has no word", sanitise::name(query)))
                    .hint("use mode `exact`"));
            }
            Mode::Words => Self::Words(distinct()),
            Mode::Hybrid => {
                let distinct = distinct();
                Self::Hybrid(text, distinct)
            }
        })
    }

    /// Returns the words that are counted.
    pub(super) fn words(&self) -> &[String] {
        match self {
            Self::Words(words) | Self::Hybrid(_, words) => words,
            _ => &[],
        }
    }

    /// Returns how a text says it, with or without what is to be found. Each text is folded once.
    pub(super) fn examine(&self, text: &str) -> Match {
        let mut found = Match { exact: false, counts: vec![0; self.words().len()], length: 0 };
        match self {
            Self::Anything => found.exact = true,
            Self::Regex(regex) => found.exact = regex.is_match(&straight(text)),
            Self::Exact(wanted) => found.exact = folded(text).contains(wanted),
            Self::Words(wanted) => found.count(&folded(text), wanted),
            Self::Hybrid(exact, wanted) => {
                let text = folded(text);
                found.exact = text.contains(exact);
                found.count(&text, wanted);
            }
        }
        found
    }
}

impl Match {
    fn count(&mut self, folded: &str, wanted: &[String]) {
        words(folded, |word| {
            self.length += 1;
            if let Some(at) = wanted.iter().position(|wanted| wanted == word) {
                self.counts[at] += 1;
            }
        });
    }
}

fn compile(pattern: &str) -> Result<Regex> {
    let pattern = straight(pattern);
    // What a parser says has a place, which is lost once it is compiled.
    let place = match regex_syntax::Parser::new().parse(&pattern) {
        Ok(_) => None,
        Err(regex_syntax::Error::Parse(error)) => Some((error.span().start.offset, error.kind().to_string())),
        Err(regex_syntax::Error::Translate(error)) => Some((error.span().start.offset, error.kind().to_string())),
        Err(error) => Some((0, error.to_string())),
    };
    if let Some((offset, reason)) = place {
        let before = pattern.get(..offset).unwrap_or_default();
        return Err(Error::invalid(format!(
            "argument `query` is no regular expression: {reason}, at character {}, behind `{before}`",
            before.chars().count() + 1,
        ))
        .hint("correct it, or use mode `exact`, in which no character is special"));
    }
    let regex = RegexBuilder::new(&pattern).case_insensitive(true).multi_line(true).size_limit(LARGEST).build();
    regex.map_err(|_| {
        Error::invalid("argument `query` is too large a regular expression").hint("lower what it repeats, or split it")
    })
}

/// Composes a text, with quotes and apostrophes as keyboards have them.
fn straight(text: &str) -> String {
    text.nfc().map(straightened).collect()
}

/// Brings a text into the form in which texts are compared.
fn folded(text: &str) -> String {
    let text: String = fold(text).chars().map(straightened).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn straightened(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | 'ʼ' | '′' | '`' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => '"',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(mode: Mode, query: &str, text: &str) -> bool {
        Pattern::read(query, mode).unwrap().examine(text).exact
    }

    #[test]
    fn the_very_text_is_found_whatever_its_case_and_quotes() {
        assert!(says(Mode::Exact, "DON'T  ship", "Please don’t\nship it"));
        assert!(says(Mode::Exact, "toma\u{301}s", "TOMÁS"));
        assert!(says(Mode::Exact, "a.b(", "x a.b( y"));
        assert!(!says(Mode::Exact, "do not ship", "don't ship"));
    }

    #[test]
    fn patterns_are_matched_line_by_line_and_case_only_counts_where_it_is_said() {
        assert!(says(Mode::Regex, r"^inc-\d+", "Today:\nINC-41 opened"));
        assert!(!says(Mode::Regex, r"(?-i)^inc-\d+", "INC-41"));
        assert!(says(Mode::Regex, r"do(n’t| not) ship", "don't ship"));
        assert!(!says(Mode::Regex, r"don't", "dont"));
    }

    #[test]
    fn a_wrong_pattern_is_refused_and_it_is_said_where() {
        let refused = |query: &str| Pattern::read(query, Mode::Regex).map(|_| ()).unwrap_err().to_string();
        let error = refused("é (b");
        assert_eq!(error, "argument `query` is no regular expression: unclosed group, at character 3, behind `é `");
        assert!(refused(r"x\p{Nonsense}").contains("at character 2"), "{}", refused(r"x\p{Nonsense}"));
        assert!(refused(&"a".repeat(1_001)).contains("1001 characters"));
        assert!(refused(r"(\w{100}){100}").contains("too large"), "{}", refused(r"(\w{100}){100}"));
        assert!(Pattern::read("🎉", Mode::Words).is_err());
        assert!(says(Mode::Hybrid, "🎉", "done 🎉"));
    }

    #[test]
    fn words_are_counted_wherever_they_stand() {
        let pattern = Pattern::read("the freeze the", Mode::Words).unwrap();
        assert_eq!(pattern.words(), ["the", "freeze"]);
        let expected = Match { exact: false, counts: vec![1, 2], length: 5 };
        assert_eq!(pattern.examine("Freeze! After the freeze, deploy"), expected);
    }
}
