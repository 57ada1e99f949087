//! Sign-ins that have begun and not ended: each is good once, for a while, in the browser that began it.

use std::{collections::VecDeque, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::PkceCodeVerifier;
use tokio::time::Instant;
use url::Url;

/// How long a sign-in may take from its first page to its last.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);
/// Most sign-ins that are kept; the oldest makes room.
const MOST: usize = 16;

/// Where a sign-in began, and so who may end it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the browser that holds this cookie.
    Browser(String),
    /// In the terminal: only a pasted address ends it.
    Terminal,
}

/// One sign-in under way.
pub(super) struct Flow {
    pub(super) origin: Origin,
    pub(super) redirect: Url,
    pub(super) verifier: Option<PkceCodeVerifier>,
}

/// Why an answer belongs to no sign-in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stray {
    Unknown,
    ForeignBrowser,
}

/// All sign-ins under way, by `state`.
#[derive(Default)]
pub(super) struct Pending(VecDeque<(String, Instant, Flow)>);

impl Pending {
    pub(super) fn insert(&mut self, state: String, flow: Flow, now: Instant) {
        self.0.retain(|(_, begun, _)| now.duration_since(*begun) < LIFETIME);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((state, now, flow));
    }

    /// Takes out the sign-in that `state` names. A browser gets only what it began itself, the terminal anything.
    pub(super) fn take(&mut self, state: &str, asks: &Origin, now: Instant) -> Result<Flow, Stray> {
        self.0.retain(|(_, begun, _)| now.duration_since(*begun) < LIFETIME);
        let place = self.0.iter().position(|(known, ..)| known == state).ok_or(Stray::Unknown)?;
        if *asks != Origin::Terminal && self.0[place].2.origin != *asks {
            return Err(Stray::ForeignBrowser);
        }
        self.0.remove(place).map(|(_, _, flow)| flow).ok_or(Stray::Unknown)
    }

    /// Tells whether a browser with this cookie has begun a sign-in.
    pub(super) fn knows(&self, cookie: &str) -> bool {
        self.0.iter().any(|(_, _, flow)| matches!(&flow.origin, Origin::Browser(known) if known == cookie))
    }
}

/// Makes up 256 bits that nobody can guess, as text for a URL.
pub(super) fn unguessable() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(origin: Origin) -> Flow {
        Flow { origin, redirect: Url::parse("http://127.0.0.1:1/auth/callback").unwrap(), verifier: None }
    }

    #[test]
    fn a_state_is_good_once_for_ten_minutes_in_its_own_browser() {
        let (own, other) = (Origin::Browser("own".into()), Origin::Browser("other".into()));
        let now = Instant::now();
        let mut pending = Pending::default();
        pending.insert("a".into(), flow(own.clone()), now);
        assert_eq!(pending.take("a", &other, now).err(), Some(Stray::ForeignBrowser));
        assert!(pending.take("a", &own, now).is_ok());
        assert_eq!(pending.take("a", &own, now).err(), Some(Stray::Unknown));
        pending.insert("b".into(), flow(own.clone()), now);
        assert_eq!(pending.take("b", &own, now + LIFETIME).err(), Some(Stray::Unknown));
    }

    #[test]
    fn a_browser_cannot_end_what_the_terminal_began() {
        let now = Instant::now();
        let mut pending = Pending::default();
        pending.insert("a".into(), flow(Origin::Terminal), now);
        assert_eq!(pending.take("a", &Origin::Browser(String::new()), now).err(), Some(Stray::ForeignBrowser));
        assert!(pending.take("a", &Origin::Terminal, now).is_ok());
    }

    #[test]
    fn the_oldest_of_seventeen_makes_room() {
        let now = Instant::now();
        let mut pending = Pending::default();
        for number in 0..17 {
            pending.insert(number.to_string(), flow(Origin::Terminal), now);
        }
        assert_eq!(pending.take("0", &Origin::Terminal, now).err(), Some(Stray::Unknown));
        assert!(pending.take("1", &Origin::Terminal, now).is_ok());
    }
}
