//! What was done and refused, for whoever must be able to tell later: one line of JSON for each, never what was said.

mod file;
mod reading;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use switchboard_kit::{AccountKey, Principal};

use crate::chat::sanitise;

pub use file::Audit;
pub use reading::{Entries, Wanted};

/// Most characters of a reason.
const LONGEST_REASON: usize = 600;
/// Most characters of anything else.
const LONGEST_WORD: usize = 300;
/// Most messages of one line.
const MOST_MESSAGES: usize = 30;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Event {
    /// Rules let a write pass.
    Allowed,
    /// The user agreed to a write.
    Confirmed,
    /// A write was refused, by a rule or by the user.
    Refused,
    /// A write that had passed was done.
    Done,
    /// A write that had passed failed, or not all of it was done.
    Failed,
    /// Somebody signed in.
    SignedIn,
    /// A sign-in was ended.
    SignedOut,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When. It stands first, so that lines can be told from what they were torn from.
    pub time: Timestamp,
    /// What.
    pub event: Event,
    /// For whom: issuer and subject.
    pub principal: String,
    /// In which account.
    pub account: String,
    /// Joins the lines of one write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
    /// By which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Where: the exact target, by ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The messages that it was about, or that came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// SHA-256 of what was to be written, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Who signed in or was signed in: the platform's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Why: the rule, the guard or the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Entry {
    /// Notes that something happens now.
    pub fn now(event: Event, principal: &Principal, account: &AccountKey) -> Self {
        Self {
            time: Timestamp::now(),
            event,
            principal: principal.to_string(),
            account: account.to_string(),
            write: None,
            tool: None,
            target: None,
            messages: Vec::new(),
            content: None,
            person: None,
            why: None,
        }
    }

    /// Returns the line, whose length is bounded and which nothing in it divides.
    fn line(&self) -> Vec<u8> {
        let word = |text: &String| bounded(text, LONGEST_WORD);
        let mut messages: Vec<_> = self.messages.iter().take(MOST_MESSAGES).map(word).collect();
        if self.messages.len() > MOST_MESSAGES {
            messages.push(format!("and {} more", self.messages.len() - MOST_MESSAGES));
        }
        let clean = Self {
            time: self.time,
            event: self.event,
            principal: word(&self.principal),
            account: word(&self.account),
            write: self.write.as_ref().map(word),
            tool: self.tool.as_ref().map(word),
            target: self.target.as_ref().map(word),
            messages,
            content: self.content.as_ref().map(word),
            person: self.person.as_ref().map(word),
            why: self.why.as_deref().map(|why| bounded(why, LONGEST_REASON)),
        };
        let mut line = serde_json::to_vec(&clean).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Cleans what stands on one line, and cuts it.
fn bounded(dirty: &str, longest: usize) -> String {
    // What is cut away need not be cleaned, however much it is.
    let end = dirty.char_indices().nth(8 * longest).map_or(dirty.len(), |(end, _)| end);
    let clean = sanitise::line(&dirty[..end]);
    match clean.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_makes_a_line_long_or_two() {
        let hostile = "a\"\\\n{\"time\":\"\u{202e}\u{e0041}\u{2028}".repeat(100_000);
        let mut entry = Entry::now(Event::Refused, &Principal::local(), &AccountKey::new("work"));
        entry.target = Some(hostile.clone());
        entry.messages = vec![hostile.clone(); 1_000];
        entry.why = Some(hostile);
        let line = String::from_utf8(entry.line()).unwrap();
        assert!(line.len() < 32 * 1024, "{}", line.len());
        assert_eq!((line.lines().count(), line.find('\n')), (1, Some(line.len() - 1)));
        assert!(!line.contains(['\u{202e}', '\u{e0041}', '\u{2028}']));
        let read: Entry = serde_json::from_str(&line).unwrap();
        assert_eq!(read.messages.last().unwrap(), "and 970 more");
        assert!(read.why.unwrap().starts_with("a\"\\ {\"time\":\""));
    }

    #[test]
    fn what_is_not_there_takes_no_room() {
        let entry = Entry {
            time: Timestamp::UNIX_EPOCH,
            ..Entry::now(Event::SignedIn, &Principal::local(), &AccountKey::new("work"))
        };
        let expected =
            r#"{"time":"1970-01-01T00:00:00Z","event":"signed_in","principal":"local/local","account":"work"}"#;
        assert_eq!(String::from_utf8(entry.line()).unwrap().trim_end(), expected);
    }
}
