//! A server as a process: talking to it over standard input and output, and what the kernel says about it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use crate::Result;

pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}}}"#;
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

/// How many calls are under way when they are pipelined.
pub(crate) const IN_FLIGHT: usize = 64;

/// A program, and what it is started with.
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    home: PathBuf,
}

impl Program {
    /// Copies a program, as installing it does: what a linker has just written is in memory page by page, and starts later.
    pub(crate) fn installed(program: &Path, home: &Path) -> Result<Self> {
        let path = home.join(program.file_name().ok_or("no name")?);
        fs::copy(program, &path)?;
        Ok(Self { path, arguments: Vec::new(), home: home.to_owned() })
    }

    /// Returns it with these arguments.
    pub(crate) fn with(&self, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { path: self.path.clone(), arguments, home: self.home.clone() }
    }

    /// Returns its size in megabytes.
    pub(crate) fn size(&self) -> Result<f64> {
        Ok(megabytes(fs::metadata(&self.path)?.len() / 1024))
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().env("HOME", &self.home).current_dir(&self.home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Times it from its start to its list of tools, in milliseconds.
    pub(crate) fn time_start(&self) -> Result<f64> {
        let started = Instant::now();
        let session = Session::open(self)?;
        let took = started.elapsed().as_secs_f64() * 1e3;
        drop(session);
        Ok(took)
    }
}

/// A process that ends with its guard.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Returns its resident memory in megabytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        Ok(megabytes(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?))
    }

    /// Returns how long its threads have run so far, in milliseconds.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let mut nanoseconds = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let account = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += account.split_whitespace().next().ok_or("no figure")?.parse::<f64>()?;
        }
        Ok(nanoseconds / 1e6)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An MCP session over standard input and output.
pub(crate) struct Session {
    pub(crate) process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Session {
    /// Starts the server and asks for its tools.
    pub(crate) fn open(program: &Program) -> Result<Self> {
        let mut child = program.command().stdin(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        let mut session = Self { process: Process(child), input, output: BufReader::new(output), line: String::new() };
        session.ask(&format!("{INITIALIZE}\n"))?;
        writeln!(session.input, "{INITIALIZED}")?;
        session.ask(&format!("{LIST}\n"))?;
        Ok(session)
    }

    fn ask(&mut self, request: &str) -> Result<()> {
        self.input.write_all(request.as_bytes())?;
        self.hear()
    }

    fn hear(&mut self) -> Result<()> {
        self.line.clear();
        self.output.read_line(&mut self.line)?;
        let failed = self.line.contains(r#""isError":true"#) || !self.line.contains(r#""result""#);
        if failed { Err(format!("not answered: {}", self.line).into()) } else { Ok(()) }
    }

    /// Calls a tool so many times, one call after the other, and returns the median of what a call took, in microseconds.
    pub(crate) fn one_by_one(&mut self, call: &str, calls: usize) -> Result<f64> {
        let mut took = Vec::with_capacity(calls);
        for id in 0..calls {
            let request = numbered(call, id);
            let started = Instant::now();
            self.ask(&request)?;
            took.push(started.elapsed().as_secs_f64() * 1e6);
        }
        Ok(crate::table::median(took))
    }

    /// Calls a tool so many times with 64 calls under way, and returns how many were answered in a second.
    pub(crate) fn pipelined(&mut self, call: &str, calls: usize) -> Result<f64> {
        let started = Instant::now();
        let (mut asked, mut heard, mut requests) = (0, 0, String::new());
        while heard < calls {
            while asked < calls.min(heard + IN_FLIGHT) {
                requests += &numbered(call, asked);
                asked += 1;
            }
            self.input.write_all(requests.as_bytes())?;
            requests.clear();
            // What came together is answered together.
            loop {
                self.hear()?;
                heard += 1;
                if self.output.buffer().is_empty() {
                    break;
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
        Ok(calls as f64 / started.elapsed().as_secs_f64())
    }
}

/// The cores that this process may run on.
pub(crate) struct Cores {
    all: String,
}

impl Cores {
    pub(crate) fn of_this_process() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        Ok(Self { all: line.ok_or("no cores")?.trim().to_owned() })
    }

    /// Keeps this thread, and what it starts from now on, on one core, where `taskset` can be had: whether the scheduler
    /// keeps client and server together decides over most of an echo's time.
    pub(crate) fn only_one(&self) {
        set(self.all.split([',', '-']).next().unwrap_or_default());
    }

    pub(crate) fn all_again(&self) {
        set(&self.all);
    }
}

fn set(cores: &str) {
    let arguments = ["-cp".to_owned(), cores.to_owned(), std::process::id().to_string()];
    drop(Command::new("taskset").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status());
}

/// Writes a call of a tool, but for its id.
pub(crate) fn call(tool: &str, arguments: &str) -> String {
    format!(r#""jsonrpc":"2.0","method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#)
}

/// Writes one of several calls of a tool. Those that are under way together must differ in their ids.
pub(crate) fn numbered(call: &str, id: usize) -> String {
    format!("{{\"id\":{id},{call}\n")
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
