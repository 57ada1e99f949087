//! Suggestions: what an argument that is being typed may become, out of what is remembered. No platform is asked.

use std::collections::BTreeSet;

use futures::future::join_all;
use switchboard_kit::chat::{Conversation, ConversationKind, Person};

use super::{
    names::bare,
    policy::is_hidden,
    sanitise,
    served::{Chats, ServedAccount},
    targets,
};

/// Most names that are looked at in one account; clients are shown a hundred.
const LOOKED_AT: usize = 300;

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Typed<'a> {
    /// The name of the argument.
    pub(crate) argument: &'a str,
    /// What is there of it.
    pub(crate) value: &'a str,
    /// The account that was given before.
    pub(crate) account: Option<&'a str>,
    /// Whether it is part of a URI, where the account stands by itself.
    pub(crate) in_uri: bool,
}

/// A name that was found, with how well it fits: the least, the best.
type Fitting = (u8, String);

impl Chats {
    /// Returns what it may become, the likeliest first.
    pub(crate) async fn suggestions(&self, typed: Typed<'_>) -> Vec<String> {
        match typed.argument {
            "account" => {
                let keys = self.served.accounts.iter().map(|account| account.key().as_str());
                best(keys.filter_map(|key| Some((fit(key, &bare(typed.value))?, key.to_owned()))).collect())
            }
            "since" => ["today", "yesterday", "1d", "7d", "2w", "4w"]
                .into_iter()
                .filter(|time| time.starts_with(typed.value.trim()))
                .map(ToOwned::to_owned)
                .collect(),
            "conversation" => self.targets(typed, typed.value, false).await,
            "targets" => {
                let (before, last) = typed.value.rsplit_once(',').unwrap_or(("", typed.value));
                let before = if before.is_empty() { String::new() } else { format!("{before}, ") };
                let found = self.targets(typed, last.trim_start(), true).await;
                found.into_iter().map(|target| format!("{before}{target}")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns conversations, and people if somebody can be written to who has no conversation yet.
    async fn targets(&self, typed: Typed<'_>, value: &str, people: bool) -> Vec<String> {
        if !self.served.state().is_there() {
            return Vec::new();
        }
        let (named, value) = if typed.in_uri { (None, value.trim()) } else { targets::split(&self.served, value) };
        let only = named.map(|account| account.key().as_str()).or(typed.account);
        let accounts: Vec<_> =
            self.served.accounts.iter().filter(|one| only.is_none_or(|key| one.key().as_str() == key)).collect();
        let prefixed = !typed.in_uri && (named.is_some() || self.served.accounts.len() > 1);
        let found = join_all(accounts.iter().map(|account| self.named(account, value, people))).await;
        let found = accounts.iter().zip(found).flat_map(|(account, found)| {
            let prefix = if prefixed { format!("{}:", account.key()) } else { String::new() };
            found.into_iter().map(move |(fit, name)| (fit, format!("{prefix}{name}")))
        });
        best(found.collect())
    }

    /// Returns what an account remembers by such a name.
    async fn named(&self, account: &ServedAccount, value: &str, people: bool) -> Vec<Fitting> {
        let (part, remembered) = (bare(value), self.open(account).remembered);
        let sign = value.chars().next().filter(|sign| matches!(sign, '#' | '@'));
        let conversations = remembered.likeliest::<Conversation>(&part, LOOKED_AT).await.unwrap_or_default();
        let conversations = conversations.iter().filter(|one| !one.encrypted && !is_hidden(account, one));
        let mut found: Vec<_> = conversations
            .map(|one| (if one.kind == ConversationKind::Direct { '@' } else { '#' }, one.name.as_str()))
            .filter_map(|(own, name)| target(own, name, sign, &part))
            .collect();
        if people && sign != Some('#') {
            let people = remembered.likeliest::<Person>(&part, LOOKED_AT).await.unwrap_or_default();
            let names = people.iter().map(|person| person.handle.as_deref().unwrap_or(&person.name));
            found.extend(names.filter_map(|name| target('@', name, sign, &part)));
        }
        // Where several stand in a row, a comma ends one.
        found.retain(|(_, name)| !(people && name.contains(',')));
        found
    }
}

/// Writes a target as people do, if its sign is the one that was typed.
fn target(own: char, name: &str, sign: Option<char>, part: &str) -> Option<Fitting> {
    let name = sanitise::name(name);
    let name = name.trim_start_matches(own);
    let fits = !name.is_empty() && sign.is_none_or(|sign| sign == own);
    // What has another name that fits is still a suggestion, if the last.
    fits.then(|| (fit(name, part).unwrap_or(u8::MAX), format!("{own}{name}")))
}

/// Returns how well a name fits what was typed: it is that, it begins so, one of its words does, or it has that somewhere.
fn fit(name: &str, part: &str) -> Option<u8> {
    let name = bare(name);
    match name.find(part)? {
        0 if name.len() == part.len() => Some(0),
        0 => Some(1),
        _ if name.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(part)) => Some(2),
        _ => Some(3),
    }
}

/// Puts the best first, each once, and leaves the rest in the order in which they were found.
fn best(mut found: Vec<Fitting>) -> Vec<String> {
    found.sort_by_key(|(fit, _)| *fit);
    let mut seen = BTreeSet::new();
    found.into_iter().map(|(_, name)| name).filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_best_comes_first_and_once() {
        let names = ["The atropsis", "ops", "dev-ops", "opsgenie", "Stopside", "ops", "lunch"];
        let found = names.iter().filter_map(|name| target('#', name, None, "ops")).collect();
        assert_eq!(best(found), ["#ops", "#opsgenie", "#dev-ops", "#The atropsis", "#Stopside", "#lunch"]);
    }

    #[test]
    fn a_sign_says_what_is_meant() {
        assert_eq!(target('@', "Ana", Some('#'), "a"), None);
        assert_eq!(target('#', "#ana", Some('#'), "ana"), Some((0, "#ana".into())));
        assert_eq!(target('#', "\u{202e}#\n", None, ""), None);
    }
}
