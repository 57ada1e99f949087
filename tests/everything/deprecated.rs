//! Tools for what the protocol gives up: messages to the client's log, its model and its folders. They reach the request as
//! the protocol library has it.

use std::time::Duration;

use futures::future::try_join_all;
use serde_json::{Value, json};
use switchboard::server::Client;
use switchboard_kit::{
    Call, Error, Result,
    host::{JsonObject, Reply},
};
use tokio::time::sleep;

use crate::{logging, schemas, tools::text};

/// Name, what it does, arguments.
pub(crate) const TOOLS: &[(&str, &str, &[&str])] = &[
    ("test_tool_with_logging", "Writes to the client's log", &[]),
    ("test_logging_tool", "Writes to the client's log if asked to", &[]),
    ("test_sampling", "Asks the client's model", &["prompt"]),
    (logging::NEEDS_SAMPLING, "Is refused to clients without a model", &[]),
    ("test_input_required_result_sampling", "Asks the client's model for a capital", &[]),
    ("test_input_required_result_list_roots", "Asks for the client's folders", &[]),
    ("test_input_required_result_multiple_inputs", "Asks the user, the model and for folders at once", &[]),
    ("test_input_required_result_capabilities", "Asks what the client can answer", &[]),
];

/// Calls a tool.
pub(crate) async fn call(call: &Call, name: &str, arguments: &JsonObject) -> Result<Reply> {
    let client = Client::of(call).ok_or_else(|| Error::unsupported("only MCP clients can be asked"))?;
    let name_of_user = || ("user_name", elicitation("What is your name?", "name"));
    let folders = || ("client_roots", json!({ "method": "roots/list" }));
    let questions = match name {
        "test_tool_with_logging" | "test_logging_tool" => {
            for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                logging::info(client, message).await;
                sleep(Duration::from_millis(50)).await;
            }
            return Ok(Reply::text("logged"));
        }
        "test_sampling" => vec![("sample", sampling(text(arguments, "prompt")?, 100))],
        "test_input_required_result_sampling" => {
            vec![("capital_question", sampling("What is the capital of France?", 100))]
        }
        "test_input_required_result_list_roots" => vec![folders()],
        "test_input_required_result_multiple_inputs" => {
            vec![name_of_user(), ("greeting", sampling("Generate a greeting", 50)), folders()]
        }
        "test_input_required_result_capabilities" => {
            let able = client.context().client_capabilities().unwrap_or_default();
            let mut possible = Vec::new();
            possible.extend(able.elicitation.is_some().then(name_of_user));
            possible.extend(able.sampling.is_some().then(|| ("greeting", sampling("Generate a greeting", 50))));
            possible.extend(able.roots.is_some().then(folders));
            possible
        }
        logging::NEEDS_SAMPLING => Vec::new(),
        _ => return Err(Error::invalid(format!("unknown tool `{name}`"))),
    };
    let asked = questions.into_iter().map(async |(key, question)| ask(client, key, question).await);
    let answers = try_join_all(asked).await?;
    Ok(Reply::text(match (name, answers.first()) {
        ("test_sampling", Some(answer)) => {
            format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or_default())
        }
        _ => Value::from(answers).to_string(),
    }))
}

async fn ask(client: &Client, key: &str, question: Value) -> Result<Value> {
    let question = serde_json::from_value(question).map_err(|error| Error::unexpected("no question").caused_by(error));
    client.input(key, question?).await
}

fn elicitation(message: &str, field: &str) -> Value {
    let params = json!({ "mode": "form", "message": message, "requestedSchema": schemas::form(field) });
    json!({ "method": "elicitation/create", "params": params })
}

fn sampling(prompt: &str, max_tokens: u32) -> Value {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": max_tokens } })
}
