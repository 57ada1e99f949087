//! `switchboard status`: who is signed in where, and for how long.

use jiff::Timestamp;
use serde_json::Value;
use switchboard_kit::Result;

use super::standing::Standing;
use crate::accounts::Accounts;

/// Prints a block for each served account, or JSON, without asking any platform.
pub(super) async fn status(accounts: &Accounts, as_json: bool) -> Result<()> {
    let now = Timestamp::now();
    let mut standings = Vec::new();
    for key in accounts.keys() {
        standings.push(Standing::of(accounts, key, now).await?);
    }
    if as_json {
        return super::print_json(&Value::Array(standings.iter().map(Standing::json).collect()));
    }
    if standings.is_empty() {
        return super::print("no account is configured but the sandbox; see `--provider sandbox status`");
    }
    let blocks: Vec<_> = standings.iter().map(|standing| standing.block(now)).collect();
    super::print(&blocks.join("\n\n"))
}
