//! A platform with every facet on which everybody is hostile: what it says is generated from a seed, or told.

mod words;

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{
    AccountKey, Auth, Call, Endpoints, Identity, Result,
    chat::{
        Author, AuthorKind, Change, Changes, Chat, Conversation, ConversationKind, Conversations, Deletions, Delta,
        Download, Draft, Edits, Facets, File, Files, History, Length, Listing, Message, MessageRef, Messages, Page,
        People, Person, Posts, Query, Quote, Reaction, Reactions, ReadMarkers, Reference, Search, Upload, Uploads,
    },
    host::{Account, Bound, Live},
};

pub(super) use self::words::Dice;

/// Longest that a page gets.
const MOST: usize = 60;

/// What the platform has really said since it was last asked.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) messages: BTreeMap<String, Message>,
    pub(super) targets: BTreeSet<String>,
    pub(super) people: BTreeSet<String>,
    /// What conversations, people and files are called, and what they hold.
    pub(super) names: BTreeSet<String>,
}

/// The platform, which remembers what it says.
#[derive(Clone)]
pub(super) struct Hostile {
    account: AccountKey,
    shared: Arc<Mutex<(Dice, Truth)>>,
    /// How often something was written.
    pub(super) writes: Arc<AtomicUsize>,
    /// Whether nobody is a member.
    outside: bool,
}

/// What is in everything that guests and bots write where nobody is a member, names excepted.
pub(super) const OUTSIDE: &str = "Zanzibar";

impl Hostile {
    pub(super) fn new(seed: u64) -> Self {
        let shared = Arc::new(Mutex::new((Dice::of(seed), Truth::default())));
        Self { account: AccountKey::new("work"), shared, writes: Arc::default(), outside: false }
    }

    /// Has only guests and bots on it.
    pub(super) fn outside(seed: u64) -> Self {
        Self { outside: true, ..Self::new(seed) }
    }

    /// Has these said, one after the other, wherever anything is said.
    pub(super) fn saying(texts: Vec<String>) -> Self {
        let hostile = Self::new(1);
        hostile.state().0 = Dice::saying(texts);
        hostile
    }

    fn writes(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what somebody writes.
    fn words(&self, dice: &mut Dice, pieces: usize) -> String {
        let text = dice.text(pieces);
        if self.outside { format!("{text} {OUTSIDE} {text}") } else { text }
    }

    fn state(&self) -> MutexGuard<'_, (Dice, Truth)> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what it has said since the last time.
    pub(super) fn truth(&self) -> Truth {
        std::mem::take(&mut self.state().1)
    }

    fn message(&self, conversation: &str, known: Option<&str>) -> Message {
        let (dice, truth) = &mut *self.state();
        let id = known.map_or_else(|| dice.id('M'), ToOwned::to_owned);
        let kinds: &[AuthorKind] = match self.outside {
            true => &[AuthorKind::Guest, AuthorKind::Bot],
            false => &[AuthorKind::Person, AuthorKind::Guest, AuthorKind::Bot, AuthorKind::System],
        };
        // Few people with many names: the id is what tells them apart. The user is P1.
        let first = if self.outside { 2 } else { 0 };
        let (id_there, kind) = (format!("P{}", first + dice.below(6)), kinds[dice.below(kinds.len())]);
        let author = Author { id: id_there, name: dice.text(3), kind };
        let at = MessageRef { account: self.account.clone(), conversation: conversation.to_owned(), id: id.clone() };
        let ago = SignedDuration::from_secs(i64::try_from(dice.below(3 * 86_400)).unwrap());
        let mut message = Message::new(
            at,
            Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000) - ago,
            author,
            self.words(dice, 6),
        );
        message.thread = dice.sometimes().then(|| dice.id('M'));
        message.replies = u32::try_from(dice.below(3)).unwrap();
        message.deleted = dice.below(10) == 0;
        message.edited = dice.sometimes();
        if dice.sometimes() {
            message.reactions.push(Reaction { emoji: self.words(dice, 2), count: 7, mine: false });
        }
        if dice.sometimes() {
            message.files.push(File {
                id: dice.id('F'),
                name: self.words(dice, 3),
                media_type: Some(self.words(dice, 2)),
                size: Some(7),
            });
        }
        if dice.sometimes() {
            message.quote = Some(Quote { author: dice.sometimes().then(|| dice.text(3)), text: self.words(dice, 4) });
        }
        message.url = Some(dice.text(2));
        truth.messages.insert(id, message.clone());
        message
    }

