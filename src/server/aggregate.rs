//! Several providers as one: the first that has a name owns it.

mod members;
mod search;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_kit::{
    Call, Error, ErrorKind, Result, ToolHost as _,
    host::{self, JsonObject, Reply, ResourceContents},
};
use tracing::warn;

use super::{
    changes::Changes,
    provider::{
        Completed, Completion, Kinds, Prompt, PromptMessage, Provider, Resource, ResourceTemplate, Tool, Watch,
    },
    provider::{shown, unknown},
};
use crate::chat::Chats;
use members::{Held, Members};
use search::Search;

/// Providers in the order of precedence: an earlier one shadows what later ones call the same.
///
/// They can come and go while calls are under way. Each has a name of its own.
pub struct Aggregate {
    members: Members,
    kinds: Option<Kinds>,
    raises: bool,
    masks: bool,
}

impl Aggregate {
    /// Puts providers together.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self { members: Members::new(providers), kinds: None, raises: false, masks: false }
    }

    /// Fails a listing as a whole if one provider's fails, which is otherwise left out of it.
    pub fn raising(mut self) -> Self {
        self.raises = true;
        self
    }

    /// Keeps to the log what errors say that no documentation foresees. All others are meant for the user.
    pub fn masking(mut self) -> Self {
        self.masks = true;
        self
    }

    /// Says what there can be, whatever the providers are: clients are told once, and providers may come later.
    pub fn of_kinds(mut self, kinds: Kinds) -> Self {
        self.kinds = Some(kinds);
        self
    }

    /// Adds a provider behind the others. While calls are served, it is started first: if that fails, it is not added.
    pub async fn add(&self, provider: Arc<dyn Provider>) -> Result<()> {
        self.members.add(provider).await
    }

    /// Removes a provider. Calls under way on it end with it, and it is stopped after the last.
    pub async fn remove(&self, name: &str) -> Result<()> {
        self.members.remove(name).await
    }

    /// Swaps the providers for others, as [`add`](Self::add) and [`remove`](Self::remove) would; nothing happens if one fails
    /// to start. Those that are among both stay as they are.
    pub async fn replace(&self, providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Result<()> {
        self.members.replace(providers.into_iter().collect()).await
    }

    /// Adds to the error about a tool that nobody has what may help.
    async fn no_tool(&self, call: &Call, name: &str) -> Error {
        if host::tools().iter().any(|tool| tool.host == Chats::KEY && tool.name == name) {
            let message = format!("`{name}` is not offered for the accounts that are served");
            let more = if name == "mark_read" { "it takes `mark_read: true` in provider-config.yaml; " } else { "" };
            return Error::new(ErrorKind::Forbidden, message).hint(format!(
                "{more}ask the user to let it be seen, if `tools` in provider-config.yaml hides it; if writing is off, to set \
                 `access: write` there or to start with `--allow-write`"
            ));
        }
        let tools = self.list_tools(call).await.unwrap_or_default();
        let error = unknown("tool", name);
        match host::nearest(name, tools.iter().map(|tool| tool.name.as_str())) {
            Some(near) => error.hint(format!("call `{near}`")),
            None => error,
        }
    }

    /// Keeps an error to the log if it is none for the user.
    fn masked<T>(&self, doing: &str, name: &str, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| {
            if !self.masks || error.kind() != ErrorKind::Unexpected {
                return error;
            }
            let message = format!("{doing} `{}` failed", shown(name));
            warn!(%error, cause = ?std::error::Error::source(&error), "{message}");
            Error::unexpected(message)
        })
    }

    async fn dispatch_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let found = search.first(held.iter().map(|provider| provider.get_tool(call, name))).await;
        match search.end(found)? {
            Some((at, _)) => only(held, at).call_tool(call, name, arguments).await,
            None => Err(self.no_tool(call, name).await),
        }
    }

    /// Finds whose a resource is: what somebody lists comes before anybody's family.
    async fn holder(&self, call: &Call, uri: &str) -> Result<Option<Held>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let concrete = search.first(held.iter().map(|provider| provider.get_resource(call, uri))).await;
        let mut found = concrete.map(|(at, _)| at);
        if found.is_none() {
            let family = search.first(held.iter().map(|provider| provider.get_resource_template(call, uri))).await;
            found = family.map(|(at, _)| at);
        }
        Ok(search.end(found)?.map(|at| only(held, at)))
    }

    async fn dispatch_read(&self, call: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        match self.holder(call, uri).await? {
            Some(holder) => holder.read_resource(call, uri).await,
            None => Err(unknown("resource", uri)),
        }
    }

    async fn dispatch_watch(&self, call: &Call, uri: &str) -> Result<Option<Watch>> {
        match self.holder(call, uri).await? {
            Some(holder) => holder.watch_resource(call, uri).await,
            // Whose it is may come later.
            None => Ok(None),
        }
    }

    async fn dispatch_prompt(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Vec<PromptMessage>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let found = search.first(held.iter().map(|provider| provider.get_prompt(call, name))).await;
        match search.end(found)? {
            Some((at, _)) => only(held, at).render_prompt(call, name, arguments).await,
            None => Err(unknown("prompt", name)),
        }
    }

    async fn dispatch_completion(&self, call: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        if let Completed::Prompt(name) = wanted.of {
            let found = search.first(held.iter().map(|provider| provider.get_prompt(call, name))).await;
            return match search.end(found)? {
                Some((at, _)) => only(held, at).complete(call, wanted).await,
                None => Ok(None),
            };
        }
        let found = search.first(held.iter().map(|provider| provider.complete(call, wanted))).await;
        Ok(search.end(found)?.map(|(_, values)| values))
    }
}

