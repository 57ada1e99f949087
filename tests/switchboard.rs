//! The built binary, as a client or a person starts it: with a home of its own, and nothing of this machine's.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A home directory for one test.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the home directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Prepares a run of the binary in this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(arguments).env_clear().env("HOME", self.path()).current_dir(self.path()).stdin(Stdio::null());
        for name in ["PATH", "SystemRoot", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts an MCP session.
    pub(crate) fn session(&self, arguments: &[&str]) -> Session {
        let mut command = self.command(arguments);
        command.stderr(Stdio::null());
        Session::start(command)
    }
}

/// What a run printed, exit code first.
pub(crate) fn printed(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A process that another thread may kill while this one talks to it.
#[derive(Clone)]
pub(crate) struct Process(Arc<Mutex<Child>>);

impl Process {
    pub(crate) fn of(child: Child) -> Self {
        Self(Arc::new(Mutex::new(child)))
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> u32 {
        self.lock().id()
    }

    /// Kills it, unless it has ended.
    pub(crate) fn kill(&self) {
        drop(self.lock().kill());
    }

    pub(crate) fn wait(&self) -> ExitStatus {
        self.lock().wait().unwrap()
    }
}

/// An MCP session over standard input and output. Every line that the server says must be JSON-RPC.
pub(crate) struct Session {
    pub(crate) process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: u64,
    /// What the server has told by itself, while something else was waited for.
    heard: Vec<Value>,
}

impl Session {
    pub(crate) fn start(command: Command) -> Self {
        let mut session = Self::spawn(command);
        session.greet().expect("the server ended");
        session
    }

    /// Starts the server and does not talk to it yet.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { process: Process::of(child), input, output, next: 0, heard: Vec::new() }
    }

    /// Opens the session; nothing if the server ends meanwhile.
    pub(crate) fn greet(&mut self) -> Option<()> {
        self.greet_as(&json!({}))
    }

    /// Opens the session as a client with these capabilities.
    pub(crate) fn greet_as(&mut self, capabilities: &Value) -> Option<()> {
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" },
        });
        self.ask("initialize", &hello)?;
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).ok()
    }

    fn say(&mut self, message: &Value) -> io::Result<()> {
        writeln!(self.input.as_mut().unwrap(), "{message}")
    }

    /// Sends a request and returns its result; nothing if the server ends first.
    pub(crate) fn ask(&mut self, method: &str, parameters: &Value) -> Option<Value> {
        self.ask_and_answer(method, parameters, |request| panic!("nobody expects {request}"))
    }

    /// Does the same, answering what the server asks meanwhile.
    pub(crate) fn ask_and_answer(
        &mut self,
        method: &str,
        parameters: &Value,
        answer: impl FnMut(&Value) -> Value,
    ) -> Option<Value> {
        let message = self.exchange(method, parameters, answer)?;
        assert!(message.get("error").is_none(), "{method} failed: {message}");
        Some(message["result"].clone())
    }

    /// Sends a request that the server refuses, and returns the error's code.
    pub(crate) fn refused(&mut self, method: &str, parameters: &Value) -> i64 {
        let message = self.exchange(method, parameters, |request| panic!("nobody expects {request}")).unwrap();
        message["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method} was not refused: {message}"))
    }

    fn exchange(&mut self, method: &str, parameters: &Value, mut answer: impl FnMut(&Value) -> Value) -> Option<Value> {
        let id = self.post(method, parameters)?;
        loop {
            let message = self.message()?;
            if message.get("method").is_some() && message.get("id").is_some() {
                let answer = answer(&message);
                self.say(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": answer })).ok()?;
            } else if message["id"] == json!(id) {
                return Some(message);
            } else if message.get("id").is_none() {
                self.heard.push(message);
            }
        }
    }

    /// Sends a request without waiting for its answer, and returns its id.
    pub(crate) fn post(&mut self, method: &str, parameters: &Value) -> Option<u64> {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters })).ok()?;
        Some(id)
    }

    /// Waits for a notification, or takes one that came meanwhile.
    pub(crate) fn hear(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.heard.iter().position(|heard| heard["method"] == method) {
                return self.heard.remove(at);
            }
            let message = self.message().expect("the server ended");
            self.heard.push(message);
        }
    }

    /// Returns whether such a notification came.
    pub(crate) fn has_heard(&self, method: &str) -> bool {
        self.heard.iter().any(|heard| heard["method"] == method)
    }

    fn message(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok().filter(|_| line.ends_with('\n'))?;
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "not JSON-RPC: {line}");
        Some(message)
    }

    /// Sends a request to a server that does not end, and returns its result.
    pub(crate) fn request(&mut self, method: &str, parameters: &Value) -> Value {
        self.ask(method, parameters).expect("the server ended")
    }

    /// Calls a tool and returns what it says, as an error if it is one.
    #[expect(clippy::needless_pass_by_value, reason = "calls read better without a reference")]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Result<String, String> {
        self.try_call(tool, &arguments).expect("the server ended")
    }

    /// Does the same with a server that may end; then it says nothing.
    pub(crate) fn try_call(&mut self, tool: &str, arguments: &Value) -> Option<Result<String, String>> {
        let result = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))?;
        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        Some(if result["isError"] == json!(true) { Err(text) } else { Ok(text) })
    }

    /// Sends a tool call, whose id is 0, and does not wait for its answer.
    pub(crate) fn begin(&mut self, tool: &str) {
        let call = json!({ "name": tool, "arguments": {} });
        self.say(&json!({ "jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": call })).unwrap();
    }

    /// Says that the call which was begun is no longer wanted.
    pub(crate) fn cancel(&mut self) {
        let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 0 } });
        self.say(&cancelled).unwrap();
    }

    /// Hangs up, and returns what the server still says.
    pub(crate) fn hang_up(mut self) -> Vec<Value> {
        drop(self.input.take());
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        assert!(self.process.wait().success());
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Hangs up and asks the server to end at once, as clients do; waits until it has.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) {
        drop(self.input.take());
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait();
    }

    /// Hangs up and waits for the server to end.
    pub(crate) fn end(mut self) {
        drop(self.input.take());
        assert!(self.process.wait().success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.process.kill();
        self.process.wait();
    }
}
