//! People: who is in the workspace.

use serde::Deserialize;
use switchboard_kit::{
    Result, async_trait,
    chat::{self, AuthorKind, Listing, Page, People},
    escape,
};

use crate::Sandbox;

/// A person or bot, as the API tells it; authors come without title and address.
#[derive(Deserialize)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) handle: String,
    kind: Kind,
    title: Option<String>,
    email: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Person,
    Guest,
    Bot,
}

/// Some people, as the API lists them.
#[derive(Deserialize)]
pub(crate) struct Group {
    pub(crate) people: Vec<Person>,
    cursor: Option<String>,
}

impl From<Group> for Page<chat::Person> {
    fn from(group: Group) -> Self {
        Self { items: group.people.into_iter().map(Into::into).collect(), next: group.cursor }
    }
}

impl Person {
    pub(crate) fn kind(&self) -> AuthorKind {
        match self.kind {
            Kind::Person => AuthorKind::Person,
            Kind::Guest => AuthorKind::Guest,
            Kind::Bot => AuthorKind::Bot,
        }
    }
}

impl From<Person> for chat::Person {
    fn from(person: Person) -> Self {
        let kind = person.kind();
        let Person { id, name, handle, title, email, .. } = person;
        Self { id, name, handle: Some(handle), email, title, kind }
    }
}

#[async_trait]
impl People for Sandbox {
    async fn find(&self, query: &str, limit: usize) -> Result<Vec<chat::Person>> {
        let request = self.api.get("api/people").query("query", query).query("limit", limit);
        let found: Group = self.look_up(request.send()).await?;
        Ok(found.people.into_iter().map(Into::into).collect())
    }

    async fn list(&self, listing: &Listing) -> Result<Page<chat::Person>> {
        let request = self.api.get("api/people").query("limit", listing.limit);
        let group: Group = request.query_opt("cursor", listing.cursor.as_deref()).send().await?;
        Ok(group.into())
    }

    async fn get(&self, id: &str) -> Result<chat::Person> {
        let person: Person = self.api.get(format!("api/people/{}", escape(id))).send().await?;
        Ok(person.into())
    }
}
