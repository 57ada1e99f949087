//! Finds what is called exactly so: in what is remembered, by the platform's own lookup, or in its whole list.

mod kept;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, Listing, Page, Person},
};

pub(super) use kept::{Kept, bare};

use super::{find::is_named, served::Opened};
use crate::state::{
    Owner, State,
    names::{Entry, Kind, Known, Names},
};

/// How long a whole list is believed to have a name.
pub(super) const LIST_LASTS: SignedDuration = SignedDuration::from_hours(24);
/// How long it is believed to have not.
pub(super) const ABSENCE_LASTS: SignedDuration = SignedDuration::from_mins(3);
/// How long a lookup is believed.
const LOOKUP_LASTS: SignedDuration = SignedDuration::from_mins(5);
/// How long it is believed what an id stands for.
const FACTS_LAST: SignedDuration = SignedDuration::from_hours(1);
/// How long after its begin a list that was left off is gone on with.
const CURSOR_LASTS: SignedDuration = SignedDuration::from_mins(30);
/// Most entries of a page; a platform may give fewer.
const PAGE: usize = 1_000;
/// Most pages that one call reads.
const PAGES: usize = 200;
/// Most that a lookup returns.
const FOUND: usize = 50;

/// Most characters of a name that is looked for: nothing is called longer, and what is looked up is remembered.
const LONGEST: usize = 500;

/// Of several calls that need the same list, one reads it.
type Turns = Mutex<HashMap<(Owner, Kind), Arc<tokio::sync::Mutex<()>>>>;

/// Where names are remembered, and who is reading a list.
pub(super) struct Memory {
    state: State,
    turns: Turns,
}

/// The part of it that is one owner's.
pub(super) struct Remembered {
    memory: Arc<Memory>,
    owner: Owner,
    /// The conversation that a call acts on, if nobody was asked whether it is still there.
    unasked: Mutex<Option<String>>,
}

/// What is called so.
#[derive(Debug)]
pub(super) struct Called<T> {
    pub(super) found: Vec<T>,
    /// Whether the platform was not asked about it in this call.
    pub(super) remembered: bool,
}

/// How far a list was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it, earlier.
    Young,
    /// All of it, just now.
    Whole,
    /// A part; the next call goes on.
    Part,
}

impl Memory {
    pub(super) fn new(state: State) -> Arc<Self> {
        Arc::new(Self { state, turns: Mutex::default() })
    }

    pub(super) fn of(self: &Arc<Self>, owner: Owner) -> Remembered {
        Remembered { memory: self.clone(), owner, unasked: Mutex::default() }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }
}

