//! The words of a text, so that what is written alike is the same word.

/// Contractions that do not follow the rule.
const IRREGULAR: [(&str, [&str; 2]); 4] =
    [("can't", ["can", "not"]), ("cannot", ["can", "not"]), ("won't", ["will", "not"]), ("shan't", ["shall", "not"])];
/// Ends of contractions, and the word that they stand for.
const ENDS: [(&str, &str); 6] =
    [("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'d", "would")];

/// Gives each word of a folded text to `each`. `don't` is `do` and `not`; a genitive is its noun.
pub(super) fn words<'t>(folded: &'t str, mut each: impl FnMut(&'t str)) {
    let pieces = folded.split(|c: char| !c.is_alphanumeric() && c != '\'').map(|piece| piece.trim_matches('\''));
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        if let Some((_, both)) = IRREGULAR.iter().find(|(contraction, _)| *contraction == piece) {
            for word in both {
                each(word);
            }
            continue;
        }
        let end = ENDS.iter().find_map(|(end, word)| Some((piece.strip_suffix(end)?, *word)));
        let (stem, second) = match end.filter(|(stem, _)| !stem.is_empty()) {
            Some((stem, word)) => (stem, Some(word)),
            None => (piece.strip_suffix("'s").unwrap_or(piece), None),
        };
        for part in stem.split('\'').filter(|part| !part.is_empty()) {
            split(part, &mut each);
        }
        second.into_iter().for_each(&mut each);
    }
}

/// Splits what is written without spaces into its characters.
fn split<'t>(piece: &'t str, each: &mut impl FnMut(&'t str)) {
    let mut start = 0;
    for (at, c) in piece.char_indices().filter(|(_, c)| stands_alone(*c)) {
        if start < at {
            each(&piece[start..at]);
        }
        start = at + c.len_utf8();
        each(&piece[at..start]);
    }
    if start < piece.len() {
        each(&piece[start..]);
    }
}

/// Returns whether words of this script are not parted by spaces.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let mut all = Vec::new();
        words(text, |word| all.push(word));
        all
    }

    #[test]
    fn words_are_what_stands_between_signs() {
        assert_eq!(
            all("the **freeze**, mara's (v2.4) beta-week_1 'quoted'"),
            ["the", "freeze", "mara", "v2", "4", "beta", "week", "1", "quoted"]
        );
        assert_eq!(all("… ' '' 🎉"), [""; 0]);
        assert_eq!(all("l'été"), ["l", "été"]);
    }

    #[test]
    fn contractions_are_the_words_that_they_stand_for() {
        assert_eq!(all("don't can't won't they're i've"), all("do not cannot will not they are i have"));
        assert_eq!(all("'re n't"), ["re", "n", "t"]);
    }

    #[test]
    fn without_spaces_each_character_is_one() {
        assert_eq!(all("高尾山go紅"), ["高", "尾", "山", "go", "紅"]);
    }
}
