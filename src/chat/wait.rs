//! `wait_for_messages`: until something arrives and then nothing more does for a while, in all accounts at once.
//!
//! - `follow` asks one account again and again, and tells what it hears.
//! - `arrivals` gathers that, shows what fits, and knows where the next wait goes on.

mod arrivals;
mod follow;

use std::time::Duration;

use futures::future::join_all;
use switchboard_kit::{Error, Result, Text, tool};
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at, sleep_until},
};

pub(super) use self::follow::{Word, follow};

use self::arrivals::{Arrivals, Bookmark};
use super::{
    cursor,
    scope::Scope,
    served::{Chats, HURRY},
    time,
};

/// Longest time without anything more.
const LONGEST_SETTLE: Duration = Duration::from_secs(30);
/// Longest wait, if the call may take that long.
const LONGEST: Duration = Duration::from_mins(10);
/// How long it may take until it is known where now is.
const START: Duration = Duration::from_secs(10);
/// How often the caller hears that the wait goes on.
const TICK: Duration = Duration::from_secs(10);

/// Waits for messages of others and shows them once no more come for a while. The `next:` line goes on without a gap.
#[tool(read)]
async fn wait_for_messages(
    chats: &Chats,
    /// Conversation, or `account:`; otherwise everywhere.
    target: Option<String>,
    /// Only mentions of the user.
    #[default(false)]
    mentions_only: bool,
    /// Quiet time that ends the wait, `30s` at most.
    #[default("6s".to_owned())]
    settle: String,
    /// Longest wait; a call may not allow all of it.
    #[default("50s".to_owned())]
    timeout: String,
    /// From the `next:` line before; otherwise from now.
    cursor: Option<String>,
) -> Result<Text> {
    let settle = time::duration("settle", &settle)?.min(LONGEST_SETTLE);
    let timeout = time::duration("timeout", &timeout)?.min(LONGEST);
    let bookmark: Bookmark = cursor.as_deref().map(cursor::unpack).transpose()?.unwrap_or_default();
    let Scope { accounts, conversation } = Scope::read(chats, target.as_deref()).await?;
    let begun = Instant::now();
    // What remains of the call after that is for the answer.
    let most = chats.call.remaining().saturating_sub(HURRY);
    let (start, end) = (begun + START.min(most), begun + timeout.min(most));
    let opened: Vec<_> = accounts.iter().map(|account| chats.open_to_the_end(account)).collect();
    let only = conversation.as_ref().map(|conversation| conversation.id.as_str());
    let mut arrivals = Arrivals::new(chats, &opened, bookmark, only, mentions_only);
    let (words, mut heard) = mpsc::unbounded_channel();
    let starts = arrivals.starts();
    let following = opened.iter().zip(starts).enumerate().map(|(place, (opened, start))| {
        let words = words.clone();
        follow(opened, start, end, move |word| words.send((place, word)).is_ok())
    });
    let following = join_all(following.collect::<Vec<_>>());
    drop(words);
    let waiting = async {
        let mut following = std::pin::pin!(following);
        let mut ticks = interval_at(begun + TICK, TICK);
        let mut quiet = end;
        loop {
            let begun = arrivals.count() > 0 || arrivals.have_begun();
            let until = if begun { quiet } else { quiet.max(start) };
            tokio::select! {
                biased;
                Some((place, word)) = heard.recv() => {
                    if arrivals.hear(place, word) {
                        quiet = end.min(Instant::now() + settle);
                    }
                    if arrivals.are_many() {
                        return Ok(());
                    }
                }
                () = sleep_until(until) => return Ok(()),
                _ = ticks.tick() => chats.call.step(&format!("waiting; {} new so far", arrivals.count())),
                // It ends only when no account can be followed any longer.
                _ = &mut following => {
                    while let Ok((place, word)) = heard.try_recv() {
                        arrivals.hear(place, word);
                    }
                    return Ok::<_, Error>(());
                }
            }
        }
    };
    chats.call.run(waiting).await?;
    arrivals.show(begun.elapsed()).await.map(Text)
}
