//! Names chosen by globs.

use crate::chat::fold;

/// Which names there are: those that `only` matches, all if it is empty, but none that `hide` matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Globs of those that are there.
    pub only: Vec<String>,
    /// Globs of those that are not.
    pub hide: Vec<String>,
}

impl Filter {
    /// Returns whether `name` is there.
    pub fn passes(&self, name: &str) -> bool {
        let among = |globs: &[String]| globs.iter().any(|glob| matches(glob, name));
        (self.only.is_empty() || among(&self.only)) && !among(&self.hide)
    }
}

/// Returns whether a glob of `*` and `?` matches, whatever the case.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (letters(pattern), letters(name));
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn letters(text: &str) -> Vec<char> {
    fold(text).chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("work:#eng-*", "work:#Eng-backend", true),
            ("work:#eng-*", "work:#design", false),
            ("*", "work:C1", true),
            ("work:C?", "work:C1", true),
            ("work:C?", "work:C12", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_hidden_is_not_among_the_only_ones() {
        let filter = |only: &[&str], hide: &[&str]| {
            let globs = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
            Filter { only: globs(only), hide: globs(hide) }
        };
        for (only, hide, name, expected) in [
            (&[][..], &[][..], "react", true),
            (&["read_*", "react"], &[], "react", true),
            (&["read_*"], &[], "react", false),
            (&[], &["re*"], "react", false),
            (&["re*"], &["react"], "react", false),
        ] {
            assert_eq!(filter(only, hide).passes(name), expected, "{only:?} {hide:?} {name}");
        }
    }
}
