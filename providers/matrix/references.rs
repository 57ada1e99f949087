//! Ids and links: `!room`, `@user:server`, `matrix.to` links and `matrix:` URIs.
//!
//! An alias (`#name:server`) is no id: only the directory knows what it stands for. Conversations list theirs.
//! <https://spec.matrix.org/latest/appendices/#uris>

use switchboard_kit::chat::Reference;

/// Web clients whose links hold ids the way `matrix.to` does, after a word.
const CLIENTS: [&str; 3] =
    ["https://app.element.io/#/", "https://develop.element.io/#/", "https://chat.mozilla.org/#/"];

/// Recognises what `text` names, without asking anyone.
pub(crate) fn reference(text: &str) -> Option<Reference> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("https://matrix.to/#/") {
        return plain(&decoded(before(rest, '?'))?);
    }
    if let Some(rest) = CLIENTS.iter().find_map(|client| text.strip_prefix(client)) {
        let rest = rest.strip_prefix("room/").or_else(|| rest.strip_prefix("user/"))?;
        return plain(&decoded(before(rest, '?'))?);
    }
    if let Some(rest) = text.strip_prefix("matrix:") {
        return uri(before(before(rest, '?'), '#'));
    }
    plain(text)
}

/// Returns where people open a message.
pub(crate) fn link(room: &str, event: &str) -> String {
    let (room, event) = (switchboard_kit::escape(room), switchboard_kit::escape(event));
    format!("https://matrix.to/#/{room}/{event}")
}

/// Returns the homeserver that a user is a member of.
pub(crate) fn server(user: &str) -> Option<&str> {
    user.split_once(':').map(|(_, server)| server)
}

/// Returns whether this is a user id.
pub(crate) fn is_user(text: &str) -> bool {
    sigil('@', text) && text.contains(':')
}

/// Reads `!room`, `!room/$event` and `@user:server`.
fn plain(text: &str) -> Option<Reference> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if is_user(text) {
        return Some(Reference::Person(text.into()));
    }
    match text.split_once("/$") {
        Some((room, event)) if sigil('!', room) && !event.is_empty() && !event.contains(char::is_whitespace) => {
            Some(Reference::Message { conversation: room.into(), id: format!("${event}") })
        }
        None if sigil('!', text) => Some(Reference::Conversation(text.into())),
        _ => None,
    }
}

/// Reads the path of a `matrix:` URI, where a word stands for the sigil.
fn uri(path: &str) -> Option<Reference> {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').map(decoded).collect::<Option<_>>()?;
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        ["u" | "user", user] => plain(&format!("@{user}")),
        ["roomid", room] => plain(&format!("!{room}")),
        ["roomid", room, "e" | "event", event] => plain(&format!("!{room}/${event}")),
        _ => None,
    }
}

fn sigil(sigil: char, text: &str) -> bool {
    let name = text.strip_prefix(sigil).unwrap_or_default();
    // Since room version 12 a room's id is a hash without a server; shorter ones are names in disguise.
    let named = name
        .split_once(':')
        .map_or(sigil == '!' && name.len() >= 40, |(name, server)| !(name.is_empty() || server.is_empty()));
    named && !name.contains(|letter: char| letter.is_whitespace() || letter == '/')
}

fn before(text: &str, end: char) -> &str {
    text.split_once(end).map_or(text, |(before, _)| before)
}

pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODERN: &str = "!SPQ2xSG1UYdQu0FTvfg4ZzLe1cXgZzQpH5wN5bVYw1o";

    #[test]
    fn rooms_people_and_messages_are_recognised() {
        let room = || Reference::Conversation("!abc:example.org".into());
        let message = || Reference::Message { conversation: "!abc:example.org".into(), id: "$ev_-1".into() };
        assert_eq!(reference("!abc:example.org"), Some(room()));
        assert_eq!(reference(MODERN), Some(Reference::Conversation(MODERN.into())));
        assert_eq!(reference("https://matrix.to/#/!abc:example.org?via=example.org"), Some(room()));
        assert_eq!(reference("https://matrix.to/#/%21abc%3Aexample.org/%24ev_-1?via=a"), Some(message()));
        assert_eq!(reference(&link("!abc:example.org", "$ev_-1")), Some(message()));
        assert_eq!(reference("https://app.element.io/#/room/!abc:example.org/$ev_-1"), Some(message()));
        assert_eq!(reference("matrix:roomid/abc:example.org/e/ev_-1?via=x"), Some(message()));
        assert_eq!(reference("matrix:u/bob:example.org"), Some(Reference::Person("@bob:example.org".into())));
        assert_eq!(reference("@bob:localhost"), Some(Reference::Person("@bob:localhost".into())));
    }

    #[test]
    fn aliases_and_names_are_no_ids() {
        for text in [
            "#general:example.org",
            "https://matrix.to/#/%23general:example.org",
            "matrix:r/general:example.org",
            "@bob",
            "!important",
            "!a b:c",
            "$event",
            "",
            "@",
            "!",
            "@:x",
            "https://matrix.to.evil/#/!a:b",
            "https://matrix.to/#/%zz",
        ] {
            assert_eq!(reference(text), None, "{text}");
        }
    }
}
