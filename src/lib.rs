//! The server: everything that is not about one platform.

pub mod credentials;
mod providers;
pub mod tokens;
