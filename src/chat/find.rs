//! Finds what a target means, on demand and exactly.

use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, Person, Reference},
    host::nearest,
};

use super::{
    access::{Names, permit, permit_conversation, title},
    answers::Answers,
    sanitise,
    served::{Chats, Opened, ServedAccount},
    targets::{self, Part, fold},
};

/// Most candidates that an error names.
const CANDIDATES: usize = 5;

/// What is to be done with what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read.
    Read,
    /// To write: the gate is passed, and a direct chat is opened if there is none.
    Write,
}

/// A conversation that was found, and perhaps a message in it.
pub(super) struct Place<'a> {
    pub(super) opened: Opened<'a>,
    pub(super) conversation: Conversation,
    pub(super) message: Option<String>,
}

impl Place<'_> {
    /// Returns the exact target that names the conversation.
    pub(super) fn target(&self) -> String {
        format!("{}:{}", self.opened.account.key(), self.conversation.id)
    }

    /// Returns the exact reference of a message in it.
    pub(super) fn reference(&self, id: &str) -> String {
        format!("{}/{}", self.target(), sanitise::line(id))
    }

    /// Returns what people call it, and its exact target.
    pub(super) fn title(&self) -> String {
        format!("{} ({})", title(&self.conversation), self.target())
    }

    /// Returns the id of a message in it, given as an id or as a reference.
    pub(super) fn id_of(&self, chats: &Chats, argument: &str, text: &str) -> Result<String> {
        let (account, rest) = targets::split(&chats.served, text);
        let other = account.is_some_and(|account| account.key() != self.opened.account.key());
        let (elsewhere, id) = match targets::message(self.opened.chat()?, rest) {
            Some((Part::Id(conversation), id)) => (conversation != self.conversation.id, id),
            Some((Part::Name(name), id)) => (!is_named(&self.conversation, name), id),
            None => (false, rest.to_owned()),
        };
        if other || elsewhere {
            return Err(Error::invalid(format!("argument `{argument}`: `{text}` is not in {}", self.title()))
                .hint("give a message of the same conversation"));
        }
        Ok(id)
    }

    /// Returns the message's id, which a reference must name.
    pub(super) fn message(&self) -> Result<&str> {
        self.message.as_deref().ok_or_else(|| {
            Error::invalid(format!("`{}` names no message", self.target()))
                .hint(format!("write `{}/<id>`, with the id that the transcript has in brackets", self.target()))
        })
    }
}

/// What one account knows by a target.
struct Found {
    what: Match,
    message: Option<String>,
}

enum Match {
    Conversation(Conversation),
    /// Someone, and the direct chat if there is one yet.
    Person(Box<Person>, Option<Conversation>),
}

impl From<Conversation> for Found {
    fn from(conversation: Conversation) -> Self {
        Self { what: Match::Conversation(conversation), message: None }
    }
}