impl Remembered {
    async fn read<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce(Names<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let owner = self.owner.clone();
        self.memory.state.read(move |state| work(Names::read(state, &owner, kind)?)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce(Names<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let owner = self.owner.clone();
        self.memory.state.write(move |state| work(Names::of(state, &owner, kind)?)).await
    }

    /// Remembers what the platform has just told. Where that fails it is asked again, so it is no failure.
    pub(super) async fn keep<K: Kept>(&self, told: &[K]) {
        let entries: Vec<Entry> = told.iter().filter_map(Kept::entry).collect();
        if !entries.is_empty() {
            let _ = self.write(K::KIND, move |names| names.keep(&entries, Timestamp::now())).await;
        }
    }

    pub(super) async fn forget<K: Kept>(&self, id: &str) {
        let id = id.to_owned();
        let _ = self.write(K::KIND, move |names| names.forget(&id)).await;
    }

    /// Says that a call acts on a conversation which the platform may no longer have.
    pub(super) fn is_unasked(&self, id: &str) {
        *self.unasked.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.to_owned());
    }

    /// Doubts the conversation that nobody was asked about, since something was not found: the next call asks.
    pub(super) async fn doubt(&self) {
        let unasked = self.unasked.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(id) = unasked {
            let _ = self.write(Kind::Conversation, move |names| names.doubt(&id)).await;
        }
    }

    /// Returns what has this id, unless it was told too long ago.
    pub(super) async fn with_id<K: Kept>(&self, id: &str) -> Option<K> {
        let id = id.to_owned();
        let known = self.read(K::KIND, move |names| names.with_id(&id)).await.ok()??;
        (!known.doubted && is_younger(known.read, FACTS_LAST)).then(|| K::recall(&known)).flatten()
    }

    /// Returns the direct chat with the person of that id.
    pub(super) async fn direct_with(&self, person: &str) -> Option<Conversation> {
        let name = bare(person);
        let known = self.read(Kind::Conversation, move |names| names.called(&[&name])).await.ok()?;
        let sound = known.iter().filter(|known| !known.doubted && is_younger(known.read, LIST_LASTS));
        sound.filter_map(Conversation::recall).find(|conversation| {
            conversation.kind == ConversationKind::Direct && conversation.aliases.iter().any(|alias| alias == person)
        })
    }

    /// Returns the direct chats of that name, alias or id.
    pub(super) async fn directs(&self, name: &str) -> Vec<Conversation> {
        let wanted = bare(name);
        let known = self.read(Kind::Conversation, move |names| names.called(&[&wanted])).await.unwrap_or_default();
        let sound = known.iter().filter(|known| !known.doubted && is_younger(known.read, LIST_LASTS));
        let directs = sound.filter_map(Conversation::recall);
        directs.filter(|one| one.kind == ConversationKind::Direct && is_named(one, name)).collect()
    }

    /// Returns whether anything had this name when the platform last told.
    pub(super) async fn knew(&self, name: &str) -> bool {
        let knew = |known: Result<(Vec<Known>, bool)>| known.is_ok_and(|(known, _)| !known.is_empty());
        knew(self.called::<Conversation>(name, LIST_LASTS).await) || knew(self.called::<Person>(name, LIST_LASTS).await)
    }

    /// Returns those with `part` in a name.
    pub(super) async fn about<K: Kept>(&self, part: &str, limit: usize) -> Result<Vec<K>> {
        let part = bare(part);
        let known = self.read(K::KIND, move |names| names.about(&part, limit)).await?;
        Ok(known.iter().filter_map(K::recall).collect())
    }

    /// Returns those whose names fit `part` best, and of those the ones that were told of last.
    pub(super) async fn likeliest<K: Kept>(&self, part: &str, limit: usize) -> Result<Vec<K>> {
        let part = bare(part);
        let known = self.read(K::KIND, move |names| names.likeliest(&part, limit)).await?;
        Ok(known.iter().filter_map(K::recall).collect())
    }

    /// Returns whether the whole list is remembered, as it is where the platform looks nothing up.
    pub(super) async fn is_listed<K: Kept>(&self) -> bool {
        let listing = self.read(K::KIND, |names| names.listing()).await.ok().flatten();
        listing.and_then(|listing| listing.whole).is_some_and(|whole| is_younger(whole, LIST_LASTS))
    }

    pub(super) async fn count<K: Kept>(&self) -> Result<u64> {
        self.read(K::KIND, |names| names.count()).await
    }

    /// Returns all that has this name as far as it is remembered, and whether there is nothing else.
    async fn called<K: Kept>(&self, name: &str, believed: SignedDuration) -> Result<(Vec<Known>, bool)> {
        let name = bare(name);
        self.read(K::KIND, move |names| {
            let whole = names.listing()?.and_then(|listing| listing.whole);
            let listed = whole.is_some_and(|whole| is_younger(whole, believed));
            let lookup = names.lookup(&name)?.is_some_and(|at| is_younger(at, believed.min(LOOKUP_LASTS)));
            Ok((names.called(&[&name])?, listed || lookup))
        })
        .await
    }

    async fn looked_up<K: Kept>(&self, name: &str, told: &[K]) {
        let (name, entries): (_, Vec<_>) = (bare(name), told.iter().filter_map(Kept::entry).collect());
        let now = Timestamp::now();
        let _ = self
            .write(K::KIND, move |names| {
                names.keep(&entries, now)?;
                names.looked_up(&name, now, now - LOOKUP_LASTS)
            })
            .await;
    }

    /// Remembers a page of a list, and where it goes on.
    pub(super) async fn turn<K: Kept>(&self, page: &Page<K>, begun: Timestamp) -> Result<()> {
        let entries: Vec<Entry> = page.items.iter().filter_map(Kept::entry).collect();
        let next = page.next.clone();
        self.write(K::KIND, move |names| names.turn(&entries, begun, next.as_deref(), Timestamp::now())).await
    }
}

/// Returns whether the user no longer sees what was asked for.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden)
}

fn is_younger(than: Timestamp, age: SignedDuration) -> bool {
    Timestamp::now().duration_since(than) < age
}

