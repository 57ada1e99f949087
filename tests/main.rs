//! Tests of the whole, in one binary.

mod cli;
mod laws;
mod mcp;
mod sharing;
mod switchboard;
