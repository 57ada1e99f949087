//! Finds what a target means, on demand and exactly.

mod unknown;
mod within;

use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Conversation, ConversationKind, Person},
};

use within::{Found, Match};
pub(super) use within::{is_named, is_person, people};

use super::{
    answers::Answers,
    policy::title,
    sanitise,
    served::{Chats, Opened, ServedAccount},
    targets::{self, Part},
};

/// Most candidates that an error names.
pub(super) const CANDIDATES: usize = 5;

/// What is to be done with what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read.
    Read,
    /// To write: the platform is asked, and a person will do who has no direct chat with the user yet.
    Write,
}

/// A conversation that was found, and perhaps a message in it.
pub(super) struct Place<'a> {
    pub(super) opened: Opened<'a>,
    /// What the platform tells of it. Of a direct chat that is yet to be opened, the person's id and name stand for it.
    pub(super) conversation: Conversation,
    /// Whom it is with, if that is known.
    pub(super) person: Option<Box<Person>>,
    /// Whether it is a direct chat that is yet to be opened.
    pub(super) unopened: bool,
    pub(super) message: Option<String>,
    /// Whether the platform was not asked whether it is still there. Never so for a write.
    pub(super) remembered: bool,
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

    /// Refuses what is end-to-end encrypted, of which nothing can be read.
    pub(super) fn refuse_encrypted(&self) -> Result<()> {
        if !self.conversation.encrypted {
            return Ok(());
        }
        let message = format!("{} is end-to-end encrypted and cannot be read here", self.title());
        Err(Error::unsupported(message).hint("ask the user to read it in the platform's own client"))
    }

    /// Returns what people call it, and its exact target.
    pub(super) fn title(&self) -> String {
        format!("{} ({})", title(&self.conversation), self.target())
    }

    /// Returns the id of a message in it, given as an id or as a reference.
    pub(super) fn id_of(&self, chats: &Chats, argument: &str, text: &str) -> Result<String> {
        let (account, rest) = targets::split(&chats.served, text);
        targets::whole(argument, rest)?;
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

impl Opened<'_> {
    /// Says why what was found may not be read, if it may not. Of a person with whom there is no direct chat nothing can be.
    async fn unreadable_match(&self, found: &Match) -> Result<Option<Error>> {
        match found {
            Match::Conversation(conversation) => self.refusal(conversation, None).await,
            Match::Person(person, Some(conversation)) => self.refusal(conversation, Some(person)).await,
            Match::Person(_, None) => Ok(None),
        }
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
        let answers = self.ask(&accounts, |opened| async move { opened.find(text, purpose).await }).await.some()?;
        if purpose == Purpose::Write && self.is_unsure(text, &answers.missing).await {
            return Err(Error::new(ErrorKind::Unavailable, format!("`{text}` was not looked for everywhere"))
                .hint(format!("say which account is meant, such as `{}:{text}`", accounts[0].key())));
        }
        let Answers { given, missing } = answers;
        let mut found: Vec<_> = given
            .into_iter()
            .flat_map(|(account, found)| found.into_iter().map(move |found| (account, found)))
            .collect();
        let mut hidden = self.hide(&mut found, purpose).await?;
        if purpose == Purpose::Write && found.len() + hidden.len() > 1 {
            return Err(ambiguous(text, &found, hidden.len()));
        }
        match found.len() {
            1 => {
                let (account, found) = found.remove(0);
                self.settle(account, found, purpose)
            }
            0 if !hidden.is_empty() => Err(hidden.swap_remove(0)),
            0 => Err(self.unknown(text, &accounts, &Answers { given: Vec::<(_, ())>::new(), missing }).await),
            _ => Err(ambiguous(text, &found, 0)),
        }
    }

    /// Takes out what may not be read, and returns why; of what is to be written to, only where several are to be named.
    async fn hide(&self, found: &mut Vec<(&ServedAccount, Found)>, purpose: Purpose) -> Result<Vec<Error>> {
        let mut hidden = Vec::new();
        let named = purpose == Purpose::Read || found.len() > 1;
        if !(named && found.iter().any(|(account, _)| account.rules.restrict_reading())) {
            return Ok(hidden);
        }
        for (account, found_there) in std::mem::take(found) {
            match self.open(account).unreadable_match(&found_there.what).await? {
                Some(error) => hidden.push(error),
                None => found.push((account, found_there)),
            }
        }
        Ok(hidden)
    }

    /// Returns whether one of those that did not answer may know `text`. Where nobody is signed in nothing can be sent, but
    /// what was ambiguous before a sign-in ended is not clear after it.
    async fn is_unsure(&self, text: &str, missing: &[(&ServedAccount, Error)]) -> bool {
        for (account, error) in missing {
            if error.kind() != ErrorKind::SignInRequired || self.open(account).remembered.knew(text).await {
                return true;
            }
        }
        false
    }

    /// Finds the one message that `reference` means: by itself, or as an id in the conversation `target`.
    pub(super) async fn message(&self, reference: &str, target: Option<&str>, purpose: Purpose) -> Result<Place<'_>> {
        targets::whole("ref", reference)?;
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

    fn settle<'a>(&'a self, account: &'a ServedAccount, found: Found, purpose: Purpose) -> Result<Place<'a>> {
        let opened = self.open(account);
        let writing = purpose == Purpose::Write;
        let (person, existing) = match found.what {
            Match::Conversation(conversation) => (None, Some(conversation)),
            Match::Person(person, existing) => (Some(person), existing),
        };
        if let Some(conversation) = existing.as_ref().filter(|_| found.remembered) {
            opened.remembered.is_unasked(&conversation.id);
        }
        let unopened = existing.is_none();
        let mut conversation = match (existing, &person) {
            (Some(conversation), _) => conversation,
            (None, Some(person)) if writing => {
                Conversation::new(person.id.clone(), person.name.clone(), ConversationKind::Direct)
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
        opened.clean_conversation(&mut conversation);
        let (message, remembered) = (found.message, found.remembered);
        Ok(Place { opened, conversation, person, unopened, message, remembered })
    }
}

fn ambiguous(text: &str, found: &[(&ServedAccount, Found)], hidden: usize) -> Error {
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
    if hidden > 0 {
        candidates.push(format!("{hidden} that may not be read"));
    }
    Error::invalid(format!("`{}` means several: {}", sanitise::name(text), candidates.join(", ")))
        .hint("use one of these exact targets")
}
