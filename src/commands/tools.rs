//! `switchboard tools`: what a client would see.

use std::time::Duration;

use serde_json::json;
use switchboard_kit::{
    Error, Result,
    host::{Effect, local_call},
};

use crate::{accounts::Accounts, server::Provider as _};

/// Lists the tools with what each does, or as JSON with their schemas.
pub(super) async fn tools(accounts: &Accounts, as_json: bool) -> Result<()> {
    let all = super::offered(accounts, accounts.served()?)?;
    let tools = all.list_tools(&local_call(Duration::from_secs(10))).await?;
    if as_json {
        let tools: Vec<_> = tools
            .iter()
            .map(|tool| json!({ "name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": tool.input, "outputSchema": tool.output }))
            .collect();
        let text = serde_json::to_string_pretty(&tools)
            .map_err(|error| Error::unexpected("the tools cannot be written as JSON").caused_by(error))?;
        return super::print(&text);
    }
    let width = tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for tool in tools {
        let effect = match tool.effect {
            Effect::Read => "read       ",
            Effect::Write => "write      ",
            Effect::Destructive => "destructive",
        };
        let description = tool.description.replace('\n', " ");
        let summary = description.split_inclusive(". ").next().unwrap_or_default().trim_end();
        text += &format!("{:width$}  {effect}  {summary}\n", tool.name);
    }
    super::print(&text)
}
