//! What answers quote: looked for on the page first, then asked for.

use std::collections::BTreeMap;

use futures::future::join_all;
use switchboard_kit::{Result, escape};

use crate::{Matrix, event::Event, room_path};

/// Most quoted events to ask for.
const MOST: usize = 16;

impl Matrix {
    /// Returns one event.
    pub(crate) async fn event(&self, room: &str, id: &str) -> Result<Event> {
        self.api.get(format!("{}/event/{}", room_path(room), escape(id))).send().await
    }

    /// Returns what these events quote, as far as it can be had.
    pub(crate) async fn quotes(&self, room: &str, events: &[Event]) -> BTreeMap<String, Event> {
        let mut quotes = BTreeMap::new();
        for id in events.iter().filter_map(Event::answers) {
            let known = events.iter().find(|event| event.id == id);
            if known.is_some() || quotes.values().filter(|found| Option::is_none(found)).count() < MOST {
                quotes.insert(id.to_owned(), known.cloned());
            }
        }
        let found = quotes.into_iter().map(async |(id, known)| match known {
            Some(event) => Some((id, event)),
            None => self.event(room, &id).await.ok().map(|event| (id, event)),
        });
        join_all(found).await.into_iter().flatten().collect()
    }
}
