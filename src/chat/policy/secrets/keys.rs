//! Private keys, in the armour that all their kinds share.

/// How far ahead of its heading the key is looked for: there may be headers between.
const AHEAD: usize = 600;
/// Fewest bytes of a key without a space between them.
const LEAST: usize = 40;

/// Returns whether a private key's heading begins here, with the key after it.
pub(super) fn at(bytes: &[u8], at: usize) -> Option<&'static str> {
    if at > 0 && bytes[at - 1] == b'-' {
        return None;
    }
    let heading = bytes[at..].strip_prefix(b"-----BEGIN ")?;
    let end = heading.iter().take(60).position(|byte| *byte == b'-')?;
    let title = &heading[..end];
    let private = title.ends_with(b"PRIVATE KEY") || title == b"PGP PRIVATE KEY BLOCK";
    (private && holds_key(&heading[end..heading.len().min(end + AHEAD)])).then_some("a private key")
}

/// Returns whether there is base64 here, in lines of whatever length, also as JSON writes them.
fn holds_key(text: &[u8]) -> bool {
    let (mut run, mut rest) = (0, text);
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'\\' if matches!(after.first(), Some(b'n' | b'r')) => rest = &after[1..],
            b'\n' | b'\r' | b'>' => {}
            b'+' | b'/' | b'=' => run += 1,
            byte if byte.is_ascii_alphanumeric() => run += 1,
            _ => run = 0,
        }
        if run >= LEAST {
            return true;
        }
    }
    false
}
