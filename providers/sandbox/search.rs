//! Search, by the sandbox itself.

use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{self, Page, Query, Search},
};

use crate::{Sandbox, messages::Message};

/// A page of hits, as the API lists them.
#[derive(Deserialize)]
struct Found {
    messages: Vec<Message>,
    cursor: Option<String>,
}

#[async_trait]
impl Search for Sandbox {
    async fn search(&self, query: &Query) -> Result<Page<chat::Message>> {
        let request = self.api.get("api/search").query("query", &query.text).query("limit", query.limit);
        let found: Found = request
            .query_opt("in", query.conversation.as_deref())
            .query_opt("from", query.from.as_deref())
            .query_opt("since", query.since)
            .query_opt("until", query.until)
            .query_opt("cursor", query.cursor.as_deref())
            .send()
            .await?;
        let items = found.messages.into_iter().map(|message| message.into_chat(self.api.account())).collect();
        Ok(Page { items, next: found.cursor })
    }
}
