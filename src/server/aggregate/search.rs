//! Asking one provider after the other, or all at once; some may fail.

use std::{collections::BTreeSet, time::Duration};

use futures::future::{BoxFuture, join_all};
use switchboard_kit::{Error, ErrorKind, Result, host::in_time};
use tracing::warn;

use super::members::Held;

/// How long one provider may take to list, or to say whether it has something. Clients wait little longer for the whole.
const PATIENCE: Duration = Duration::from_secs(10);

/// A search for who has a name.
pub(super) struct Search<'a> {
    held: &'a [Held],
    failed: Option<Error>,
}

impl<'a> Search<'a> {
    pub(super) fn of(held: &'a [Held]) -> Self {
        Self { held, failed: None }
    }

    /// Returns the first answer, and whose it is. Who fails to answer is passed over.
    pub(super) async fn first<'f, T>(
        &mut self,
        answers: impl Iterator<Item = BoxFuture<'f, Result<Option<T>>>> + Send,
    ) -> Option<(usize, T)> {
        for (at, answer) in answers.enumerate() {
            match in_time(PATIENCE, answer).await.unwrap_or_else(late) {
                Ok(Some(found)) => return Some((at, found)),
                Ok(None) => {}
                Err(error) => {
                    let name = self.held.get(at).map_or("", |provider| provider.name());
                    warn!(provider = name, %error, "A provider could not say whether it has something");
                    self.failed.get_or_insert(error.context(format_args!("provider `{name}`")));
                }
            }
        }
        None
    }

    /// Returns what was found; if nothing was, it may be with who failed to answer.
    pub(super) fn end<T>(self, found: Option<T>) -> Result<Option<T>> {
        match (found, self.failed) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
        }
    }
}

fn late<T>() -> Result<T> {
    Err(Error::new(ErrorKind::TimedOut, "it did not answer in time"))
}

/// Puts lists together in order, each sorted; what bears a key that was there before is shadowed.
pub(super) async fn listed<T>(
    held: &[Held],
    lists: impl Iterator<Item = BoxFuture<'_, Result<Vec<T>>>> + Send,
    raises: bool,
    key: fn(&T) -> &str,
) -> Result<Vec<T>> {
    let lists = lists.map(|list| async move { in_time(PATIENCE, list).await.unwrap_or_else(late) });
    let (mut seen, mut listed) = (BTreeSet::new(), Vec::new());
    for (provider, list) in held.iter().zip(join_all(lists).await) {
        match list {
            Ok(items) => {
                let mut own: Vec<T> = items.into_iter().filter(|item| seen.insert(key(item).to_owned())).collect();
                own.sort_by(|one, other| key(one).cmp(key(other)));
                listed.extend(own);
            }
            Err(error) if raises => return Err(error.context(format_args!("provider `{}`", provider.name()))),
            Err(error) => warn!(provider = provider.name(), %error, "A provider could not list what it has"),
        }
    }
    Ok(listed)
}
