//! `switchboard serve --http` as a process, and what it does its work on.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

use super::client::Client;
use crate::{
    service::{Service, ask, sign_in},
    switchboard::{Home, Process},
};

/// Most memory besides the pages of the program: 64 MB less those of a release build. A debug build has twice as many.
const MOST_KILOBYTES: u64 = 48 << 10;

/// A server, on a port of its own.
pub(super) struct Server {
    pub(super) process: Process,
    /// Its host and port.
    pub(super) authority: String,
    said: Option<JoinHandle<String>>,
}

impl Server {
    pub(super) fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let authority = loop {
            let mut line = String::new();
            assert!(errors.read_line(&mut line).unwrap() > 0, "the server ended: {said}");
            said += &line;
            if let Some(url) = line.trim_end().strip_prefix("Listening on http://") {
                break url.strip_suffix("/mcp").unwrap().to_owned();
            }
        };
        let said = thread::spawn(move || {
            errors.read_to_string(&mut said).unwrap();
            said
        });
        Self { process: Process::of(child), authority, said: Some(said) }
    }

    pub(super) fn client(&self) -> Client {
        Client::of(&self.authority)
    }

    /// Checks that it has never had much memory besides the pages of its program, where the system tells.
    pub(super) fn is_small(&self, after: &str) {
        let Ok(status) = fs::read_to_string(format!("/proc/{}/status", self.process.id())) else {
            eprintln!("skipped: nothing here tells how much memory the server has had after {after}");
            return;
        };
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap()
        };
        let (most, program) = (of("VmHWM:"), of("RssFile:"));
        eprintln!("after {after}: {most} kB at most, {program} kB of it the program");
        assert!(most - program < MOST_KILOBYTES, "after {after}: {most} kB, {program} kB of it the program");
    }

    /// Asks it to end.
    #[cfg(unix)]
    pub(super) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended, and returns what it said.
    pub(super) fn end(mut self) -> (ExitStatus, String) {
        let status = self.process.wait();
        (status, self.said.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill();
        self.process.wait();
    }
}

/// A server in a home of its own, with the embedded sandbox.
pub(super) fn embedded(home: &Home, arguments: &[&str]) -> Server {
    let common = ["--provider", "sandbox", "serve", "--http", "127.0.0.1:0"];
    Server::of(&mut home.command(&[&common[..], arguments].concat()))
}

/// A server whose user has signed in to a sandbox that is a process of its own.
pub(super) struct Signed {
    pub(super) home: Home,
    pub(super) service: Service,
    config: String,
}

impl Signed {
    /// Signs in; access tokens are good for so long.
    pub(super) fn in_with(rotation: &str, lifetime: &str) -> Self {
        let home = Home::new();
        let service = Service::with(&home, rotation, lifetime);
        let config = service.configure(&home);
        sign_in(&home, &config);
        Self { home, service, config }
    }

    pub(super) fn serve(&self) -> Server {
        let arguments = ["--config", &self.config, "--provider", "sandbox", "serve", "--http", "127.0.0.1:0"];
        Server::of(&mut self.home.command(&arguments))
    }

    /// Runs a tool from the command line.
    pub(super) fn calls(&self, tool: &str) -> bool {
        self.home.run(&["--config", &self.config, "--provider", "sandbox", "call", tool]).status.success()
    }

    pub(super) fn set(&self, faults: &Value) {
        ask("PUT", &format!("{}/control/faults", self.service.url), "", &faults.to_string());
    }

    pub(super) fn expire(&self) {
        ask("POST", &format!("{}/control/expire", self.service.url), "", "");
    }

    /// Waits until a counter is at least this high.
    pub(super) fn wait_for(&self, counter: &str, least: u64) {
        for _ in 0..6_000 {
            if self.service.counters()[counter].as_u64().unwrap() >= least {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(5)); // until the next look
        }
        panic!("`{counter}` does not come to {least}");
    }
}

/// The parameters that open a session.
pub(super) fn hello() -> Value {
    json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } })
}
