//! Search, by the homeserver: it sees every unencrypted room that the user is in.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{self, Page, Query, Search},
    serde_json::json,
};

use crate::{CLIENT, Matrix, event::Event, fold::Around, names::Names};

#[derive(Deserialize)]
struct Answer {
    search_categories: Categories,
}

#[derive(Deserialize)]
struct Categories {
    room_events: Found,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Vec<Hit>,
    next_batch: Option<String>,
}

#[derive(Deserialize)]
struct Hit {
    result: Event,
    #[serde(default)]
    context: Context,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    profile_info: BTreeMap<String, Profile>,
}

#[derive(Deserialize)]
struct Profile {
    displayname: Option<String>,
}

#[async_trait]
impl Search for Matrix {
    async fn search(&self, query: &Query) -> Result<Page<chat::Message>> {
        let mut filter = json!({ "limit": query.limit, "types": ["m.room.message"] });
        if let Some(room) = &query.conversation {
            filter["rooms"] = json!([room]);
        }
        if let Some(person) = &query.from {
            filter["senders"] = json!([person]);
        }
        let room_events = json!({
            "search_term": query.text,
            "keys": ["content.body"],
            "order_by": "recent",
            "filter": filter,
            "event_context": { "before_limit": 0, "after_limit": 0, "include_profile": true },
        });
        let request = self.api.post(format!("{CLIENT}/search")).repeatable();
        let request = request.query_opt("next_batch", query.cursor.as_deref());
        let request = request.json(&json!({ "search_categories": { "room_events": room_events } }));
        let Found { results, next_batch } = request.send::<Answer>().await?.search_categories.room_events;
        // The newest come first, and no filter of a search knows times.
        let past = query.since.is_some_and(|since| results.iter().any(|hit| hit.result.time() < since));
        let next = next_batch.filter(|_| !past);

        // A word of an edit hits the edit, which is no message; what it changed is.
        let found = join_all(results.into_iter().map(async |Hit { result, context }| {
            let event = match result.replaces() {
                Some(original) => self.event(&result.room_id, original).await.ok()?,
                None => result,
            };
            Some((event, context))
        }));
        let mut items: Vec<chat::Message> = Vec::new();
        for (event, context) in found.await.into_iter().flatten().filter(|(event, _)| event.is_message()) {
            if items.iter().any(|known| known.at.id == event.id) {
                continue;
            }
            let mut names = Names::default();
            for (person, profile) in &context.profile_info {
                names.know(person, profile.displayname.as_deref());
            }
            let around = Around { me: self.me().await?.to_owned(), names, ..Around::default() };
            items.push(self.message(&event.room_id, &event, &around));
        }
        Ok(Page { items, next })
    }
}
