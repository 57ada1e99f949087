//! How many API calls are under way, and how slow they are made.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::sandbox::Sandbox;

/// How many API calls this process has answered and is answering.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) under_way: AtomicU64,
    pub(crate) most_at_once: AtomicU64,
}

/// A call that is under way until this is dropped.
struct Call<'a>(&'a Calls);

impl Calls {
    fn begin(&self) -> Call<'_> {
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(under_way, Ordering::Relaxed);
        Call(self)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) async fn count(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let _call = sandbox.calls.begin();
    if !request.method().is_safe() {
        sandbox.calls.writes.fetch_add(1, Ordering::Relaxed);
    }
    tokio::time::sleep(sandbox.faults().api_delay()).await;
    next.run(request).await
}
