//! A provider without some of what it has.

use std::sync::Arc;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use switchboard_kit::{
    Call, Result,
    host::{JsonObject, Reply, ResourceContents},
};

use super::{
    changes::{Change, Changes},
    provider::{
        Completed, Completion, Kinds, Prompt, PromptMessage, Provider, Resource, ResourceTemplate, Tool, Watch, unknown,
    },
};
use crate::glob::Filter;

/// Hides a part of a provider: what is hidden is neither listed nor found, nor does it answer.
pub struct Filtered {
    provider: Arc<dyn Provider>,
    tools: Filter,
    prompts: Filter,
    resources: Filter,
}

impl Filtered {
    /// Hides nothing yet.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, tools: Filter::default(), prompts: Filter::default(), resources: Filter::default() }
    }

    /// Leaves these tools, by name.
    pub fn tools(self, tools: Filter) -> Self {
        Self { tools, ..self }
    }

    /// Leaves these prompts, by name.
    pub fn prompts(self, prompts: Filter) -> Self {
        Self { prompts, ..self }
    }

    /// Leaves these resources by URI, and families of them by template.
    pub fn resources(self, resources: Filter) -> Self {
        Self { resources, ..self }
    }
}

impl Filtered {
    /// Whether a URI may be read, however it is spelt: providers may decode what is in it.
    fn shows(&self, uri: &str) -> bool {
        self.resources.passes(uri) && self.resources.passes(&percent_decode_str(uri).decode_utf8_lossy())
    }
}

#[async_trait]
impl Provider for Filtered {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn kinds(&self) -> Kinds {
        self.provider.kinds()
    }

    async fn list_tools(&self, call: &Call) -> Result<Vec<Tool>> {
        let mut tools = self.provider.list_tools(call).await?;
        tools.retain(|tool| self.tools.passes(&tool.name));
        Ok(tools)
    }

