//! Resources: conversations and messages as what a client lists, picks, attaches and watches, read as `read_messages` reads
//! them.

mod watching;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use switchboard_kit::{
    Error, Result,
    chat::{Conversation, ConversationKind},
};

pub(crate) use watching::Watching;

use super::{
    find::{Place, Purpose},
    policy::{is_hidden, title},
    read::read_messages,
    sanitise,
    served::{Chats, ServedAccount},
};

/// Names a conversation.
pub(crate) const CONVERSATION: &str = "chat://{account}/{conversation}";
/// Names a message.
pub(crate) const MESSAGE: &str = "chat://{account}/{conversation}/{message}";

/// Most conversations that are listed. Pickers show them all at once.
const LISTED: usize = 100;
/// How many messages a conversation is read with, and one message with what is around it.
const NEWEST: u16 = 50;
const AROUND: u16 = 20;

/// What a URI leaves as it is (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A conversation as clients list it.
pub(crate) struct Listed {
    pub(crate) uri: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

/// What a URI names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(super) account: String,
    pub(super) conversation: String,
    pub(super) message: Option<String>,
}

impl Named {
    /// Reads a URI; nothing if it is none of ours.
    pub(crate) fn read(uri: &str) -> Option<Self> {
        let parts: Option<Vec<String>> = uri
            .strip_prefix("chat://")?
            .split('/')
            .map(|part| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned()).filter(|part| !part.is_empty()))
            .collect();
        let mut parts = parts?.into_iter();
        let named = Self { account: parts.next()?, conversation: parts.next()?, message: parts.next() };
        parts.next().is_none().then_some(named)
    }

    /// Returns the template that it is of.
    pub(crate) fn template(&self) -> &'static str {
        if self.message.is_some() { MESSAGE } else { CONVERSATION }
    }
}

/// Names a conversation for good, whatever it will be called.
fn uri(account: &ServedAccount, conversation: &Conversation) -> String {
    let encoded = |text| utf8_percent_encode(text, RESERVED);
    format!("chat://{}/{}", encoded(account.key().as_str()), encoded(&conversation.id))
}

impl Chats {
    /// Lists conversations to pick from: of those that are remembered, the ones that were told of last.
    ///
    /// Pickers of clients show what is listed, and ask for it when they connect. So it takes no platform and no sign-in.
    pub(crate) async fn resources(&self) -> Vec<Listed> {
        let mut listed = Vec::new();
        if !self.served.state().is_there() {
            return listed;
        }
        let each = LISTED / self.served.accounts.len().max(1);
        for account in &self.served.accounts {
            let opened = self.open(account);
            // Without what is remembered there is nothing to pick from, which is no failure.
            let known = opened.remembered.likeliest::<Conversation>("", each).await.unwrap_or_default();
            let shown = known.into_iter().filter(|one| !one.encrypted && !is_hidden(account, one));
            listed.extend(shown.map(|conversation| {
                let kind = match conversation.kind {
                    ConversationKind::Channel => "Channel",
                    ConversationKind::Direct => "Direct chat",
                    ConversationKind::Group => "Group",
                };
                let description = format!("{kind} in {}.", sanitise::name(&account.name));
                Listed { uri: uri(account, &conversation), name: title(&conversation), description }
            }));
        }
        listed
    }

    /// Reads what a URI names, as a transcript.
    pub(crate) async fn read_resource(&self, named: &Named) -> Result<String> {
        let target = self.resource(named).await?.target();
        let (around, limit) = match &named.message {
            Some(id) => (Some(id.clone()), AROUND),
            None => (None, NEWEST),
        };
        Ok(read_messages(self, target, None, None, None, around, limit, None, None).await?.0)
    }

    /// Finds the conversation that a URI names, which must be one that can be read.
    pub(super) async fn resource(&self, named: &Named) -> Result<Place<'_>> {
        let account = self.served.account(&named.account).ok_or_else(|| {
            let keys: Vec<_> = self.served.accounts.iter().map(|account| format!("`{}`", account.key())).collect();
            Error::not_found(format!("no account `{}` is served", sanitise::name(&named.account)))
                .hint(format!("name one of {}", keys.join(", ")))
        })?;
        let place = self.place(&format!("{}:{}", account.key(), named.conversation), Purpose::Read).await?;
        place.refuse_encrypted()?;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_an_account_a_conversation_and_perhaps_a_message() {
        let named = |account: &str, conversation: &str, message: Option<&str>| {
            let message = message.map(ToOwned::to_owned);
            Some(Named { account: account.into(), conversation: conversation.into(), message })
        };
        for (uri, expected) in [
            ("chat://work/C1", named("work", "C1", None)),
            ("chat://work/%23ops", named("work", "#ops", None)),
            ("chat://work/#ops", named("work", "#ops", None)),
            ("chat://work/%40Ana%20Silva/M%2F7", named("work", "@Ana Silva", Some("M/7"))),
            ("chat://m/%21abc%3Akestrel.example/%24x", named("m", "!abc:kestrel.example", Some("$x"))),
            ("chat://work", None),
            ("chat://work/", None),
            ("chat://work/C1/", None),
            ("chat://work/C1/M1/more", None),
            ("chat:///C1", None),
            ("chat://work/%ff", None),
            ("http://work/C1", None),
        ] {
            assert_eq!(Named::read(uri), expected, "{uri}");
        }
    }
}
