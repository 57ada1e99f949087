//! An HTTP client that can also do what no decent client does.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::server::hello;

/// One connection.
pub(super) struct Client {
    pub(super) stream: BufReader<TcpStream>,
    authority: String,
    /// What goes along with every request.
    pub(super) headers: String,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Client {
    pub(super) fn of(authority: &str) -> Self {
        let stream = TcpStream::connect(authority).unwrap();
        // Longer than anything here takes: a test that waits for ever says nothing.
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_write_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { stream: BufReader::new(stream), authority: authority.into(), headers: String::new() }
    }

    /// Sends bytes as they are.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Sends a request and does not wait for its answer.
    pub(super) fn begin(&mut self, line: &str, headers: &str, body: &str) {
        let host = if headers.lines().any(|line| line.starts_with("Host:")) {
            String::new()
        } else {
            format!("Host: {}\r\n", self.authority)
        };
        let own = &self.headers;
        let length =
            if line.starts_with("POST") { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
        self.send(format!("{line} HTTP/1.1\r\n{host}{own}{headers}{length}\r\n{body}")).unwrap();
    }

    pub(super) fn ask(&mut self, line: &str, headers: &str, body: &str) -> Answer {
        self.begin(line, headers, body);
        self.answer().unwrap()
    }

    /// Posts a message.
    pub(super) fn post(&mut self, headers: &str, body: &str) -> Answer {
        self.ask("POST /mcp", &format!("Content-Type: application/json\r\n{headers}"), body)
    }

    /// Reads an answer to its end.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let mut head = self.head()?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        head.make_ascii_lowercase();
        let mut answer = Answer { status, head, body: String::new() };
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            (&mut self.stream).take(length).read_to_string(&mut answer.body)?;
        } else if answer.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk()? {
                answer.body += &chunk;
            }
        }
        Ok(answer)
    }

    pub(super) fn head(&mut self) -> io::Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    /// Reads a piece of a stream; nothing at its end.
    pub(super) fn chunk(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        let mut chunk = String::new();
        (&mut self.stream).take(length + 2).read_to_string(&mut chunk)?;
        chunk.truncate(usize::try_from(length).map_err(io::Error::other)?);
        Ok((length > 0).then_some(chunk))
    }

    /// Opens a session and keeps to it.
    pub(super) fn open_session(&mut self) -> Answer {
        let answer = self.post("", &message("initialize", &hello()));
        let id = answer.header("mcp-session-id").unwrap_or_else(|| panic!("{answer:?}"));
        self.headers = format!("Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: 2025-11-25\r\n");
        let started = self.post("", &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        assert_eq!(started.status, 202, "{started:?}");
        answer
    }

    /// Calls a tool in the newest revision, which needs no session.
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Answer {
        self.begin_call(tool, arguments);
        self.answer().unwrap()
    }

    pub(super) fn begin_call(&mut self, tool: &str, arguments: &Value) {
        let (headers, body) = modern("tools/call", &json!({ "name": tool, "arguments": arguments }));
        let headers = format!("Content-Type: application/json\r\n{headers}Mcp-Name: {tool}\r\n");
        self.begin("POST /mcp", &headers, &body);
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The message that it carries: JSON, or the last event of a stream.
    pub(super) fn message(&self) -> Value {
        let event =
            self.body.lines().rev().find_map(|line| line.strip_prefix("data: ").filter(|data| !data.is_empty()));
        serde_json::from_str(event.unwrap_or(&self.body)).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The text that a tool answers with.
    pub(super) fn text(&self) -> String {
        let message = self.message();
        let text = message["result"]["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("no text in {self:?}")).to_owned()
    }
}

/// A request.
pub(super) fn message(method: &str, parameters: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": parameters }).to_string()
}

/// A request of the newest revision: its headers and its body.
pub(super) fn modern(method: &str, parameters: &Value) -> (String, String) {
    let mut parameters = parameters.clone();
    parameters["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    });
    (format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n"), message(method, &parameters))
}
