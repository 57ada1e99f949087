//! An open line to a platform. Whoever has one can ask for names; what reads messages and what writes is for the gates alone.

use std::sync::Arc;

use switchboard_kit::{
    Call, Identity, Result,
    chat::{
        Changes, Chat, Conversation, Facet, Facets, Files, Length, Listing, Messages, Page, People, Person, Posts,
        Reference, Search,
    },
    host::{Account, Bound, Live, myself},
};

/// A platform's client for one call.
pub(in crate::chat) struct Line(Box<dyn Live>);

impl Line {
    /// Opens it.
    pub(in crate::chat) fn open(bound: &dyn Bound, account: &Arc<Account>, call: &Call) -> Self {
        Self(bound.connect(account, call))
    }

    /// Asks the platform who is signed in.
    pub(in crate::chat) async fn whoami(&self) -> Result<Identity> {
        self.0.whoami().await
    }

    /// Returns who is signed in, asking once as long as the token is the same.
    pub(in crate::chat) async fn myself(&self, account: &Arc<Account>, call: &Call) -> Result<Arc<Identity>> {
        myself(&*self.0, account, call).await
    }

    /// Returns what reads, if it is chat.
    pub(in crate::chat) fn reads(&self) -> Option<Reads<'_>> {
        self.0.chat().map(Reads)
    }

    /// Returns all of it.
    pub(super) fn whole(&self) -> Option<&dyn Chat> {
        self.0.chat()
    }
}

/// The platform's share of the verbs, as far as it changes nothing.
#[derive(Clone, Copy)]
pub(in crate::chat) struct Reads<'a>(&'a dyn Chat);

impl<'a> Reads<'a> {
    /// Recognises one of the platform's own URLs or ids.
    pub(in crate::chat) fn reference(self, text: &str) -> Option<Reference> {
        self.0.reference(text)
    }

    /// Returns whether it has a facet.
    pub(in crate::chat) fn has(self, facet: Facet) -> bool {
        Facets::of(self.0).has(facet)
    }

    /// Lists the conversations that the user is in.
    pub(in crate::chat) async fn conversations(self, listing: &Listing) -> Result<Page<Conversation>> {
        self.0.conversations().list(listing).await
    }

    /// Returns one conversation.
    pub(in crate::chat) async fn conversation(self, id: &str) -> Result<Conversation> {
        self.0.conversations().get(id).await
    }

    /// Returns those that are called `name`.
    pub(in crate::chat) async fn conversations_named(self, name: &str) -> Result<Vec<Conversation>> {
        self.0.conversations().named(name).await
    }

    /// Lists the people in a conversation.
    pub(in crate::chat) async fn members(self, id: &str, listing: &Listing) -> Result<Page<Person>> {
        self.0.conversations().members(id, listing).await
    }

    /// Returns the direct chat with a person, if there is one.
    pub(in crate::chat) async fn direct(self, person: &str) -> Result<Option<Conversation>> {
        self.0.conversations().direct(person, false).await
    }

    /// Reads messages. So that nothing is shown that may not be, it is for the gate alone, like what searches, fetches and follows.
    pub(super) fn messages(self) -> &'a dyn Messages {
        self.0.messages()
    }

    /// Searches.
    pub(super) fn search(self) -> Option<&'a dyn Search> {
        self.0.search()
    }

    /// Finds people.
    pub(in crate::chat) fn people(self) -> Option<&'a dyn People> {
        self.0.people()
    }

    /// Fetches files.
    pub(super) fn files(self) -> Option<&'a dyn Files> {
        self.0.files()
    }

    /// Tells what has happened since a cursor.
    pub(super) fn changes(self) -> Option<&'a dyn Changes> {
        self.0.changes()
    }

    /// Returns how long a text may be, where texts can be sent.
    pub(in crate::chat) fn longest(self) -> Option<Length> {
        self.0.posts().map(Posts::longest)
    }

    /// Returns whether it knows what it is sent twice.
    pub(in crate::chat) fn knows_keys(self) -> bool {
        self.0.posts().is_some_and(Posts::know_keys)
    }

    /// Returns whether a text would notify everybody, if it were let.
    pub(in crate::chat) fn calls_everyone(self, text: &str) -> bool {
        self.0.posts().is_some_and(|posts| posts.calls_everyone(text))
    }
}
