//! People.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AuthorKind, Listing, Page};
use crate::{Error, Result};

/// A person, or a bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The platform's id.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// The handle, without `@`, if the platform has handles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// E-mail address, if the user may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Title or role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What they are.
    pub kind: AuthorKind,
}

/// Finds people.
#[async_trait]
pub trait People: Send + Sync {
    /// Finds people by a part of their name, handle or address, where the platform can. Where this is
    /// [`Unsupported`](crate::ErrorKind::Unsupported), the list is read.
    async fn find(&self, query: &str, limit: usize) -> Result<Vec<Person>> {
        let _ = (query, limit);
        Err(Error::unsupported("this platform finds nobody by a name"))
    }

    /// Lists everybody, in an order that does not change from page to page.
    async fn list(&self, listing: &Listing) -> Result<Page<Person>> {
        let _ = listing;
        Err(Error::unsupported("this platform does not list people"))
    }

    /// Returns one person.
    async fn get(&self, id: &str) -> Result<Person>;
}
