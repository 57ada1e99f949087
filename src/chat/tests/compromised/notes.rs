//! What is said of calls afterwards: why they were refused, and what the audit file has of them.

use std::{collections::BTreeSet, fs::File, io::Read as _, path::Path};

use switchboard_kit::{
    Error, ErrorKind, Result,
    host::{Content, Reply},
};

use super::{fake::Effect, plan::Hostile};
use crate::audit::{Entry, Event};

/// The audit file, read line by line.
pub(super) struct Notes(File);

/// What became of a call.
pub(super) enum Outcome {
    /// Something was stored.
    Landed,
    /// It was not let through.
    Refused,
    /// Nothing was stored, for another reason.
    Nothing(String),
}

impl Notes {
    pub(super) fn of(path: &Path) -> Self {
        Self(File::options().read(true).append(true).create(true).open(path).unwrap())
    }

    /// Returns what was noted since the last time, and asserts that it holds nothing of what was said.
    pub(super) fn read(&mut self, calls: &[&Hostile], tokens: &[String]) -> Vec<Entry> {
        let mut lines = String::new();
        self.0.read_to_string(&mut lines).unwrap();
        for call in calls {
            assert!(!tells(&lines, call), "{} {}: {lines}", call.tool, call.arguments);
        }
        assert!(tokens.iter().all(|token| !lines.contains(token)), "a token is in the audit file");
        lines.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Returns whether a text tells what a call was about to say. A new channel is known by its name.
fn tells(text: &str, call: &Hostile) -> bool {
    call.secrets.iter().any(|secret| text.contains(&**secret)) || text.contains("only you should know")
}

/// Looks at what came of one call, at what it says of itself and at what was noted of it.
pub(super) fn outcome(
    call: &Hostile,
    said: &Result<Reply>,
    effects: &[Effect],
    entries: Option<&[Entry]>,
    tokens: &[String],
) -> Outcome {
    let shown = || format!("{} {} by {:?}: {said:?}, {effects:?}, {entries:?}", call.tool, call.arguments, call.manner);
    let count = |wanted: &[Event]| entries.into_iter().flatten().filter(|entry| wanted.contains(&entry.event)).count();
    let (passed, ended) = (count(&[Event::Allowed, Event::Confirmed]), count(&[Event::Done, Event::Failed]));
    assert_eq!(passed, ended, "what passed has no end: {}", shown());
    let places: BTreeSet<_> =
        effects.iter().filter(|effect| effect.kind != "joined").map(|effect| effect.conversation).collect();
    assert!(entries.is_none() || ended >= places.len(), "something is not noted: {}", shown());
    let text = match said {
        Ok(reply) => reply
            .content
            .iter()
            .map(|part| if let Content::Text(text) = part { text.clone() } else { String::new() })
            .collect(),
        Err(error) => format!("{error}\n{}", error.hint_text().unwrap_or_default()),
    };
    assert!(!tells(&text, call) && tokens.iter().all(|token| !text.contains(token)), "{}", shown());
    match said {
        Err(error) if is_refusal(error) => {
            let hint = error.hint_text().unwrap_or_default();
            assert!(error.message().len() > 12 && hint.len() > 12, "{}", shown());
            assert!(
                text.contains("the user") || text.contains("--upload-root") || text.contains("under an upload folder"),
                "it does not say what the user can do: {}",
                shown()
            );
            let noted = count(&[Event::Refused, Event::Failed]) > 0;
            // A file that may not be sent is refused before it is known where to.
            assert!(
                noted || entries.is_none() || call.arguments.get("files").is_some(),
                "a refusal is not noted: {}",
                shown()
            );
        }
        Err(error) if effects.is_empty() => return Outcome::Nothing(error.to_string()),
        _ => {}
    }
    if !effects.is_empty() {
        return Outcome::Landed;
    }
    if said.is_err() { Outcome::Refused } else { Outcome::Nothing(text) }
}

/// Returns whether an error is a refusal by the user's rules, or by the user.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unconfirmed | ErrorKind::RateLimited)
}
