//! Secrets that a name stands before: `DB_PASSWORD=…`, `"client_secret": "…"`, `https://user:password@host`.

use super::{is_placeholder, is_random, tokens};

/// Longest name that is looked at, and longest value.
const NAME: usize = 64;
const VALUE: usize = 200;
/// Shortest value that is a secret.
const SHORTEST: usize = 8;

/// Returns what kind of secret stands behind this `=` or `:`.
pub(super) fn at(bytes: &[u8], sign: usize) -> Option<&'static str> {
    let name = name_before(&bytes[..sign])?;
    let kind = kind(name)?;
    let value = value_after(&bytes[sign + 1..]);
    let capital = !name.iter().any(u8::is_ascii_lowercase);
    is_secret(value, name, capital).then_some(kind)
}

/// Returns what stands in an address before its host, or around a colon elsewhere.
pub(super) fn in_address(bytes: &[u8], colon: usize) -> Option<&'static str> {
    let Some(rest) = bytes[colon + 1..].strip_prefix(b"//") else { return tokens::around(bytes, colon) };
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`')
    };
    let authority = &rest[..rest.iter().take(VALUE).position(ends).unwrap_or(rest.len().min(VALUE))];
    let user_info = &authority[..authority.iter().rposition(|byte| *byte == b'@')?];
    let middle = user_info.iter().position(|byte| *byte == b':')?;
    let (user, password) = (&user_info[..middle], &user_info[middle + 1..]);
    let told =
        [&b"password"[..], b"passwd", b"pass", b"pw", b"secret", b"token"].contains(&&*password.to_ascii_lowercase());
    let stands_for = told || user == password || is_reference(password) || is_placeholder(password);
    (password.len() >= 4 && !stands_for).then_some("an address with a password")
}

/// Returns the name that a text ends with.
fn name_before(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_end();
    let text = text.strip_suffix(b":").map_or(text, <[u8]>::trim_ascii_end);
    let text = text
        .strip_suffix(b"\"")
        .or_else(|| text.strip_suffix(b"'"))
        .or_else(|| text.strip_suffix(b"**"))
        .unwrap_or(text);
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = text.iter().rev().take(NAME).take_while(part).count();
    (length > 2).then(|| &text[text.len() - length..])
}

/// What is given that name, and whether it stands in quotation marks.
struct Value<'t> {
    text: &'t [u8],
    quoted: bool,
}

fn value_after(text: &[u8]) -> Value<'_> {
    let text = text.strip_prefix(b"=").unwrap_or(text);
    let blank = text.iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\t' | b'*')).count();
    let mut text = &text[blank..];
    for scheme in [&b"Bearer "[..], b"Basic ", b"bearer ", b"basic ", b"token "] {
        text = text.strip_prefix(scheme).unwrap_or(text);
    }
    if let [quote @ (b'"' | b'\'' | b'`'), rest @ ..] = text {
        let end = rest.iter().take(VALUE).position(|byte| byte == quote || *byte == b'\n').unwrap_or(0);
        return Value { text: &rest[..end], quoted: true };
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b',' | b';' | b'&');
    let end = text.iter().take(VALUE).position(ends).unwrap_or(text.len().min(VALUE));
    Value { text: &text[..end], quoted: false }
}

/// Returns what a name says of its value.
fn kind(name: &[u8]) -> Option<&'static str> {
    let capital = !name.iter().any(u8::is_ascii_lowercase);
    let mut bare = [0; NAME];
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        bare[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let bare = &bare[..length];
    let of_it = [
        &b"file"[..],
        b"path",
        b"url",
        b"uri",
        b"name",
        b"id",
        b"type",
        b"ttl",
        b"length",
        b"endpoint",
        b"host",
        b"count",
        b"limit",
        b"size",
        b"arn",
        b"version",
    ];
    if capital && of_it.iter().any(|word| bare.ends_with(word)) {
        return None;
    }
    // What is written in capitals is a setting, which may go on after the word.
    let says =
        |word: &[u8]| if capital { bare.windows(word.len()).any(|part| part == word) } else { bare.ends_with(word) };
    let any = |words: &[&[u8]]| words.iter().any(|word| says(word));
    if any(&[b"password", b"passwd", b"passphrase", b"pwd", b"passwort"]) {
        Some("a password")
    } else if any(&[b"token", b"authorization"]) {
        Some("a token")
    } else if any(&[
        b"secret",
        b"apikey",
        b"privatekey",
        b"accesskey",
        b"secretkey",
        b"accountkey",
        b"signingkey",
        b"encryptionkey",
        b"authkey",
    ]) {
        Some("a secret")
    } else {
        None
    }
}

/// Returns whether a value is what its name promises: something that people do not write for lack of it. What is looked for in all
/// of it comes last: there may be millions.
fn is_secret(Value { text, quoted }: Value<'_>, name: &[u8], capital: bool) -> bool {
    let has = |kind: fn(&u8) -> bool| text.iter().any(kind);
    if text.len() < SHORTEST || has(u8::is_ascii_whitespace) || !text.is_ascii() {
        return false;
    }
    let is_likely = match (capital, quoted) {
        (true, _) => true,
        (false, true) => has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic),
        // In a sentence: no word of it may be one that people say.
        (false, false) => text.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/')).any(is_drawn),
    };
    is_likely && !(is_reference(text) || is_placeholder(text) || text.eq_ignore_ascii_case(name))
}

/// Returns whether a word is made of what passwords are made of.
fn is_drawn(word: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| usize::from(word.iter().any(kind));
    let sorts = has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        + has(u8::is_ascii_punctuation);
    word.len() >= SHORTEST && sorts >= 3 || word.len() >= 16 && is_random(word)
}

/// Returns whether a value only says where the real one is.
fn is_reference(value: &[u8]) -> bool {
    let has = |part: &str| value.windows(part.len()).any(|found| found == part.as_bytes());
    value
        .first()
        .is_none_or(|first| matches!(first, b'$' | b'%' | b'<' | b'[' | b'{' | b'(' | b'/' | b'~' | b'&' | b'@'))
        || ["${", "{{", "://", "(", "[", "::", "env."].into_iter().any(has)
}
