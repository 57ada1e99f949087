//! How far a search has come, in as few bytes as its cursor allows: nothing of it is kept between calls.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use switchboard_kit::{Error, Result};

/// Where one account's search goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At a page of the platform's own search.
    Platform(Option<String>),
    /// In what is scanned.
    Scan(Frontier),
}

/// What has been scanned. Conversations and messages go by their marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frontier {
    /// Milliseconds; what came later was not there when the scan began.
    pub(super) until: Option<i64>,
    /// Conversations of which nothing is left to scan.
    pub(super) done: BTreeSet<u32>,
    /// Conversations of which everything before this millisecond, and in it, is left.
    pub(super) stopped: BTreeMap<u32, i64>,
    /// Hits that were shown of the stretch that begins here.
    pub(super) shown: BTreeSet<u32>,
}

impl Place {
    /// Writes it, for a search of this `fingerprint`.
    pub(super) fn write(&self, fingerprint: u32) -> String {
        match self {
            Self::Platform(page) => format!("{fingerprint:08x}p{}", page.as_deref().unwrap_or_default()),
            Self::Scan(frontier) => format!("{fingerprint:08x}s{}", frontier.write()),
        }
    }

    /// Reads it again. A cursor of another search would leave out, or repeat, what it never meant.
    pub(super) fn read(text: &str, fingerprint: u32) -> Result<Self> {
        let other = || {
            Error::invalid("argument `cursor` belongs to another search").hint(
                "repeat the same `query`, `mode` and filters with it; only `limit`, `context` and `format` may differ",
            )
        };
        let rest = text.strip_prefix(&format!("{fingerprint:08x}")).ok_or_else(other)?;
        match rest.split_at_checked(1) {
            Some(("p", "")) => Ok(Self::Platform(None)),
            Some(("p", page)) => Ok(Self::Platform(Some(page.to_owned()))),
            Some(("s", frontier)) => Frontier::read(frontier).map(Self::Scan).ok_or_else(other),
            _ => Err(other()),
        }
    }
}

impl Frontier {
    /// Returns how many conversations were looked at.
    pub(super) fn conversations(&self) -> usize {
        self.done.len() + self.stopped.len()
    }

    /// Returns the instant back to which all conversations were scanned that were looked at; none if it was to the end.
    pub(super) fn back_to(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(*self.stopped.values().max()?).ok()
    }

    fn write(&self) -> String {
        let marks = |marks: &BTreeSet<u32>| {
            URL_SAFE_NO_PAD.encode(marks.iter().flat_map(|mark| mark.to_be_bytes()).collect::<Vec<_>>())
        };
        let stopped = self.stopped.iter().flat_map(|(mark, at)| mark.to_be_bytes().into_iter().chain(at.to_be_bytes()));
        let stopped = URL_SAFE_NO_PAD.encode(stopped.collect::<Vec<_>>());
        let until = self.until.map(|until| until.to_string()).unwrap_or_default();
        [until, marks(&self.done), stopped, marks(&self.shown)].join(".")
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('.').collect();
        let [until, done, stopped, shown] = parts.try_into().ok()?;
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let marks = |text| Some(bytes(text)?.chunks_exact(4).filter_map(mark).collect());
        let mut frontier = Self { done: marks(done)?, shown: marks(shown)?, ..Self::default() };
        frontier.until = if until.is_empty() { None } else { Some(until.parse().ok()?) };
        for entry in bytes(stopped)?.chunks_exact(12) {
            let (conversation, at) = entry.split_at(4);
            frontier.stopped.insert(mark(conversation)?, i64::from_be_bytes(at.try_into().ok()?));
        }
        Some(frontier)
    }
}

fn mark(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_went_and_only_to_its_own_search() {
        let frontier = Frontier {
            until: Some(1_795_000_000_000),
            done: [1, u32::MAX].into(),
            stopped: [(7, 1_794_000_000_000), (9, -5)].into(),
            shown: [3].into(),
        };
        let places = [Place::Scan(frontier), Place::Scan(Frontier::default()), Place::Platform(Some("x|y".into()))];
        for place in places.into_iter().chain([Place::Platform(None)]) {
            let text = place.write(0xab);
            assert_eq!(Place::read(&text, 0xab).unwrap(), place);
            assert!(Place::read(&text, 0xac).unwrap_err().to_string().contains("another search"));
        }
        for text in ["", "000000ab", "000000abs...", "000000absx.y"] {
            assert_eq!(Place::read(text, 0xab).is_ok(), text == "000000abs...", "{text}");
        }
    }
}
