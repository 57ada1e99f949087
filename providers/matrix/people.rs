//! People: those whom the homeserver's directory shows to the user.

use serde::Deserialize;
use switchboard_kit::{
    Error, Result, async_trait,
    chat::{AuthorKind, People, Person},
    serde_json::json,
};

use crate::{CLIENT, Matrix, references};

pub(crate) fn person(id: String, name: Option<String>) -> Person {
    let handle = id.trim_start_matches('@').split(':').next().map(Into::into);
    let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| id.clone());
    Person { id, name, handle, email: None, title: None, kind: AuthorKind::Person }
}

#[async_trait]
impl People for Matrix {
    async fn find(&self, query: &str, limit: usize) -> Result<Vec<Person>> {
        #[derive(Deserialize)]
        struct Found {
            results: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            user_id: String,
            display_name: Option<String>,
        }
        let request = self.api.post(format!("{CLIENT}/user_directory/search")).repeatable();
        let term = query.trim().trim_start_matches('@');
        let found: Found = request.json(&json!({ "search_term": term, "limit": limit })).send().await?;
        let mut people: Vec<_> =
            found.results.into_iter().map(|entry| person(entry.user_id, entry.display_name)).collect();
        // The directory shows only people with whom the user shares a room; a full id names anybody.
        if references::is_user(query.trim()) && people.iter().all(|person| person.id != query.trim()) {
            people.extend(self.profile_name(query.trim()).await.ok().map(|name| person(query.trim().into(), name)));
        }
        Ok(people)
    }

    async fn get(&self, id: &str) -> Result<Person> {
        if !references::is_user(id) {
            return Err(Error::invalid(format!("`{id}` is no Matrix id")).hint("write `@user:server`"));
        }
        Ok(person(id.into(), self.profile_name(id).await?))
    }
}
