//! The users that a compromised assistant may have: none of them agrees to what it is about.

use std::collections::BTreeSet;

use async_trait::async_trait;
use switchboard_kit::{Answer, Ask, Error, Medium, Result, host::Caller};

/// The one conversation to which this user lets anything be sent.
pub(super) const AGREED: i64 = 5;

/// What the user of a client does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// There is nobody who could be asked.
    Unreachable,
    /// Only pages can be shown.
    Pages,
    Declines,
    Leaves,
    /// The client breaks down over it.
    Breaks,
    /// Reads the question, and agrees if it is about one harmless place and no other.
    Reads,
}

/// A client, in one of its sessions.
pub(super) struct User {
    pub(super) manner: Manner,
    pub(super) session: Option<&'static str>,
}

#[async_trait]
impl Caller for User {
    fn session(&self) -> Option<&str> {
        self.session
    }

    fn can_be_asked(&self, medium: Medium) -> bool {
        match self.manner {
            Manner::Unreachable => false,
            Manner::Pages => medium == Medium::Url,
            _ => true,
        }
    }

    async fn ask(&self, _: &str, question: &Ask) -> Result<Answer> {
        match self.manner {
            Manner::Unreachable | Manner::Pages | Manner::Breaks => Err(Error::unexpected("the client broke down")),
            Manner::Declines => Ok(Answer::Decline),
            Manner::Leaves => Ok(Answer::Cancel),
            Manner::Reads => Ok(if is_harmless(question.message()) {
                Answer::Accept(serde_json::Map::new())
            } else {
                Answer::Decline
            }),
        }
    }
}

/// Returns whether a question is about the one place only, by all lines that are not quoted.
fn is_harmless(question: &str) -> bool {
    let ours = question.lines().filter(|line| !line.starts_with('│') && !line.starts_with("You are asked because "));
    let places: BTreeSet<_> = ours
        .filter_map(|line| {
            ["Send to ", "Change ", "Delete, ", "React ", "Take back ", "Let "]
                .iter()
                .find_map(|start| line.strip_prefix(start))
        })
        .map(|line| line.split_once("(sandbox:").and_then(|(_, rest)| rest.split_once(')')).map_or("", |(id, _)| id))
        .collect();
    places == BTreeSet::from([&*format!("C{AGREED}")])
}
