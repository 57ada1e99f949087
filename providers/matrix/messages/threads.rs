//! One thread: its answers, newest first, and at last the message that it hangs on.

use serde::Deserialize;
use switchboard_kit::{Result, chat::History};

use super::{Sheet, within};
use crate::{Matrix, event::Event, names::Names, relations_path};

/// The cursor after all answers, when the page had no room left for the first message.
const ROOT: &str = "root";

impl Matrix {
    /// Returns the first message of the thread that `id` is in or begins.
    pub(crate) async fn thread_root(&self, room: &str, id: &str) -> Result<Event> {
        let event = self.event(room, id).await?;
        match event.thread() {
            Some(first) => self.event(room, first).await,
            None => Ok(event),
        }
    }

    pub(super) async fn read_thread(&self, room: &str, id: &str, history: &History) -> Result<Sheet> {
        #[derive(Default, Deserialize)]
        struct Answers {
            chunk: Vec<Event>,
            next_batch: Option<String>,
        }
        let first = self.thread_root(room, id).await?;
        let Answers { chunk, next_batch } = match history.cursor.as_deref() {
            Some(ROOT) => Answers::default(),
            cursor => {
                let request = self.api.get(relations_path(room, &first.id, "m.thread"));
                let request = request.query("dir", "b").query("limit", history.limit.max(1));
                request.query_opt("from", cursor).send().await?
            }
        };
        let past = chunk.iter().any(|event| history.since.is_some_and(|since| event.time() < since));
        let mut events: Vec<_> = chunk.into_iter().filter(Event::is_message).collect();
        events.retain(|event| within(history, event));
        let next = match next_batch.filter(|_| !past) {
            None if !within(history, &first) => None,
            None if events.len() >= history.limit.max(1) => Some(ROOT.into()),
            None => {
                events.push(first);
                None
            }
            next => next,
        };
        Ok(Sheet { events, names: Names::default(), reactions: None, next })
    }
}
