//! How much of what links carry is no words.

use percent_encoding::percent_decode_str;
use url::Url;

/// Most characters of data: beyond it, a link can hold a secret. With the entropy of what is no language, in bits per character.
const MOST: usize = 40;
const ENTROPY: f64 = 3.5;
/// So many parts, each something else, are data whatever they are made of.
const ENOUGH: usize = 200;
/// Most characters of words that a page may be named by.
const LONGEST_SLUG: usize = 120;
/// Longest number that tells a page from another.
const LONGEST_NUMBER: usize = 8;

/// What the links to one domain carry, each part once.
#[derive(Default)]
pub(super) struct Carried(Vec<String>);

impl Carried {
    /// Adds what a link carries beyond words: in its path, its host below the domain, its query, its fragment, its user.
    pub(super) fn add(&mut self, url: &Url, below: &str) {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let segments = url.path().split('/').map(decoded);
        for part in segments.chain(below.split('.').map(ToOwned::to_owned)).filter(|part| !is_slug(part)) {
            self.keep(part);
        }
        let fragment = url.fragment().unwrap_or_default();
        let (settings, anchor) = if fragment.contains('=') { (fragment, "") } else { ("", fragment) };
        self.keep_unless(is_slug, decoded(anchor));
        for (name, value) in url.query_pairs().chain(url::form_urlencoded::parse(settings.as_bytes())) {
            self.keep_unless(is_word, name.into_owned());
            self.keep_unless(is_word, value.into_owned());
        }
        self.keep(decoded(url.username()));
        self.keep(decoded(url.password().unwrap_or_default()));
    }

    fn keep_unless(&mut self, harmless: fn(&str) -> bool, part: String) {
        if !harmless(&part) {
            self.keep(part);
        }
    }

    /// Keeps a part, if it is not one that is there, or the beginning of one.
    fn keep(&mut self, part: String) {
        if part.is_empty() || self.0.len() >= ENOUGH || self.0.iter().any(|kept| kept.starts_with(&part)) {
            return;
        }
        self.0.retain(|kept| !part.starts_with(kept.as_str()));
        self.0.push(part);
    }

    /// Returns whether it is enough to be data.
    #[expect(clippy::cast_precision_loss, reason = "a text has not so many characters")]
    pub(super) fn is_data(&self) -> bool {
        let length: usize = self.0.iter().map(|part| part.chars().count()).sum();
        length > MOST && entropy(&self.0) * length as f64 > MOST as f64 * ENTROPY
    }
}

/// Returns the entropy of what these parts are made of, in bits per character.
#[expect(clippy::cast_precision_loss, reason = "a text has not so many characters")]
fn entropy(parts: &[String]) -> f64 {
    let mut counts = std::collections::HashMap::<char, usize>::new();
    for c in parts.iter().flat_map(|part| part.chars()) {
        *counts.entry(c).or_default() += 1;
    }
    let total = counts.values().sum::<usize>() as f64;
    counts.values().map(|&count| count as f64 / total).map(|share| -share * share.log2()).sum()
}

/// Returns whether this is one word or one short number.
fn is_word(part: &str) -> bool {
    !part.contains(|c: char| !c.is_alphanumeric()) && is_slug(part)
}

/// Returns whether this is words and numbers, as pages are named.
fn is_slug(part: &str) -> bool {
    let pieces: Vec<_> = part.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty()).collect();
    let mixed = pieces.iter().filter(|piece| is_mixed(piece)).count();
    let harmless = |piece: &&str| {
        let length = piece.chars().count();
        match piece {
            piece if piece.chars().all(|c| c.is_ascii_digit()) => length <= LONGEST_NUMBER,
            piece if is_mixed(piece) => length <= 4,
            piece => length <= 20 && is_written(piece),
        }
    };
    part.chars().count() <= LONGEST_SLUG
        && pieces.iter().all(harmless)
        && (mixed <= 1 || mixed * 4 <= pieces.len())
        && is_pronounced(part)
}

fn is_mixed(piece: &str) -> bool {
    piece.contains(|c: char| c.is_ascii_digit()) && piece.contains(char::is_alphabetic)
}

/// Returns whether capitals stand where people put them.
fn is_written(word: &str) -> bool {
    let capitals = word.chars().filter(|c| c.is_uppercase()).count();
    let length = word.chars().count();
    capitals * 3 <= length || length <= 8 && capitals == length || capitals <= 1
}

/// Returns whether there are as many vowels as languages have.
fn is_pronounced(part: &str) -> bool {
    let letters = part.chars().filter(char::is_ascii_alphabetic).count();
    let vowels = part.chars().filter(|c| "aeiouyAEIOUY".contains(*c)).count();
    letters < 12 || vowels * 4 >= letters
}
