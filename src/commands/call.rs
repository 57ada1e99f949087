//! `switchboard call`: one tool, from a terminal.

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;
use switchboard_kit::{
    Answer, Ask, Call, Error, ErrorKind, Medium, Principal, Result,
    host::{Caller, Content, JsonObject},
};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::Accounts,
    chat::sanitise,
    server::Provider as _,
    sign_in::{OwnTerminal, Terminal},
    signals::stopped,
};

/// Longest that a call may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Calls a tool with `key=value` arguments and prints its answer.
pub(super) async fn call(accounts: &Accounts, tool: &str, arguments: &[String]) -> Result<()> {
    let all = super::offered(accounts, accounts.served()?)?;
    let caller = Arc::new(Person::here());
    let call = Call::of(caller, Principal::local(), PATIENCE, CancellationToken::new());
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

/// Whoever has typed the command.
struct Person {
    /// Where they read and type, if they do.
    terminal: Option<Box<dyn Terminal>>,
}

impl Person {
    /// Nobody is asked who may not see the question, or whose answer may be a program's.
    fn here() -> Self {
        let present = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { terminal: present.then(|| Box::<OwnTerminal>::default() as _) }
    }
}

#[async_trait]
impl Caller for Person {
    fn can_be_asked(&self, medium: Medium) -> bool {
        self.terminal.is_some() && medium == Medium::Form
    }

    async fn ask(&self, _: &str, question: &Ask) -> Result<Answer> {
        let answered_by_yes = match question {
            Ask::Form { schema, .. } => schema["properties"].as_object().is_none_or(serde_json::Map::is_empty),
            _ => false,
        };
        let Some(terminal) = self.terminal.as_ref().filter(|_| answered_by_yes) else {
            let message = "the user has to be asked what cannot be asked here".to_owned();
            return Err(Error::unsupported(message).hint("call the tool from an MCP client that can show forms"));
        };
        let mut shown = question.message().to_owned();
        sanitise::answer(&mut shown);
        terminal.say(&format!("{shown}\nType `y` to agree; anything else declines:"));
        Ok(match terminal.line().await.as_deref().map(str::trim) {
            Some(word) if ["y", "yes"].iter().any(|yes| word.eq_ignore_ascii_case(yes)) => {
                Answer::Accept(JsonObject::new())
            }
            Some(_) => Answer::Decline,
            None => Answer::Cancel,
        })
    }
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
    use std::sync::Mutex;

    use serde_json::json;
    use switchboard_kit::host::Secret;
    use url::Url;

    use super::*;

    /// A terminal at which this is typed.
    struct Typed(Option<&'static str>, Arc<Mutex<String>>);

    #[async_trait]
    impl Terminal for Typed {
        fn say(&self, line: &str) {
            self.1.lock().unwrap().push_str(line);
        }

        fn variable(&self, _: &str) -> Option<String> {
            None
        }

        async fn line(&self) -> Option<String> {
            self.0.map(Into::into)
        }

        async fn secret_line(&self, _: &str) -> Option<Secret> {
            None
        }

        fn open(&self, _: &Url) -> bool {
            false
        }
    }

    #[tokio::test]
    async fn only_yes_is_yes() {
        let shown = Arc::new(Mutex::default());
        let typed = |word| Person { terminal: Some(Box::new(Typed(word, Arc::clone(&shown)))) };
        let question = Ask::form("Send to #ops:\n│ \u{1b}[2Jhello\u{202e}\rbye", json!({ "properties": {} }));
        for word in ["y", "Yes", " YES "] {
            let answer = typed(Some(word)).ask("sure", &question).await.unwrap();
            assert_eq!(answer, Answer::Accept(JsonObject::new()), "{word:?}");
        }
        assert!(shown.lock().unwrap().starts_with("Send to #ops:\n│ [2Jhello bye\nType `y`"), "{shown:?}");
        for word in ["", "n", "yess", "y n", "ok", "true", "\u{ff59}"] {
            assert_eq!(typed(Some(word)).ask("sure", &question).await.unwrap(), Answer::Decline, "{word:?}");
        }
        assert_eq!(typed(None).ask("sure", &question).await.unwrap(), Answer::Cancel);
        let form = Ask::form("Who?", json!({ "properties": { "name": { "type": "string" } } }));
        assert_eq!(typed(Some("y")).ask("who", &form).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn where_nobody_sits_nobody_is_asked() {
        let nobody = Person { terminal: None };
        assert!(!nobody.can_be_asked(Medium::Form) && !nobody.can_be_asked(Medium::Url));
    }

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
