//! A platform that keeps messages and counts what is asked of it; its search, threads and failures are as a test says.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard_kit::{
    AccountKey, Auth, Call, Endpoints, Error, ErrorKind, Identity, Result, StaticToken,
    chat::{
        Author, AuthorKind, Chat, Conversation, ConversationKind, Conversations, Facets, History, Listing, Message,
        MessageRef, Messages, Page, Query, Reference, Search,
    },
    host::{Account, Bound, Live},
};

/// How it searches by itself.
pub(super) enum Own {
    /// Not at all.
    Missing,
    /// It has a search, which this user may not use.
    Refused,
    /// All messages are hits, three on a page.
    Everything,
}

pub(super) struct Archive {
    /// Oldest first.
    messages: Mutex<BTreeMap<String, Vec<Message>>>,
    pub(super) own: Own,
    /// Whether a history has the answers in threads.
    pub(super) whole: bool,
    /// Conversations that cannot be read.
    pub(super) broken: BTreeSet<String>,
    /// A conversation that never answers.
    pub(super) silent: Option<String>,
    /// How often messages were asked for.
    pub(super) reads: AtomicUsize,
}

/// The instant of the message of that number; ten have the same.
pub(super) fn instant(number: usize) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + 60 * i64::try_from(number / 10).unwrap()).unwrap()
}

impl Archive {
    pub(super) fn new() -> Self {
        Self {
            messages: Mutex::default(),
            own: Own::Missing,
            whole: true,
            broken: BTreeSet::new(),
            silent: None,
            reads: AtomicUsize::new(0),
        }
    }

    /// Adds a message, and returns its number.
    pub(super) fn say(&self, conversation: &str, text: &str) -> usize {
        self.add(conversation, text, |_| {})
    }

    pub(super) fn add(&self, conversation: &str, text: &str, change: impl FnOnce(&mut Message)) -> usize {
        let mut messages = self.messages.lock().unwrap();
        let number = messages.values().map(Vec::len).sum::<usize>();
        let at = MessageRef {
            account: AccountKey::new("archive"),
            conversation: conversation.into(),
            id: format!("M{number}"),
        };
        let author = Author { id: "P1".into(), name: "Ana".into(), kind: AuthorKind::Person };
        let mut message = Message::new(at, instant(number), author, text);
        change(&mut message);
        let said = messages.entry(conversation.to_owned()).or_default();
        if let Some(first) = said.iter_mut().find(|first| Some(&first.at.id) == message.thread.as_ref()) {
            first.replies += 1;
        }
        said.push(message);
        number
    }

    /// Serves it, in the place of another platform.
    pub(super) fn serve(self: &Arc<Self>) -> Arc<dyn Bound> {
        Arc::new(Shelf(self.clone()))
    }

    fn conversation(&self, id: &str) -> Conversation {
        let mut conversation = Conversation::new(id, id.to_lowercase(), ConversationKind::Channel);
        let messages = self.messages.lock().unwrap();
        conversation.last_activity = messages.get(id).and_then(|said| Some(said.last()?.time));
        conversation
    }
}

struct Shelf(Arc<Archive>);

impl Bound for Shelf {
    fn platform(&self) -> &'static str {
        "archive"
    }

    fn auth(&self) -> Auth {
        StaticToken::new("Token", "").into()
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints::api("https://archive.example/")
    }

    fn facets(&self) -> Facets {
        Facets::of(self)
    }

    fn connect(&self, _: &Arc<Account>, _: &Call) -> Box<dyn Live> {
        Box::new(Self(self.0.clone()))
    }
}

#[async_trait]
impl Live for Shelf {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    async fn whoami(&self) -> Result<Identity> {
        Ok(Identity { id: "P9".into(), name: "Robin".into(), workspace: None })
    }

    fn chat(&self) -> Option<&dyn Chat> {
        Some(self)
    }
}

impl Chat for Shelf {
    fn reference(&self, text: &str) -> Option<Reference> {
        text.starts_with('P').then(|| Reference::Person(text.to_owned()))
    }

    fn conversations(&self) -> &dyn Conversations {
        self
    }

    fn messages(&self) -> &dyn Messages {
        self
    }

    fn search(&self) -> Option<&dyn Search> {
        if matches!(self.0.own, Own::Missing) { None } else { Some(self) }
    }
}

#[async_trait]
impl Conversations for Shelf {
    async fn list(&self, _: &Listing) -> Result<Page<Conversation>> {
        let ids: Vec<_> = self.0.messages.lock().unwrap().keys().cloned().collect();
        Ok(Page { items: ids.iter().map(|id| self.0.conversation(id)).collect(), next: None })
    }

    async fn get(&self, id: &str) -> Result<Conversation> {
        Ok(self.0.conversation(id))
    }
}

#[async_trait]
impl Messages for Shelf {
    async fn list(&self, conversation: &str, history: &History) -> Result<Page<Message>> {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        if self.0.silent.as_deref() == Some(conversation) {
            std::future::pending::<()>().await;
        }
        if self.0.broken.contains(conversation) {
            return Err(Error::new(ErrorKind::Forbidden, "not a member"));
        }
        let mut items = self.0.messages.lock().unwrap()[conversation].clone();
        items.reverse();
        items.retain(|message| match &history.thread {
            Some(thread) => message.at.id == *thread || message.thread.as_ref() == Some(thread),
            None => self.0.whole || message.thread.is_none(),
        });
        items.retain(|message| history.since.is_none_or(|since| message.time >= since));
        items.retain(|message| history.until.is_none_or(|until| message.time < until));
        let place = |id: &str| items.iter().position(|message| message.at.id == id);
        if let Some(at) = history.around.as_deref().and_then(place) {
            let half = history.limit / 2;
            items = items[at.saturating_sub(half)..(at + half + 1).min(items.len())].to_vec();
            return Ok(Page { items, next: None });
        }
        if let Some(at) = history.cursor.as_deref().and_then(place) {
            items.drain(..=at);
        }
        let more = items.len() > history.limit;
        items.truncate(history.limit);
        let next = items.last().filter(|_| more).map(|last| last.at.id.clone());
        Ok(Page { items, next })
    }

    fn include_answers(&self) -> bool {
        self.0.whole
    }

    async fn get(&self, _: &str, id: &str) -> Result<Message> {
        Err(Error::not_found(format!("no message `{id}`")))
    }
}

#[async_trait]
impl Search for Shelf {
    async fn search(&self, query: &Query) -> Result<Page<Message>> {
        if matches!(self.0.own, Own::Refused) {
            return Err(Error::unsupported("this token may not search"));
        }
        let mut items: Vec<_> = self.0.messages.lock().unwrap().values().flatten().cloned().collect();
        items.sort_by_key(|message| std::cmp::Reverse(message.at.id[1..].parse::<usize>().unwrap()));
        let from: usize = query.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
        let next = (from + 3 < items.len()).then(|| (from + 3).to_string());
        Ok(Page { items: items.into_iter().skip(from).take(3).collect(), next })
    }
}
