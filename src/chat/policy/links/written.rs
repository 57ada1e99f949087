//! Finds the links in a text, in every way in which platforms and their clients take something for one.

use std::collections::HashSet;

use pulldown_cmark::{Event, Options, Parser, Tag};
use url::Url;

/// Base of what names no scheme; nothing is there.
const NOWHERE: &str = "https://nowhere.invalid/";
/// Attributes of HTML that name what is fetched at once.
const FETCHED: [&str; 6] = ["src", "srcset", "poster", "background", "data", "xlink:href"];

/// Most bytes of an attribute that are looked at, and most addresses within one word.
const LONGEST: usize = 2_000;
const NESTED: usize = 16;

/// A link in a text.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chat::policy) struct Link {
    /// As it is written there.
    pub(in crate::chat::policy) text: String,
    /// Whether it is an image or the like, which is fetched by being shown.
    pub(super) image: bool,
}

impl Link {
    fn new(text: &str, image: bool) -> Self {
        Self { text: text.trim().to_owned(), image }
    }

    /// Reads it as clients do: `//host` and `host/path` are addresses, too.
    pub(super) fn url(&self) -> Option<Url> {
        let whole = Url::parse(&self.text).ok();
        let beside = || Url::parse(NOWHERE).and_then(|nowhere| nowhere.join(&self.text)).ok();
        let there = |url: &Url| url.has_host() && url.host_str() != Some("nowhere.invalid");
        whole.filter(there).or_else(|| beside().filter(there)).or_else(|| bare(&self.text))
    }
}

/// Reads a host and a path without a scheme.
fn bare(text: &str) -> Option<Url> {
    let host = &text[..text.find(['/', '?', '#', ':']).unwrap_or(text.len())];
    let (_, top) = host.rsplit_once('.')?;
    let is_name = host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic) || top.starts_with("xn--");
    (is_name && is_top).then(|| Url::parse(&format!("https://{text}")).ok()).flatten()
}

/// Returns the links in a text, each once; an image is one, whatever else it is.
pub(in crate::chat::policy) fn written(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => links.push(Link::new(&dest_url, false)),
            Event::Start(Tag::Image { dest_url, .. }) => links.push(Link::new(&dest_url, true)),
            _ => {}
        }
    }
    attributes(text, &mut links);
    plain(text, &mut links);
    links.retain(|link| !link.text.is_empty());
    links.sort_by(|a, b| a.text.cmp(&b.text).then(b.image.cmp(&a.image)));
    links.dedup_by(|next, kept| next.text == kept.text);
    links
}

/// Finds the addresses in the attributes of HTML.
fn attributes(text: &str, links: &mut Vec<Link>) {
    // One attribute may stand in the value of another, to no end: what both have is there once.
    let mut places = HashSet::new();
    for (sign, _) in text.match_indices('=') {
        let name = text[..sign].trim_end();
        let start = name.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == ':').len();
        let name = name[start..].to_ascii_lowercase();
        let image = FETCHED.contains(&name.as_str());
        if !image && name != "href" {
            continue;
        }
        let value = text[sign + 1..].trim_start();
        let value = &value[..value.floor_char_boundary(LONGEST)];
        let end = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].find(quote).map(|end| end + 1),
            _ => value.find(|c: char| c.is_whitespace() || c == '>'),
        };
        let value = value[..end.unwrap_or(value.len())].trim_start_matches(['"', '\'']);
        let several = if name == "srcset" { value.split(',').collect() } else { vec![value] };
        let addresses = several.into_iter().filter_map(|one| one.split_whitespace().next());
        let unseen = addresses.filter(|address| places.insert((std::ptr::from_ref::<str>(address), image)));
        links.extend(unseen.map(|address| Link::new(address, image)));
    }
}

/// Finds those that just stand there.
fn plain(text: &str, links: &mut Vec<Link>) {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`');
    for word in text.split(ends).filter(|word| word.contains(['.', '/', '\\'])) {
        let (mut rest, mut found) = (word, 0);
        while let Some(sign) = rest.find("://").or_else(|| rest.find(":\\\\")).filter(|_| found < NESTED) {
            let in_scheme = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            let scheme = rest[..sign].chars().rev().take_while(in_scheme).count();
            let end = sign + 3 + balanced(&rest[sign + 3..]);
            links.push(Link::new(trimmed(&rest[sign - scheme..end]), false));
            (rest, found) = (&rest[sign + 3..], found + 1);
        }
        if found == 0 {
            let word = trimmed(word.trim_start_matches(['(', '[', '{', '*', '_', '~', '\'', '|', '!']));
            let word = &word[..balanced(word)];
            links.extend(bare(word).map(|_| Link::new(word, false)));
        }
    }
}

/// Returns where a bracket closes that was not opened.
fn balanced(text: &str) -> usize {
    let mut open = [0_u32; 2];
    for (at, c) in text.char_indices() {
        let (kind, opens) = match c {
            '(' => (0, true),
            '[' => (1, true),
            ')' => (0, false),
            ']' => (1, false),
            _ => continue,
        };
        if opens {
            open[kind] += 1;
        } else if open[kind] == 0 {
            return at;
        } else {
            open[kind] -= 1;
        }
    }
    text.len()
}

/// Takes off what ends a sentence or a formatting, not an address.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '|', '\\'])
}
