//! Our tools, answers and errors in MCP's words.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rmcp::{
    ErrorData, RoleServer,
    model::{self, CallToolResult, CompletionInfo, ContentBlock, MetaObject, ProtocolVersion, ToolAnnotations},
    service::RequestContext,
};
use serde_json::{Value, json};
use switchboard_kit::{
    Error, ErrorKind,
    host::{Content, Effect, Reply, ResourceBody, ResourceContents},
};

use crate::{
    chat::sanitise,
    server::provider::{Prompt, PromptMessage, Resource, ResourceTemplate, Role, Tool},
};

/// Who we are, to clients.
pub(super) const NAME: &str = "switchboard";
pub(super) const TITLE: &str = "Switchboard";
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Says in one text what went wrong and what to do about it: clients show tool errors to the model, protocol errors not.
/// A platform's own words may be in it, so it is sanitised like theirs.
pub(super) fn explain(error: &Error) -> String {
    let mut text = sanitise::text(error.message());
    if let Some(hint) = error.hint_text() {
        text += &format!("\nhint: {}", sanitise::text(hint));
    }
    if let Some(wait) = error.retry_after() {
        text += &format!("\nretry after {} s", wait.as_secs_f64().ceil());
    }
    text + &format!("\ncode: {}", error.kind().code())
}

/// Says that a list could not be made.
pub(super) fn listing_failed(error: &Error) -> ErrorData {
    ErrorData::internal_error(explain(error), None)
}

/// Says why a request was not done.
pub(super) fn not_done(error: &Error) -> ErrorData {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::NotFound => ErrorData::invalid_params(explain(error), None),
        _ => ErrorData::internal_error(explain(error), None),
    }
}

/// Says why a resource was not read.
pub(super) fn not_read(error: &Error, uri: &str) -> ErrorData {
    match error.kind() {
        ErrorKind::NotFound => ErrorData::resource_not_found(explain(error), Some(json!({ "uri": uri }))),
        _ => not_done(error),
    }
}

/// Says who answers. The protocol wants that with every result since there is no handshake (2026-07-28); before, clients know.
pub(super) fn signature(context: &RequestContext<RoleServer>) -> Option<MetaObject> {
    static OWN: LazyLock<Value> = LazyLock::new(|| json!({ "name": NAME, "title": TITLE, "version": VERSION }));
    let modern = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
    modern.then(|| {
        let mut meta = MetaObject::new();
        meta.insert("io.modelcontextprotocol/serverInfo".into(), OWN.clone());
        meta
    })
}

/// Describes a tool. Clients drop the whole list over one schema that is not of an object.
pub(super) fn tool(tool: Tool) -> model::Tool {
    let read = tool.effect == Effect::Read;
    let is_object = |schema: &Arc<model::JsonObject>| schema.get("type").is_some_and(|kind| kind == "object");
    let input = if is_object(&tool.input) {
        tool.input
    } else {
        let mut input = Arc::unwrap_or_clone(tool.input);
        input.insert("type".into(), json!("object"));
        Arc::new(input)
    };
    let annotations =
        ToolAnnotations::from_raw(None, Some(read), Some(tool.effect == Effect::Destructive), Some(read), Some(true));
    let described = model::Tool::new(Cow::from(tool.name), tool.description, input)
        .with_title(tool.title)
        .with_annotations(annotations);
    match tool.output.filter(is_object) {
        Some(schema) => described.with_raw_output_schema(schema),
        None => described,
    }
}

pub(super) fn reply(reply: Reply) -> CallToolResult {
    let mut result = CallToolResult::success(reply.content.into_iter().filter_map(content).collect());
    result.structured_content = reply.structured.filter(Value::is_object);
    result
}

fn content(content: Content) -> Option<ContentBlock> {
    Some(match content {
        Content::Text(text) => ContentBlock::text(text),
        Content::Image { data, media_type } => ContentBlock::image(STANDARD.encode(data), media_type),
        Content::Audio { data, media_type } => ContentBlock::audio(STANDARD.encode(data), media_type),
        Content::Resource(resource) => ContentBlock::resource(contents(resource)),
        _ => return None,
    })
}

pub(super) fn resource(resource: Resource) -> model::Resource {
    let mut described = model::Resource::new(resource.uri, resource.name);
    (described.description, described.mime_type) = (resource.description, resource.media_type);
    described
}

pub(super) fn template(template: ResourceTemplate) -> model::ResourceTemplate {
    let mut described = model::ResourceTemplate::new(template.uri_template, template.name);
    (described.description, described.mime_type) = (template.description, template.media_type);
    described
}

pub(super) fn contents(contents: ResourceContents) -> model::ResourceContents {
    let described = match contents.body {
        ResourceBody::Text(text) => model::ResourceContents::text(text, contents.uri),
        ResourceBody::Bytes(bytes) => model::ResourceContents::blob(STANDARD.encode(bytes), contents.uri),
    };
    match contents.media_type {
        Some(media_type) => described.with_mime_type(media_type),
        None => described,
    }
}

pub(super) fn prompt(prompt: Prompt) -> model::Prompt {
    let arguments = prompt.arguments.into_iter().map(|argument| {
        let mut described = model::PromptArgument::new(argument.name).with_required(argument.required);
        described.description = argument.description;
        described
    });
    let mut described = model::Prompt::new(prompt.name, prompt.description, Some(arguments.collect()));
    described.title = prompt.title;
    described
}

pub(super) fn prompt_message(message: PromptMessage) -> model::PromptMessage {
    let role = match message.role {
        Role::User => model::Role::User,
        Role::Assistant => model::Role::Assistant,
    };
    // A kind of content that is not known yet cannot be shown, but its place in the conversation counts.
    model::PromptMessage::new(role, content(message.content).unwrap_or_else(|| ContentBlock::text("")))
}

pub(super) fn completion(mut values: Vec<String>) -> CompletionInfo {
    let (total, most) = (u32::try_from(values.len()).ok(), CompletionInfo::MAX_VALUES);
    let more = values.len() > most;
    values.truncate(most);
    let mut shown = CompletionInfo::default();
    (shown.values, shown.total, shown.has_more) = (values, total, Some(more));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_quotes_is_cleaned() {
        let error = Error::new(ErrorKind::Forbidden, "no\u{202e} entry\u{e0049}").hint("ask\u{200b} Ann");
        assert_eq!(explain(&error), "no entry\nhint: ask Ann\ncode: permission");
    }

    #[test]
    fn no_schema_makes_a_client_drop_the_list() {
        let schema = |value: Value| value.as_object().cloned().map(Arc::new).unwrap();
        let foreign = Tool {
            name: "foreign".into(),
            title: "Foreign".into(),
            description: "Foreign.".into(),
            effect: Effect::Read,
            input: schema(json!({ "properties": {} })),
            output: Some(schema(json!({ "type": "array" }))),
        };
        let described = tool(foreign);
        assert_eq!(described.input_schema["type"], "object");
        assert!(described.output_schema.is_none());
        let answer = Reply { structured: Some(json!([1])), ..Reply::text("[1]") };
        assert!(reply(answer).structured_content.is_none());
    }

    #[test]
    fn no_more_is_suggested_than_clients_take() {
        let shown = completion((0..250).map(|number| number.to_string()).collect());
        assert_eq!((shown.values.len(), shown.total, shown.has_more), (100, Some(250), Some(true)));
    }
}
