//! A small real chat service with its own OAuth server.
//!
//! One database file is the whole state. Any number of processes may open and serve the same file at once: what one
//! writes, the others see, and a fresh file is filled with the same small workspace exactly once.
//!
//! - [`Sandbox`] opens the file and serves HTTP on a listener.
//! - `oauth` signs people in: authorization code with PKCE, device code, refresh, revocation, registration.
//! - `chat` is the service itself: JSON under `/api/`.
//! - [`Faults`] makes the OAuth server misbehave, for tests; `control` sets them while it runs.

mod chat;
mod control;
mod error;
mod host;
mod oauth;
mod sandbox;
mod seed;
mod store;

pub use chat::Mentions;
pub use error::{Error, Result};
pub use oauth::{Faults, Misstep, Rotation};
pub use sandbox::{ISSUER, Options, Sandbox};
