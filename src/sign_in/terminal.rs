//! The terminal that a person sits at, or the pipe in its place.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    process::{Command, Stdio},
    sync::{Mutex as StdMutex, OnceLock, PoisonError, mpsc as threads},
    thread,
};

use async_trait::async_trait;
use switchboard_kit::host::Secret;
use tokio::sync::{Mutex, mpsc};
use url::Url;

/// What a sign-in needs of its surroundings.
#[async_trait]
pub trait Terminal: Send + Sync {
    /// Shows a line.
    fn say(&self, line: &str);
    /// Returns an environment variable, if it is set and not empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// Reads a line, without its end; `None` when there are no more.
    async fn line(&self) -> Option<String>;
    /// Reads a line without showing what is typed.
    async fn secret_line(&self, prompt: &str) -> Option<Secret>;
    /// Opens a page in the user's browser; tells whether that could be tried.
    fn open(&self, page: &Url) -> bool;
}

/// The process's own stdin, stderr and environment.
#[derive(Default)]
pub struct OwnTerminal {
    lines: OnceLock<Lines>,
}

/// A thread reads stdin, a line at a time and only when asked: a read that blocks must not keep the process from ending.
struct Lines {
    ask: StdMutex<threads::Sender<()>>,
    answers: Mutex<(bool, mpsc::UnboundedReceiver<Option<String>>)>,
}

impl Lines {
    fn start() -> Self {
        let (ask, asked) = threads::channel();
        let (answer, answers) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut lines = io::stdin().lock().lines();
            while asked.recv().is_ok() {
                let line = lines.next().and_then(Result::ok);
                let ended = line.is_none();
                if answer.send(line).is_err() || ended {
                    break;
                }
            }
        });
        Self { ask: StdMutex::new(ask), answers: Mutex::new((false, answers)) }
    }

    /// A caller that gives up leaves the line to the next one.
    async fn next(&self) -> Option<String> {
        let mut answers = self.answers.lock().await;
        if !answers.0 {
            self.ask.lock().unwrap_or_else(PoisonError::into_inner).send(()).ok()?;
            answers.0 = true;
        }
        let line = answers.1.recv().await.flatten();
        answers.0 = false;
        line
    }
}

#[async_trait]
impl Terminal for OwnTerminal {
    fn say(&self, line: &str) {
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    async fn line(&self) -> Option<String> {
        self.lines.get_or_init(Lines::start).next().await
    }

    async fn secret_line(&self, prompt: &str) -> Option<Secret> {
        if !io::stdin().is_terminal() {
            return self.line().await.map(Secret::from);
        }
        let prompt = format!("{prompt}: ");
        let (answer, answered) = tokio::sync::oneshot::channel();
        thread::spawn(move || answer.send(rpassword::prompt_password(prompt).ok()));
        answered.await.ok().flatten().map(Secret::from)
    }

    fn open(&self, page: &Url) -> bool {
        // No shell sees the address, and only a web address is passed on.
        matches!(page.scheme(), "http" | "https") && start(page.as_str()).is_ok()
    }
}

fn start(page: &str) -> io::Result<()> {
    let mut command = opener();
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(target_os = "macos")]
fn opener() -> Command {
    Command::new("open")
}

#[cfg(windows)]
fn opener() -> Command {
    let mut command = Command::new("rundll32");
    command.arg("url.dll,FileProtocolHandler");
    command
}

#[cfg(not(any(target_os = "macos", windows)))]
fn opener() -> Command {
    Command::new("xdg-open")
}
