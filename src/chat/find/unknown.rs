//! What to say when nothing is called so: which names come near, as far as they are known without much asking.

use switchboard_kit::{
    Error,
    chat::{Conversation, Listing},
    host::nearest,
};

use crate::chat::{
    answers::Answers,
    names::bare,
    policy::title,
    sanitise,
    served::{Chats, Opened, ServedAccount},
};

/// Most names that come near.
const NEAR: usize = 3;
/// Most names that are compared letter by letter.
const COMPARED: usize = 2_000;

impl Chats {
    pub(super) async fn unknown(&self, text: &str, accounts: &[&ServedAccount], answers: &Answers<'_, ()>) -> Error {
        let (mut near, mut others) = (Vec::new(), Vec::new());
        // Who has not answered need not be waited for once more.
        let silent = |account: &ServedAccount| answers.missing.iter().any(|(other, _)| other.key() == account.key());
        for account in accounts.iter().filter(|account| !silent(account)) {
            let opened = self.open(account);
            near.extend(opened.near(text, NEAR).await.iter().map(title));
            if near.is_empty() {
                others.extend(opened.near("", COMPARED).await.iter().map(title));
            }
        }
        near.truncate(NEAR);
        if near.is_empty() {
            near.extend(nearest(text, others.iter().map(String::as_str)).map(ToOwned::to_owned));
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

impl Opened<'_> {
    /// Returns conversations with a part of their names in common; of those that are remembered, or else of the first page.
    async fn near(&self, text: &str, limit: usize) -> Vec<Conversation> {
        let part = bare(text);
        if part.is_empty() && !text.is_empty() {
            return Vec::new();
        }
        if self.remembered.count::<Conversation>().await.unwrap_or_default() < 2 {
            let listing = Listing { limit: COMPARED, cursor: None };
            let first = match self.chat() {
                Ok(chat) => self.run(chat.conversations(&listing)).await.unwrap_or_default(),
                Err(_) => return Vec::new(),
            };
            self.remembered.keep(&first.items).await;
        }
        let near = self.remembered.about(&part, limit).await.unwrap_or_default();
        self.keep_readable(near).await.unwrap_or_default()
    }
}
