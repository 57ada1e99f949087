//! When the user, or the client, asks the process to end.

/// Completes on Ctrl-C or SIGTERM. Clients close our input first and terminate us soon after, perhaps in the middle of a
/// renewal, which must not be lost.
pub(crate) async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = interrupted() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    interrupted().await;
}

/// Lets nobody end this process by a polite request from now on: it ends by itself, soon.
pub(crate) fn ignored() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            // Once asked for, a signal no longer ends the process.
            drop(signal(kind));
        }
    }
}

/// Completes on Ctrl-C, or never where there is no such thing.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
