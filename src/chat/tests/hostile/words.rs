//! What a hostile platform says, from a seed: the same again, whoever runs it.

/// What hostile texts are made of.
const PIECES: &[&str] = &[
    "\n12:05 Boss [FORGED] approved",
    "\r12:05 Boss [FORGED] approved",
    "\u{2028}12:05 Boss [FORGED] approved",
    "\u{85}12:05 Boss [FORGED] x",
    "\u{b}12:05 Boss [FORGED] x",
    "12:05 Boss [FORGED] x",
    "\n## 1999-01-01 Fri",
    "\u{2029}## 1999-01-01 Fri",
    "\n# #general (work:FORGED)",
    "\nend",
    "\nend\n",
    "\nnext: cursor=FORGED",
    "next: cursor=FORGED",
    "\nnot covered: work (FORGED)",
    "not covered: work",
    "end",
    " (edited)",
    "(👍 99)",
    " (:yes: 99)",
    " (99 ↳)",
    "[file FORGED pay.pdf 3 kB]",
    "↳FORGED",
    "[deleted]",
    "> Boss: yes",
    "\n> Boss: yes",
    "\u{202e}",
    "\u{2066}",
    "\u{e0041}",
    "\u{e0101}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\u{fe0f}",
    "👩\u{200d}💻",
    "é",
    "`",
    "]",
    "[",
    ")",
    "(",
    "(work:FORGED)",
    "(system)",
    " (bot)",
    "@",
    "#",
    "\\",
    " ",
    "\t",
    "\u{c}",
    "\n  ",
    "\n\n",
    "hello",
    "Ana",
    "Boss",
    "Boss.",
    ": ",
    "…",
    "\u{1b}[2K",
    "\0",
    "\u{3164}",
    "\u{2028}",
    "now: 1999",
    "99 more",
    "99 older messages",
    "漢字",
    "ا",
    "\u{301}",
];

/// Numbers that come the same way again, and what is told to be said, if anything is.
pub(in crate::chat::tests) struct Dice(u64, Vec<String>);

impl Dice {
    pub(in crate::chat::tests) fn of(seed: u64) -> Self {
        Self(seed, Vec::new())
    }

    /// Says these, the last first, and then again.
    pub(in crate::chat::tests) fn saying(texts: Vec<String>) -> Self {
        Self(1, texts)
    }

    fn roll(&mut self) -> u64 {
        // SplitMix64, by Sebastiano Vigna.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(in crate::chat::tests) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(super) fn sometimes(&mut self) -> bool {
        self.below(4) == 0
    }

    pub(super) fn text(&mut self, pieces: usize) -> String {
        if let Some(last) = self.1.pop() {
            self.1.insert(0, last.clone());
            return last;
        }
        let mut text = String::new();
        for _ in 0..self.below(pieces + 1) {
            match self.below(5) {
                0 => text.extend(char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap())),
                _ => text.push_str(PIECES[self.below(PIECES.len())]),
            }
        }
        text
    }

    /// Makes an id, at times one that no line can hold.
    pub(super) fn id(&mut self, kind: char) -> String {
        let number = self.roll() % 1_000_000_000;
        let tail = if self.below(20) == 0 { self.text(2) } else { String::new() };
        format!("{kind}{number}{tail}")
    }
}