/// Lets go of all but one, so that the others can be stopped while it is at work.
fn only(mut held: Vec<Held>, at: usize) -> Held {
    held.swap_remove(at)
}

#[async_trait]
impl Provider for Aggregate {
    fn name(&self) -> &str {
        "all"
    }

    fn kinds(&self) -> Kinds {
        self.kinds.unwrap_or_else(|| self.members.kinds())
    }

    async fn list_tools(&self, call: &Call) -> Result<Vec<Tool>> {
        let held = self.members.held();
        let lists = held.iter().map(|provider| provider.list_tools(call));
        search::listed(&held, lists, self.raises, |tool| &tool.name).await
    }

    async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let found = search.first(held.iter().map(|provider| provider.get_tool(call, name))).await;
        Ok(search.end(found)?.map(|(_, tool)| tool))
    }

    async fn call_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        self.masked("calling", name, self.dispatch_tool(call, name, arguments).await)
    }

    async fn list_resources(&self, call: &Call) -> Result<Vec<Resource>> {
        let held = self.members.held();
        let lists = held.iter().map(|provider| provider.list_resources(call));
        search::listed(&held, lists, self.raises, |resource| &resource.uri).await
    }

    async fn get_resource(&self, call: &Call, uri: &str) -> Result<Option<Resource>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let found = search.first(held.iter().map(|provider| provider.get_resource(call, uri))).await;
        Ok(search.end(found)?.map(|(_, resource)| resource))
    }

    async fn list_resource_templates(&self, call: &Call) -> Result<Vec<ResourceTemplate>> {
        let held = self.members.held();
        let lists = held.iter().map(|provider| provider.list_resource_templates(call));
        search::listed(&held, lists, self.raises, |family| &family.uri_template).await
    }

    async fn get_resource_template(&self, call: &Call, uri: &str) -> Result<Option<ResourceTemplate>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let found = search.first(held.iter().map(|provider| provider.get_resource_template(call, uri))).await;
        Ok(search.end(found)?.map(|(_, family)| family))
    }

    async fn read_resource(&self, call: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        self.masked("reading", uri, self.dispatch_read(call, uri).await)
    }

    async fn watch_resource(&self, call: &Call, uri: &str) -> Result<Option<Watch>> {
        self.masked("watching", uri, self.dispatch_watch(call, uri).await)
    }

    async fn list_prompts(&self, call: &Call) -> Result<Vec<Prompt>> {
        let held = self.members.held();
        let lists = held.iter().map(|provider| provider.list_prompts(call));
        search::listed(&held, lists, self.raises, |prompt| &prompt.name).await
    }

    async fn get_prompt(&self, call: &Call, name: &str) -> Result<Option<Prompt>> {
        let held = self.members.held();
        let mut search = Search::of(&held);
        let found = search.first(held.iter().map(|provider| provider.get_prompt(call, name))).await;
        Ok(search.end(found)?.map(|(_, prompt)| prompt))
    }

    async fn render_prompt(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Vec<PromptMessage>> {
        self.masked("rendering", name, self.dispatch_prompt(call, name, arguments).await)
    }

    async fn complete(&self, call: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        let (Completed::Prompt(name) | Completed::Template(name)) = wanted.of;
        self.masked("completing", name, self.dispatch_completion(call, wanted).await)
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        self.members.start(changes).await
    }

    async fn stop(&self) {
        self.members.stop().await;
    }
}
