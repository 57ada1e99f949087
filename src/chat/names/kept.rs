//! What is remembered of conversations and people: what they are called, and what a read needs to know of them.

use async_trait::async_trait;
use switchboard_kit::{
    Error, Result,
    chat::{Conversation, Listing, Page, Person},
};

use crate::{
    chat::{policy::Reads, sanitise, targets::fold},
    state::names::{Entry, Kind, Known},
};

/// Something that is remembered by its names.
#[async_trait]
pub(in crate::chat) trait Kept: Sized + Send + Sync + 'static {
    const KIND: Kind;
    /// What many of them are called.
    const MANY: &str;

    fn id(&self) -> &str;

    /// Everything that it is found by exactly; see [`fold`].
    fn names(&self) -> Vec<String>;

    /// Writes what is remembered of it.
    fn facts(&self) -> String;

    /// Reads what was remembered.
    fn read(facts: &str) -> Option<Self>;

    /// Reads a page of the platform's list.
    async fn list(chat: Reads<'_>, listing: &Listing) -> Result<Page<Self>>;

    /// Asks the platform for those with a name.
    async fn look_up(chat: Reads<'_>, name: &str, limit: usize) -> Result<Vec<Self>>;

    /// Asks the platform what an id stands for.
    async fn get(chat: Reads<'_>, id: &str) -> Result<Self>;

    /// Returns what to remember; nothing of what no target can name.
    fn entry(&self) -> Option<Entry> {
        let mut names: Vec<_> = self.names().into_iter().filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let id = self.id().to_owned();
        sanitise::is_plain(&id).then(|| Entry { id, facts: self.facts(), names })
    }

    fn recall(known: &Known) -> Option<Self> {
        Self::read(&known.facts)
    }
}

/// Returns a name as people type it, without the sign in front of it.
pub(in crate::chat) fn bare(name: &str) -> String {
    fold(&sanitise::line(name)).trim_start_matches(['#', '@']).to_owned()
}

#[async_trait]
impl Kept for Conversation {
    const KIND: Kind = Kind::Conversation;
    const MANY: &str = "conversations";

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        let called = bare(&sanitise::name(&self.name));
        self.aliases.iter().chain([&self.id]).map(|name| bare(name)).chain([called]).collect()
    }

    /// What changes from hour to hour is not among them: nobody is to take it for what is.
    fn facts(&self) -> String {
        let lasting = Self { topic: None, members: None, unread: None, last_activity: None, ..self.clone() };
        serde_json::to_string(&lasting).unwrap_or_default()
    }

    fn read(facts: &str) -> Option<Self> {
        serde_json::from_str(facts).ok()
    }

    async fn list(chat: Reads<'_>, listing: &Listing) -> Result<Page<Self>> {
        chat.conversations(listing).await
    }

    async fn look_up(chat: Reads<'_>, name: &str, _: usize) -> Result<Vec<Self>> {
        chat.conversations_named(name).await
    }

    async fn get(chat: Reads<'_>, id: &str) -> Result<Self> {
        chat.conversation(id).await
    }
}

#[async_trait]
impl Kept for Person {
    const KIND: Kind = Kind::Person;
    const MANY: &str = "people";

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        let called = bare(&sanitise::name(&self.name));
        let others = [Some(&self.id), self.handle.as_ref(), self.email.as_ref()];
        others.into_iter().flatten().map(|name| bare(name)).chain([called]).collect()
    }

    fn facts(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn read(facts: &str) -> Option<Self> {
        serde_json::from_str(facts).ok()
    }

    async fn list(chat: Reads<'_>, listing: &Listing) -> Result<Page<Self>> {
        match chat.people() {
            Some(people) => people.list(listing).await,
            None => Ok(Page::default()),
        }
    }

    async fn look_up(chat: Reads<'_>, name: &str, limit: usize) -> Result<Vec<Self>> {
        match chat.people() {
            Some(people) => people.find(name, limit).await,
            None => Ok(Vec::new()),
        }
    }

    async fn get(chat: Reads<'_>, id: &str) -> Result<Self> {
        match chat.people() {
            Some(people) => people.get(id).await,
            None => Err(Error::not_found("this platform tells nothing of people")),
        }
    }
}
