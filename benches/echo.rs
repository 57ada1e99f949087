//! The same tool behind our own provider, aggregate, handler and transports.

use std::{env, sync::Arc};

use serde_json::json;
use switchboard::server::{Aggregate, Handler, HttpOptions, Provider, Tool, serve_http, serve_stdio};
use switchboard_kit::{
    Call, Error, Result, async_trait,
    host::{Effect, JsonObject, Reply},
};

struct Echo;

#[async_trait]
impl Provider for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        let input = Arc::new(schema.as_object().cloned().unwrap_or_default());
        let (name, title, description) = ("echo".into(), "Echo".into(), "Echoes.".into());
        Ok(vec![Tool { name, title, description, effect: Effect::Read, input, output: None }])
    }

    async fn call_tool(&self, _: &Call, _: &str, arguments: JsonObject) -> Result<Reply> {
        let text = arguments.get("text").and_then(|text| text.as_str()).unwrap_or_default();
        Ok(Reply::text(text))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let handler = Handler::new(Arc::new(Aggregate::new([Arc::new(Echo) as _])), String::new());
    let Some(address) = env::args().skip_while(|argument| argument != "--http").nth(1) else {
        return serve_stdio(handler).await.map(drop);
    };
    let options = HttpOptions {
        address: address.parse().map_err(Error::invalid)?,
        token: None,
        hosts: Vec::new(),
        origins: Vec::new(),
    };
    serve_http(handler, options).await.map(drop)
}
