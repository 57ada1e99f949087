//! `switchboard call`: one tool, from a terminal.

use std::time::Duration;

use serde_json::Value;
use switchboard_kit::{
    Error, ErrorKind, Result,
    host::{Content, JsonObject, local_call},
};

use crate::{accounts::Accounts, server::Provider as _, signals::stopped};

/// Longest that a call may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Calls a tool with `key=value` arguments and prints its answer.
pub(super) async fn call(accounts: &Accounts, tool: &str, arguments: &[String]) -> Result<()> {
    let all = super::offered(accounts, accounts.served()?)?;
    let call = local_call(PATIENCE);
    let schema = all.get_tool(&call, tool).await?.map(|tool| tool.input).unwrap_or_default();
    let arguments = read(arguments, &schema)?;
    let reply = tokio::select! {
        reply = call.run(all.call_tool(&call, tool, arguments)) => reply,
        () = stopped() => Err(Error::new(ErrorKind::Cancelled, "the call was interrupted")),
    };
    accounts.finish().await;
    for content in reply?.content {
        match content {
            Content::Text(text) => super::print(&text)?,
            Content::Image { data, media_type } | Content::Audio { data, media_type } => {
                super::print(&format!("[{media_type}, {} bytes]", data.len()))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads `key=value` arguments by the tool's schema: text where it wants text, JSON elsewhere.
fn read(arguments: &[String], schema: &JsonObject) -> Result<JsonObject> {
    let mut read = JsonObject::new();
    for argument in arguments {
        let Some((key, text)) = argument.split_once('=') else {
            return Err(Error::new(ErrorKind::Config, format!("argument `{argument}` is not of the form `key=value`")));
        };
        let property = schema.get("properties").and_then(|properties| properties.get(key));
        let wanted =
            |property: Option<&Value>| property.and_then(|property| property["type"].as_str()).map(str::to_owned);
        let value = |kind: Option<&str>| match kind {
            Some("string") | None => Value::String(text.to_owned()),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        if wanted(property).as_deref() == Some("array") && !text.starts_with('[') {
            let item = value(wanted(property.map(|property| &property["items"])).as_deref());
            match read.entry(key).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(items) => items.push(item),
                _ => return Err(Error::new(ErrorKind::Config, format!("argument `{key}` is given in two forms"))),
            }
        } else if read.insert(key.to_owned(), value(wanted(property).as_deref())).is_some() {
            return Err(Error::new(ErrorKind::Config, format!("argument `{key}` is given twice")));
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_read_by_the_schema() {
        let schema = json!({ "properties": {
            "text": { "type": "string" }, "limit": { "type": "integer" }, "files": { "type": "array", "items": { "type": "string" } },
        } });
        let arguments = ["text=5=5", "limit=3", "files=a", "files=b"].map(str::to_owned);
        let read = read(&arguments, schema.as_object().unwrap()).unwrap();
        assert_eq!(Value::Object(read), json!({ "text": "5=5", "limit": 3, "files": ["a", "b"] }));
    }

    #[test]
    fn a_bare_word_is_refused() {
        assert!(read(&["limit".to_owned()], &JsonObject::new()).is_err());
    }
}
