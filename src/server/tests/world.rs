//! A client in the test's hands, and a provider whose tools do one thing each.

use std::{convert::Infallible as Never, future::pending, sync::Arc};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchboard_kit::{
    Ask, Call, Error, Result,
    host::{Effect, JsonObject, Reply},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    sync::{Notify, Semaphore, mpsc},
    task::JoinHandle,
    time::Instant,
};

use crate::server::{Changes, Handler, Provider, Tool, stdio};

/// The name of a property of the request's `_meta` in the modern era.
const META: &str = "io.modelcontextprotocol";

/// Items on a page of a list.
pub(super) const PAGE: usize = 4;

/// What the tools of [`Scripted`] wait for and leave behind.
#[derive(Default)]
pub(super) struct Script {
    /// Lets `wait` go on.
    pub(super) go: Notify,
    /// Told when `wait` has begun.
    pub(super) begun: Notify,
    /// Tells how many calls got past their questions.
    pub(super) done: std::sync::atomic::AtomicUsize,
    pub(super) changes: std::sync::OnceLock<Changes>,
    /// A tool that comes and goes.
    pub(super) more: std::sync::Mutex<Option<&'static str>>,
}

pub(super) struct Scripted(pub(super) Arc<Script>);

fn sure() -> Ask {
    let schema = json!({ "type": "object", "properties": { "sure": { "type": "boolean" } } });
    Ask::form("Sure?", schema)
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn kinds(&self) -> crate::server::Kinds {
        crate::server::Kinds::ALL
    }

    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        let tool = |name: &str| Tool {
            name: name.into(),
            title: name.into(),
            description: name.into(),
            effect: Effect::Read,
            input: Arc::new(json!({ "type": "object" }).as_object().cloned().unwrap()),
            output: None,
        };
        let more = *self.0.more.lock().unwrap();
        Ok(["form", "page", "report", "steps", "two", "wait"].into_iter().chain(more).map(tool).collect())
    }

    async fn call_tool(&self, call: &Call, name: &str, _: JsonObject) -> Result<Reply> {
        let answer = match name {
            "form" => json!(call.ask("sure", &sure()).await?.accepted()?),
            "page" => json!(call.ask("page", &Ask::url("Look", "http://127.0.0.1/page")).await?.accepted()?),
            "two" => {
                let (one, two) = (sure(), sure());
                let (one, two) = tokio::join!(call.ask("one", &one), call.ask("two", &two));
                json!([one?.accepted()?, two?.accepted()?])
            }
            "steps" => {
                let first = call.ask("first", &sure()).await?.accepted()?;
                json!([first, call.ask("second", &sure()).await?.accepted()?])
            }
            "report" => {
                for step in [0, 2, 1, 3_u8] {
                    call.progress(f64::from(step), Some(3.0), "working");
                    tokio::task::yield_now().await;
                }
                json!("reported")
            }
            more if Some(more) == *self.0.more.lock().unwrap() => json!(more),
            "wait" => {
                self.0.begun.notify_one();
                self.0.go.notified().await;
                call.progress(1.0, None, "nobody may hear");
                json!("waited")
            }
            name => return Err(Error::invalid(format!("no tool `{name}`"))),
        };
        self.0.done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Reply::text(answer.to_string()))
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        drop(self.0.changes.set(changes.clone()));
        Ok(())
    }
}

/// A client at the other end of the server's pipes.
pub(super) struct Client {
    output: WriteHalf<DuplexStream>,
    messages: mpsc::UnboundedReceiver<Value>,
    reading: JoinHandle<Never>,
    next: i64,
    modern: bool,
    capabilities: Value,
    /// What came that nobody has waited for.
    pub(super) heard: Vec<Value>,
    pub(super) serving: JoinHandle<Result<Instant>>,
    stop: Arc<Semaphore>,
}

