//! Reading messages: a room's timeline backwards, one thread, or what stands around an event.

mod threads;
mod timeline;

use switchboard_kit::{
    Error, Result, async_trait,
    chat::{self, History, Messages, Page},
    escape,
    serde_json::json,
};

use crate::{
    Matrix,
    event::{Event, MESSAGES},
    fold::Around,
    names::Names,
    reactions::Tally,
    room_path,
};
use serde::Deserialize;

/// Some of a room's events, newest first, before they are messages.
#[derive(Default)]
struct Sheet {
    events: Vec<Event>,
    /// Members, as the homeserver told them along with the events.
    names: Names,
    /// The reactions under these events, if all of them were seen on the way.
    reactions: Option<Tally>,
    next: Option<String>,
}

impl Matrix {
    async fn page(&self, room: &str, sheet: Sheet) -> Result<Page<chat::Message>> {
        let Sheet { events, names, reactions, next } = sheet;
        let tally = async {
            match reactions {
                Some(tally) => Ok(tally),
                None => self.tally(room, events.iter()).await,
            }
        };
        let (tally, quotes) = futures::future::join(tally, self.quotes(room, &events)).await;
        let speakers: Vec<_> = events.iter().chain(quotes.values()).collect();
        let names = self.names(room, names, &speakers).await;
        let me = self.me().await?;
        let around = Around { me: me.to_owned(), names, reactions: tally?.counted(me), quotes };
        let items = events.iter().map(|event| self.message(room, event, &around)).collect();
        Ok(Page { items, next })
    }

    /// Reads what stands around an event; older pages go on from there.
    async fn surroundings(&self, room: &str, event: &str, history: &History) -> Result<Sheet> {
        #[derive(Deserialize)]
        struct Context {
            #[serde(default)]
            events_before: Vec<Event>,
            event: Event,
            #[serde(default)]
            events_after: Vec<Event>,
            start: Option<String>,
            #[serde(default)]
            state: Vec<Event>,
        }
        let filter = json!({ "types": MESSAGES, "lazy_load_members": true });
        let request = self.api.get(format!("{}/context/{}", room_path(room), escape(event)));
        let request = request.query("limit", history.limit.saturating_sub(1)).query("filter", filter);
        let context: Context = request.send().await?;
        let mut names = Names::default();
        names.learn(&context.state);
        let events = context.events_after.into_iter().rev().chain([context.event]).chain(context.events_before);
        let events = events.filter(|event| event.is_message() && within(history, event)).collect();
        Ok(Sheet { events, names, reactions: None, next: context.start.map(timeline::cursor_at) })
    }
}

fn within(history: &History, event: &Event) -> bool {
    let time = event.time();
    history.since.is_none_or(|since| time >= since) && history.until.is_none_or(|until| time < until)
}

#[async_trait]
impl Messages for Matrix {
    async fn list(&self, conversation: &str, history: &History) -> Result<Page<chat::Message>> {
        let sheet = match (&history.thread, &history.around, &history.cursor) {
            (Some(thread), _, _) => self.read_thread(conversation, thread, history).await?,
            (None, Some(event), None) => self.surroundings(conversation, event, history).await?,
            _ => self.timeline(conversation, history).await?,
        };
        self.page(conversation, sheet).await
    }

    async fn get(&self, conversation: &str, id: &str) -> Result<chat::Message> {
        let event = self.event(conversation, id).await?;
        if !event.is_message() {
            return Err(Error::not_found(format!("`{id}` is no message")));
        }
        let page = self.page(conversation, Sheet { events: vec![event], ..Sheet::default() }).await?;
        page.items.into_iter().next().ok_or_else(|| Error::not_found(format!("no message `{id}`")))
    }
}
