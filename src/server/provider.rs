//! A source of tools, resources, templates and prompts. The linked platforms are one, other MCP servers can be others.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_kit::{
    Call, Error, ErrorKind, Result,
    host::{Effect, JsonObject, Outcome},
};

/// A tool as clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name, unique among all providers.
    pub name: String,
    /// A title for people.
    pub title: String,
    /// What models choose by.
    pub description: String,
    /// What it does.
    pub effect: Effect,
    /// The schema of its arguments.
    pub input: Arc<JsonObject>,
    /// The schema of its answer, if that is JSON.
    pub output: Option<Arc<JsonObject>>,
}

/// A resource as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Names it.
    pub uri: String,
    /// A name for people.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
}

/// A family of resources as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceTemplate {
    /// Names them (RFC 6570).
    pub uri_template: String,
    /// A name for people.
    pub name: String,
    /// What they are.
    pub description: Option<String>,
    /// Their media type.
    pub media_type: Option<String>,
}

/// What a resource holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceContents {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Its media type.
        media_type: Option<String>,
    },
    /// Bytes.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// Their media type.
        media_type: Option<String>,
    },
}

/// A prompt as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it takes.
    pub arguments: Vec<PromptArgument>,
}

/// What a prompt takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Whether it may not be left out.
    pub required: bool,
}

/// Who says a message of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The assistant.
    Assistant,
}

/// A message of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What it says.
    pub text: String,
}

/// A source of tools, resources, templates and prompts. What it does not override, it does not have.
///
/// Listing may fail without harm to the others: the failing provider is then left out. A look-up that answers `None`
/// passes the question on to the next provider; an error in a call, a read or a rendering goes to the caller.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Names it in logs.
    fn name(&self) -> &str;

    /// Lists the tools.
    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        Ok(Vec::new())
    }

    /// Returns one tool, or `None` if it is another's. Override it where that is cheaper than listing.
    async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
        Ok(self.list_tools(call).await?.into_iter().find(|tool| tool.name == name))
    }

    /// Calls one of its tools.
    async fn call_tool(&self, _: &Call, name: &str, _: JsonObject) -> Result<Outcome> {
        Err(unknown("tool", name))
    }

    /// Lists the resources.
    async fn list_resources(&self, _: &Call) -> Result<Vec<Resource>> {
        Ok(Vec::new())
    }

    /// Returns one resource, or `None` if it is another's.
    async fn get_resource(&self, call: &Call, uri: &str) -> Result<Option<Resource>> {
        Ok(self.list_resources(call).await?.into_iter().find(|resource| resource.uri == uri))
    }

    /// Lists the families of resources.
    async fn list_resource_templates(&self, _: &Call) -> Result<Vec<ResourceTemplate>> {
        Ok(Vec::new())
    }

    /// Reads a resource, or one of a family.
    async fn read_resource(&self, _: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        Err(unknown("resource", uri))
    }

    /// Lists the prompts.
    async fn list_prompts(&self, _: &Call) -> Result<Vec<Prompt>> {
        Ok(Vec::new())
    }

    /// Returns one prompt, or `None` if it is another's.
    async fn get_prompt(&self, call: &Call, name: &str) -> Result<Option<Prompt>> {
        Ok(self.list_prompts(call).await?.into_iter().find(|prompt| prompt.name == name))
    }

    /// Renders a prompt.
    async fn render_prompt(&self, _: &Call, name: &str, _: JsonObject) -> Result<Vec<PromptMessage>> {
        Err(unknown("prompt", name))
    }

    /// Gets ready, before the first call.
    async fn start(&self) -> Result<()> {
        Ok(())
    }

    /// Finishes what is under way, after the last call.
    async fn stop(&self) {}
}

/// Says that nobody has it.
pub(super) fn unknown(what: &str, name: &str) -> Error {
    let kind = if what == "resource" { ErrorKind::NotFound } else { ErrorKind::InvalidInput };
    let shown: String = name.chars().take(64).collect();
    Error::new(kind, format!("unknown {what} `{shown}`"))
}
