//! A source of tools, resources, templates and prompts. The linked platforms are one, other MCP servers can be others.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use switchboard_kit::{
    Call, Error, ErrorKind, Result,
    host::{Content, Effect, JsonObject, Reply, ResourceContents},
};

use super::{changes::Changes, template};

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
    /// The schema of its arguments, an object.
    pub input: Arc<JsonObject>,
    /// The schema of its answer, if that is JSON: an object. Clients drop the whole list over any other.
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

/// A prompt as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its name, unique among all providers.
    pub name: String,
    /// A title for people.
    pub title: Option<String>,
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
    pub content: Content,
}

/// What a completion is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion<'a> {
    /// Whose argument it is.
    pub of: Completed<'a>,
    /// The argument's name.
    pub argument: &'a str,
    /// What has been typed.
    pub value: &'a str,
    /// The arguments that are filled in already.
    pub known: BTreeMap<String, String>,
}

/// Whose arguments are completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed<'a> {
    /// The prompt of that name.
    Prompt(&'a str),
    /// The resource template of that URI.
    Template(&'a str),
}

/// The kinds of things that a provider can have at any time. Clients are told once, when they connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of the protocol")]
pub struct Kinds {
    /// Tools.
    pub tools: bool,
    /// Resources, and families of them.
    pub resources: bool,
    /// Prompts.
    pub prompts: bool,
    /// Suggestions for arguments of prompts and templates.
    pub completions: bool,
}

impl Kinds {
    /// Tools alone.
    pub const TOOLS: Self = Self { tools: true, resources: false, prompts: false, completions: false };
    /// All of them.
    pub const ALL: Self = Self { tools: true, resources: true, prompts: true, completions: true };

    /// Returns what either has.
    pub const fn or(self, other: Self) -> Self {
        Self {
            tools: self.tools || other.tools,
            resources: self.resources || other.resources,
            prompts: self.prompts || other.prompts,
            completions: self.completions || other.completions,
        }
    }
}

/// Keeps a resource watched until it is dropped.
pub type Watch = Box<dyn Any + Send + Sync>;

/// A source of tools, resources, templates and prompts. What it does not override, it does not have.
///
/// Listing may fail without harm to the others: the failing provider is then left out. A look-up that answers `None`
/// passes the question on to the next provider; an error in a call, a read or a rendering goes to the caller.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Names it in logs and errors.
    fn name(&self) -> &str;

    /// Returns what it can have; tools, if nothing is said.
    fn kinds(&self) -> Kinds {
        Kinds::TOOLS
    }

    /// Lists the tools.
    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        Ok(Vec::new())
    }

    /// Returns one tool, or `None` if it is another's. Override it where that is cheaper than listing.
    async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
        Ok(self.list_tools(call).await?.into_iter().find(|tool| tool.name == name))
    }

    /// Calls one of its tools.
    async fn call_tool(&self, _: &Call, name: &str, _: JsonObject) -> Result<Reply> {
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

    /// Returns the first family that `uri` is one of, or `None` if it is of another's.
    async fn get_resource_template(&self, call: &Call, uri: &str) -> Result<Option<ResourceTemplate>> {
        let templates = self.list_resource_templates(call).await?;
        Ok(templates.into_iter().find(|family| template::parts(&family.uri_template, uri).is_some()))
    }

    /// Reads a resource, or one of a family.
    async fn read_resource(&self, _: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        Err(unknown("resource", uri))
    }

    /// Watches a resource for a client, as long as what is returned is kept: `changes` hear when it holds something else. What
    /// needs no watching for that returns nothing.
    async fn watch_resource(&self, _: &Call, _uri: &str) -> Result<Option<Watch>> {
        Ok(None)
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

    /// Suggests values for an argument, the likeliest first, or `None` if it is another's.
    async fn complete(&self, _: &Call, _: &Completion<'_>) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    /// Gets ready, before the first call, and from then on tells `changes` when what it lists has changed.
    async fn start(&self, _changes: &Changes) -> Result<()> {
        Ok(())
    }

    /// Finishes what is under way, after the last call.
    async fn stop(&self) {}
}

/// Says that nobody has it.
pub(super) fn unknown(what: &str, name: &str) -> Error {
    let kind = if what == "resource" { ErrorKind::NotFound } else { ErrorKind::InvalidInput };
    Error::new(kind, format!("unknown {what} `{}`", shown(name)))
}

/// Returns as much of a name as an error has room for.
pub(super) fn shown(name: &str) -> &str {
    name.char_indices().nth(64).map_or(name, |(end, _)| &name[..end])
}
