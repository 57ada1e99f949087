//! What a read is about: all accounts, one, or one conversation.

use switchboard_kit::{Result, chat::Conversation};

use super::{
    find::Purpose,
    served::{Chats, ServedAccount},
    targets,
};

/// The accounts to ask, and the conversation that it is about, if it is about one.
pub(super) struct Scope<'a> {
    pub(super) accounts: Vec<&'a ServedAccount>,
    pub(super) conversation: Option<Conversation>,
}

impl<'a> Scope<'a> {
    /// Reads a target, or `account:`.
    pub(super) async fn read(chats: &'a Chats, target: Option<&str>) -> Result<Self> {
        let Some(target) = target else {
            return Ok(Self { accounts: chats.served.accounts.iter().collect(), conversation: None });
        };
        if let (Some(account), "") = targets::split(&chats.served, target) {
            return Ok(Self { accounts: vec![account], conversation: None });
        }
        let place = chats.place(target, Purpose::Read).await?;
        place.refuse_encrypted()?;
        Ok(Self { accounts: vec![place.opened.account], conversation: Some(place.conversation) })
    }
}
