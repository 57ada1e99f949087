//! What tests of slow clients share: time that passes in no time.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::{net::TcpStream, task::yield_now, time};

/// Lets the server do all that it can do now: it runs on this thread. The time that this takes passes for it as well.
pub(crate) async fn settle() {
    for _ in 0..2_000 {
        yield_now().await;
    }
}

/// Lets time pass in no time.
pub(crate) async fn after(seconds: u64) {
    time::pause();
    time::advance(Duration::from_secs(seconds)).await;
    time::resume();
    settle().await;
}

/// Whether the server has neither answered nor hung up.
pub(crate) fn waits(stream: &TcpStream) -> bool {
    stream.peek(&mut [0]).now_or_never().is_none()
}
