//! The server: everything that is not about one platform.
//!
//! `cli` reads flags, `config` the file, `accounts` makes of both the accounts to serve. `sign_in` fills the store in
//! `tokens`, `credentials` hands out what is fresh in it, renewed by `oauth`. `chat` holds the verbs, `state` what they remember,
//! `audit` what was done and refused; `server` brings them to an MCP client, `commands` to a person at a terminal. `sandbox`
//! starts the embedded chat.

pub mod accounts;
pub mod audit;
pub mod chat;
mod cli;
mod commands;
pub mod config;
mod connections;
pub mod credentials;
pub mod glob;
mod logs;
pub mod oauth;
mod providers;
pub mod sandbox;
pub mod server;
pub mod sign_in;
mod signals;
pub mod state;
pub mod tokens;

pub use cli::Cli;
pub use commands::run;
