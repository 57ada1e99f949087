//! What was said around a hit.

use std::collections::HashSet;

use switchboard_kit::{
    Error, Result,
    chat::{History, Message},
};

use crate::chat::served::Opened;

/// Most hits for which a platform is asked what stands around them.
pub(super) const ASKED: usize = 10;

/// A message that was found, and its neighbours, oldest first.
pub(super) struct Hit {
    pub(super) message: Message,
    pub(super) before: Vec<Message>,
    pub(super) after: Vec<Message>,
}

impl Hit {
    pub(super) fn alone(message: Message) -> Self {
        Self { message, before: Vec::new(), after: Vec::new() }
    }

    /// Takes a message out of `run`, newest first, with up to `count` neighbours on either side.
    pub(super) fn of(run: &[Message], at: usize, count: usize) -> Option<Self> {
        let message = run.get(at)?.clone();
        let mut after = run[at.saturating_sub(count)..at].to_vec();
        let mut before = run[at + 1..(at + 1 + count).min(run.len())].to_vec();
        after.reverse();
        before.reverse();
        Some(Self { message, before, after })
    }

    /// Returns all of it, oldest first, and whether each is the hit itself.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Message, bool)> {
        let before = self.before.iter().map(|message| (message, false));
        before.chain([(&self.message, true)]).chain(self.after.iter().map(|message| (message, false)))
    }
}

/// Asks the platform what stands around the first hits, and returns for how many it could not say.
pub(super) async fn surround(opened: &Opened<'_>, hits: &mut [Hit], count: usize) -> Result<usize> {
    let apart = !opened.include_answers()?;
    let asked = hits.iter_mut().take(ASKED).map(|hit| async {
        let thread = hit.message.thread.clone().filter(|_| apart);
        let around = Some(hit.message.at.id.clone());
        let history = History { thread, around, limit: 2 * count + 1, ..History::default() };
        let run = opened.page(&hit.message.at.conversation, &history).await?.items;
        let at = run.iter().position(|message| message.at.id == hit.message.at.id);
        if let Some(around) = at.and_then(|at| Hit::of(&run, at, count)) {
            (hit.before, hit.after) = (around.before, around.after);
        }
        Ok::<(), Error>(())
    });
    let asked = futures::future::join_all(asked).await;
    Ok(asked.into_iter().filter(Result::is_err).count())
}

/// Leaves every message with one hit only; what is a hit itself surrounds none.
pub(super) fn merge(hits: &mut [Hit]) {
    let name = |message: &Message| message.at.clone();
    let mut known: HashSet<_> = hits.iter().map(|hit| name(&hit.message)).collect();
    for hit in hits {
        hit.before.retain(|message| known.insert(name(message)));
        hit.after.retain(|message| known.insert(name(message)));
    }
}

#[cfg(test)]
mod tests {
    use switchboard_kit::{
        AccountKey, Timestamp,
        chat::{Author, AuthorKind, MessageRef},
    };

    use super::*;

    /// Messages 5 to 1, newest first.
    fn run() -> Vec<Message> {
        let message = |number: i64| {
            let at = MessageRef { account: AccountKey::new("a"), conversation: "C".into(), id: number.to_string() };
            let author = Author { id: "P".into(), name: "Ana".into(), kind: AuthorKind::Person };
            Message::new(at, Timestamp::from_second(number).unwrap(), author, "x")
        };
        (1..=5).rev().map(message).collect()
    }

    fn ids(hit: &Hit) -> Vec<&str> {
        hit.all().map(|(message, _)| message.at.id.as_str()).collect()
    }

    #[test]
    fn neighbours_are_told_oldest_first_and_each_once() {
        let run = run();
        assert_eq!(ids(&Hit::of(&run, 2, 1).unwrap()), ["2", "3", "4"]);
        assert_eq!(ids(&Hit::of(&run, 0, 3).unwrap()), ["2", "3", "4", "5"]);
        assert!(Hit::of(&run, 5, 3).is_none());
        let mut hits = [Hit::of(&run, 2, 1).unwrap(), Hit::of(&run, 1, 2).unwrap()];
        merge(&mut hits);
        assert_eq!([ids(&hits[0]), ids(&hits[1])], [vec!["2", "3"], vec!["4", "5"]]);
    }
}
