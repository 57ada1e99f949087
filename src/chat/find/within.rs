//! What one account knows by a target: by id, by a person's name, or by its own.

use switchboard_kit::{
    ErrorKind, Result,
    chat::{Conversation, ConversationKind, Person, Reference},
};

use super::{CANDIDATES, Purpose};
use crate::chat::{
    names::{ABSENCE_LASTS, Called, Kept, LIST_LASTS, bare},
    sanitise,
    served::Opened,
    targets::{self, Part, fold},
};

/// What one account knows by a target.
pub(super) struct Found {
    pub(super) what: Match,
    pub(super) message: Option<String>,
    /// Whether the platform was not asked about it. Never so for a write.
    pub(super) remembered: bool,
}

pub(super) enum Match {
    Conversation(Conversation),
    /// Someone, and the direct chat if there is one yet.
    Person(Box<Person>, Option<Conversation>),
}

impl Found {
    fn of(what: Match, remembered: bool) -> Self {
        Self { what, message: None, remembered }
    }

    fn all(called: Called<Conversation>) -> Vec<Self> {
        let remembered = called.remembered;
        called.found.into_iter().map(|found| Self::of(Match::Conversation(found), remembered)).collect()
    }
}

impl Opened<'_> {
    /// Returns all that the account knows by exactly this target.
    pub(super) async fn find(&self, text: &str, purpose: Purpose) -> Result<Vec<Found>> {
        let chat = self.chat()?;
        match chat.reference(text) {
            Some(Reference::Conversation(id)) => return self.by_id(&id, purpose).await,
            Some(Reference::Person(id)) => return self.by_person_id(&id, purpose).await,
            _ => {}
        }
        if let Some((part, id)) = targets::message(chat, text) {
            let mut found = match part {
                Part::Id(conversation) => self.by_id(&conversation, purpose).await?,
                Part::Name(name) => self.by_name(name, purpose).await?,
            };
            for found in &mut found {
                found.message = Some(id.clone());
            }
            return Ok(found);
        }
        self.by_name(text, purpose).await
    }

    async fn by_id(&self, id: &str, purpose: Purpose) -> Result<Vec<Found>> {
        if purpose == Purpose::Read
            && let Some(conversation) = self.remembered.with_id(id).await
        {
            return Ok(vec![Found::of(Match::Conversation(conversation), true)]);
        }
        match self.run(self.chat()?.conversation(id)).await {
            Ok(conversation) => {
                self.remembered.keep(std::slice::from_ref(&conversation)).await;
                Ok(vec![Found::of(Match::Conversation(conversation), false)])
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.remembered.forget::<Conversation>(id).await;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn by_person_id(&self, id: &str, purpose: Purpose) -> Result<Vec<Found>> {
        let (mut existing, remembered) = self.direct_with(id, purpose).await?;
        // Who is known by an id is not asked after only to be shown.
        if !remembered && self.chat()?.people().is_some() {
            match self.run(Person::get(self.chat()?, id)).await {
                Ok(person) => {
                    self.remembered.keep(std::slice::from_ref(&person)).await;
                    return Ok(vec![Found::of(Match::Person(Box::new(person), existing), false)]);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // Rules know the person at least by the id.
        if let Some(conversation) = &mut existing {
            conversation.aliases.push(id.to_owned());
        }
        Ok(existing.into_iter().map(|existing| Found::of(Match::Conversation(existing), remembered)).collect())
    }

    async fn by_name(&self, text: &str, purpose: Purpose) -> Result<Vec<Found>> {
        if let Some(name) = targets::person(text) {
            let found = self.by_person(text, name, purpose).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let called = self.called(text, LIST_LASTS, |one| is_named(one, text)).await?;
        self.sure(called, text, purpose, |one| is_named(one, text)).await.map(Found::all)
    }

    async fn by_person(&self, text: &str, name: &str, purpose: Purpose) -> Result<Vec<Found>> {
        if purpose == Purpose::Read {
            let known = self.remembered.directs(text).await;
            if !known.is_empty() {
                return Ok(Found::all(Called { found: known, remembered: true }));
            }
        }
        if self.chat()?.people().is_none() {
            return Ok(Vec::new());
        }
        let called = self.called(name, LIST_LASTS, |person| is_person(person, name)).await?;
        let called = self.sure(called, name, purpose, |person| is_person(person, name)).await?;
        let mut found = known_best(called.found, name);
        if found.len() != 1 {
            // Which of them is meant must be said first.
            return Ok(found.into_iter().map(|one| Found::of(Match::Person(Box::new(one), None), false)).collect());
        }
        let person = found.remove(0);
        let (existing, remembered) = self.direct_with(&person.id, purpose).await?;
        Ok(vec![Found::of(Match::Person(Box::new(person), existing), remembered)])
    }

    /// Returns the direct chat with a person, and whether the platform was not asked.
    async fn direct_with(&self, person: &str, purpose: Purpose) -> Result<(Option<Conversation>, bool)> {
        if purpose == Purpose::Read
            && let Some(known) = self.remembered.direct_with(person).await
        {
            return Ok((Some(known), true));
        }
        let existing = self.run(self.chat()?.direct(person)).await?;
        self.remembered.keep(existing.as_slice()).await;
        Ok((existing, false))
    }

    /// Before a write, asks the platform whether what is remembered is still there and called so, and finds it anew if not.
    async fn sure<K: Kept>(
        &self,
        called: Called<K>,
        name: &str,
        purpose: Purpose,
        is: impl Fn(&K) -> bool,
    ) -> Result<Called<K>> {
        if purpose == Purpose::Read || !called.remembered {
            return Ok(called);
        }
        // More than an error lists are ambiguous in any case.
        let mut told = self.asked::<K>(some_ids(&called.found)).await?;
        let count = told.len();
        told.retain(&is);
        if count == called.found.len().min(CANDIDATES + 1) && told.len() == count {
            return Ok(Called { found: told, remembered: false });
        }
        let again = self.called(name, ABSENCE_LASTS, &is).await?;
        if !again.remembered {
            return Ok(again);
        }
        let mut told = self.asked::<K>(some_ids(&again.found)).await?;
        told.retain(is);
        Ok(Called { found: told, remembered: false })
    }
}

fn some_ids<K: Kept>(found: &[K]) -> Vec<String> {
    found.iter().take(CANDIDATES + 1).map(|one| one.id().to_owned()).collect()
}

/// Returns everyone whose handle, address, id or name is exactly this; handles and addresses win over names.
pub(in crate::chat) async fn people(opened: &Opened<'_>, name: &str) -> Result<Vec<Person>> {
    if opened.chat()?.people().is_none() {
        return Ok(Vec::new());
    }
    let called = opened.called(name, LIST_LASTS, |person| is_person(person, name)).await?;
    Ok(known_best(called.found, name))
}

fn known_best(found: Vec<Person>, name: &str) -> Vec<Person> {
    let (exact, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|person| is_handle(person, name));
    if exact.is_empty() { rest } else { exact }
}

/// Returns whether a person's handle, address or id is exactly this.
fn is_handle(person: &Person, name: &str) -> bool {
    let wanted = fold(name);
    let own = [person.handle.as_ref(), person.email.as_ref(), Some(&person.id)];
    own.into_iter().flatten().any(|own| fold(own.trim_start_matches('@')) == fold(wanted.trim_start_matches('@')))
}

pub(in crate::chat) fn is_person(person: &Person, name: &str) -> bool {
    is_handle(person, name) || bare(&sanitise::name(&person.name)) == bare(name)
}

/// Returns whether a target is exactly a conversation's name, alias or id. A sign narrows it: `#` to channels and
/// groups, `@` to direct chats.
pub(in crate::chat) fn is_named(conversation: &Conversation, target: &str) -> bool {
    let wanted = fold(target);
    if fold(&conversation.id) == wanted || conversation.aliases.iter().any(|alias| fold(alias) == wanted) {
        return true;
    }
    let direct = conversation.kind == ConversationKind::Direct;
    let bare = match wanted.split_at_checked(1) {
        Some(("#", bare)) if !direct => bare,
        Some(("@", bare)) if direct => bare,
        Some(("#" | "@", _)) => return false,
        _ => &wanted,
    };
    fold(&sanitise::name(&conversation.name)).trim_start_matches('#') == bare
}
