//! Tools that ask the user, in whichever way the client's era has.

use serde_json::Value;
use switchboard_kit::{
    Answer, Ask, Call, Error, Result,
    host::{JsonObject, Reply},
};

use crate::{schemas, tools::text};

/// Name, what it does, arguments.
pub(crate) const TOOLS: &[(&str, &str, &[&str])] = &[
    ("test_elicitation", "Asks the user who they are", &["message"]),
    ("test_elicitation_sep1034_defaults", "Asks with defaults", &[]),
    ("test_elicitation_sep1330_enums", "Asks with choices", &[]),
    ("test_url_elicitation", "Asks the user to open a page", &["url"]),
    ("test_streaming_elicitation", "Reports progress, then asks", &[]),
    ("test_input_required_result_elicitation", "Asks for a name", &[]),
    ("test_input_required_result_request_state", "Asks for consent", &[]),
    ("test_input_required_result_tampered_state", "Asks for consent, too", &[]),
    ("test_input_required_result_multi_round", "Asks twice", &[]),
];

/// Calls a tool.
pub(crate) async fn call(call: &Call, name: &str, arguments: &JsonObject) -> Result<Reply> {
    let consent = Ask::form("Please confirm", schemas::consent("ok"));
    Ok(match name {
        "test_elicitation" => {
            let question = Ask::form(text(arguments, "message")?, schemas::person());
            told("User response", &call.ask("person", &question).await?)
        }
        "test_elicitation_sep1034_defaults" => {
            let question = Ask::form("Please check what is filled in", schemas::defaults());
            told("Elicitation completed", &call.ask("defaults", &question).await?)
        }
        "test_elicitation_sep1330_enums" => {
            let question = Ask::form("Please choose", schemas::choices());
            told("Elicitation completed", &call.ask("choices", &question).await?)
        }
        "test_url_elicitation" => {
            let question = Ask::url("Please open the page", text(arguments, "url")?);
            told("User response", &call.ask("page", &question).await?)
        }
        "test_streaming_elicitation" => {
            call.progress(0.0, Some(1.0), "about to ask");
            told("User response", &call.ask("confirm", &consent).await?)
        }
        "test_input_required_result_elicitation" => {
            let question = Ask::form("What is your name?", schemas::form("name"));
            Reply::text(format!("Hello, {}!", filled_in(call, "user_name", &question, "name").await?))
        }
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            call.ask("confirm", &consent).await?.accepted()?;
            Reply::text("state-ok")
        }
        _ => {
            let name = Ask::form("Step 1: What is your name?", schemas::form("name"));
            let name = filled_in(call, "step1", &name, "name").await?;
            let colour = Ask::form("Step 2: What is your favorite color?", schemas::form("color"));
            let colour = filled_in(call, "step2", &colour, "color").await?;
            Reply::text(format!("{name} likes {colour}"))
        }
    })
}

/// Asks for one line of text.
pub(crate) async fn filled_in(call: &Call, key: &str, question: &Ask, field: &str) -> Result<String> {
    let filled = call.ask(key, question).await?.accepted()?;
    let text = filled.get(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Error::invalid(format!("`{field}` was not filled in")))
}

fn told(what: &str, answer: &Answer) -> Reply {
    let (action, content) = match answer {
        Answer::Accept(content) => ("accept", Value::Object(content.clone())),
        Answer::Decline => ("decline", Value::Object(JsonObject::new())),
        Answer::Cancel => ("cancel", Value::Object(JsonObject::new())),
    };
    Reply::text(format!("{what}: action={action}, content={content}"))
}