impl Chats {
    /// Finds the one conversation that `target` means.
    pub(super) async fn place(&self, target: &str, purpose: Purpose) -> Result<Place<'_>> {
        let (account, text) = targets::split(&self.served, target);
        if text.is_empty() {
            return Err(Error::invalid(format!("`{target}` names no conversation"))
                .hint("write a name such as `#general` or `@person`; list_conversations lists them"));
        }
        let accounts: Vec<&ServedAccount> =
            account.map_or_else(|| self.served.accounts.iter().collect(), |one| vec![one]);
        let answers = self.ask(&accounts, |opened| async move { self.find(&opened, text).await }).await.some()?;
        let unsure = answers.missing.iter().any(|(_, error)| error.kind() != ErrorKind::SignInRequired);
        if purpose == Purpose::Write && unsure {
            return Err(Error::new(ErrorKind::Unavailable, format!("`{text}` was not looked for everywhere"))
                .hint(format!("say which account is meant, such as `{}:{text}`", accounts[0].key())));
        }
        let Answers { given, missing } = answers;
        let mut found: Vec<_> = given
            .into_iter()
            .flat_map(|(account, found)| found.into_iter().map(move |found| (account, found)))
            .collect();
        match found.len() {
            1 => {
                let (account, found) = found.remove(0);
                self.settle(account, found, purpose).await
            }
            0 => Err(self.unknown(text, &accounts, &Answers { given: Vec::<(_, ())>::new(), missing }).await),
            _ => Err(ambiguous(text, &found)),
        }
    }

    /// Finds the one message that `reference` means: by itself, or as an id in the conversation `target`.
    pub(super) async fn message(&self, reference: &str, target: Option<&str>, purpose: Purpose) -> Result<Place<'_>> {
        let Some(target) = target else {
            if self.naming_message(reference).is_none() {
                let message = format!("`{}` does not say in which conversation", sanitise::name(reference));
                return Err(Error::invalid(message).hint("add `target`, or write it out as `account:conversation/id`"));
            }
            let place = self.place(reference, purpose).await?;
            place.message()?;
            return Ok(place);
        };
        let mut place = self.place(target, purpose).await?;
        place.message = Some(place.id_of(self, "ref", reference)?);
        Ok(place)
    }

    /// Returns an account for which `reference` names a message by itself.
    pub(super) fn naming_message(&self, reference: &str) -> Option<&ServedAccount> {
        let (account, rest) = targets::split(&self.served, reference);
        self.served
            .accounts
            .iter()
            .filter(|other| account.is_none_or(|account| account.key() == other.key()))
            .find(|account| self.open(account).chat().is_ok_and(|chat| targets::message(chat, rest).is_some()))
    }

    async fn settle<'a>(&'a self, account: &'a ServedAccount, found: Found, purpose: Purpose) -> Result<Place<'a>> {
        let opened = self.open(account);
        let writing = purpose == Purpose::Write;
        let (person, existing) = match found.what {
            Match::Conversation(conversation) => (None, Some(conversation)),
            Match::Person(person, existing) => (Some(person), existing),
        };
        let mut conversation = match (existing, &person) {
            (Some(conversation), _) => conversation,
            (None, Some(person)) if writing => {
                permit(self, &opened, &Names::of_person(person)).await?;
                let direct = opened.run(opened.chat()?.conversations().direct(&person.id, true)).await?;
                direct.ok_or_else(|| {
                    Error::not_found(format!("no direct chat with `{}`", sanitise::name(&person.name)))
                })?
            }
            (None, person) => {
                let name = person.as_ref().map(|person| sanitise::name(&person.name)).unwrap_or_default();
                return Err(Error::not_found(format!("there is no direct chat with `{name}` yet")));
            }
        };
        if !sanitise::is_plain(&conversation.id) {
            return Err(Error::unsupported(format!("`{}` has an id of several lines", title(&conversation)))
                .hint("use another conversation"));
        }
        sanitise::conversation(&mut conversation);
        if writing {
            permit_conversation(self, &opened, &conversation, person.as_deref()).await?;
        }
        Ok(Place { opened, conversation, message: found.message })
    }

    /// Returns all that an account knows by exactly this name.
    async fn find(&self, opened: &Opened<'_>, text: &str) -> Result<Vec<Found>> {
        let chat = opened.chat()?;
        match chat.reference(text) {
            Some(Reference::Conversation(id)) => return self.by_id(opened, &id).await,
            Some(Reference::Person(id)) => return by_person_id(opened, &id).await,
            _ => {}
        }
        if let Some((part, id)) = targets::message(chat, text) {
            let mut found = match part {
                Part::Id(conversation) => self.by_id(opened, &conversation).await?,
                Part::Name(name) => self.by_name(opened, name).await?,
            };
            for found in &mut found {
                found.message = Some(id.clone());
            }
            return Ok(found);
        }
        self.by_name(opened, text).await
    }

    async fn by_id(&self, opened: &Opened<'_>, id: &str) -> Result<Vec<Found>> {
        match opened.run(opened.chat()?.conversations().get(id)).await {
            Ok(conversation) => Ok(vec![conversation.into()]),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn by_name(&self, opened: &Opened<'_>, text: &str) -> Result<Vec<Found>> {
        if let Some(name) = targets::person(text) {
            let people = people(opened, name).await?;
            if !people.is_empty() {
                return direct(opened, people).await;
            }
        }
        let mut anew = false;
        loop {
            let (conversations, fresh) = self.names(opened, anew).await?;
            let found: Vec<Found> = conversations
                .iter()
                .filter(|conversation| is_named(conversation, text))
                .cloned()
                .map(Into::into)
                .collect();
            if !found.is_empty() || fresh {
                return Ok(found);
            }
            anew = true;
        }
    }

    async fn unknown(&self, text: &str, accounts: &[&ServedAccount], answers: &Answers<'_, ()>) -> Error {
        let mut names = Vec::new();
        for account in accounts {
            if let Ok((conversations, _)) = self.names(&self.open(account), false).await {
                names.extend(conversations.iter().map(title));
            }
        }
        let wanted = fold(text.trim_start_matches(['#', '@']));
        let mut near: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| fold(name).contains(&wanted)).take(3).collect();
        if near.is_empty() {
            near.extend(nearest(text, names.iter().map(String::as_str)));
        }
        let message = format!("nothing is called `{}` exactly", sanitise::name(text));
        let message = answers.coverage().map_or(message.clone(), |coverage| format!("{message}; {coverage}"));
        let error = Error::not_found(message);
        if near.is_empty() {
            return error.hint("call list_conversations and use a name or target that it shows");
        }
        let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
        error.hint(format!("did you mean {}? Use an exact name; list_conversations shows them", near.join(", ")))
    }
}

