//! The server: everything that is not about one platform.

mod providers;
pub mod tokens;
