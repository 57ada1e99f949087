//! A provider for tests: it has what it is told to have, and does wrong what it is told to.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{
    Call, Error, ErrorKind, Result,
    host::{Content, Effect, JsonObject, Reply, ResourceBody, ResourceContents, local_call},
};
use tokio::sync::Semaphore;

use super::{
    changes::Changes,
    provider::{
        Completed, Completion, Kinds, Prompt, PromptMessage, Provider, Resource, ResourceTemplate, Role, Tool, Watch,
    },
    template,
};

/// What happened to providers, in order.
pub(super) type Journal = Arc<Mutex<Vec<String>>>;

/// Returns what happened until now.
pub(super) fn happened(journal: &Journal) -> Vec<String> {
    journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(super) fn call() -> Call {
    local_call(Duration::from_mins(1))
}

/// Where something goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Listing,
    ListingHangs,
    LookingUp,
    LookingUpHangs,
    Doing(ErrorKind),
    Starting,
    StoppingHangs,
    StoppingPanics,
}

/// A call that waits at a door.
pub(super) struct Door {
    pub(super) inside: Semaphore,
    pub(super) open: Semaphore,
}

impl Default for Door {
    fn default() -> Self {
        Self { inside: Semaphore::new(0), open: Semaphore::new(0) }
    }
}

#[derive(Default)]
pub(super) struct Stub {
    name: String,
    tools: Vec<String>,
    prompts: Vec<String>,
    resources: Vec<String>,
    templates: Vec<String>,
    kinds: Option<Kinds>,
    faults: Vec<Fault>,
    journal: Journal,
    door: Option<Arc<Door>>,
    pub(super) listings: AtomicUsize,
    pub(super) told: Mutex<Option<Changes>>,
}

fn owned<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

impl Stub {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(super) fn tools<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { tools: owned(names), ..self }
    }

    pub(super) fn prompts<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { prompts: owned(names), ..self }
    }

    pub(super) fn resources<'a>(self, uris: impl IntoIterator<Item = &'a str>) -> Self {
        Self { resources: owned(uris), ..self }
    }

    pub(super) fn templates<'a>(self, templates: impl IntoIterator<Item = &'a str>) -> Self {
        Self { templates: owned(templates), ..self }
    }

    pub(super) fn kinds(self, kinds: Kinds) -> Self {
        Self { kinds: Some(kinds), ..self }
    }

    pub(super) fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    pub(super) fn writing(self, journal: &Journal) -> Self {
        Self { journal: journal.clone(), ..self }
    }

    pub(super) fn behind(self, door: &Arc<Door>) -> Self {
        Self { door: Some(door.clone()), ..self }
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn note(&self, what: impl fmt::Display) {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {what}", self.name));
    }

    async fn list<T>(&self, names: &[String], make: impl Fn(&str) -> T) -> Result<Vec<T>> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        if self.has(Fault::ListingHangs) {
            std::future::pending::<()>().await;
        }
        if self.has(Fault::Listing) {
            return Err(Error::new(ErrorKind::Unavailable, "down"));
        }
        Ok(names.iter().map(|name| make(name)).collect())
    }

    async fn get<T>(&self, found: Option<T>) -> Result<Option<T>> {
        if self.has(Fault::LookingUpHangs) {
            std::future::pending::<()>().await;
        }
        if self.has(Fault::LookingUp) { Err(Error::new(ErrorKind::Unavailable, "down")) } else { Ok(found) }
    }

    /// Does what is named; the answer says who did it.
    async fn done(&self, what: &str) -> Result<String> {
        if let Some(door) = &self.door {
            door.inside.add_permits(1);
            door.open.acquire().await.unwrap().forget();
        }
        self.note(what);
        for fault in &self.faults {
            if let Fault::Doing(kind) = fault {
                return Err(Error::new(*kind, "the inner secret").hint("look inside"));
            }
        }
        Ok(format!("{}:{what}", self.name))
    }

    fn tool(&self, name: &str) -> Tool {
        Tool {
            name: name.into(),
            title: name.into(),
            description: format!("{}:{name}", self.name),
            effect: Effect::Read,
            input: Arc::default(),
            output: None,
        }
    }

    fn resource(&self, uri: &str) -> Resource {
        Resource { uri: uri.into(), name: format!("{}:{uri}", self.name), description: None, media_type: None }
    }

    fn template(&self, uri: &str) -> ResourceTemplate {
        let name = format!("{}:{uri}", self.name);
        ResourceTemplate { uri_template: uri.into(), name, description: None, media_type: None }
    }

    fn prompt(&self, name: &str) -> Prompt {
        let description = Some(format!("{}:{name}", self.name));
        Prompt { name: name.into(), title: None, description, arguments: Vec::new() }
    }
}

/// Finds by `get`, without listing.
#[async_trait]
impl Provider for Stub {
    fn name(&self) -> &str {
        &self.name
    }

