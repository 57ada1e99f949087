//! One letter to several targets: all are found, the user is asked once, and what fails spoils nothing.

use std::collections::BTreeMap;

use futures::future::join_all;
use switchboard_kit::{Error, ErrorKind, Result};

use super::delivery::{Delivery, LAST_WORDS, Letter, Sent};
use crate::chat::{
    find::{Place, Purpose},
    policy::Permit,
    served::Chats,
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

/// Sends to each of `targets`: at once in different accounts, in the order given within each.
pub(super) async fn send<'a>(chats: &'a Chats, targets: &[String], letter: &Letter) -> Vec<Fate<'a>> {
    let found = join_all(targets.iter().map(|target| find(chats, target, letter))).await;
    let (mut fates, mut places, mut deliveries) = (Vec::new(), Vec::new(), BTreeMap::new());
    // A place is taken by the first target that names it.
    let mut taken = BTreeMap::new();
    for (number, found) in found.into_iter().enumerate() {
        match found {
            Ok((place, delivery)) => {
                let first = *taken.entry((place.target(), delivery.thread.clone())).or_insert(number);
                if first == number {
                    places.push((number, place));
                    deliveries.insert(number, delivery);
                } else {
                    fates.push((number, Fate::Same(first)));
                }
            }
            Err(failed) => fates.push((number, failed)),
        }
    }
    let named: Vec<_> = places.iter().map(|(number, place)| (*number, place.title())).collect();
    let writes = places.into_iter().map(|(number, place)| (place, deliveries[&number].deed(letter))).collect();
    let mut rows: BTreeMap<String, Vec<(usize, Permit<'a>)>> = BTreeMap::new();
    for ((number, title), permit) in named.into_iter().zip(chats.permit_all(writes).await) {
        match permit {
            Ok(permit) => rows.entry(permit.place.opened.account.key().to_string()).or_default().push((number, permit)),
            Err(error) => fates.push((number, Fate::Failed(Some(title), error))),
        }
    }
    let row = |permits| in_order(chats, permits, &deliveries, letter);
    fates.extend(join_all(rows.into_values().map(row)).await.into_iter().flatten());
    fates.sort_by_key(|(number, _)| *number);
    fates.into_iter().map(|(_, fate)| fate).collect()
}

async fn find<'a>(chats: &'a Chats, target: &str, letter: &Letter) -> Result<(Place<'a>, Delivery), Fate<'a>> {
    let patience = chats.call.remaining().saturating_sub(LAST_WORDS);
    let place = chats.call.clone().within(patience).run(chats.place(target, Purpose::Write)).await;
    let place = place.map_err(|error| Fate::Failed(None, error))?;
    match Delivery::prepare(chats, &place, letter, None) {
        Ok(delivery) => Ok((place, delivery)),
        Err(error) => Err(Fate::Failed(Some(place.title()), error)),
    }
}

async fn in_order<'a>(
    chats: &'a Chats,
    permits: Vec<(usize, Permit<'a>)>,
    deliveries: &BTreeMap<usize, Delivery>,
    letter: &Letter,
) -> Vec<(usize, Fate<'a>)> {
    let (mut fates, mut late) = (Vec::new(), false);
    for (number, permit) in permits {
        // Who waits once for an account that does not answer need not wait for it again.
        let sent = if late {
            let error = Error::new(ErrorKind::TimedOut, "not tried, as the one before it took too long");
            permit.note(&[], Err(error.hint("send to it by itself"))).await
        } else {
            deliveries[&number].send(chats, &permit, letter).await
        };
        late |= sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        let fate = match sent {
            Ok(sent) => Fate::Sent(Box::new(permit.place), sent),
            Err(error) => Fate::Failed(Some(permit.place.title()), error),
        };
        fates.push((number, fate));
    }
    fates
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
