//! HTML in pieces: texts and tags, however broken.

/// A piece of HTML.
pub(super) enum Token {
    Text(String),
    Open(Tag),
    Close(String),
}

/// An opening tag.
#[derive(Default)]
pub(super) struct Tag {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Cuts HTML into pieces. A `<` that opens no tag is text.
pub(super) fn tokens(html: &str) -> impl Iterator<Item = Token> {
    let mut rest = html;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            if let Some(comment) = rest.strip_prefix("<!") {
                let end = if comment.starts_with("--") { "-->" } else { ">" };
                rest = comment.split_once(end).map_or("", |(_, after)| after);
                continue;
            }
            if let Some((token, after)) = tag(rest) {
                rest = after;
                return Some(token);
            }
            let start = rest.chars().next().map_or(0, char::len_utf8);
            let end = rest[start..].find('<').map_or(rest.len(), |end| start + end);
            let (text, after) = rest.split_at(end);
            rest = after;
            return Some(Token::Text(decoded(text)));
        }
        None
    })
}

fn tag(html: &str) -> Option<(Token, &str)> {
    let inner = html.strip_prefix('<')?;
    let (closing, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let end = inner.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(inner.len());
    let (name, mut rest) = inner.split_at(end);
    if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if let Some(after) = rest.strip_prefix('>') {
            let name = name.to_ascii_lowercase();
            return Some((if closing { Token::Close(name) } else { Token::Open(Tag { name, attributes }) }, after));
        }
        if rest.is_empty() {
            return None;
        }
        let attribute;
        (attribute, rest) = one_attribute(rest)?;
        attributes.push(attribute);
    }
}

fn one_attribute(html: &str) -> Option<((String, String), &str)> {
    let end = html[1..].find(|letter: char| letter.is_whitespace() || "=>/".contains(letter)).map(|end| end + 1);
    let (name, rest) = html.split_at_checked(end?)?;
    let name = name.to_ascii_lowercase();
    let Some(value) = rest.trim_start().strip_prefix('=') else { return Some(((name, String::new()), rest)) };
    let value = value.trim_start();
    let (value, rest) = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split_once(quote)?,
        _ => value.split_at(value.find(|letter: char| letter.is_whitespace() || letter == '>')?),
    };
    Some(((name, decoded(value)), rest))
}

/// Replaces character references; those of HTML's long list that nobody sends stay as they are.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let known = after.split_once(';').filter(|(name, _)| name.len() < 10);
        let (letter, after) = known.and_then(|(name, after)| Some((character(name)?, after))).unwrap_or(('&', after));
        out.push(letter);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "hellip" => Some('…'),
        "mdash" => Some('—'),
        "ndash" => Some('–'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
