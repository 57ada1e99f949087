//! The handler, with what this server itself has no use for: messages to the client's log, and a tool that is refused to
//! clients without a model.
#![expect(deprecated, reason = "clients of 2025-11-25 may still use it, and its conformance suite does")]

use std::sync::{Mutex, PoisonError};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, ClientCapabilities, CompleteRequestParams, CompleteResult,
        DiscoverResult, GetPromptRequestParams, GetPromptResponse, JsonObject, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
        LoggingMessageNotificationParam, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
        ReadResourceResponse, ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
        UnsubscribeRequestParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use switchboard::server::{Client, Handler};

/// The tool that only clients with a model may call.
pub(crate) const NEEDS_SAMPLING: &str = "test_missing_capability";

/// A handler whose client has a log.
pub(crate) struct Logging {
    handler: Handler,
    level: Mutex<LoggingLevel>,
}

/// What the client wants to read at least; nothing, if it did not say so in the modern era.
#[derive(Clone, Copy)]
struct Wanted(Option<LoggingLevel>);

/// Writes to the client's log.
pub(crate) async fn info(client: &Client, message: &str) {
    let context = client.context();
    let wanted = context.extensions.get::<Wanted>().and_then(|wanted| wanted.0);
    if wanted.is_some_and(|wanted| wanted as u8 <= LoggingLevel::Info as u8) {
        let entry = LoggingMessageNotificationParam::new(LoggingLevel::Info, message.into());
        drop(context.peer.notify_logging_message(entry).await);
    }
}

impl Logging {
    /// Adds a log to `handler`'s client.
    pub(crate) fn new(handler: Handler) -> Self {
        Self { handler, level: Mutex::new(LoggingLevel::Debug) }
    }

    fn wanted(&self, context: &RequestContext<RoleServer>) -> Wanted {
        let modern = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        Wanted(match modern {
            true => context.meta.log_level(),
            false => Some(*self.level.lock().unwrap_or_else(PoisonError::into_inner)),
        })
    }
}

/// A clone answers another client.
impl Clone for Logging {
    fn clone(&self) -> Self {
        Self::new(self.handler.clone())
    }
}

impl ServerHandler for Logging {
    fn get_info(&self) -> ServerConfig {
        let mut config = self.handler.get_info();
        config.capabilities.logging = Some(JsonObject::default());
        config
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let mut result = self.handler.discover(context).await?;
        result.capabilities = self.get_info().capabilities;
        Ok(result)
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = request.level;
        Ok(())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let able = context.client_capabilities().unwrap_or_default();
        if request.name == NEEDS_SAMPLING && able.sampling.is_none() {
            let needed = ClientCapabilities::builder().enable_sampling().build();
            return Err(ErrorData::missing_required_client_capability(needed));
        }
        context.extensions.insert(self.wanted(&context));
        self.handler.call_tool(request, context).await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.handler.get_tool(name)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.handler.list_tools(request, context).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.handler.list_resources(request, context).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.handler.list_resource_templates(request, context).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.handler.read_resource(request, context).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.handler.list_prompts(request, context).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.handler.get_prompt(request, context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.handler.complete(request, context).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.handler.on_initialized(context).await;
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.handler.subscribe(request, context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.handler.unsubscribe(request, context).await
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.handler.accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.handler.listen(context).await
    }
}
