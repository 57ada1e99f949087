//! Tests of the whole, in one binary.
#![cfg(test)]

mod audit;
mod cli;
mod confirming;
mod crowd;
mod http;
mod laws;
mod mcp;
mod picks;
mod service;
mod sharing;
mod stdio;
mod switchboard;
mod upkeep;
