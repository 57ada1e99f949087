//! Our tools and outcomes in MCP's words.

use std::{borrow::Cow, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        self, CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ProgressNotificationParam, ServerCapabilities, ServerConfig, ToolAnnotations,
    },
    service::RequestContext,
};
use switchboard_kit::{
    Call, Error, Principal,
    host::{Ask, Content, Effect, Outcome, Reply},
};
use tokio::sync::OnceCell;
use tracing::debug;

use super::provider::{Provider, Tool};
use crate::chat::sanitise;

/// Longest that a call may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long clients may keep the tool list: it depends on the configuration alone.
const LIST_TTL_MS: u64 = 300_000;

/// Answers one client, or many.
#[derive(Clone)]
pub struct Handler {
    provider: Arc<dyn Provider>,
    instructions: String,
    tools: Arc<OnceCell<Vec<model::Tool>>>,
}

impl Handler {
    /// Serves `provider`; clients show `instructions` to the model.
    pub fn new(provider: Arc<dyn Provider>, instructions: String) -> Self {
        Self { provider, instructions, tools: Arc::default() }
    }

    fn call(context: &RequestContext<RoleServer>) -> Call {
        let call = Call::new(Principal::local(), PATIENCE).cancelled_by(context.ct.clone());
        let Some(token) = context.meta.get_progress_token() else { return call };
        let peer = context.peer.clone();
        call.reporting_to(move |done, total, message| {
            let mut progress = ProgressNotificationParam::new(token.clone(), done).with_message(message);
            progress.total = total;
            let peer = peer.clone();
            // A client that has stopped reading must not hold up the work.
            drop(tokio::spawn(async move {
                tokio::time::timeout(Duration::from_millis(250), peer.notify_progress(progress)).await
            }));
        })
    }

    async fn tools(&self, call: &Call) -> Result<&[model::Tool], ErrorData> {
        let list = || async {
            Ok(self
                .provider
                .list_tools(call)
                .await
                .map_err(|error| protocol(&error))?
                .into_iter()
                .map(describe)
                .collect())
        };
        self.tools.get_or_try_init(list).await.map(Vec::as_slice)
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let info = Implementation::new("switchboard", env!("CARGO_PKG_VERSION")).with_title("Switchboard");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(info)
            .with_instructions(self.instructions.clone())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut result = ListToolsResult::with_all_items(self.tools(&Self::call(&context)).await?.to_vec());
        result.ttl_ms = Some(LIST_TTL_MS);
        result.cache_scope = Some(CacheScope::Private);
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let call = Self::call(&context);
        let arguments = request.arguments.unwrap_or_default();
        let outcome = call.run(self.provider.call_tool(&call, &request.name, arguments)).await;
        debug!(tool = %request.name, outcome = outcome.as_ref().map_or_else(|error| error.kind().code(), |_| "ok"), "Tool called");
        Ok(CallToolResponse::Complete(match outcome {
            Ok(Outcome::Done(reply)) => answer(reply),
            Ok(Outcome::NeedsInput(ask)) => CallToolResult::error(vec![ContentBlock::text(question(&ask))]),
            Ok(_) => CallToolResult::error(vec![ContentBlock::text("this client cannot be asked that")]),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(explain(&error))]),
        }))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<model::ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<model::ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<model::ListResourceTemplatesRequestMethod>())
    }
}

/// Says in one text what went wrong and what to do about it: clients show tool errors to the model, protocol errors not.
/// A platform's own words may be in it, so it is sanitised like theirs.
fn explain(error: &Error) -> String {
    let mut text = sanitise::text(error.message());
    if let Some(hint) = error.hint_text() {
        text += &format!("\nhint: {}", sanitise::text(hint));
    }
    if let Some(wait) = error.retry_after() {
        text += &format!("\nretry after {} s", wait.as_secs_f64().ceil());
    }
    text + &format!("\ncode: {}", error.kind().code())
}

fn protocol(error: &Error) -> ErrorData {
    ErrorData::internal_error(explain(error), None)
}

/// What to read where the client cannot be asked.
fn question(ask: &Ask) -> String {
    match ask {
        Ask::Url { message, url, .. } => format!("{message}\nhint: open {url}"),
        Ask::Form { message, .. } => message.clone(),
        _ => "the user has to be asked, which this client cannot do".into(),
    }
}

fn describe(tool: Tool) -> model::Tool {
    let read = tool.effect == Effect::Read;
    let annotations =
        ToolAnnotations::from_raw(None, Some(read), Some(tool.effect == Effect::Destructive), Some(read), Some(true));
    let described = model::Tool::new(Cow::from(tool.name), tool.description, tool.input)
        .with_title(tool.title)
        .with_annotations(annotations);
    match tool.output {
        Some(schema) => described.with_raw_output_schema(schema),
        None => described,
    }
}

fn answer(reply: Reply) -> CallToolResult {
    let content = reply.content.into_iter().filter_map(|content| match content {
        Content::Text(text) => Some(ContentBlock::text(text)),
        Content::Image { data, media_type } => Some(ContentBlock::image(STANDARD.encode(data), media_type)),
        _ => None,
    });
    let mut result = CallToolResult::success(content.collect());
    result.structured_content = reply.structured;
    result
}

#[cfg(test)]
mod tests {
    use switchboard_kit::ErrorKind;

    use super::*;

    #[test]
    fn what_an_error_quotes_is_cleaned() {
        let error = Error::new(ErrorKind::Forbidden, "no\u{202e} entry\u{e0049}").hint("ask\u{200b} Ann");
        assert_eq!(explain(&error), "no entry\nhint: ask Ann\ncode: permission");
    }
}
