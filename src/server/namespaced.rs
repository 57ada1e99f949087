//! A provider under a name of its own: no other's tools are called what its are.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_kit::{
    Call, Result,
    host::{Content, JsonObject, Reply, ResourceContents},
};

use super::{
    changes::{Change, Changes},
    provider::{
        Completed, Completion, Kinds, Prompt, PromptMessage, Provider, Resource, ResourceTemplate, Tool, Watch, unknown,
    },
};

/// Puts a namespace before all that a provider has: in `acme`, its tool `find` is `acme_find`, and its resource `wiki://home`
/// is `wiki://acme/home`. A namespace in another comes after it.
pub struct Namespaced {
    provider: Arc<dyn Provider>,
    name: String,
    prefix: Prefix,
}

impl Namespaced {
    /// Puts `namespace`, of letters and digits, before all that `provider` has.
    pub fn new(provider: Arc<dyn Provider>, namespace: &str) -> Self {
        let prefix = Prefix(namespace.into());
        Self { name: prefix.name(provider.name()), provider, prefix }
    }
}

/// A namespace, and the names in it.
#[derive(Clone)]
struct Prefix(Arc<str>);

impl Prefix {
    fn name(&self, inner: &str) -> String {
        format!("{}_{inner}", self.0)
    }

    fn inner_name<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.0)?.strip_prefix('_')
    }

    /// Does the same to URIs, and to templates of them.
    fn uri(&self, inner: &str) -> String {
        let (scheme, rest) = inner.split_at(scheme(inner));
        format!("{scheme}{}/{rest}", self.0)
    }

    fn inner_uri(&self, uri: &str) -> Option<String> {
        let (scheme, rest) = uri.split_at(scheme(uri));
        Some(format!("{scheme}{}", rest.strip_prefix(&*self.0)?.strip_prefix('/')?))
    }

    fn contents(&self, contents: ResourceContents) -> ResourceContents {
        ResourceContents { uri: self.uri(&contents.uri), ..contents }
    }

    fn content(&self, content: Content) -> Content {
        match content {
            Content::Resource(contents) => Content::Resource(self.contents(contents)),
            content => content,
        }
    }

    fn tool(&self, tool: Tool) -> Tool {
        Tool { name: self.name(&tool.name), ..tool }
    }

    fn resource(&self, resource: Resource) -> Resource {
        Resource { uri: self.uri(&resource.uri), ..resource }
    }

    fn template(&self, family: ResourceTemplate) -> ResourceTemplate {
        ResourceTemplate { uri_template: self.uri(&family.uri_template), ..family }
    }

    fn prompt(&self, prompt: Prompt) -> Prompt {
        Prompt { name: self.name(&prompt.name), ..prompt }
    }
}

/// Returns where what is before the authority or the path ends.
fn scheme(uri: &str) -> usize {
    uri.find("://").map(|at| at + 3).or_else(|| Some(uri.find(':')? + 1)).unwrap_or_default()
}

#[async_trait]
impl Provider for Namespaced {
    fn name(&self) -> &str {
        &self.name
    }

    fn kinds(&self) -> Kinds {
        self.provider.kinds()
    }

    async fn list_tools(&self, call: &Call) -> Result<Vec<Tool>> {
        Ok(self.provider.list_tools(call).await?.into_iter().map(|tool| self.prefix.tool(tool)).collect())
    }