impl Opened<'_> {
    /// Returns all that is called exactly `name` and passes `is`. What is remembered is believed for so long.
    pub(super) async fn called<K: Kept>(
        &self,
        name: &str,
        believed: SignedDuration,
        is: impl Fn(&K) -> bool,
    ) -> Result<Called<K>> {
        if name.chars().nth(LONGEST).is_some() {
            return Ok(Called { found: Vec::new(), remembered: false });
        }
        let recall = |known: &[Known]| known.iter().filter_map(K::recall).filter(|one| is(one)).collect::<Vec<K>>();
        // Without a memory, a lookup may still do.
        if let Ok((mut known, true)) = self.remembered.called::<K>(name, believed).await {
            if known.iter().any(|known| known.doubted) {
                let doubted = known.into_iter().filter(|known| known.doubted).map(|known| known.id).collect();
                self.asked::<K>(doubted).await?;
                known = self.remembered.called::<K>(name, believed).await?.0;
            }
            let found = recall(&known);
            if !found.is_empty() {
                return Ok(Called { found, remembered: true });
            }
        }
        match self.run(K::look_up(self.chat()?, name.trim_start_matches('#'), FOUND)).await {
            Ok(told) => {
                if told.len() < FOUND {
                    self.remembered.looked_up(name, &told).await;
                } else {
                    self.remembered.keep(&told).await;
                }
                return Ok(Called { found: told.into_iter().filter(is).collect(), remembered: false });
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
        let extent = self.list_all::<K>(believed.min(ABSENCE_LASTS)).await?;
        let (known, _) = self.remembered.called::<K>(name, believed).await?;
        let found = recall(&known);
        if extent == Extent::Part && found.is_empty() {
            return Err(self.partly_listed::<K>());
        }
        Ok(Called { found, remembered: extent == Extent::Young })
    }

    /// Asks the platform what these ids stand for now, and forgets those that stand for nothing.
    pub(super) async fn asked<K: Kept>(&self, ids: Vec<String>) -> Result<Vec<K>> {
        let mut told = Vec::new();
        for id in ids {
            match self.run(K::get(self.chat()?, &id)).await {
                Ok(one) => told.push(one),
                Err(error) if is_gone(&error) => self.remembered.forget::<K>(&id).await,
                Err(error) => return Err(error),
            }
        }
        self.remembered.keep(&told).await;
        Ok(told)
    }

    /// Returns the conversation of that id, asking the platform only if it is not remembered.
    pub(super) async fn conversation(&self, id: &str) -> Result<Conversation> {
        if let Some(known) = self.remembered.with_id(id).await {
            return Ok(known);
        }
        let told = self.run(self.chat()?.conversation(id)).await?;
        self.remembered.keep(std::slice::from_ref(&told)).await;
        Ok(told)
    }

    /// Reads the platform's list to its end, page by page into what is remembered, unless that was done not long ago.
    pub(super) async fn list_all<K: Kept>(&self, believed: SignedDuration) -> Result<Extent> {
        let turn = {
            let mut turns = self.remembered.memory.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry((self.remembered.owner.clone(), K::KIND)).or_default().clone()
        };
        let _ours = self.run(async { Ok(turn.lock().await) }).await?;
        let last = self.remembered.read(K::KIND, |names| names.listing()).await?;
        if last.as_ref().and_then(|last| last.whole).is_some_and(|whole| is_younger(whole, believed)) {
            return Ok(Extent::Young);
        }
        let left_off = last.filter(|last| last.cursor.is_some() && is_younger(last.begun, CURSOR_LASTS));
        let (mut begun, mut cursor) = left_off.map_or((Timestamp::now(), None), |last| (last.begun, last.cursor));
        let mut resumed = cursor.is_some();
        for page in 1..=PAGES {
            let listing = Listing { limit: PAGE, cursor: cursor.clone() };
            let read = match self.run(K::list(self.chat()?, &listing)).await {
                // A cursor may not last as long as we think.
                Err(error) if resumed && matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                    (begun, cursor, resumed) = (Timestamp::now(), None, false);
                    continue;
                }
                read => read?,
            };
            resumed = false;
            self.remembered.turn(&read, begun).await?;
            cursor = read.next;
            if cursor.is_none() {
                return Ok(Extent::Whole);
            }
            if self.is_hurried() {
                break;
            }
            self.step(&format!("read {page} pages of the {} of `{}`", K::MANY, self.account.key()));
        }
        Ok(Extent::Part)
    }

    /// Says that a list is too long for one call.
    pub(super) fn partly_listed<K: Kept>(&self) -> Error {
        let message =
            format!("the {} of `{}` are many, and not all of them are listed yet", K::MANY, self.account.key());
        Error::new(ErrorKind::Unavailable, message).hint("call again: it goes on where it stopped")
    }
}
