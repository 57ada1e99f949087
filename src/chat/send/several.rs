//! One letter to several targets: each is found, permitted and sent to by itself, and what fails spoils nothing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures::future::join_all;
use switchboard_kit::{Error, ErrorKind, Result};

use super::delivery::{Delivery, LAST_WORDS, Letter, Sent};
use crate::chat::{
    find::{Place, Purpose},
    served::Chats,
    targets,
};

/// What became of one target.
pub(super) enum Fate<'a> {
    /// It was sent.
    Sent(Box<Place<'a>>, Sent),
    /// It is the place of another target, the one of this number.
    Same(usize),
    /// It was not sent, or not all of it, there if that is known.
    Failed(Option<String>, Error),
}

/// The places that are taken, with the thread, and the number of the target that has each.
type Taken = Mutex<BTreeMap<(String, Option<String>), usize>>;

/// Sends to each of `targets`: at once in different accounts, in the order given within each.
pub(super) async fn send<'a>(chats: &'a Chats, targets: &[String], letter: &Letter) -> Vec<Fate<'a>> {
    let mut by_account: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (number, target) in targets.iter().enumerate() {
        let account = match chats.served.accounts() {
            [only] => Some(only),
            _ => targets::split(&chats.served, target).0,
        };
        by_account.entry(account.map(|account| account.key().as_str())).or_default().push(number);
    }
    // Those that do not say in which account may mean the same as others: opening one direct chat twice at once makes two.
    let anywhere = by_account.remove(&None).unwrap_or_default();
    let taken = Taken::default();
    let row = |numbers| in_order(chats, targets, letter, &taken, numbers);
    let mut fates: Vec<_> = join_all(by_account.into_values().map(row)).await.into_iter().flatten().collect();
    fates.extend(row(anywhere).await);
    fates.sort_by_key(|(number, _)| *number);
    fates.into_iter().map(|(_, fate)| fate).collect()
}

async fn in_order<'a>(
    chats: &'a Chats,
    targets: &[String],
    letter: &Letter,
    taken: &Taken,
    numbers: Vec<usize>,
) -> Vec<(usize, Fate<'a>)> {
    let (mut fates, mut late) = (Vec::new(), false);
    for number in numbers {
        // Who waits once for an account that does not answer need not wait for it again.
        let fate = if late {
            let error = Error::new(ErrorKind::TimedOut, "not tried, as the one before it took too long");
            Fate::Failed(None, error.hint("send to it by itself"))
        } else {
            one(chats, &targets[number], letter, taken, number).await
        };
        late |= matches!(&fate, Fate::Failed(_, error) if error.kind() == ErrorKind::TimedOut);
        fates.push((number, fate));
    }
    fates
}

async fn one<'a>(chats: &'a Chats, target: &str, letter: &Letter, taken: &Taken, number: usize) -> Fate<'a> {
    let patience = chats.call.remaining().saturating_sub(LAST_WORDS);
    let place = match chats.call.clone().within(patience).run(chats.place(target, Purpose::Write)).await {
        Ok(place) => place,
        Err(error) => return Fate::Failed(None, error),
    };
    let title = place.title();
    let delivery = match Delivery::prepare(chats, place, letter, None) {
        Ok(delivery) => delivery,
        Err(error) => return Fate::Failed(Some(title), error),
    };
    let place = (delivery.place.target(), delivery.thread.clone());
    let first = *taken.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_insert(number);
    if first != number {
        return Fate::Same(first);
    }
    match delivery.send(chats, letter).await {
        Ok(sent) => Fate::Sent(Box::new(delivery.place), sent),
        Err(error) => Fate::Failed(Some(title), error),
    }
}

/// Fails if nothing was sent, with all reasons.
pub(super) fn some_sent(fates: &[Fate<'_>], lines: &[String]) -> Result<()> {
    let mut failed = fates.iter().filter_map(|fate| match fate {
        Fate::Failed(_, error) => Some(error.kind()),
        Fate::Sent(..) | Fate::Same(_) => None,
    });
    match failed.next() {
        Some(kind) if !fates.iter().any(|fate| matches!(fate, Fate::Sent(..))) => {
            Err(Error::new(kind, lines.join("\n")).hint("see to each of these, then send it again"))
        }
        _ => Ok(()),
    }
}
