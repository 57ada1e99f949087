//! A connection on which nobody has been let in yet: it does not keep others out for long.

use std::{future::pending, time::Duration};

use tokio::{sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long it may stay where there is little room.
const PATIENCE: Duration = Duration::from_secs(2);
/// Room for fewer connections is little: half of all.
const LITTLE: usize = 256;

/// Such a connection.
#[derive(Clone, Default)]
pub(super) struct Newcomer(CancellationToken);

impl Newcomer {
    /// Tells that somebody has been let in.
    pub(super) fn let_in(&self) {
        self.0.cancel();
    }

    /// Completes once it may keep others out.
    pub(super) async fn keeps_out(&self, room: &Semaphore) {
        loop {
            sleep(PATIENCE).await;
            if self.0.is_cancelled() {
                return pending().await;
            }
            if room.available_permits() < LITTLE {
                return;
            }
        }
    }
}
