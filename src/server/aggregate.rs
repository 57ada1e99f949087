//! Several providers as one: the first that has a name owns it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use switchboard_kit::{
    Call, Error, ErrorKind, Result, ToolHost as _,
    host::{self, JsonObject, Reply},
};
use tracing::warn;

use super::{
    changes::Changes,
    provider::{Provider, Tool, unknown},
};
use crate::chat::Chats;

/// Providers in the order of precedence. The list can be swapped while calls are under way.
pub struct Aggregate {
    providers: RwLock<Arc<[Arc<dyn Provider>]>>,
}

impl Aggregate {
    /// Puts providers together; an earlier one shadows a later one's tools of the same name.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self { providers: RwLock::new(providers.into_iter().collect()) }
    }

    /// Swaps the providers for others. Calls under way end with the old ones.
    pub fn replace(&self, providers: impl IntoIterator<Item = Arc<dyn Provider>>) {
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = providers.into_iter().collect();
    }

    fn providers(&self) -> Arc<[Arc<dyn Provider>]> {
        self.providers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Provider for Aggregate {
    fn name(&self) -> &str {
        "all"
    }

    /// Lists what all have, those of the first provider first, each sorted by name. A provider that fails is left out.
    async fn list_tools(&self, call: &Call) -> Result<Vec<Tool>> {
        let mut listed: Vec<Tool> = Vec::new();
        for provider in self.providers().iter() {
            match provider.list_tools(call).await {
                Ok(tools) => {
                    let mut own: BTreeMap<_, _> = tools.into_iter().map(|tool| (tool.name.clone(), tool)).collect();
                    own.retain(|name, _| !listed.iter().any(|tool| tool.name == *name));
                    listed.extend(own.into_values());
                }
                Err(error) => warn!(provider = provider.name(), %error, "A provider could not list its tools"),
            }
        }
        Ok(listed)
    }

    async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
        for provider in self.providers().iter() {
            if let Some(tool) = provider.get_tool(call, name).await? {
                return Ok(Some(tool));
            }
        }
        Ok(None)
    }

    async fn call_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        let providers = self.providers();
        for provider in providers.iter() {
            if provider.get_tool(call, name).await?.is_some() {
                return provider.call_tool(call, name, arguments).await;
            }
        }
        if host::tools().iter().any(|tool| tool.host == Chats::KEY && tool.name == name) {
            let message = format!("`{name}` is not offered for the accounts that are served");
            return Err(Error::new(ErrorKind::Forbidden, message)
                .hint("if writing is off, the user sets `access: write` in provider-config.yaml or starts with `--allow-write`"));
        }
        let tools = self.list_tools(call).await?;
        let error = unknown("tool", name);
        Err(match host::nearest(name, tools.iter().map(|tool| tool.name.as_str())) {
            Some(near) => error.hint(format!("call `{near}`")),
            None => error,
        })
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        for provider in self.providers().iter() {
            provider.start(changes).await?;
        }
        Ok(())
    }

    async fn stop(&self) {
        for provider in self.providers().iter().rev() {
            provider.stop().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchboard_kit::host::{Effect, local_call};

    use super::*;

    struct Stub {
        name: &'static str,
        tools: Result<Vec<&'static str>, &'static str>,
    }

    #[async_trait]
    impl Provider for Stub {
        fn name(&self) -> &str {
            self.name
        }

        async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
            let names = self.tools.clone().map_err(|why| Error::new(ErrorKind::Unavailable, why))?;
            let tool = |name: &str| Tool {
                name: name.into(),
                title: name.into(),
                description: self.name.into(),
                effect: Effect::Read,
                input: Arc::default(),
                output: None,
            };
            Ok(names.into_iter().map(tool).collect())
        }

        async fn get_tool(&self, call: &Call, name: &str) -> Result<Option<Tool>> {
            Ok(self.list_tools(call).await.unwrap_or_default().into_iter().find(|tool| tool.name == name))
        }

        async fn call_tool(&self, _: &Call, _: &str, _: JsonObject) -> Result<Reply> {
            Ok(Reply::text(self.name))
        }
    }

    fn all(stubs: impl IntoIterator<Item = Stub>) -> Aggregate {
        Aggregate::new(stubs.into_iter().map(|stub| Arc::new(stub) as _))
    }

    #[tokio::test]
    async fn the_first_provider_shadows_the_second() {
        let first = Stub { name: "first", tools: Ok(vec!["b", "a"]) };
        let second = Stub { name: "second", tools: Ok(vec!["c", "a"]) };
        let (all, call) = (all([first, second]), local_call(Duration::from_secs(1)));
        let listed = all.list_tools(&call).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|tool| (tool.name.as_str(), tool.description.as_str())).collect();
        assert_eq!(listed, [("a", "first"), ("b", "first"), ("c", "second")]);
        for (name, owner) in [("a", "first"), ("c", "second")] {
            let reply = all.call_tool(&call, name, JsonObject::new()).await.unwrap();
            assert_eq!(reply, Reply::text(owner));
        }
    }

    #[tokio::test]
    async fn a_provider_that_cannot_list_does_not_hide_the_others() {
        let all = all([Stub { name: "broken", tools: Err("down") }, Stub { name: "sound", tools: Ok(vec!["a"]) }]);
        let call = local_call(Duration::from_secs(1));
        assert_eq!(all.list_tools(&call).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_unknown_tool_is_told_the_nearest() {
        let all = all([Stub { name: "only", tools: Ok(vec!["list_boards"]) }]);
        let call = local_call(Duration::from_secs(1));
        let error = all.call_tool(&call, "list_bords", JsonObject::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "unknown tool `list_bords`");
        assert_eq!(error.hint_text(), Some("call `list_boards`"));
    }

    #[tokio::test]
    async fn a_swapped_provider_is_seen_at_once() {
        let (all, call) = (all([]), local_call(Duration::from_secs(1)));
        assert!(all.list_tools(&call).await.unwrap().is_empty());
        all.replace([Arc::new(Stub { name: "new", tools: Ok(vec!["a"]) }) as _]);
        assert_eq!(all.list_tools(&call).await.unwrap().len(), 1);
    }
}
