//! What clients send: within half a minute, 4 MiB at most, and never so much at once that memory runs out.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{StatusCode, header},
};
use futures::{Stream, StreamExt as _};
use serde::de::IgnoredAny;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::{
    answer::{self, Answer, INVALID_REQUEST, PARSE_ERROR},
    named::Named,
};

/// Longest message.
const LONGEST: usize = 4 << 20;
/// Messages up to this long are received, and up to this heavy kept, without asking for room.
const SHORT: usize = 32 << 10;
/// Room for the parts of longer messages, in KiB.
const ROOM: usize = 4 << 10;
/// What heavier messages may weigh together while they are worked on, in KiB: any single one has room.
const MOST_WEIGHT: usize = 8 << 10;
/// What a value weighs besides its text.
const VALUE: usize = 320;
/// How long a message may take to come in.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most values in a message.
const MOST_VALUES: usize = 10_000;
/// What leaves something behind for as long as the client likes.
const LASTING: [&str; 3] = ["initialize", "resources/subscribe", "subscriptions/listen"];

/// What messages are received in. Long ones take up room as they come in, so that one that does not come in takes none; and
/// there is room besides for one whole message, or each of several could have a part and wait for the others.
pub(super) struct Inbox {
    parts: Arc<Semaphore>,
    whole: Arc<Semaphore>,
    kept: Arc<Semaphore>,
}

/// Room that a long message takes up while it comes in.
#[derive(Default)]
struct Room {
    part: Option<OwnedSemaphorePermit>,
    whole: Option<OwnedSemaphorePermit>,
}

/// A message that is all there, and a JSON object.
pub(super) struct Message {
    pub(super) text: Bytes,
    /// What it weighs, for as long as any of it is kept.
    pub(super) weight: Weight,
    pub(super) named: Named,
}

/// What a message weighs. It goes along with the request as the protocol library has it, which in both eras lasts until nobody
/// works on it any more, whether or not the client waits for that.
#[derive(Clone)]
pub(super) struct Weight(#[expect(dead_code, reason = "counts while it is there")] Option<Arc<OwnedSemaphorePermit>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    TooLong,
    TooSlow,
    TooMany,
    CutOff,
    NotJson,
    NoMessage,
    TooCrowded,
    TooLasting,
    TooHeavy,
}

impl Inbox {
    pub(super) fn new() -> Self {
        let [parts, whole, kept] = [ROOM, 1, MOST_WEIGHT].map(|room| Arc::new(Semaphore::new(room)));
        Self { parts, whole, kept }
    }

    /// Receives a message.
    pub(super) async fn receive(&self, body: Body) -> Result<Message, Answer> {
        let received = self.collect(body).await.and_then(|(text, _room)| {
            let named = named(&text)?;
            let weight = self.weigh(&text, &named)?;
            Ok(Message { text, weight, named })
        });
        received.map_err(Refused::answer)
    }

    /// Has a message kept, unless too much is already: whoever waited would wait for the platforms of others.
    fn weigh(&self, text: &[u8], named: &Named) -> Result<Weight, Refused> {
        let weight = text.len() + values(text) * VALUE;
        if weight <= SHORT {
            return Ok(Weight(None));
        }
        if named.method.as_ref().is_some_and(|method| LASTING.contains(&method.as_str())) {
            return Err(Refused::TooLasting);
        }
        let taken = u32::try_from(weight.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let permit = self.kept.clone().try_acquire_many_owned(taken).map_err(|_| Refused::TooHeavy)?;
        Ok(Weight(Some(Arc::new(permit))))
    }

    async fn collect(&self, body: Body) -> Result<(Bytes, Room), Refused> {
        let deadline = Instant::now() + PATIENCE;
        let declared = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut chunks = body.into_data_stream();
        let (mut text, mut room) = (Vec::new(), Room::default());
        while let Some(chunk) = timeout_at(deadline, chunks.next()).await.map_err(|_| Refused::TooSlow)? {
            let chunk = chunk.map_err(|_| Refused::CutOff)?;
            let length = text.len() + chunk.len();
            if declared.unwrap_or(length).max(length) > LONGEST {
                // Nobody reads an answer while still sending.
                let _ = timeout_at(deadline, discard(&mut chunks)).await;
                return Err(Refused::TooLong);
            }
            if length > SHORT {
                timeout_at(deadline, self.make_room(&mut room, length)).await.map_err(|_| Refused::TooMany)?;
            }
            text.extend_from_slice(&chunk);
        }
        Ok((text.into(), room))
    }

    /// Extends `taken` to a message of `length`.
    async fn make_room(&self, taken: &mut Room, length: usize) {
        if taken.whole.is_some() {
            return;
        }
        let held = taken.part.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(length.div_ceil(1 << 10) - held).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            part = self.parts.clone().acquire_many_owned(missing) => match (&mut taken.part, part.ok()) {
                (Some(held), Some(more)) => held.merge(more),
                (held, more) => *held = more,
            },
            whole = self.whole.clone().acquire_owned() => taken.whole = whole.ok(),
        }
    }
}

/// Reads on and forgets, as far as a message that is a little too long would go.
async fn discard<E>(chunks: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin)) {
    let mut length = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        length += chunk.len();
        if length > LONGEST {
            break;
        }
    }
}

/// Reads what kind of message the text is, if it is one at all.
fn named(text: &[u8]) -> Result<Named, Refused> {
    if values(text) > MOST_VALUES {
        return Err(Refused::TooCrowded);
    }
    match serde_json::from_slice::<Named>(text) {
        // A list of the fields would do as well.
        Ok(_) if !text.trim_ascii_start().starts_with(b"{") => Err(Refused::NoMessage),
        Ok(named) => Ok(named),
        Err(error) if error.is_data() && serde_json::from_slice::<IgnoredAny>(text).is_ok() => Err(Refused::NoMessage),
        Err(_) => Err(Refused::NotJson),
    }
}

/// Counts what JSON holds, well enough: lists and objects, and all but the first value in each.
fn values(text: &[u8]) -> usize {
    let (mut values, mut quoted, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    values
}

impl Refused {
    fn answer(self) -> Answer {
        let (status, code, message) = match self {
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, "a message has 4 MiB at most"),
            Self::TooCrowded => (StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, "a message has 10,000 values at most"),
            Self::TooLasting => {
                (StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, "what opens a session or a stream has 32 KiB at most")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, "a message has 30 s to come in"),
            Self::CutOff => (StatusCode::BAD_REQUEST, PARSE_ERROR, "the message is cut off"),
            Self::NotJson => (StatusCode::BAD_REQUEST, PARSE_ERROR, "the message is not JSON"),
            Self::NoMessage => return answer::no_message(),
            Self::TooMany => return answer::busy("too many long messages are coming in"),
            // It has come in whole: the connection is good for the next attempt.
            Self::TooHeavy => return answer::busy("too many long messages are worked on; try again"),
        };
        let answer = answer::refusal(status, code, message);
        if self == Self::NotJson { answer } else { answer::with(answer, header::CONNECTION, "close") }
    }
}
