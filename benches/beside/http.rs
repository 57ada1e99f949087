//! Callers of the echo tool over HTTP: as many as asked for, each on a connection of its own, one call after the other.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Builder,
};

use crate::{
    Result,
    process::{INITIALIZE, INITIALIZED, Process, Program, call, numbered},
    table::median,
};

const LOAD: Duration = Duration::from_millis(600);
const MODERN: &str = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"b","version":"1"}}}}"#;
const MODERN_HEADERS: &str = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n";

/// A server that listens.
pub(crate) struct Service {
    _process: Process,
    host: String,
    path: String,
}

impl Service {
    /// Starts a program whose first words on standard error say where it listens.
    pub(crate) fn start(program: &Program) -> Result<Self> {
        let child = program.with(&["--http", "127.0.0.1:0"]).command().stderr(Stdio::piped()).spawn()?;
        let mut process = Process(child);
        let mut line = String::new();
        BufReader::new(process.0.stderr.as_mut().ok_or("no output")?).read_line(&mut line)?;
        let url = line.trim().split_once("http://").and_then(|(_, rest)| rest.split_once('/'));
        let (host, path) = url.ok_or_else(|| format!("not listening: {line}"))?;
        Ok(Self { _process: process, host: host.to_owned(), path: format!("/{path}") })
    }

    /// Lets so many call for a while. Returns calls a second, and the median of what a call took in microseconds.
    pub(crate) fn load(&self, callers: usize, era: Era) -> Result<[f64; 2]> {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let callers = try_join_all((0..callers).map(|_| Caller::connect(self, era))).await?;
            let started = Instant::now();
            let took = try_join_all(callers.into_iter().map(|caller| caller.call_until(started + LOAD))).await?;
            let (elapsed, took) = (started.elapsed().as_secs_f64(), took.concat());
            #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
            Ok([took.len() as f64 / elapsed, median(took)])
        })
    }
}

/// The protocol's two ways over HTTP.
#[derive(Clone, Copy)]
pub(crate) enum Era {
    /// Each request on its own, answered with JSON.
    Modern,
    /// A session, answered with events.
    Legacy,
}

struct Caller {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Caller {
    async fn connect(service: &Service, era: Era) -> Result<Self> {
        let stream = TcpStream::connect(&service.host).await?;
        stream.set_nodelay(true)?;
        let mut caller = Self { stream, request: Vec::new(), answer: Vec::new() };
        caller.request = match era {
            Era::Modern => service.request(MODERN_HEADERS, MODERN),
            Era::Legacy => {
                let session = caller.greet(service).await?;
                service.request(&session, &numbered(&call("echo", r#"{"text":"hello"}"#), 3))
            }
        };
        Ok(caller)
    }

    /// Opens a session, and returns the headers that it goes on with.
    async fn greet(&mut self, service: &Service) -> Result<String> {
        self.request = service.request("", INITIALIZE);
        self.call().await?;
        let head = String::from_utf8_lossy(&self.answer).into_owned();
        let id = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).ok_or("no session")?;
        let headers = format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {id}\r\n");
        self.request = service.request(&headers, INITIALIZED);
        self.call().await?;
        Ok(headers)
    }

    async fn call_until(mut self, end: Instant) -> Result<Vec<f64>> {
        let mut took = Vec::new();
        let mut began = Instant::now();
        while began < end {
            self.call().await?;
            if !self.answer.windows(7).any(|part| part == b"\"hello\"") {
                return Err(format!("not answered: {}", String::from_utf8_lossy(&self.answer)).into());
            }
            let now = Instant::now();
            took.push((now - began).as_secs_f64() * 1e6);
            began = now;
        }
        Ok(took)
    }

    async fn call(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        while !is_whole(&self.answer)? {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server hung up".into());
            }
        }
        Ok(())
    }
}

impl Service {
    fn request(&self, headers: &str, body: &str) -> Vec<u8> {
        let Self { host, path, .. } = self;
        let about = "content-type: application/json\r\naccept: application/json, text/event-stream";
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{about}\r\n{headers}content-length: {length}\r\n\r\n{body}")
            .into_bytes()
    }
}

/// Tells whether an answer has come to its end: by its length, or by its last chunk.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(head) = answer.windows(4).position(|part| part == b"\r\n\r\n") else { return Ok(false) };
    let body = answer.len() - head - 4;
    let head = str::from_utf8(&answer[..head])?;
    if !head.starts_with("HTTP/1.1 2") {
        return Err(head.into());
    }
    match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        Some(length) => Ok(body >= length.parse()?),
        None => Ok(answer.ends_with(b"\r\n0\r\n\r\n")),
    }
}
