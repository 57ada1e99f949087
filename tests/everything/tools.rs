//! The tools, by name.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use switchboard::server::{Change, Tool};
use switchboard_kit::{
    Call, Error, ErrorKind, Result,
    host::{Content, Effect, JsonObject, Reply},
};
use tokio::time::sleep;

use crate::{Everything, content, deprecated, questions, schemas};

/// How far apart reports are that a client must be able to tell apart.
const STEP: Duration = Duration::from_millis(50);

/// Returns the tools, by name.
pub(crate) fn all() -> Vec<Tool> {
    let (nothing, text) = (|| schemas::texts(&[]), schemas::texts);
    let headed = json!({
        "type": "object",
        "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
        "required": ["value"],
    });
    let mut tools = vec![
        tool("test_simple_text", "Answers with text", nothing()),
        tool("test_image_content", "Answers with a picture", nothing()),
        tool("test_audio_content", "Answers with sound", nothing()),
        tool("test_embedded_resource", "Answers with what a resource holds", nothing()),
        tool("test_multiple_content_types", "Answers with text, a picture and a resource", nothing()),
        tool("test_error_handling", "Always fails", nothing()),
        tool("test_tool_with_progress", "Says how far it has come", nothing()),
        tool("test_reconnection", "Takes a moment", nothing()),
        tool("test_custom_header", "Takes an argument that is a header, too", headed),
        tool("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", schemas::modern()),
        tool("test_wait", "Waits to be cancelled", text(&["mark"])),
        tool("test_cancelled", "Answers once the call of that mark was cancelled", text(&["mark"])),
        tool("test_trigger_tool_change", "Says that the tools have changed", nothing()),
        tool("test_trigger_prompt_change", "Says that the prompts have changed", nothing()),
    ];
    tools.extend(questions::TOOLS.iter().map(|(name, does, takes)| tool(name, does, text(takes))));
    tools.extend(deprecated::TOOLS.iter().map(|(name, does, takes)| tool(name, does, text(takes))));
    tools
}

fn tool(name: &str, description: &str, input: Value) -> Tool {
    let Value::Object(input) = input else { unreachable!("schemas are objects") };
    Tool {
        name: name.to_owned(),
        title: description.to_owned(),
        description: format!("{description}."),
        effect: Effect::Read,
        input: Arc::new(input),
        output: None,
    }
}

/// Calls a tool.
pub(crate) async fn call(everything: &Everything, call: &Call, name: &str, arguments: &JsonObject) -> Result<Reply> {
    let done = || Reply::text("done");
    Ok(match name {
        "test_simple_text" => Reply::text("This is a simple text response for testing."),
        "test_image_content" => of([content::image()]),
        "test_audio_content" => of([content::audio()]),
        "test_embedded_resource" => {
            let text = "This is an embedded resource content.";
            of([Content::Resource(content::text("test://embedded-resource", "text/plain", text))])
        }
        "test_multiple_content_types" => {
            let data = json!({ "test": "data", "value": 123 }).to_string();
            let resource = content::text("test://mixed-content-resource", "application/json", &data);
            let text = Content::Text("Multiple content types test:".to_owned());
            of([text, content::image(), Content::Resource(resource)])
        }
        "test_error_handling" => {
            return Err(Error::new(ErrorKind::Conflict, "This tool intentionally returns an error for testing"));
        }
        "test_tool_with_progress" => {
            for done in [0.0, 50.0, 100.0] {
                call.progress(done, Some(100.0), &format!("{done} of 100"));
                sleep(STEP).await;
            }
            done()
        }
        "test_reconnection" => {
            sleep(2 * STEP).await;
            done()
        }
        "test_custom_header" => Reply::text(text(arguments, "value")?),
        "json_schema_2020_12_tool" => Reply::text(Value::Object(arguments.clone()).to_string()),
        "test_wait" => everything.waiting.wait(call, text(arguments, "mark")?).await?,
        "test_cancelled" => everything.waiting.cancelled(text(arguments, "mark")?).await,
        "test_trigger_tool_change" => {
            everything.tell(Change::Tools);
            done()
        }
        "test_trigger_prompt_change" => {
            everything.tell(Change::Prompts);
            done()
        }
        _ if questions::TOOLS.iter().any(|(known, ..)| *known == name) => {
            questions::call(call, name, arguments).await?
        }
        _ => deprecated::call(call, name, arguments).await?,
    })
}

fn of(content: impl Into<Vec<Content>>) -> Reply {
    Reply { content: content.into(), structured: None }
}

/// Returns an argument that has to be given.
pub(crate) fn text<'a>(arguments: &'a JsonObject, name: &str) -> Result<&'a str> {
    let given = arguments.get(name).and_then(Value::as_str);
    given.ok_or_else(|| Error::invalid(format!("argument `{name}` must be text")))
}