    fn page(&self, conversation: &str, limit: usize) -> Page<Message> {
        let mut items: Vec<_> = (0..limit.min(MOST)).map(|_| self.message(conversation, None)).collect();
        items.sort_by_key(|message| std::cmp::Reverse(message.time));
        Page { items, next: None }
    }

    fn conversation(&self, id: &str) -> Conversation {
        let (dice, truth) = &mut *self.state();
        truth.targets.insert(format!("{}:{id}", self.account));
        let kinds = [ConversationKind::Channel, ConversationKind::Group, ConversationKind::Direct];
        let mut conversation = Conversation::new(id, dice.text(4), kinds[dice.below(3)]);
        conversation.topic = dice.sometimes().then(|| self.words(dice, 4));
        conversation.aliases = vec![dice.text(2)];
        conversation.unread = Some(3);
        truth.names.extend([conversation.name.clone()].into_iter().chain(conversation.topic.clone()));
        conversation
    }

    fn person(&self, id: &str) -> Person {
        let (dice, truth) = &mut *self.state();
        truth.people.insert(id.to_owned());
        let name = dice.text(3);
        truth.names.insert(name.clone());
        Person {
            id: id.into(),
            handle: Some(dice.text(3)),
            email: Some(dice.text(3)),
            title: Some(self.words(dice, 3)),
            name,
            kind: if self.outside { AuthorKind::Guest } else { AuthorKind::Person },
        }
    }

    fn at(&self, conversation: &str) -> MessageRef {
        MessageRef { account: self.account.clone(), conversation: conversation.to_owned(), id: "M1".into() }
    }
}

impl Bound for Hostile {
    fn platform(&self) -> &'static str {
        "hostile"
    }

    fn auth(&self) -> Auth {
        Auth::FirstOf(Vec::new())
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints::api("https://hostile.invalid")
    }

    fn facets(&self) -> Facets {
        Facets::of(self)
    }

    fn connect(&self, account: &Arc<Account>, _: &Call) -> Box<dyn Live> {
        Box::new(Self { account: account.key.clone(), ..self.clone() })
    }
}

#[async_trait]
impl Live for Hostile {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    async fn whoami(&self) -> Result<Identity> {
        let dice = &mut self.state().0;
        Ok(Identity { id: "P1".into(), name: dice.text(4), workspace: Some(dice.text(4)) })
    }

    fn chat(&self) -> Option<&dyn Chat> {
        Some(self)
    }
}

impl Chat for Hostile {
    fn reference(&self, text: &str) -> Option<Reference> {
        let plain = text.len() > 1 && text[1..].bytes().all(|byte| byte.is_ascii_digit());
        match text.as_bytes().first() {
            Some(b'C') if plain => Some(Reference::Conversation(text.into())),
            Some(b'P') if plain => Some(Reference::Person(text.into())),
            _ => None,
        }
    }

    fn conversations(&self) -> &dyn Conversations {
        self
    }

    fn messages(&self) -> &dyn Messages {
        self
    }

    fn posts(&self) -> Option<&dyn Posts> {
        Some(self)
    }

    fn edits(&self) -> Option<&dyn Edits> {
        Some(self)
    }

    fn deletions(&self) -> Option<&dyn Deletions> {
        Some(self)
    }

    fn reactions(&self) -> Option<&dyn Reactions> {
        Some(self)
    }

    fn search(&self) -> Option<&dyn Search> {
        Some(self)
    }

