//! Measures switchboard beside a bare rmcp server of the same versions: start, memory, and the time of a call.

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const STARTS: usize = 30;
const CALLS: usize = 5_000;
const ROUNDS: usize = 5;

struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Server {
    fn start(program: &Path, arguments: &[&str], home: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).env("HOME", home).env_remove("CARGO_MANIFEST_DIR").current_dir(home);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        let mut server = Self { child, input, output: BufReader::new(output), line: String::new() };
        server.ask(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}}}"#)?;
        server.input.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")?;
        server.ask(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#)?;
        Ok(server)
    }

    fn ask(&mut self, request: &str) -> Result<()> {
        self.input.write_all(request.as_bytes())?;
        self.input.write_all(b"\n")?;
        self.line.clear();
        self.output.read_line(&mut self.line)?;
        if self.line.contains("\"result\"") { Ok(()) } else { Err(format!("not answered: {}", self.line).into()) }
    }

    /// Resident memory in megabytes.
    fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Copies a program, as installing it does: what a linker has just written is in memory page by page, and starts later.
fn installed(program: &Path, home: &Path) -> Result<PathBuf> {
    let copy = home.join(program.file_name().ok_or("no name")?);
    fs::copy(program, &copy)?;
    Ok(copy)
}

fn start(program: &Path, arguments: &[&str], home: &Path) -> Result<f64> {
    let started = Instant::now();
    let server = Server::start(program, arguments, home)?;
    let took = started.elapsed().as_secs_f64() * 1e3;
    drop(server);
    Ok(took)
}

fn memory(program: &Path, arguments: &[&str], home: &Path) -> Result<f64> {
    let server = Server::start(program, arguments, home)?;
    thread::sleep(Duration::from_secs(1)); // the figure is defined as that of one second later
    server.memory()
}

fn echo(program: &Path, home: &Path) -> Result<f64> {
    let mut server = Server::start(program, &[], home)?;
    let request =
        r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}"#;
    let mut took = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let started = Instant::now();
        server.ask(request)?;
        took.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(took))
}

fn row(what: &str, ours: Vec<f64>, bare: Vec<f64>) -> String {
    let (ours, bare) = (median(ours), median(bare));
    format!("| {what} | {ours:.2} | {bare:.2} | {:.2} |", ours / bare)
}

fn main() -> Result<()> {
    let examples = env::current_exe()?.parent().ok_or("no folder")?.to_owned();
    let home = env::temp_dir().join(format!("switchboard-bench-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let binary = installed(&examples.parent().ok_or("no folder")?.join("switchboard"), &home)?;
    let (bare, own) = (installed(&examples.join("bare"), &home)?, installed(&examples.join("echo"), &home)?);
    let config = home.join("config.yaml");
    fs::write(&config, "providers:\n  matrix: {}\n  matrix_work: { platform: matrix }\n  sandbox: {}\n")?;
    let config = config.display().to_string();
    let arguments = ["--config", &config, "--provider", "matrix,matrix_work,sandbox", "--allow-write"];

    let (mut starts, mut resident, mut calls) = ([vec![], vec![]], [vec![], vec![]], [vec![], vec![]]);
    for _ in 0..STARTS {
        starts[0].push(start(&binary, &arguments, &home)?);
        starts[1].push(start(&bare, &[], &home)?);
    }
    for _ in 0..ROUNDS {
        resident[0].push(memory(&binary, &arguments, &home)?);
        resident[1].push(memory(&bare, &[], &home)?);
        calls[0].push(echo(&own, &home)?);
        calls[1].push(echo(&bare, &home)?);
    }
    fs::remove_dir_all(&home)?;

    let [ours, bare] = starts;
    let mut table = format!(
        "| median | switchboard | bare rmcp | ratio |\n|---|---|---|---|\n{}\n",
        row("spawn → tools/list, ms", ours, bare)
    );
    let [ours, bare] = resident;
    table += &format!("{}\n", row("memory one second later, MB", ours, bare));
    let [ours, bare] = calls;
    table += &format!("{}\n", row("echo over stdio, µs", ours, bare));
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(())
}
