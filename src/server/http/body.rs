//! What clients send: within half a minute, 4 MiB at most, and never so much at once that memory runs out.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{StatusCode, header},
};
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, de::IgnoredAny};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::answer::{self, Answer, INVALID_REQUEST, PARSE_ERROR};

/// Longest message.
const LONGEST: usize = 4 << 20;
/// Messages up to this long are received without asking for room.
const SHORT: usize = 32 << 10;
/// Room for the parts of longer messages, in KiB.
const ROOM: usize = 4 << 10;
/// How long a message may take to come in.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most values in a message: each takes some fifty times as much memory as its text.
const MOST_VALUES: usize = 100_000;

/// What messages are received in. Long ones take up room as they come in, so that one that does not come in takes none; and
/// there is room besides for one whole message, or each of several could have a part and wait for the others.
pub(super) struct Inbox {
    parts: Arc<Semaphore>,
    whole: Arc<Semaphore>,
}

/// Room that a long message takes up.
#[derive(Default)]
pub(super) struct Room {
    part: Option<OwnedSemaphorePermit>,
    whole: Option<OwnedSemaphorePermit>,
}

/// A message that is all there, and a JSON object.
pub(super) struct Message {
    pub(super) text: Bytes,
    /// The room that it takes, until it has been read.
    pub(super) room: Room,
    /// Whether it asks for an answer.
    pub(super) asks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    TooLong,
    TooSlow,
    TooMany,
    CutOff,
    NotJson,
    NoMessage,
    TooCrowded,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { parts: Arc::new(Semaphore::new(ROOM)), whole: Arc::new(Semaphore::new(1)) }
    }

    /// Receives a message.
    pub(super) async fn receive(&self, body: Body) -> Result<Message, Answer> {
        let received = self.collect(body).await.and_then(|(text, room)| {
            let asks = asks(&text)?;
            Ok(Message { text, room, asks })
        });
        received.map_err(Refused::answer)
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
                text.reserve_exact(declared.unwrap_or(length) - text.len());
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

/// What tells a request from other messages.
#[derive(Deserialize)]
struct Envelope {
    method: Option<IgnoredAny>,
    id: Option<IgnoredAny>,
}

/// Whether the text is a request, if it is a message at all.
fn asks(text: &[u8]) -> Result<bool, Refused> {
    if is_crowded(text) {
        return Err(Refused::TooCrowded);
    }
    match serde_json::from_slice::<Envelope>(text) {
        // A list of the fields would do as well.
        Ok(_) if !text.trim_ascii_start().starts_with(b"{") => Err(Refused::NoMessage),
        Ok(message) => Ok(message.method.is_some() && message.id.is_some()),
        Err(error) if error.is_data() && serde_json::from_slice::<IgnoredAny>(text).is_ok() => Err(Refused::NoMessage),
        Err(_) => Err(Refused::NotJson),
    }
}

/// Whether JSON holds more values than any message needs.
fn is_crowded(text: &[u8]) -> bool {
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
    values > MOST_VALUES
}

impl Refused {
    fn answer(self) -> Answer {
        let (status, code, message) = match self {
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, "a message has 4 MiB at most"),
            Self::TooCrowded => {
                (StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, "a message has 100,000 values at most")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, "a message has 30 s to come in"),
            Self::CutOff => (StatusCode::BAD_REQUEST, PARSE_ERROR, "the message is cut off"),
            Self::NotJson => (StatusCode::BAD_REQUEST, PARSE_ERROR, "the message is not JSON"),
            Self::NoMessage => return answer::no_message(),
            Self::TooMany => return answer::busy("too many long messages are coming in"),
        };
        let answer = answer::refusal(status, code, message);
        if self == Self::NotJson { answer } else { answer::with(answer, header::CONNECTION, "close") }
    }
}