fn read(input: ReadHalf<DuplexStream>) -> (mpsc::UnboundedReceiver<Value>, JoinHandle<Never>) {
    let (said, messages) = mpsc::unbounded_channel();
    let reading = tokio::spawn(async move {
        let mut input = BufReader::new(input);
        let mut line = String::new();
        while input.read_line(&mut line).await.is_ok_and(|length| length > 0) {
            drop(said.send(serde_json::from_str(&line).unwrap()));
            line.clear();
        }
        drop(said);
        // A pipe that is closed is another matter than one that nobody reads.
        pending().await
    });
    (messages, reading)
}

impl Client {
    async fn connect(provider: Arc<dyn Provider>, modern: bool, capabilities: Value) -> Self {
        let (ours, theirs) = duplex(1 << 16);
        let (input, output) = split(theirs);
        let handler = Handler::with_page_size(provider, String::new(), PAGE);
        handler.start().await.unwrap();
        let stop = Arc::new(Semaphore::new(0));
        let stopped = stop.clone();
        let stopped = async move { drop(stopped.acquire().await) };
        let serving = tokio::spawn(stdio::serve(handler, input, output, stopped));
        let (input, output) = split(ours);
        let ((messages, reading), heard) = (read(input), Vec::new());
        Self { output, messages, reading, next: 0, modern, capabilities, heard, serving, stop }
    }

    /// Connects a client of 2025-11-25 with these capabilities.
    pub(super) async fn legacy(provider: Arc<dyn Provider>, capabilities: Value) -> Self {
        let mut client = Self::connect(provider, false, capabilities.clone()).await;
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" },
        });
        client.request("initialize", hello).await;
        client.say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        client
    }

    /// Connects a client of 2026-07-28 with these capabilities.
    pub(super) async fn modern(provider: Arc<dyn Provider>, capabilities: Value) -> Self {
        Self::connect(provider, true, capabilities).await
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.output.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// Sends a request and returns its id.
    pub(super) async fn begin(&mut self, method: &str, mut parameters: Value) -> i64 {
        self.next += 1;
        if self.modern {
            parameters["_meta"][format!("{META}/protocolVersion")] = json!("2026-07-28");
            parameters["_meta"][format!("{META}/clientCapabilities")] = self.capabilities.clone();
            parameters["_meta"][format!("{META}/clientInfo")] = json!({ "name": "test", "version": "1" });
        }
        self.say(json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": parameters })).await;
        self.next
    }

    /// Returns the next message; nothing once the server has closed its output.
    pub(super) async fn message(&mut self) -> Option<Value> {
        self.messages.recv().await
    }

    /// Waits for a message that has this in that place.
    pub(super) async fn wait_for(&mut self, place: &str, value: &Value) -> Value {
        loop {
            let message = self.message().await.expect("the server ended");
            if message.pointer(place) == Some(value) {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// Waits for the answer to a request.
    pub(super) async fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.message().await.expect("the server ended");
            if message["id"] == json!(id) && message.get("method").is_none() {
                return message;
            }
            self.heard.push(message);
        }
    }

    pub(super) async fn request(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.begin(method, parameters).await;
        self.answer(id).await
    }

    /// Lists the names of the tools, page by page.
    pub(super) async fn tools(&mut self) -> Vec<String> {
        let (mut names, mut wanted) = (Vec::new(), json!({}));
        loop {
            let page = self.request("tools/list", wanted).await["result"].clone();
            let tools = page["tools"].as_array().unwrap();
            assert!(tools.len() <= PAGE, "{page}");
            names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page.get("nextCursor") else { return names };
            wanted = json!({ "cursor": cursor });
        }
    }

    /// Calls a tool without arguments and returns the whole answer.
    pub(super) async fn call(&mut self, tool: &str) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": {} })).await
    }

    /// Answers a request of the server's.
    pub(super) async fn reply(&mut self, request: &Value, result: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).await;
    }

    /// Closes the server's input, and goes on reading.
    pub(super) async fn hang_up(&mut self) {
        self.output.shutdown().await.unwrap();
    }

    /// Reads nothing from now on.
    pub(super) fn stop_reading(&mut self) {
        self.reading.abort();
    }

    /// Asks the process to end.
    pub(super) fn stop(&self) {
        self.stop.close();
    }
}

/// Returns the text of a tool's answer.
pub(super) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}