    async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
        if self.tools.passes(name) { self.provider.get_tool(call, name).await } else { Ok(None) }
    }

    async fn call_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        if !self.tools.passes(name) {
            return Err(unknown("tool", name));
        }
        self.provider.call_tool(call, name, arguments).await
    }

    async fn list_resources(&self, call: &Call) -> Result<Vec<Resource>> {
        let mut resources = self.provider.list_resources(call).await?;
        resources.retain(|resource| self.resources.passes(&resource.uri));
        Ok(resources)
    }

    async fn get_resource(&self, call: &Call, uri: &str) -> Result<Option<Resource>> {
        if self.shows(uri) { self.provider.get_resource(call, uri).await } else { Ok(None) }
    }

    async fn list_resource_templates(&self, call: &Call) -> Result<Vec<ResourceTemplate>> {
        let mut families = self.provider.list_resource_templates(call).await?;
        families.retain(|family| self.resources.passes(&family.uri_template));
        Ok(families)
    }

    async fn get_resource_template(&self, call: &Call, uri: &str) -> Result<Option<ResourceTemplate>> {
        if !self.shows(uri) {
            return Ok(None);
        }
        let family = self.provider.get_resource_template(call, uri).await?;
        Ok(family.filter(|family| self.resources.passes(&family.uri_template)))
    }

    async fn read_resource(&self, call: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        // A URI that passes may be of a family that does not.
        if self.resources != Filter::default()
            && self.get_resource(call, uri).await?.is_none()
            && self.get_resource_template(call, uri).await?.is_none()
        {
            return Err(unknown("resource", uri));
        }
        self.provider.read_resource(call, uri).await
    }

    async fn watch_resource(&self, call: &Call, uri: &str) -> Result<Option<Watch>> {
        if !self.shows(uri) {
            return Err(unknown("resource", uri));
        }
        self.provider.watch_resource(call, uri).await
    }

    async fn list_prompts(&self, call: &Call) -> Result<Vec<Prompt>> {
        let mut prompts = self.provider.list_prompts(call).await?;
        prompts.retain(|prompt| self.prompts.passes(&prompt.name));
        Ok(prompts)
    }

    async fn get_prompt(&self, call: &Call, name: &str) -> Result<Option<Prompt>> {
        if self.prompts.passes(name) { self.provider.get_prompt(call, name).await } else { Ok(None) }
    }

    async fn render_prompt(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Vec<PromptMessage>> {
        if !self.prompts.passes(name) {
            return Err(unknown("prompt", name));
        }
        self.provider.render_prompt(call, name, arguments).await
    }

    async fn complete(&self, call: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        let passes = match wanted.of {
            Completed::Prompt(name) => self.prompts.passes(name),
            Completed::Template(template) => self.resources.passes(template),
        };
        if passes { self.provider.complete(call, wanted).await } else { Ok(None) }
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        let resources = self.resources.clone();
        let told = move |change| match &change {
            Change::Resource(uri) if !resources.passes(uri) => None,
            _ => Some(change),
        };
        self.provider.start(&changes.through(told)).await
    }

    async fn stop(&self) {
        self.provider.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::stub::{Stub, call, called, completed, listed, read, rendered, watched};

    fn filter(only: &[&str], hide: &[&str]) -> Filter {
        let globs = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        Filter { only: globs(only), hide: globs(hide) }
    }

    fn stub() -> Arc<Stub> {
        let stub = Stub::new("stub").tools(["get_a", "get_b", "send_a"]).prompts(["greet", "curse"]);
        Arc::new(stub.resources(["x://1", "x://2"]).templates(["x://{id}/open", "x://{id}/shut"]))
    }

    #[tokio::test]
    async fn what_is_hidden_is_neither_listed_nor_found_nor_done() {
        let filtered = Filtered::new(stub())
            .tools(filter(&["get_*"], &["*_b"]))
            .prompts(filter(&[], &["curse"]))
            .resources(filter(&[], &["x://2", "*/shut"]));
        let names: Vec<_> = listed(&filtered).await.unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["get_a", "x://1", "x://{id}/open", "greet"]);
        assert_eq!(called(&filtered, "get_a").await.unwrap(), "stub:get_a");
        for name in ["get_b", "send_a"] {
            assert_eq!(filtered.get_tool(&call(), name).await.unwrap(), None);
            assert_eq!(called(&filtered, name).await.unwrap_err().message(), format!("unknown tool `{name}`"));
        }
        for uri in ["x://1", "x://1/open", "x://2/open"] {
            assert_eq!(read(&filtered, uri).await.unwrap(), format!("{uri} stub:{uri}"));
        }
        for uri in ["x://2", "x://1/shut"] {
            assert_eq!(filtered.get_resource(&call(), uri).await.unwrap(), None);
            assert_eq!(filtered.get_resource_template(&call(), uri).await.unwrap(), None);
            assert!(read(&filtered, uri).await.is_err(), "{uri}");
        }
        assert_eq!(watched(&filtered, "x://1").await.unwrap().unwrap(), "stub:watches x://1");
        assert!(watched(&filtered, "x://2").await.is_err());
        assert_eq!(filtered.get_prompt(&call(), "curse").await.unwrap(), None);
        assert!(rendered(&filtered, "curse").await.is_err());
        for (of, expected) in [
            (Completed::Prompt("greet"), true),
            (Completed::Prompt("curse"), false),
            (Completed::Template("x://{id}/open"), true),
            (Completed::Template("x://{id}/shut"), false),
        ] {
            assert_eq!(completed(&filtered, of).await.unwrap().is_some(), expected, "{of:?}");
        }
    }

    #[tokio::test]
    async fn a_family_that_is_hidden_by_its_template_is_not_read() {
        let filtered = Filtered::new(stub()).resources(filter(&[], &["x://{id}/open"]));
        assert!(read(&filtered, "x://1/open").await.is_err());
        assert!(read(&filtered, "x://1/shut").await.is_ok());
    }

    #[tokio::test]
    async fn nobody_hears_of_what_is_hidden() {
        let (stub, changes) = (stub(), Changes::default());
        let filtered = Filtered::new(stub.clone()).resources(filter(&[], &["x://2"]));
        filtered.start(&changes).await.unwrap();
        let mut news = changes.news();
        let told = stub.told.lock().unwrap().clone().unwrap();
        told.tell(Change::Resource("x://2".into()));
        told.tell(Change::Resource("x://1".into()));
        assert_eq!(news.next().await.unwrap(), Change::Resource("x://1".into()));
    }
}