    fn kinds(&self) -> Kinds {
        self.kinds.unwrap_or(Kinds {
            tools: !self.tools.is_empty(),
            resources: !self.resources.is_empty() || !self.templates.is_empty(),
            prompts: !self.prompts.is_empty(),
            completions: !self.prompts.is_empty() || !self.templates.is_empty(),
        })
    }

    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        self.list(&self.tools, |name| self.tool(name)).await
    }

    async fn get_tool(&self, _: &Call, name: &str) -> Result<Option<Tool>> {
        self.get(self.tools.iter().find(|own| *own == name).map(|name| self.tool(name))).await
    }

    async fn call_tool(&self, _: &Call, name: &str, _: JsonObject) -> Result<Reply> {
        Ok(Reply::text(self.done(name).await?))
    }

    async fn list_resources(&self, _: &Call) -> Result<Vec<Resource>> {
        self.list(&self.resources, |uri| self.resource(uri)).await
    }

    async fn get_resource(&self, _: &Call, uri: &str) -> Result<Option<Resource>> {
        self.get(self.resources.iter().find(|own| *own == uri).map(|uri| self.resource(uri))).await
    }

    async fn list_resource_templates(&self, _: &Call) -> Result<Vec<ResourceTemplate>> {
        self.list(&self.templates, |uri| self.template(uri)).await
    }

    async fn get_resource_template(&self, _: &Call, uri: &str) -> Result<Option<ResourceTemplate>> {
        let own = self.templates.iter().find(|own| template::parts(own, uri).is_some());
        self.get(own.map(|template| self.template(template))).await
    }

    async fn read_resource(&self, _: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        let body = ResourceBody::Text(self.done(uri).await?);
        Ok(vec![ResourceContents { uri: uri.into(), media_type: None, body }])
    }

    async fn watch_resource(&self, _: &Call, uri: &str) -> Result<Option<Watch>> {
        let watched = self.done(&format!("watches {uri}")).await?;
        Ok(Some(Box::new(watched)))
    }

    async fn list_prompts(&self, _: &Call) -> Result<Vec<Prompt>> {
        self.list(&self.prompts, |name| self.prompt(name)).await
    }

    async fn get_prompt(&self, _: &Call, name: &str) -> Result<Option<Prompt>> {
        self.get(self.prompts.iter().find(|own| *own == name).map(|name| self.prompt(name))).await
    }

    async fn render_prompt(&self, _: &Call, name: &str, _: JsonObject) -> Result<Vec<PromptMessage>> {
        Ok(vec![PromptMessage { role: Role::User, content: Content::Text(self.done(name).await?) }])
    }

    async fn complete(&self, _: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        let (of, own) = match wanted.of {
            Completed::Prompt(name) => (name, &self.prompts),
            Completed::Template(template) => (template, &self.templates),
        };
        self.get(own.iter().any(|own| own == of).then(|| vec![format!("{}:{of}", self.name)])).await
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        self.note("starts");
        if self.has(Fault::Starting) {
            return Err(Error::new(ErrorKind::Unavailable, "no such program"));
        }
        *self.told.lock().unwrap() = Some(changes.clone());
        Ok(())
    }

    async fn stop(&self) {
        self.note("stops");
        if self.has(Fault::StoppingHangs) {
            std::future::pending::<()>().await;
        }
        assert!(!self.has(Fault::StoppingPanics), "it panics when it stops");
    }
}

/// Returns what a tool answered, or its error.
pub(super) async fn called(provider: &dyn Provider, name: &str) -> Result<String> {
    let reply = provider.call_tool(&call(), name, JsonObject::new()).await?;
    Ok(reply.content.into_iter().map(text).collect())
}

/// Returns what a resource holds.
pub(super) async fn read(provider: &dyn Provider, uri: &str) -> Result<String> {
    let read = provider.read_resource(&call(), uri).await?;
    Ok(read.into_iter().map(|contents| text(Content::Resource(contents))).collect())
}

/// Returns who watches a resource, if anybody has to.
pub(super) async fn watched(provider: &dyn Provider, uri: &str) -> Result<Option<String>> {
    let watch = provider.watch_resource(&call(), uri).await?;
    Ok(watch.map(|watch| *watch.downcast().unwrap()))
}

/// Returns what a prompt says.
pub(super) async fn rendered(provider: &dyn Provider, name: &str) -> Result<String> {
    let messages = provider.render_prompt(&call(), name, JsonObject::new()).await?;
    Ok(messages.into_iter().map(|message| text(message.content)).collect())
}

/// Returns what is suggested for an argument.
pub(super) async fn completed(provider: &dyn Provider, of: Completed<'_>) -> Result<Option<Vec<String>>> {
    let wanted = Completion { of, argument: "id", value: "", known: std::collections::BTreeMap::new() };
    provider.complete(&call(), &wanted).await
}

/// Returns every name that is listed, and what it is said to be.
pub(super) async fn listed(provider: &dyn Provider) -> Result<Vec<(String, String)>> {
    let call = call();
    let tools = provider.list_tools(&call).await?.into_iter().map(|tool| (tool.name, tool.description));
    let resources = provider.list_resources(&call).await?.into_iter().map(|resource| (resource.uri, resource.name));
    let families = provider.list_resource_templates(&call).await?;
    let families = families.into_iter().map(|family| (family.uri_template, family.name));
    let prompts = provider.list_prompts(&call).await?;
    let prompts = prompts.into_iter().map(|prompt| (prompt.name, prompt.description.unwrap_or_default()));
    Ok(tools.chain(resources).chain(families).chain(prompts).collect())
}

fn text(content: Content) -> String {
    match content {
        Content::Text(text) => text,
        Content::Resource(ResourceContents { uri, body: ResourceBody::Text(text), .. }) => format!("{uri} {text}"),
        other => format!("{other:?}"),
    }
}