    async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
        let Some(inner) = self.prefix.inner_name(name) else { return Ok(None) };
        Ok(self.provider.get_tool(call, inner).await?.map(|tool| self.prefix.tool(tool)))
    }

    async fn call_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        let inner = self.prefix.inner_name(name).ok_or_else(|| unknown("tool", name))?;
        let reply = self.provider.call_tool(call, inner, arguments).await?;
        let content = reply.content.into_iter().map(|content| self.prefix.content(content)).collect();
        Ok(Reply { content, ..reply })
    }

    async fn list_resources(&self, call: &Call) -> Result<Vec<Resource>> {
        let resources = self.provider.list_resources(call).await?;
        Ok(resources.into_iter().map(|resource| self.prefix.resource(resource)).collect())
    }

    async fn get_resource(&self, call: &Call, uri: &str) -> Result<Option<Resource>> {
        let Some(inner) = self.prefix.inner_uri(uri) else { return Ok(None) };
        Ok(self.provider.get_resource(call, &inner).await?.map(|resource| self.prefix.resource(resource)))
    }

    async fn list_resource_templates(&self, call: &Call) -> Result<Vec<ResourceTemplate>> {
        let families = self.provider.list_resource_templates(call).await?;
        Ok(families.into_iter().map(|family| self.prefix.template(family)).collect())
    }

    async fn get_resource_template(&self, call: &Call, uri: &str) -> Result<Option<ResourceTemplate>> {
        let Some(inner) = self.prefix.inner_uri(uri) else { return Ok(None) };
        Ok(self.provider.get_resource_template(call, &inner).await?.map(|family| self.prefix.template(family)))
    }

    async fn read_resource(&self, call: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        let inner = self.prefix.inner_uri(uri).ok_or_else(|| unknown("resource", uri))?;
        let read = self.provider.read_resource(call, &inner).await?;
        Ok(read.into_iter().map(|contents| self.prefix.contents(contents)).collect())
    }

    async fn watch_resource(&self, call: &Call, uri: &str) -> Result<Option<Watch>> {
        let inner = self.prefix.inner_uri(uri).ok_or_else(|| unknown("resource", uri))?;
        self.provider.watch_resource(call, &inner).await
    }

    async fn list_prompts(&self, call: &Call) -> Result<Vec<Prompt>> {
        Ok(self.provider.list_prompts(call).await?.into_iter().map(|prompt| self.prefix.prompt(prompt)).collect())
    }

    async fn get_prompt(&self, call: &Call, name: &str) -> Result<Option<Prompt>> {
        let Some(inner) = self.prefix.inner_name(name) else { return Ok(None) };
        Ok(self.provider.get_prompt(call, inner).await?.map(|prompt| self.prefix.prompt(prompt)))
    }

    async fn render_prompt(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Vec<PromptMessage>> {
        let inner = self.prefix.inner_name(name).ok_or_else(|| unknown("prompt", name))?;
        let messages = self.provider.render_prompt(call, inner, arguments).await?;
        let outward =
            |message: PromptMessage| PromptMessage { content: self.prefix.content(message.content), ..message };
        Ok(messages.into_iter().map(outward).collect())
    }

    async fn complete(&self, call: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        let template;
        let of = match wanted.of {
            Completed::Prompt(name) => {
                let Some(inner) = self.prefix.inner_name(name) else { return Ok(None) };
                Completed::Prompt(inner)
            }
            Completed::Template(outer) => {
                let Some(inner) = self.prefix.inner_uri(outer) else { return Ok(None) };
                template = inner;
                Completed::Template(&template)
            }
        };
        self.provider.complete(call, &Completion { of, ..wanted.clone() }).await
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        let prefix = self.prefix.clone();
        let outward = move |change| match change {
            Change::Resource(uri) => Some(Change::Resource(prefix.uri(&uri).into())),
            change => Some(change),
        };
        self.provider.start(&changes.through(outward)).await
    }

    async fn stop(&self) {
        self.provider.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::stub::{Stub, call, called, completed, listed, read, rendered, watched};

    fn stub() -> Arc<Stub> {
        let stub = Stub::new("stub").tools(["find"]).prompts(["greet"]);
        Arc::new(stub.resources(["x://home", "file:///etc/motd", "mailto:a"]).templates(["x://{id}/data"]))
    }

    async fn names(provider: &dyn Provider) -> Vec<String> {
        listed(provider).await.unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[tokio::test]
    async fn what_is_listed_under_its_prefix_is_found_under_it() {
        let acme = Namespaced::new(stub(), "acme");
        assert_eq!(acme.name(), "acme_stub");
        let uris = ["x://acme/home", "file://acme//etc/motd", "mailto:acme/a"];
        let [home, motd, mail] = uris;
        assert_eq!(names(&acme).await, ["acme_find", home, motd, mail, "x://acme/{id}/data", "acme_greet"]);
        assert_eq!(called(&acme, "acme_find").await.unwrap(), "stub:find");
        assert_eq!(rendered(&acme, "acme_greet").await.unwrap(), "stub:greet");
        assert_eq!(read(&acme, motd).await.unwrap(), format!("{motd} stub:file:///etc/motd"));
        assert_eq!(read(&acme, "x://acme/1/data").await.unwrap(), "x://acme/1/data stub:x://1/data");
        assert_eq!(watched(&acme, motd).await.unwrap().unwrap(), "stub:watches file:///etc/motd");
        assert!(watched(&acme, "x://home").await.is_err());
        for uri in uris {
            assert_eq!(acme.get_resource(&call(), uri).await.unwrap().unwrap().uri, uri);
        }
        let family = acme.get_resource_template(&call(), "x://acme/1/data").await.unwrap().unwrap();
        assert_eq!(family.uri_template, "x://acme/{id}/data");
        for of in [Completed::Prompt("acme_greet"), Completed::Template("x://acme/{id}/data")] {
            assert!(completed(&acme, of).await.unwrap().is_some(), "{of:?}");
        }
    }

    #[tokio::test]
    async fn what_has_another_prefix_is_anothers() {
        let acme = Namespaced::new(stub(), "acme");
        for name in ["find", "acmefind", "other_find", "acme", "greet"] {
            assert_eq!(acme.get_tool(&call(), name).await.unwrap(), None);
            assert_eq!(acme.get_prompt(&call(), name).await.unwrap(), None);
            assert_eq!(called(&acme, name).await.unwrap_err().message(), format!("unknown tool `{name}`"));
        }
        for uri in ["x://home", "x://other/home", "x://1/data", "mailto:a", ""] {
            assert_eq!(acme.get_resource(&call(), uri).await.unwrap(), None);
            assert_eq!(acme.get_resource_template(&call(), uri).await.unwrap(), None);
            assert!(read(&acme, uri).await.is_err(), "{uri}");
        }
        for of in [Completed::Prompt("greet"), Completed::Template("x://{id}/data")] {
            assert_eq!(completed(&acme, of).await.unwrap(), None, "{of:?}");
        }
    }

    #[tokio::test]
    async fn the_outer_namespace_comes_first() {
        let both = Namespaced::new(Arc::new(Namespaced::new(stub(), "inner")), "outer");
        assert_eq!(names(&both).await[..2], ["outer_inner_find", "x://outer/inner/home"]);
        assert_eq!(called(&both, "outer_inner_find").await.unwrap(), "stub:find");
        assert!(called(&both, "inner_outer_find").await.is_err());
        assert_eq!(read(&both, "x://outer/inner/home").await.unwrap(), "x://outer/inner/home stub:x://home");
    }

    #[tokio::test]
    async fn news_of_a_resource_gives_the_uri_that_clients_know() {
        let (stub, changes) = (stub(), Changes::default());
        let both = Namespaced::new(Arc::new(Namespaced::new(stub.clone(), "inner")), "outer");
        both.start(&changes).await.unwrap();
        let mut news = changes.news();
        let told = stub.told.lock().unwrap().clone().unwrap();
        told.tell(Change::Resource("x://home".into()));
        told.tell(Change::Tools);
        assert_eq!(news.next().await.unwrap(), Change::Resource("x://outer/inner/home".into()));
        assert_eq!(news.next().await.unwrap(), Change::Tools);
    }
}