    fn people(&self) -> Option<&dyn People> {
        Some(self)
    }

    fn files(&self) -> Option<&dyn Files> {
        Some(self)
    }

    fn uploads(&self) -> Option<&dyn Uploads> {
        Some(self)
    }

    fn read_markers(&self) -> Option<&dyn ReadMarkers> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Conversations for Hostile {
    async fn list(&self, _: &Listing) -> Result<Page<Conversation>> {
        let mut items: Vec<_> = (0..30).map(|number| self.conversation(&format!("C{number}"))).collect();
        let odd = self.state().0.id('C');
        items.push(self.conversation(&odd));
        Ok(Page { items, next: None })
    }

    async fn get(&self, id: &str) -> Result<Conversation> {
        Ok(self.conversation(id))
    }

    async fn members(&self, _: &str, _: &Listing) -> Result<Page<Person>> {
        Ok(Page { items: (0..20).map(|number| self.person(&format!("P{number}"))).collect(), next: None })
    }

    async fn direct(&self, _: &str, _: bool) -> Result<Option<Conversation>> {
        Ok(Some(self.conversation("C3")))
    }
}

#[async_trait]
impl Messages for Hostile {
    async fn list(&self, conversation: &str, history: &History) -> Result<Page<Message>> {
        Ok(self.page(conversation, history.limit))
    }

    async fn get(&self, conversation: &str, id: &str) -> Result<Message> {
        // Whoever changes a message asks for it first, and it is the user's.
        let mut message = self.message(conversation, Some(id));
        if !self.outside {
            message.author.id = "P1".into();
        }
        self.state().1.messages.insert(id.to_owned(), message.clone());
        Ok(message)
    }
}

#[async_trait]
impl Search for Hostile {
    async fn search(&self, query: &Query) -> Result<Page<Message>> {
        let mut page = self.page("C1", query.limit);
        for (number, message) in page.items.iter_mut().enumerate() {
            message.at.conversation = format!("C{}", number % 3);
        }
        Ok(page)
    }
}

#[async_trait]
impl People for Hostile {
    async fn find(&self, _: &str, _: usize) -> Result<Vec<Person>> {
        Ok((0..20).map(|number| self.person(&format!("P{number}"))).collect())
    }

    async fn get(&self, id: &str) -> Result<Person> {
        Ok(self.person(id))
    }
}

#[async_trait]
impl Files for Hostile {
    async fn download(&self, _: &str, _: usize) -> Result<Download> {
        let (dice, truth) = &mut *self.state();
        let (name, text) = (self.words(dice, 3), self.words(dice, 9));
        truth.names.insert(text.clone());
        Ok(Download { name: Some(name), media_type: None, bytes: text.into_bytes() })
    }
}

#[async_trait]
impl Posts for Hostile {
    async fn send(&self, conversation: &str, _: &Draft) -> Result<MessageRef> {
        self.writes();
        Ok(self.at(conversation))
    }

    fn calls_everyone(&self, _: &str) -> bool {
        false
    }

    fn longest(&self) -> Length {
        Length::Characters(4_000)
    }
}

#[async_trait]
impl Edits for Hostile {
    async fn edit(&self, _: &str, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Deletions for Hostile {
    async fn delete(&self, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Reactions for Hostile {
    async fn add(&self, _: &str, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }

    async fn remove(&self, _: &str, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Uploads for Hostile {
    async fn send_file(&self, conversation: &str, _: Option<&str>, _: &Upload, _: Option<&str>) -> Result<MessageRef> {
        self.writes();
        Ok(self.at(conversation))
    }
}

#[async_trait]
impl ReadMarkers for Hostile {
    async fn mark_read(&self, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Changes for Hostile {
    async fn since(&self, cursor: Option<&str>, _: Duration) -> Result<Delta> {
        let changes = cursor.map(|_| self.page("C1", 30).items).unwrap_or_default();
        Ok(Delta { changes: changes.into_iter().rev().map(Change::New).collect(), cursor: "c".into() })
    }
}
