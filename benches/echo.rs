//! The same tool behind our own provider, aggregate, handler and transport.

use std::sync::Arc;

use serde_json::json;
use switchboard::server::{Aggregate, Handler, Provider, Tool, serve_stdio};
use switchboard_kit::{
    Call, Result, async_trait,
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
    let all = Arc::new(Aggregate::new([Arc::new(Echo) as _]));
    serve_stdio(Handler::new(all, String::new())).await.map(drop)
}
