//! `switchboard tools`: what a client would see, and what that costs.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_kit::{
    Result,
    host::{Effect, local_call},
};

use crate::{
    accounts::Accounts,
    server::{Provider as _, Tool, listed},
};

/// Lists the tools with what each does or costs, or as JSON.
pub(super) async fn tools(accounts: &Accounts, cost: bool, as_json: bool) -> Result<()> {
    let all = super::offered(accounts, accounts.served()?)?;
    let tools = all.list_tools(&local_call(Duration::from_secs(10))).await?;
    if cost {
        let costs: Vec<_> = tools.into_iter().map(Cost::of).collect();
        return if as_json { super::print_json(&priced(&costs)) } else { super::print(&table(&costs)) };
    }
    if as_json {
        return super::print_json(&tools.into_iter().map(listed).collect());
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

/// The bytes of a tool in the list that a client gets.
struct Cost {
    name: String,
    /// Name, title and description.
    words: usize,
    schema: usize,
    annotations: usize,
    all: usize,
}

impl Cost {
    fn of(tool: Tool) -> Self {
        let (name, tool) = (tool.name.clone(), listed(tool));
        let length = |parts: &[&str]| parts.iter().map(|part| tool[part].to_string().len()).sum();
        let output = tool.get("outputSchema").map_or(0, |schema| schema.to_string().len());
        Self {
            name,
            words: length(&["name", "title", "description"]),
            schema: length(&["inputSchema"]) + output,
            annotations: length(&["annotations"]),
            all: tool.to_string().len(),
        }
    }
}

/// Returns the bytes of the whole list: its brackets, and a comma after each tool but the last.
fn whole(costs: &[Cost]) -> usize {
    1 + costs.iter().map(|cost| cost.all + 1).sum::<usize>().max(1)
}

/// Models read about one token for four bytes.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

fn table(costs: &[Cost]) -> String {
    let width = costs.iter().map(|cost| cost.name.len()).max().unwrap_or(0).max("total".len());
    let mut text = format!("{:width$}  words  schema  hints  bytes  tokens\n", "");
    for Cost { name, words, schema, annotations, all } in costs {
        text += &format!("{name:width$}  {words:5}  {schema:6}  {annotations:5}  {all:5}  {:6}\n", tokens(*all));
    }
    let bytes = whole(costs);
    text + &format!("{:width$}  {:5}  {:6}  {:5}  {bytes:5}  {:6}\n", "total", "", "", "", tokens(bytes))
}

fn priced(costs: &[Cost]) -> Value {
    let tools = costs.iter().map(|Cost { name, words, schema, annotations, all }| {
        json!({
            "name": name, "words": words, "schema": schema, "annotations": annotations, "bytes": all, "tokens": tokens(*all),
        })
    });
    json!({ "tools": tools.collect::<Vec<_>>(), "bytes": whole(costs), "tokens": tokens(whole(costs)) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_cost_is_that_of_the_list_as_it_is_sent() {
        let tool = |name: &str| Tool {
            name: name.into(),
            title: "Read".into(),
            description: "Reads.".into(),
            effect: Effect::Read,
            input: Arc::new(serde_json::Map::from_iter([("type".to_owned(), json!("object"))])),
            output: None,
        };
        let sent = json!([listed(tool("a")), listed(tool("b"))]).to_string();
        let costs: Vec<_> = ["a", "b"].into_iter().map(|name| Cost::of(tool(name))).collect();
        assert_eq!(whole(&costs), sent.len());
        assert_eq!(whole(&[]), "[]".len());
        assert_eq!(priced(&costs)["tokens"], sent.len().div_ceil(4));
        assert!(table(&costs).ends_with(&format!("{}\n", sent.len().div_ceil(4))));
    }
}
