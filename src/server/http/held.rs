//! What an answer holds on to until it is sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// What the end of an answer gives back.
pub(super) enum Held {
    /// Nothing.
    Nothing,
    /// A mark that a call is under way, and its place among them unless its session keeps that.
    Call(
        #[expect(dead_code, reason = "both count while they are there")]
        (TaskTrackerToken, Option<OwnedSemaphorePermit>),
    ),
    /// A place among the standing streams.
    Stream(#[expect(dead_code, reason = "counts while it is there")] OwnedSemaphorePermit),
}

impl Held {
    /// Holds on while `body` is being sent.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(Holding { body, _held: self })
    }
}

struct Holding {
    body: Body,
    _held: Held,
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
