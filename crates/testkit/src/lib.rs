//! What tests of several crates share.

mod live;
mod replay;
mod shouts;

pub use live::connect;
pub use replay::{Received, Replay};
pub use shouts::Shouts;
