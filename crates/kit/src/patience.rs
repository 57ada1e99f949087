//! A time limit that is fair to those who were stopped meanwhile.

use std::{pin::pin, time::Duration};

use tokio::time::timeout;

/// How long what may be done already is looked at once the time is over.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// Returns what `work` comes to, unless it takes longer than `limit`.
///
/// A process that was stopped through the limit, as a frozen container is, finds the end of the time and the answer that came
/// meanwhile at once: so it looks once more.
pub async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    match timeout(limit, &mut work).await {
        Ok(done) => Some(done),
        Err(_) => timeout(LAST_LOOK, work).await.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_done_a_moment_after_the_limit_still_counts() {
        let limit = Duration::from_secs(6);
        for (seconds, done) in [(5.9, true), (6.05, true), (6.2, false)] {
            let work = tokio::time::sleep(Duration::from_secs_f64(seconds));
            assert_eq!(in_time(limit, work).await.is_some(), done, "{seconds}");
        }
    }
}
