//! Follows one account: asks what is new, again and again, without a hurry.

use std::{sync::Arc, time::Duration};

use switchboard_kit::{Error, ErrorKind, Identity, Result, chat::Delta};
use tokio::time::{Instant, sleep_until};

use crate::chat::served::Opened;

/// Longest that a platform is asked to wait.
const LONGEST_POLL: Duration = Duration::from_secs(25);
/// Least time from one question to the next, for platforms that answer at once with nothing.
const FLOOR: Duration = Duration::from_secs(1);
/// Most time from one question to the next while they fail.
const CEILING: Duration = Duration::from_secs(16);

/// What is heard of an account.
pub(in crate::chat) enum Word {
    /// It answered: what has happened since `before`.
    Told { before: Option<String>, delta: Delta, me: Arc<Identity> },
    /// It did not.
    Failed(Error),
}

/// Asks until `end`, from `cursor` or from now on, and hands on what it hears as long as somebody `hears`.
pub(in crate::chat) async fn follow(
    opened: &Opened<'_>,
    mut cursor: Option<String>,
    end: Instant,
    hears: impl Fn(Word) -> bool,
) {
    let mut pause = FLOOR;
    loop {
        let begun = Instant::now();
        match ask(opened, cursor.as_deref(), end).await {
            Ok((delta, me)) => {
                pause = FLOOR;
                let before = cursor.replace(delta.cursor.clone());
                let first = before.is_none();
                if !hears(Word::Told { before, delta, me }) {
                    return;
                }
                if first {
                    continue;
                }
            }
            Err(error) => {
                pause = CEILING.min(pause * 2).max(error.retry_after().unwrap_or_default());
                let hopeless = is_hopeless(&error);
                if !hears(Word::Failed(error)) || hopeless {
                    return;
                }
            }
        }
        sleep_until(begun + pause).await;
    }
}

async fn ask(opened: &Opened<'_>, cursor: Option<&str>, end: Instant) -> Result<(Delta, Arc<Identity>)> {
    let me = opened.myself().await?;
    let patience = end.saturating_duration_since(Instant::now()).min(LONGEST_POLL);
    Ok((opened.news(cursor, patience).await?, me))
}

/// Returns whether asking again would end the same way.
fn is_hopeless(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::SignInRequired
            | ErrorKind::Unsupported
            | ErrorKind::Forbidden
            | ErrorKind::InvalidInput
            | ErrorKind::Cancelled
    )
}
