//! A platform with every facet on which everybody is hostile: what it says is generated from a seed, or told.

mod facets;
mod words;

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{
    AccountKey, Auth, Call, Endpoints, Identity, Result,
    chat::{
        Author, AuthorKind, Chat, Conversation, ConversationKind, Facets, File, Message, MessageRef, Page, Person,
        Quote, Reaction,
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
