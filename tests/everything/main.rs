//! An MCP server with one of everything, written against the public API alone: what others' clients and the official
//! conformance suite meet. `everything` serves standard input and output, `everything ADDRESS` Streamable HTTP.

mod content;
mod deprecated;
mod logging;
mod prompts;
mod questions;
mod resources;
mod schemas;
mod tools;
mod waiting;

use std::sync::{Arc, OnceLock};

use switchboard::server::{
    Aggregate, Change, Changes, Completed, Completion, Handler, HttpOptions, Kinds, Prompt, PromptMessage, Provider,
    Resource, ResourceTemplate, Tool, serve_http, serve_stdio,
};
use switchboard_kit::{
    Call, Error, Result, async_trait,
    host::{JsonObject, Reply, ResourceContents},
};
use tokio::time::Instant;

use logging::Logging;
use waiting::Waiting;

/// One of everything.
#[derive(Default)]
struct Everything {
    changes: OnceLock<Changes>,
    waiting: Waiting,
}

impl Everything {
    fn tell(&self, change: Change) {
        if let Some(changes) = self.changes.get() {
            changes.tell(change);
        }
    }
}

#[async_trait]
impl Provider for Everything {
    fn name(&self) -> &str {
        "everything"
    }

    fn kinds(&self) -> Kinds {
        Kinds::ALL
    }

    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        Ok(tools::all())
    }

    async fn call_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        tools::call(self, call, name, &arguments).await
    }

    async fn list_resources(&self, _: &Call) -> Result<Vec<Resource>> {
        Ok(resources::all())
    }

    async fn list_resource_templates(&self, _: &Call) -> Result<Vec<ResourceTemplate>> {
        Ok(resources::templates())
    }

    async fn read_resource(&self, _: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        resources::read(uri)
    }

    async fn list_prompts(&self, _: &Call) -> Result<Vec<Prompt>> {
        Ok(prompts::all())
    }

    async fn render_prompt(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Vec<PromptMessage>> {
        prompts::render(call, name, &arguments).await
    }

    async fn complete(&self, _: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        let known: &[&str] = match (&wanted.of, wanted.argument) {
            (Completed::Prompt("test_prompt_with_arguments"), "arg1") => &["paris", "park", "party"],
            (Completed::Template(resources::TEMPLATE), "id") => &["123", "456"],
            _ => return Ok(None),
        };
        let fitting = known.iter().filter(|value| value.starts_with(wanted.value));
        Ok(Some(fitting.map(ToString::to_string).collect()))
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        drop(self.changes.set(changes.clone()));
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let all = Arc::new(Aggregate::new([Arc::new(Everything::default()) as _]));
    let handler = Handler::new(all, "Has one of everything, for tests.".to_owned());
    handler.start().await?;
    let serving = Logging::new(handler.clone());
    let session = match std::env::args().nth(1) {
        Some(address) => over_http(serving, &address).await,
        None => serve_stdio(serving).await,
    };
    handler.stop().await;
    session.map(drop)
}

async fn over_http(serving: Logging, address: &str) -> Result<Instant> {
    let address = address.parse().map_err(Error::invalid)?;
    serve_http(serving, HttpOptions { address, token: None, hosts: Vec::new(), origins: Vec::new() }).await
}
