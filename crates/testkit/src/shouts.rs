//! Texts by which somebody may try to call everybody, from a seed: the same again, whoever runs it.

/// What stands before a name, on some platform or in some writing.
const SIGNS: &[&str] = &[
    "@",
    "@",
    "@",
    "@",
    "@@",
    "@ @",
    "＠",
    "﹫",
    "&#64;",
    "&#x40;",
    "&commat;",
    "\\@",
    "%40",
    "<@",
    "<!",
    "@\u{200b}",
    "@\u{2060}",
    "@\u{200d}",
    "@\u{fe0f}",
    "@\u{301}",
    "@\u{ad}",
    "\u{202e}@",
    "\u{200f}@",
    "@<b></b>",
    "a@",
    "@_",
    "@.",
    "/",
    "!",
];
/// What everybody is called.
const NAMES: &[&str] = &["everyone", "channel", "here", "room", "room", "all", "group", "online", "everybody", "team"];
/// What is put between letters and is not seen.
const UNSEEN: &[char] =
    &['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{301}', '\u{336}', '\u{202e}'];
/// What stands around a call; it is where the `$` is.
const FORMS: &[&str] = &[
    "$",
    "$",
    "$",
    "`$`",
    "```\n$\n```",
    "**$**",
    "_$_",
    "~~$~~",
    "||$||",
    "[$](https://a.example)",
    "![$](x)",
    "<b>$</b>",
    "<$>",
    "<$|x>",
    "<!subteam^S1|$>",
    "> $",
    "# $",
    "- $",
    "1. $",
    "| $ |",
    "\n$\n",
    "\t$",
    "($)",
    "\"$\"",
    "$.",
    "$,",
    "$!",
    "$-",
    "$_",
    "$:example.org",
    "$-bot",
    "$s",
    "$.txt",
    "mail$",
    "mail$.example",
    "<!-- $ -->",
    "<a href='$'>$</a>",
    "\u{202e}$\u{202c}",
    "<mx-reply>$</mx-reply>",
    "<https://a.example/$>",
    "$$",
    "$ $",
    "\\$",
    "*$* $",
    "&lt;$&gt;",
    "$\u{2028}",
    "\r$",
    "{$}",
];
const WORDS: &[&str] = &[
    "",
    " ",
    "\n",
    "lunch ",
    "é",
    "漢字",
    "👩\u{200d}💻",
    "please ",
    "@mara ",
    "@ana:example.org ",
    "a@b ",
    "\n\n",
    "…",
    "شكرا ",
];

/// The texts, without end.
pub struct Shouts(u64);

impl Shouts {
    /// Starts the series of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % end
    }

    fn one<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// Writes a name in one of its disguises, or in none.
    fn name(&mut self) -> String {
        let (name, disguise) = (self.one(NAMES), self.below(12));
        let mut written = String::new();
        for letter in name.chars() {
            match disguise {
                0 | 1 if self.below(2) == 0 => written.push(letter.to_ascii_uppercase()),
                2 => written.push(letter.to_ascii_uppercase()),
                3 if self.below(3) == 0 => written.push(look_alike(letter, self.below(4))),
                4 => written.push(look_alike(letter, 0)),
                5 if self.below(4) == 0 => written.extend([letter, self.one(UNSEEN)]),
                _ => written.push(letter),
            }
        }
        written
    }
}

/// Returns a letter that looks the same, or is the same under some normal form.
fn look_alike(letter: char, kind: usize) -> char {
    let at = |first: u32| char::from_u32(first + u32::from(letter) - u32::from('a')).unwrap_or(letter);
    match (kind, letter) {
        (0, _) => at(0xff41),
        (1, _) => at(0x1d41a),
        (2, 'e') => 'е',
        (2, 'o') => 'о',
        (2, 'a') => 'а',
        (3, 'e') => 'é',
        (3, 'n') => 'ñ',
        _ => at(0x24d0),
    }
}

impl Iterator for Shouts {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut text = String::new();
        for _ in 0..=self.below(3) {
            text.push_str(self.one(WORDS));
            let call = self.one(SIGNS).to_owned() + &self.name();
            let form = self.one(FORMS).replace('$', &call);
            text.push_str(&if self.below(8) == 0 { self.one(FORMS).replace('$', &form) } else { form });
        }
        text.push_str(self.one(WORDS));
        // A long text is cut anywhere, and what comes out is what is sent.
        if self.below(20) == 0 {
            let cut = text.floor_char_boundary(self.below(text.len() + 1));
            text = if self.below(2) == 0 { text[..cut].to_owned() } else { text[cut..].to_owned() };
        }
        Some(text)
    }
}
