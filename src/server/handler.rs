//! MCP's requests, answered by a provider.

mod client;
mod news;
mod pages;
mod round;
mod seals;
mod words;

use std::sync::{Arc, OnceLock};

use futures::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        self, CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, ContentBlock, DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
        Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference,
        ServerCapabilities, ServerConfig, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde_json::Value;
use switchboard_kit::{Call, Principal, Result};
use tracing::debug;

pub use client::Client;

use super::{
    changes::Changes,
    provider::{Completed, Completion, Provider, Tool},
};
use news::Subscriptions;
use round::{Demand, Ended, Round};
use seals::Seals;
use words::{explain, listing_failed, not_read};

/// How long clients may keep a list that they do not watch for changes, in milliseconds.
const LIST_TTL_MS: u64 = 300_000;

/// The methods that have parameters which must be there.
const METHODS: [&str; 9] = [
    "completion/complete",
    "initialize",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
];

/// Writes a tool as clients get it.
pub(crate) fn listed(tool: Tool) -> Value {
    serde_json::to_value(words::tool(tool)).unwrap_or_default()
}

/// Answers one client, or one after the other that keep no session.
pub struct Handler {
    shared: Arc<Served>,
    /// What this client wants to hear of. A legacy client subscribes by one request and hears by another.
    subscriptions: OnceLock<Subscriptions>,
}

/// What all clients share.
struct Served {
    provider: Arc<dyn Provider>,
    instructions: String,
    changes: Changes,
    seals: Seals,
    page_size: usize,
}

/// A clone answers another client.
impl Clone for Handler {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), subscriptions: OnceLock::new() }
    }
}

impl Handler {
    /// Serves `provider`; clients show `instructions` to the model.
    pub fn new(provider: Arc<dyn Provider>, instructions: String) -> Self {
        Self::with_page_size(provider, instructions, 1_000)
    }

    /// Does the same, with so many items on a page of a list.
    pub fn with_page_size(provider: Arc<dyn Provider>, instructions: String, page_size: usize) -> Self {
        let (changes, seals) = (Changes::default(), Seals::default());
        let shared = Arc::new(Served { provider, instructions, changes, seals, page_size });
        Self { shared, subscriptions: OnceLock::new() }
    }

    /// Gets the provider ready, before the first client. What had started when one fails is stopped.
    pub async fn start(&self) -> Result<()> {
        self.shared.provider.start(&self.shared.changes).await
    }

    /// Lets the provider finish, after the last client.
    pub async fn stop(&self) {
        self.shared.provider.stop().await;
    }

    fn provider(&self) -> &dyn Provider {
        &*self.shared.provider
    }

    /// Begins a request that may end in questions.
    fn resume(&self, context: RequestContext<RoleServer>, demand: Demand<'_>) -> Result<(Round<'_>, Call), ErrorData> {
        Round::resume(&self.shared.seals, context, demand)
    }

    /// Refuses a method of resources where there can be none, and a URI that no resource has.
    fn has_resources<M: model::ConstString>(&self, uri: &str) -> Result<(), ErrorData> {
        if !self.provider().kinds().resources {
            return Err(ErrorData::method_not_found::<M>());
        }
        if uri.len() > news::LONGEST_URI {
            return Err(ErrorData::invalid_params(format!("a URI has {} bytes at most", news::LONGEST_URI), None));
        }
        Ok(())
    }

    /// Returns one page of what `list` returns.
    async fn page<T, F: Future<Output = Result<Vec<T>>> + Send>(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
        list: impl FnOnce(Call) -> F + Send,
    ) -> Result<(Vec<T>, Option<String>), ErrorData> {
        let (round, call) = Round::begin(context);
        let listed = round.run(&call, list(call.clone())).await.map_err(|error| listing_failed(&error))?;
        pages::page(listed, request.as_ref(), self.shared.page_size)
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let kinds = self.provider().kinds();
        let mut capabilities = ServerCapabilities::default();
        if kinds.tools {
            capabilities.tools.get_or_insert_default().list_changed = Some(true);
        }
        if kinds.resources {
            let resources = capabilities.resources.get_or_insert_default();
            (resources.list_changed, resources.subscribe) = (Some(true), Some(true));
        }
        if kinds.prompts {
            capabilities.prompts.get_or_insert_default().list_changed = Some(true);
        }
        if kinds.completions {
            capabilities.completions = Some(model::JsonObject::default());
        }
        let info = Implementation::new(words::NAME, words::VERSION).with_title(words::TITLE);
        let config = ServerConfig::new(capabilities).with_server_info(info);
        match &self.shared.instructions {
            none if none.is_empty() => config,
            instructions => config.with_instructions(instructions.clone()),
        }
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = ServerHandler::supported_protocol_versions(self).into_owned();
        let mut result = DiscoverResult::from_server_info(versions, self.get_info());
        result.ttl_ms = LIST_TTL_MS;
        Ok(result)
    }

