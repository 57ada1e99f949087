//! When the user, or the client, asks the process to end.

/// Completes on Ctrl-C or SIGTERM, which end nothing by themselves from the call on. Clients close our input first and
/// terminate us soon after, perhaps in the middle of a renewal, which must not be lost.
pub(crate) fn stopped() -> impl Future<Output = ()> + Send {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let [interrupted, terminated] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        async move {
            let (Ok(mut interrupted), Ok(mut terminated)) = (interrupted, terminated) else {
                return std::future::pending().await;
            };
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        }
    }
    #[cfg(not(unix))]
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
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
