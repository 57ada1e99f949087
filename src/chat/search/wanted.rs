//! What is searched for: what a message must say, who must have written it, when, and what must hang on it.

use schemars::JsonSchema;
use serde::Deserialize;
use switchboard_kit::{
    Error, Result,
    chat::{Message, Reference},
};

use super::matching::{Mode, Pattern};
use crate::chat::{
    find::{CANDIDATES, people},
    sanitise,
    served::Opened,
    targets::fold,
    time::Window,
};

/// What hangs on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in crate::chat) enum Has {
    /// A file.
    File,
    /// A link.
    Link,
    /// A reaction.
    Reaction,
}

/// What is searched for, wherever.
pub(super) struct Wanted {
    pub(super) text: String,
    /// How to match it; if nothing is said, the platform decides where it can.
    pub(super) mode: Option<Mode>,
    pub(super) pattern: Pattern,
    pub(super) from: Option<String>,
    pub(super) window: Window,
    pub(super) has: Option<Has>,
    pub(super) mentions_me: bool,
    /// How many messages to show on either side of a hit.
    pub(super) context: usize,
    pub(super) limit: usize,
    /// Tells one search from another.
    pub(super) fingerprint: u32,
}

impl Wanted {
    /// Returns whether the platform's own search will do. It knows neither our modes nor a search without words.
    pub(super) fn suits_platforms(&self) -> bool {
        self.mode.is_none() && !matches!(self.pattern, Pattern::Anything)
    }
}

/// Who must have written it.
enum From {
    Anyone,
    Id(String),
    Name(String),
}

/// What holds for every hit of one account, whoever found it.
pub(super) struct Filter {
    from: From,
    window: Window,
    has: Option<Has>,
    /// Who must be mentioned.
    mentioned: Option<String>,
}

impl Filter {
    /// Finds out, with the account at hand, who is meant.
    pub(super) async fn of(opened: &Opened<'_>, wanted: &Wanted) -> Result<Self> {
        let from = author(opened, wanted.from.as_deref()).await?;
        let mentioned = if wanted.mentions_me { Some(opened.myself().await?.id.clone()) } else { None };
        Ok(Self { from, window: wanted.window, has: wanted.has, mentioned })
    }

    /// Returns the author's id, if it is known.
    pub(super) fn author(&self) -> Option<String> {
        if let From::Id(id) = &self.from { Some(id.clone()) } else { None }
    }

    pub(super) fn admits(&self, message: &Message) -> bool {
        let written = match &self.from {
            From::Anyone => true,
            From::Id(id) => message.author.id == *id,
            From::Name(name) => fold(&message.author.name) == *name,
        };
        let has = self.has.is_none_or(|has| match has {
            Has::File => !message.files.is_empty(),
            Has::Link => message.text.contains("://"),
            Has::Reaction => !message.reactions.is_empty(),
        });
        let mentions = |id: &String| message.mentions_everyone || message.mentions.contains(id);
        written
            && has
            && !message.deleted
            && self.window.has(message.time)
            && self.mentioned.as_ref().is_none_or(mentions)
    }
}

/// Finds out who is meant by `from`.
async fn author(opened: &Opened<'_>, from: Option<&str>) -> Result<From> {
    let Some(from) = from else { return Ok(From::Anyone) };
    if from == "me" {
        return Ok(From::Id(opened.myself().await?.id.clone()));
    }
    let prefix = format!("{}:", opened.account.key());
    let from = from.strip_prefix(&prefix).unwrap_or(from);
    if let Some(Reference::Person(id)) = opened.chat()?.reference(from) {
        return Ok(From::Id(id));
    }
    let name = from.strip_prefix('@').unwrap_or(from);
    let mut found = people(opened, name).await?;
    match found.len() {
        0 if opened.chat()?.people().is_some() => {
            Err(Error::not_found(format!("nobody is called `{}` exactly", sanitise::name(from)))
                .hint("write a handle, a full name or an id, as transcripts show them"))
        }
        0 => Ok(From::Name(fold(name))),
        1 => Ok(From::Id(found.remove(0).id)),
        _ => {
            let ids: Vec<_> = found
                .iter()
                .take(CANDIDATES)
                .map(|person| format!("`{}` ({})", sanitise::line(&person.id), sanitise::name(&person.name)))
                .collect();
            Err(Error::invalid(format!("`{}` means several: {}", sanitise::name(from), ids.join(", ")))
                .hint("use one of these ids"))
        }
    }
}
