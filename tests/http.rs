//! MCP over HTTP, as clients and those who mean no good speak it to the built binary.

mod abuse;
mod client;
mod cors;
#[cfg(unix)]
mod ending;
mod gate;
mod long;
mod protocol;
mod server;
mod sessions;
