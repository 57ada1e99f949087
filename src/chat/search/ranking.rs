//! Which of the scanned messages are hits, and which come first.

use std::cmp::Ordering;

use super::matching::{Match, Pattern};

/// How much the second time counts that a word is said (BM25's k1).
const REPEATED: f64 = 1.2;
/// How much long texts are held back (BM25's b).
const LONG: f64 = 0.75;
/// How far the first ranks stand out when ranks are fused, as its inventors have it.
const FUSED: f64 = 60.0;
/// What part of all that a query's words tell, the rarer the more, a hit must say.
const ENOUGH: f64 = 0.5;

/// All texts that were scanned: how rare a word is decides how much it tells.
pub(super) struct Corpus<'p> {
    pattern: &'p Pattern,
    texts: usize,
    length: u64,
    /// How many texts have each word.
    with: Vec<usize>,
}

impl<'p> Corpus<'p> {
    pub(super) fn new(pattern: &'p Pattern) -> Self {
        Self { pattern, texts: 0, length: 0, with: vec![0; pattern.words().len()] }
    }

    /// Reads a text, once, and returns how it says what is searched for, if it does.
    pub(super) fn read(&mut self, text: &str) -> Option<Match> {
        let found = self.pattern.examine(text);
        self.texts += 1;
        self.length += u64::from(found.length);
        for (with, count) in self.with.iter_mut().zip(&found.counts) {
            *with += usize::from(*count > 0);
        }
        (found.exact || found.counts.iter().any(|count| *count > 0)).then_some(found)
    }

    /// Returns which of `found`, newest first, are hits: the best first.
    pub(super) fn rank(&self, found: &[Match]) -> Vec<usize> {
        let exact: Vec<usize> = (0..found.len()).filter(|at| found[*at].exact).collect();
        match self.pattern {
            Pattern::Words(_) => self.by_words(found),
            // Ranks are fused, not scores: those of a very text and of words have no common measure.
            Pattern::Hybrid(..) => fuse(&[exact, self.by_words(found)], found.len()),
            // Whoever says the very text says it as well as anyone else.
            Pattern::Anything | Pattern::Exact(_) | Pattern::Regex(_) => exact,
        }
    }

    fn by_words(&self, found: &[Match]) -> Vec<usize> {
        let rarities: Vec<f64> = self.with.iter().map(|with| self.rarity(*with)).collect();
        let said = |counts: &[u32]| -> f64 {
            counts.iter().zip(&rarities).filter(|(count, _)| **count > 0).map(|(_, rarity)| rarity).sum()
        };
        let enough = rarities.iter().sum::<f64>() * ENOUGH;
        let scored = found.iter().enumerate().filter(|(_, one)| said(&one.counts) >= enough && said(&one.counts) > 0.0);
        let scored: Vec<_> = scored.map(|(at, one)| (at, self.score(one, &rarities))).collect();
        best_first(scored)
    }

    /// Returns how much a word tells that so many texts have; a word that nobody says tells nothing.
    fn rarity(&self, with: usize) -> f64 {
        let (texts, with) = (real(self.texts), real(with));
        if with == 0.0 { 0.0 } else { (1.0 + (texts - with + 0.5) / (with + 0.5)).ln() }
    }

    fn score(&self, one: &Match, rarities: &[f64]) -> f64 {
        let mean = real(usize::try_from(self.length).unwrap_or(usize::MAX)) / real(self.texts.max(1));
        let length = f64::from(one.length) / mean.max(1.0);
        let weight = |count: u32| {
            let count = f64::from(count);
            count * (REPEATED + 1.0) / (count + REPEATED * (1.0 - LONG + LONG * length))
        };
        one.counts.iter().zip(rarities).map(|(count, rarity)| rarity * weight(*count)).sum()
    }
}

/// Ranks by the sum of each one's reciprocal ranks.
fn fuse(rankings: &[Vec<usize>], all: usize) -> Vec<usize> {
    let mut scores = vec![0.0; all];
    for ranking in rankings {
        for (rank, at) in ranking.iter().enumerate() {
            scores[*at] += 1.0 / (FUSED + real(rank) + 1.0);
        }
    }
    best_first(scores.into_iter().enumerate().filter(|(_, score)| *score > 0.0).collect())
}

/// Sorts, the earlier first among equals.
fn best_first(mut scored: Vec<(usize, f64)>) -> Vec<usize> {
    scored.sort_by(|(_, one), (_, other)| other.partial_cmp(one).unwrap_or(Ordering::Equal));
    scored.into_iter().map(|(at, _)| at).collect()
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::search::matching::Mode;

    fn ranked<'t>(mode: Mode, query: &str, texts: &[&'t str]) -> Vec<&'t str> {
        let pattern = Pattern::read(query, mode).unwrap();
        let mut corpus = Corpus::new(&pattern);
        let found: Vec<_> = texts.iter().filter_map(|text| Some((*text, corpus.read(text)?))).collect();
        assert_eq!(corpus.texts, texts.len(), "each text is read once");
        let (texts, found): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        corpus.rank(&found).into_iter().map(|at| texts[at]).collect()
    }

    #[test]
    fn the_rarer_word_and_the_shorter_text_come_first() {
        let texts =
            ["the plan is in the wiki", "the code freeze is on the table", "the freeze", "the lunch", "the code"];
        let found = ranked(Mode::Words, "the code freeze", &texts);
        assert_eq!(found[0], texts[1]);
        assert!(!found.contains(&texts[0]) && !found.contains(&texts[3]), "{found:?}");
        assert_eq!(ranked(Mode::Words, "the freeze", &texts), [texts[2], texts[1]]);
    }

    #[test]
    fn contractions_are_found_by_what_they_stand_for() {
        let texts = ["We don’t ship on Friday", "We ship today", "lunch?"];
        assert_eq!(ranked(Mode::Words, "do not ship", &texts)[0], texts[0]);
    }

    #[test]
    fn the_very_text_comes_before_its_words() {
        let texts =
            ["freeze freeze code code", "a long story about the code freeze, and much else that is said", "tea"];
        assert_eq!(ranked(Mode::Words, "code freeze", &texts), [texts[0], texts[1]]);
        assert_eq!(ranked(Mode::Hybrid, "code freeze", &texts), [texts[1], texts[0]]);
        assert_eq!(ranked(Mode::Hybrid, "de freez", &texts), [texts[1]]);
        assert_eq!(ranked(Mode::Exact, "FREEZE", &texts), [texts[0], texts[1]]);
    }

    #[test]
    fn a_word_that_nobody_says_does_not_hide_those_that_are_said() {
        assert_eq!(ranked(Mode::Words, "freeze zzz", &["the freeze", "tea"]), ["the freeze"]);
        assert_eq!(ranked(Mode::Words, "zzz", &["the freeze", "tea"]), [""; 0]);
    }
}
