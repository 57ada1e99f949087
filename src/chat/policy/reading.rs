//! The gate that every read passes: what may not be read is not asked for, and nobody has what was told before it is cleaned and,
//! under `lockdown`, what is to be withheld is taken out.

use std::{collections::BTreeSet, time::Duration};

use switchboard_kit::{
    AccountKey, Error, ErrorKind, Result,
    chat::{Change, Conversation, Delta, Download, History, Message, Page, Person, Query},
};

use super::{
    names::{Listing, Names, Sharing},
    withheld,
};
use crate::chat::{
    find::Place,
    names::is_gone,
    sanitise,
    served::{Chats, Opened},
};

impl Opened<'_> {
    /// Says why what has these names may not be read, if it may not.
    pub(super) async fn unreadable(&self, names: &Names) -> Result<Option<Error>> {
        let (account, rules) = (self.account, &self.account.rules);
        if !rules.restrict_reading() {
            return Ok(None);
        }
        let target = format!("{}:{}", account.key(), names.shown());
        if let Some(pattern) = names.denied_by(account, &rules.deny.read) {
            let message = format!("`{target}` is not to be read: it is on the user's `deny` list, as `{pattern}`");
            let hint = format!(
                "do not try another way; the user can take `{pattern}` out of `deny`, under `read`, in provider-config.yaml"
            );
            return Ok(Some(Error::new(ErrorKind::Forbidden, message).hint(hint)));
        }
        let Listing::Off(why) = names.listing(self, &rules.allow.read, Sharing::Listed).await? else { return Ok(None) };
        let hint = format!(
            "do not try another way; the user can add `{target}` to `allow`, under `read`, in provider-config.yaml"
        );
        Ok(Some(Error::new(ErrorKind::Forbidden, format!("this is not to be read, as {why}")).hint(hint)))
    }

    /// Says why a conversation, with this person if it is known with whom, may not be read, if it may not.
    pub(in crate::chat) async fn refusal(
        &self,
        conversation: &Conversation,
        person: Option<&Person>,
    ) -> Result<Option<Error>> {
        self.unreadable(&Names::of_both(conversation, person)).await
    }

    /// Leaves only those that may be read.
    pub(in crate::chat) async fn keep_readable(&self, conversations: Vec<Conversation>) -> Result<Vec<Conversation>> {
        if !self.account.rules.restrict_reading() {
            return Ok(conversations);
        }
        let mut kept = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            if self.refusal(&conversation, None).await?.is_none() {
                kept.push(conversation);
            }
        }
        Ok(kept)
    }

    /// Reads a page of a conversation or a thread, newest first.
    pub(in crate::chat) async fn page(&self, conversation: &str, history: &History) -> Result<Page<Message>> {
        self.readable(conversation).await?;
        let mut page = self.run(self.chat()?.messages().list(conversation, history)).await?;
        if self.account.rules.restrict_reading() {
            // A thread is named by an id alone, and a platform may know it wherever it is.
            page.items.retain(|message| message.at.conversation == conversation);
        }
        self.clean(&mut page.items).await?;
        Ok(page)
    }

    /// Reads one message.
    pub(in crate::chat) async fn message(&self, conversation: &str, id: &str) -> Result<Message> {
        self.readable(conversation).await?;
        let message = self.run(self.chat()?.messages().get(conversation, id)).await?;
        let (is_there, mut messages) = (message.at.conversation == conversation, vec![message]);
        self.clean(&mut messages).await?;
        let message = messages.pop().filter(|_| is_there || !self.account.rules.restrict_reading());
        message.ok_or_else(|| Error::not_found(format!("there is no message `{}`", sanitise::name(id))))
    }

    /// Asks the platform's own search, without what may not be read. What is withheld is no hit: it would say what is in it.
    pub(in crate::chat) async fn hits(&self, query: &Query) -> Result<Page<Message>> {
        let search = self.chat()?.search().ok_or_else(|| self.lacks("search of its own"))?;
        let mut page = self.run(search.search(query)).await?;
        let unreadable = self.hidden(page.items.iter()).await?;
        page.items.retain(|message| !unreadable.contains(&message.at.conversation));
        self.clean(&mut page.items).await?;
        page.items.retain(|message| !message.withheld);
        Ok(page)
    }

    /// Asks what has happened since a cursor.
    pub(in crate::chat) async fn news(&self, cursor: Option<&str>, patience: Duration) -> Result<Delta> {
        let changes = self.chat()?.changes().ok_or_else(|| self.lacks("way to tell what is new"))?;
        let mut delta = self.run(changes.since(cursor, patience)).await?;
        let unreadable = self.hidden(delta.changes.iter().filter_map(Change::message)).await?;
        let mut told = Vec::new();
        for change in delta.changes {
            if change.message().is_none_or(|message| unreadable.contains(&message.at.conversation)) {
                continue;
            }
            let (message, again): (_, fn(Message) -> Change) = match change {
                Change::New(message) => (message, Change::New),
                Change::Edited(message) => (message, Change::Edited),
                Change::Deleted(message) => (message, Change::Deleted),
                _ => continue,
            };
            let mut messages = vec![message];
            self.clean(&mut messages).await?;
            told.extend(messages.into_iter().map(again));
        }
        delta.changes = told;
        Ok(delta)
    }

    /// Returns whether the history of a conversation has the answers in its threads too.
    pub(in crate::chat) fn include_answers(&self) -> Result<bool> {
        Ok(self.chat()?.messages().include_answers())
    }

    /// Cleans what was told of a conversation, and withholds the topic where an outsider may have set it.
    pub(in crate::chat) fn clean_conversation(&self, conversation: &mut Conversation) {
        sanitise::conversation(conversation);
        if self.account.rules.lockdown {
            withheld::conversation(conversation);
        }
    }

    /// Withholds what outsiders say of themselves.
    pub(in crate::chat) fn withhold(&self, people: &mut [Person]) {
        if self.account.rules.lockdown {
            people.iter_mut().for_each(withheld::person);
        }
    }

    async fn clean(&self, messages: &mut Vec<Message>) -> Result<()> {
        sanitise::messages(messages);
        if self.account.rules.lockdown && !messages.is_empty() {
            let me = self.myself().await?;
            for message in messages.iter_mut() {
                withheld::message(message, &me.id);
            }
        }
        Ok(())
    }

    /// Refuses a conversation that may not be read.
    async fn readable(&self, conversation: &str) -> Result<()> {
        if !self.account.rules.restrict_reading() {
            return Ok(());
        }
        let conversation = self.conversation(conversation).await?;
        self.refusal(&conversation, None).await?.map_or(Ok(()), Err)
    }

    /// Returns the conversations of these messages that may not be read.
    async fn hidden(&self, messages: impl Iterator<Item = &Message>) -> Result<BTreeSet<String>> {
        let mut hidden = BTreeSet::new();
        if !self.account.rules.restrict_reading() {
            return Ok(hidden);
        }
        let conversations: BTreeSet<_> = messages.map(|message| message.at.conversation.clone()).collect();
        for conversation in conversations {
            match self.readable(&conversation).await {
                Ok(()) => {}
                Err(error) if is_gone(&error) => {
                    hidden.insert(conversation);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(hidden)
    }
}

impl Chats {
    /// Notes what is shown of a conversation, and returns the line that has to say it if something is withheld. A conversation of
    /// which nothing is known is taken for private, as is one that a message is of which was asked for in another.
    pub(in crate::chat) fn shows<'m>(
        &self,
        account: &AccountKey,
        conversation: Option<&Conversation>,
        messages: impl IntoIterator<Item = &'m Message>,
    ) -> Option<String> {
        let (session, mut less) = (self.session(), false);
        let public = conversation.filter(|conversation| !conversation.private);
        for message in messages {
            less |= withheld::is_less(message);
            let id = &message.at.conversation;
            if public.is_none_or(|public| public.id != *id) {
                session.reads_private(account, Some(id));
            }
            session.shows(account, id, &message.at.id);
            if let Some(thread) = &message.thread {
                session.shows(account, id, thread);
            }
            message.files.iter().for_each(|file| session.shows_file(account, &file.id));
            for text in [Some(&message.text), message.quote.as_ref().map(|quote| &quote.text), message.url.as_ref()] {
                session.shows_links(text.map_or("", String::as_str));
            }
        }
        let locked = self.served.account(account.as_str()).is_some_and(|account| account.rules.lockdown);
        (less && locked).then(|| withheld::NOTE.to_owned())
    }

    /// Notes that the files of a message are asked for, unless they are withheld.
    pub(in crate::chat) fn opens(&self, place: &Place<'_>, message: &Message) -> Result<()> {
        if message.withheld {
            let message =
                format!("what hangs on `{}` is withheld: {}", place.reference(&message.at.id), withheld::NOTE);
            return Err(Error::new(ErrorKind::Forbidden, message).hint("ask the user; do not try another way"));
        }
        let _ = self.shows(place.opened.account.key(), Some(&place.conversation), [message]);
        Ok(())
    }

    /// Fetches a file. Platforms do not say which conversation it is of: where that matters, it must have been shown before.
    pub(in crate::chat) async fn download(&self, opened: &Opened<'_>, id: &str, limit: usize) -> Result<Download> {
        let files = opened.chat()?.files().ok_or_else(|| opened.lacks("files"))?;
        let (account, session) = (opened.account, self.session());
        let shown = session.has_shown_file(account.key(), id);
        if !shown && (account.rules.restrict_reading() || account.rules.lockdown) {
            let message = format!("`{}` is of no message that was read in this session", sanitise::name(id));
            return Err(Error::new(ErrorKind::Forbidden, message)
                .hint("read the message that it came with, or give that message's ref: the user does not let everything be read"));
        }
        let download = opened.run(files.download(id, limit)).await?;
        if !shown {
            session.reads_private(account.key(), None);
        }
        Ok(download)
    }
}
