//! Tools as `#[tool]` registers them: their schema, how they are called, and what they answer.

use std::any::Any;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, Result};

/// A JSON object.
pub type JsonObject = serde_json::Map<String, Value>;

/// What a tool can be a tool of: the type of its first parameter.
pub trait ToolHost: Send + Sync + 'static {
    /// Names it: the platform's key, or `chat` for the verbs.
    const KEY: &'static str;
}

/// What a tool does to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It adds or changes something.
    Write,
    /// It takes something away.
    Destructive,
}

/// One registered tool; `#[tool]` writes it.
#[derive(Debug)]
pub struct ToolDef {
    /// Whose tool it is.
    pub host: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// The module it is written in; the last part names its toolset.
    pub module: &'static str,
    /// The function's documentation.
    pub description: &'static str,
    /// What it does to the platform.
    pub effect: Effect,
    /// The scopes it needs.
    pub scopes: &'static [&'static str],
    /// The schema of its arguments.
    pub input: fn() -> JsonObject,
    /// The schema of its answer, if that is JSON.
    pub output: fn() -> Option<JsonObject>,
    /// Calls it on its host.
    pub call: ToolCall,
    /// Where it is written, for the error about two of the same name.
    pub place: &'static str,
}

impl ToolDef {
    /// Returns the toolset by which `toolsets:` in the configuration offers it: the file it is written in.
    pub fn toolset(&self) -> &'static str {
        self.module.rsplit("::").next().unwrap_or(self.module)
    }
}

/// Calls a tool on its host with these arguments.
pub type ToolCall = for<'a> fn(&'a (dyn Any + Send + Sync), JsonObject) -> BoxFuture<'a, Result<Reply>>;

inventory::collect!(ToolDef);

/// An answer with a schema: an object, which clients get as structured content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// An answer for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

/// A tool's answer, ready for any wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What the model reads.
    pub content: Vec<Content>,
    /// The same as data, where the tool has an output schema.
    pub structured: Option<Value>,
}

/// One piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Text.
    Text(String),
    /// A picture.
    Image {
        /// Its bytes.
        data: Vec<u8>,
        /// Its media type.
        media_type: String,
    },
    /// Sound.
    Audio {
        /// Its bytes.
        data: Vec<u8>,
        /// Its media type.
        media_type: String,
    },
    /// What a resource holds.
    Resource(ResourceContents),
}

/// What a resource holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceContents {
    /// Names the resource.
    pub uri: String,
    /// Its media type.
    pub media_type: Option<String>,
    /// Its content.
    pub body: ResourceBody,
}

/// The content of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceBody {
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Reply {
    /// Answers with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![Content::Text(text.into())], structured: None }
    }
}

/// What a tool may return in its `Result`.
pub trait IntoReply {
    /// Returns the answer's schema, if it has one.
    fn output_schema() -> Option<JsonObject> {
        None
    }
    /// Makes it an answer.
    fn into_reply(self) -> Result<Reply>;
}

impl<T: Serialize + JsonSchema> IntoReply for Json<T> {
    fn output_schema() -> Option<JsonObject> {
        Some(crate::schema::output_schema::<T>())
    }

    fn into_reply(self) -> Result<Reply> {
        let value = serde_json::to_value(self.0)
            .map_err(|error| Error::unexpected("the answer cannot be written as JSON").caused_by(error))?;
        Ok(Reply { content: vec![Content::Text(value.to_string())], structured: Some(value) })
    }
}

impl IntoReply for Text {
    fn into_reply(self) -> Result<Reply> {
        Ok(Reply::text(self.0))
    }
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Self> {
        Ok(self)
    }
}

/// Names the `T` of a function's `Result<T>`.
#[doc(hidden)]
pub trait Returns {
    type Value: IntoReply;
    fn into_result(self) -> Result<Self::Value>;
}

impl<T: IntoReply> Returns for Result<T> {
    type Value = T;
    fn into_result(self) -> Self {
        self
    }
}

/// Returns the schema of what a function answers.
#[doc(hidden)]
pub fn output_schema<R: Returns>() -> Option<JsonObject> {
    R::Value::output_schema()
}

/// Makes what a function returned an answer.
#[doc(hidden)]
pub fn reply<R: Returns>(returned: R) -> Result<Reply> {
    returned.into_result()?.into_reply()
}

/// Writes a default as a schema has it.
#[doc(hidden)]
pub fn json<T: Serialize>(value: T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Returns the host that a tool is written for.
#[doc(hidden)]
pub fn open<T: ToolHost>(host: &(dyn Any + Send + Sync)) -> &T {
    host.downcast_ref().expect("the server hands a tool the host that its registration names")
}

/// Reads arguments, naming the one that is wrong.
#[doc(hidden)]
pub fn parse<T: DeserializeOwned>(mut arguments: JsonObject) -> Result<T> {
    // Models write `null` for what they leave out.
    arguments.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner().to_string();
        if let Some(rest) = cause.strip_prefix("unknown field ") {
            let mut names = rest.split('`').skip(1).step_by(2);
            let wrong = names.next().unwrap_or_default();
            let error = Error::invalid(format!("unknown argument {rest}"));
            return match crate::schema::nearest(wrong, names) {
                Some(near) => error.hint(format!("say `{near}` instead of `{wrong}`")),
                None => error,
            };
        }
        Error::invalid(match cause.strip_prefix("missing field ") {
            Some(rest) => format!("missing argument {rest}"),
            None => format!("argument `{path}`: {cause}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Arguments {
        target: String,
        limit: Option<u16>,
    }

    fn refusal(arguments: Value) -> Error {
        let Value::Object(arguments) = arguments else { unreachable!() };
        parse::<Arguments>(arguments).unwrap_err()
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let error = refusal(serde_json::json!({ "target": "#a", "limit": "many" }));
        assert!(error.to_string().starts_with("argument `limit`: invalid type: string"), "{error}");
        assert!(refusal(serde_json::json!({ "target": null })).to_string().starts_with("missing argument `target`"));
        assert!(refusal(serde_json::json!({})).to_string().starts_with("missing argument `target`"));
        let error = refusal(serde_json::json!({ "targt": "#a" }));
        assert_eq!(error.to_string(), "unknown argument `targt`, expected `target` or `limit`");
        assert_eq!(error.hint_text(), Some("say `target` instead of `targt`"));
    }
}