/// Returns everyone whose handle, address, id or name is exactly this; handles and addresses win over names.
pub(super) async fn people(opened: &Opened<'_>, name: &str) -> Result<Vec<Person>> {
    let Some(people) = opened.chat()?.people() else { return Ok(Vec::new()) };
    let wanted = fold(name);
    let is = |text: Option<&str>| text.is_some_and(|text| fold(text.trim_start_matches('@')) == wanted);
    let found = opened.run(people.find(name, 20)).await?;
    let (exact, rest): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|person| is(person.handle.as_deref()) || is(person.email.as_deref()) || is(Some(&person.id)));
    Ok(if exact.is_empty() { rest.into_iter().filter(|person| is(Some(&person.name))).collect() } else { exact })
}

async fn direct(opened: &Opened<'_>, people: Vec<Person>) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for person in people {
        let existing = opened.run(opened.chat()?.conversations().direct(&person.id, false)).await?;
        found.push(Found { what: Match::Person(Box::new(person), existing), message: None });
    }
    Ok(found)
}

async fn by_person_id(opened: &Opened<'_>, id: &str) -> Result<Vec<Found>> {
    let chat = opened.chat()?;
    let mut existing = opened.run(chat.conversations().direct(id, false)).await?;
    if let Some(people) = chat.people() {
        match opened.run(people.get(id)).await {
            Ok(person) => return Ok(vec![Found { what: Match::Person(Box::new(person), existing), message: None }]),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // Rules know the person at least by the id.
    if let Some(conversation) = &mut existing {
        conversation.aliases.push(id.to_owned());
    }
    Ok(existing.into_iter().map(Into::into).collect())
}

/// Returns whether a target is exactly a conversation's name, alias or id. A sign narrows it: `#` to channels and
/// groups, `@` to direct chats.
fn is_named(conversation: &Conversation, target: &str) -> bool {
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

fn ambiguous(text: &str, found: &[(&ServedAccount, Found)]) -> Error {
    let exact = |(account, found): &(&ServedAccount, Found)| match &found.what {
        Match::Conversation(conversation) | Match::Person(_, Some(conversation)) => {
            let message = found.message.as_deref().map(|id| format!("/{id}")).unwrap_or_default();
            format!("`{}:{}{message}` ({})", account.key(), sanitise::line(&conversation.id), title(conversation))
        }
        Match::Person(person, None) => {
            format!("`{}:{}` (@{})", account.key(), sanitise::line(&person.id), sanitise::name(&person.name))
        }
    };
    let mut candidates: Vec<_> = found.iter().take(CANDIDATES).map(exact).collect();
    if found.len() > CANDIDATES {
        candidates.push(format!("{} more", found.len() - CANDIDATES));
    }
    Error::invalid(format!("`{}` means several: {}", sanitise::name(text), candidates.join(", ")))
        .hint("use one of these exact targets")
}
