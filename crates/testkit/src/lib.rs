//! What tests of several crates share.

mod live;
mod replay;

pub use live::connect;
pub use replay::{Received, Replay};
