//! Accepting connections: so many at a time, each in a task of its own.

#[cfg(test)]
pub(crate) mod slowness;

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

/// Accepts until `stop` completes, while there is `room`; the others wait. Returns the conversations still under way.
pub(crate) async fn accept<F>(
    listener: TcpListener,
    room: &Arc<Semaphore>,
    stop: impl Future<Output = ()>,
    converse: impl Fn(TcpStream) -> F,
) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            () = &mut stop => return connections,
            (permit, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let conversation = converse(stream);
                    connections.spawn(async move {
                        let _permit = permit;
                        conversation.await;
                    });
                }
                // Out of file descriptors, most likely: wait for some to come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
}

/// Lets conversations end by themselves for so long, then ends them.
pub(crate) async fn farewell(mut connections: JoinSet<()>, patience: Duration) {
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(patience, ended).await;
}
