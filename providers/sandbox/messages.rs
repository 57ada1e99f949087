//! Messages: what one looks like, and reading them.

use serde::Deserialize;
use switchboard_kit::{
    AccountKey, Result, Timestamp, async_trait,
    chat::{self, Author, History, MessageRef, Messages, Page},
    escape,
};

use crate::{Sandbox, files::File, people::Person};

/// A message, as the API tells it.
#[derive(Deserialize)]
pub(crate) struct Message {
    id: String,
    conversation: String,
    time: Timestamp,
    author: Person,
    text: String,
    thread: Option<String>,
    reply_count: u32,
    reactions: Vec<Reaction>,
    files: Vec<File>,
    quote: Option<Quote>,
    mentions: Vec<String>,
    mentions_everyone: bool,
    edited_at: Option<Timestamp>,
    deleted: bool,
    url: String,
}

#[derive(Deserialize)]
struct Reaction {
    emoji: String,
    count: u32,
    me: bool,
}

#[derive(Deserialize)]
struct Quote {
    author: String,
    text: String,
}

/// A page of messages, as the API lists them.
#[derive(Deserialize)]
struct Read {
    messages: Vec<Message>,
    older: Option<String>,
}

impl Message {
    pub(crate) fn at(&self, account: &AccountKey) -> MessageRef {
        MessageRef { account: account.clone(), conversation: self.conversation.clone(), id: self.id.clone() }
    }

    pub(crate) fn into_chat(self, account: &AccountKey) -> chat::Message {
        let at = self.at(account);
        let kind = self.author.kind();
        let author = Author { id: self.author.id, name: self.author.name, kind };
        let reaction = |Reaction { emoji, count, me }| chat::Reaction { emoji, count, mine: me };
        chat::Message {
            thread: self.thread,
            replies: self.reply_count,
            reactions: self.reactions.into_iter().map(reaction).collect(),
            files: self.files.into_iter().map(Into::into).collect(),
            quote: self.quote.map(|Quote { author, text }| chat::Quote { author: Some(author), text }),
            mentions: self.mentions,
            mentions_everyone: self.mentions_everyone,
            edited: self.edited_at.is_some(),
            deleted: self.deleted,
            url: Some(self.url),
            ..chat::Message::new(at, self.time, author, self.text)
        }
    }
}

#[async_trait]
impl Messages for Sandbox {
    async fn list(&self, conversation: &str, history: &History) -> Result<Page<chat::Message>> {
        let request = self.api.get(format!("api/conversations/{}/messages", escape(conversation)));
        let page: Read = request
            .query("limit", history.limit)
            .query_opt("since", history.since)
            .query_opt("until", history.until)
            .query_opt("thread", history.thread.as_deref())
            .query_opt("around", history.around.as_deref())
            .query_opt("before", history.cursor.as_deref())
            .send()
            .await?;
        let items = page.messages.into_iter().map(|message| message.into_chat(self.api.account())).collect();
        Ok(Page { items, next: page.older })
    }

    fn include_answers(&self) -> bool {
        false
    }

    async fn get(&self, conversation: &str, id: &str) -> Result<chat::Message> {
        let request = self.api.get(format!("api/messages/{}", escape(id))).query("conversation", conversation);
        let message: Message = request.send().await?;
        Ok(message.into_chat(self.api.account()))
    }
}