    /// Says what is known of a tool without asking anyone: headers are checked against it before a call.
    fn get_tool(&self, name: &str) -> Option<model::Tool> {
        let call = Call::new(Principal::local(), std::time::Duration::ZERO);
        let known = self.provider().get_tool(&call, name).now_or_never()?;
        known.ok().flatten().map(words::tool)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let signature = words::signature(&context);
        let list = |call: Call| async move { self.provider().list_tools(&call).await };
        let (page, next_cursor) = self.page(request, context, list).await?;
        let mut result = ListToolsResult::with_all_items(page.into_iter().map(words::tool).collect());
        (result.ttl_ms, result.cache_scope) = (Some(LIST_TTL_MS), Some(CacheScope::Private));
        (result.next_cursor, result.meta) = (next_cursor, signature);
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (arguments, signature) = (request.arguments.unwrap_or_default(), words::signature(&context));
        let demand = Demand {
            method: "tools/call",
            name: &request.name,
            arguments: &arguments,
            state: request.request_state,
            responses: request.input_responses,
        };
        let (round, call) = self.resume(context, demand)?;
        let outcome = match round.end(&call, self.provider().call_tool(&call, &request.name, arguments)).await {
            Ended::With(outcome) => outcome,
            Ended::InQuestions(questions) => return Ok(CallToolResponse::InputRequired(questions)),
        };
        let code = outcome.as_ref().map_or_else(|error| error.kind().code(), |_| "ok");
        debug!(tool = %request.name, outcome = code, "Tool called");
        let mut result = match outcome {
            Ok(reply) => words::reply(reply),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(explain(&error))]),
        };
        result.meta = signature;
        Ok(CallToolResponse::Complete(result))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.has_resources::<model::ListResourcesRequestMethod>("")?;
        let signature = words::signature(&context);
        let list = |call: Call| async move { self.provider().list_resources(&call).await };
        let (page, next_cursor) = self.page(request, context, list).await?;
        let mut result = ListResourcesResult::with_all_items(page.into_iter().map(words::resource).collect());
        (result.ttl_ms, result.cache_scope) = (Some(LIST_TTL_MS), Some(CacheScope::Private));
        (result.next_cursor, result.meta) = (next_cursor, signature);
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.has_resources::<model::ListResourceTemplatesRequestMethod>("")?;
        let signature = words::signature(&context);
        let list = |call: Call| async move { self.provider().list_resource_templates(&call).await };
        let (page, next_cursor) = self.page(request, context, list).await?;
        let mut result = ListResourceTemplatesResult::with_all_items(page.into_iter().map(words::template).collect());
        (result.ttl_ms, result.cache_scope) = (Some(LIST_TTL_MS), Some(CacheScope::Private));
        (result.next_cursor, result.meta) = (next_cursor, signature);
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.has_resources::<model::ReadResourceRequestMethod>(&request.uri)?;
        let signature = words::signature(&context);
        let demand = Demand {
            method: "resources/read",
            name: &request.uri,
            arguments: &model::JsonObject::default(),
            state: request.request_state,
            responses: request.input_responses,
        };
        let (round, call) = self.resume(context, demand)?;
        match round.end(&call, self.provider().read_resource(&call, &request.uri)).await {
            Ended::With(Ok(contents)) => {
                let mut result = ReadResourceResult::new(contents.into_iter().map(words::contents).collect());
                result.meta = signature;
                Ok(ReadResourceResponse::Complete(result))
            }
            Ended::With(Err(error)) => Err(not_read(&error, &request.uri)),
            Ended::InQuestions(questions) => Ok(ReadResourceResponse::InputRequired(questions)),
        }
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        if !self.provider().kinds().prompts {
            return Err(ErrorData::method_not_found::<model::ListPromptsRequestMethod>());
        }
        let signature = words::signature(&context);
        let list = |call: Call| async move { self.provider().list_prompts(&call).await };
        let (page, next_cursor) = self.page(request, context, list).await?;
        let mut result = ListPromptsResult::with_all_items(page.into_iter().map(words::prompt).collect());
        (result.ttl_ms, result.cache_scope) = (Some(LIST_TTL_MS), Some(CacheScope::Private));
        (result.next_cursor, result.meta) = (next_cursor, signature);
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if !self.provider().kinds().prompts {
            return Err(ErrorData::method_not_found::<model::GetPromptRequestMethod>());
        }
        let (arguments, signature) = (request.arguments.unwrap_or_default(), words::signature(&context));
        let demand = Demand {
            method: "prompts/get",
            name: &request.name,
            arguments: &arguments,
            state: request.request_state,
            responses: request.input_responses,
        };
        let (round, call) = self.resume(context, demand)?;
        match round.end(&call, self.provider().render_prompt(&call, &request.name, arguments)).await {
            Ended::With(Ok(messages)) => {
                let messages = messages.into_iter().map(words::prompt_message).collect();
                let mut result = GetPromptResult::new(messages);
                result.meta = signature;
                Ok(GetPromptResponse::Complete(result))
            }
            Ended::With(Err(error)) => Err(words::not_done(&error)),
            Ended::InQuestions(questions) => Ok(GetPromptResponse::InputRequired(questions)),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        if !self.provider().kinds().completions {
            return Err(ErrorData::method_not_found::<model::CompleteRequestMethod>());
        }
        let of = match &request.r#ref {
            Reference::Prompt(prompt) => Completed::Prompt(&prompt.name),
            Reference::Resource(template) => Completed::Template(&template.uri),
            _ => return Err(ErrorData::invalid_params("only prompts and resource templates are completed", None)),
        };
        let known = request.context.and_then(|context| context.arguments).unwrap_or_default().into_iter().collect();
        let wanted = Completion { of, argument: &request.argument.name, value: &request.argument.value, known };
        let signature = words::signature(&context);
        let (round, call) = Round::begin(context);
        let found = round.run(&call, self.provider().complete(&call, &wanted)).await;
        let values = found.map_err(|error| words::not_done(&error))?.unwrap_or_default();
        let mut result = CompleteResult::new(words::completion(values));
        result.meta = signature;
        Ok(result)
    }

    /// Refuses what the library does not know. A method that we do know came with other parameters than the protocol has for it.
    async fn on_custom_request(
        &self,
        request: model::CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<model::CustomResult, ErrorData> {
        let method = request.method;
        if METHODS.contains(&&*method) {
            let message = format!("the parameters of `{method}` are not what the protocol has for it");
            return Err(ErrorData::invalid_params(message, None));
        }
        Err(ErrorData::new(model::ErrorCode::METHOD_NOT_FOUND, method, None))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let news = self.shared.changes.news();
        self.subscriptions.get_or_init(Subscriptions::default).follow(news, context.peer);
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.has_resources::<model::SubscribeRequestMethod>(&request.uri)?;
        let (round, call) = Round::begin(context);
        let watch = round.run(&call, self.provider().watch_resource(&call, &request.uri)).await;
        let watch = watch.map_err(|error| not_read(&error, &request.uri))?;
        let subscriptions = self.subscriptions.get_or_init(Subscriptions::default);
        subscriptions.add(request.uri, watch).map_err(|error| words::not_done(&error))
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.has_resources::<model::UnsubscribeRequestMethod>("")?;
        self.subscriptions.get_or_init(Subscriptions::default).remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(news::accepted(requested))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let news = self.shared.changes.news();
        tokio::select! {
            () = news::pass_on(news, &context) => Ok(()),
            never = news::watch(self.provider(), &context) => match never {},
        }
    }
}
