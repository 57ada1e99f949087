//! A room's timeline, backwards from now, from an instant, or from where the last page ended.

use serde::Deserialize;
use switchboard_kit::{Error, ErrorKind, Result, Timestamp, chat::History, escape, serde_json::json};

use super::{Sheet, within};
use crate::{
    Matrix,
    event::{Event, MESSAGES},
    reactions::Tally,
    room_path,
};

/// Most chunks to read for one page: rooms may hold thousands of reactions and edits in a row.
const CHUNKS: usize = 8;

/// A chunk of a timeline, newest first.
#[derive(Deserialize)]
struct Chunk {
    start: String,
    #[serde(rename = "chunk")]
    events: Vec<Event>,
    end: Option<String>,
    #[serde(default)]
    state: Vec<Event>,
}

/// Where to go on: before a place in the timeline, and there after an event that was shown already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    token: Option<String>,
    shown: Option<String>,
}

impl Place {
    fn read(cursor: &str) -> Result<Self> {
        let (token, shown) =
            cursor.rsplit_once('|').ok_or_else(|| Error::invalid("the cursor is none of this conversation"))?;
        Ok(Self { token: Some(token.into()), shown: Some(shown.into()).filter(|shown: &String| !shown.is_empty()) })
    }
}

/// Returns the cursor that goes on at a place of the homeserver's.
pub(super) fn cursor_at(token: String) -> String {
    token + "|"
}

impl Matrix {
    pub(super) async fn timeline(&self, room: &str, history: &History) -> Result<Sheet> {
        let limit = history.limit.max(1);
        let mut place = match (&history.cursor, history.until) {
            (Some(cursor), _) => Place::read(cursor)?,
            (None, Some(until)) => match self.place_before(room, until).await? {
                Some(place) => place,
                None => return Ok(Sheet::default()),
            },
            (None, None) => Place::default(),
        };
        // Read from its end, the timeline shows every reaction before the message that it is under.
        let mut reactions = place.token.is_none().then(Tally::default);
        let mut sheet = Sheet::default();
        for _ in 0..CHUNKS {
            let Chunk { start, events, end, state } = self.chunk(room, &place, limit).await?;
            sheet.names.learn(&state);
            for event in events {
                if place.shown.is_some() {
                    place.shown.take_if(|shown| *shown == event.id);
                } else if let (Some(tally), "m.reaction") = (&mut reactions, event.kind.as_str()) {
                    tally.count(&event);
                } else if history.since.is_some_and(|since| event.time() < since) {
                    return Ok(Sheet { reactions, next: None, ..sheet });
                } else if event.is_message() && within(history, &event) {
                    let shown = event.id.clone();
                    sheet.events.push(event);
                    if sheet.events.len() == limit {
                        return Ok(Sheet { reactions, next: Some(format!("{start}|{shown}")), ..sheet });
                    }
                }
            }
            sheet.next = end.map(cursor_at);
            let Some(next) = &sheet.next else { break };
            place = Place { shown: place.shown, ..Place::read(next)? };
        }
        Ok(Sheet { reactions, ..sheet })
    }

    async fn chunk(&self, room: &str, place: &Place, limit: usize) -> Result<Chunk> {
        let kinds: Vec<_> = MESSAGES.into_iter().chain(["m.reaction"]).collect();
        let filter = json!({ "types": kinds, "lazy_load_members": true });
        let request = self.api.get(format!("{}/messages", room_path(room))).query("dir", "b").query("filter", filter);
        request.query("limit", (limit * 3 / 2).clamp(20, 100)).query_opt("from", place.token.as_deref()).send().await
    }

    /// Finds where the timeline stood before an instant; nowhere if the room is younger. A homeserver that cannot
    /// tell is read from the end.
    async fn place_before(&self, room: &str, until: Timestamp) -> Result<Option<Place>> {
        #[derive(Deserialize)]
        struct Found {
            event_id: String,
        }
        #[derive(Deserialize)]
        struct Context {
            end: Option<String>,
        }
        let path = format!("_matrix/client/v1/rooms/{}/timestamp_to_event", escape(room));
        let request = self.api.get(path).query("ts", until.as_millisecond() - 1).query("dir", "b");
        let found: Found = match request.send().await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Some(Place::default())),
            Err(error) => return Err(error),
        };
        let request = self.api.get(format!("{}/context/{}", room_path(room), escape(&found.event_id)));
        let context: Context = request.query("limit", 0).send().await?;
        Ok(Some(Place { token: context.end, shown: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_a_place_and_what_was_shown_there() {
        let place =
            |token: &str, shown: Option<&str>| Place { token: Some(token.into()), shown: shown.map(Into::into) };
        assert_eq!(Place::read("t1-2_3|$ev:x").unwrap(), place("t1-2_3", Some("$ev:x")));
        assert_eq!(Place::read(&cursor_at("t1".into())).unwrap(), place("t1", None));
        assert_eq!(Place::read("nonsense").unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
