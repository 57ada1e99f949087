//! A process that uses the library as a server does, on a disk that fails and up to a point where it dies.

mod disk;
mod point;
mod renewal;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::PathBuf,
    process::{ChildStdout, Command, ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use switchboard::{
    config::{Config, Source},
    credentials::{Sources, StoredCredentials, SystemClock},
    oauth::OAuthRenewal,
    tokens::{FileStore, TokenKey, TokenStore as _},
};
use switchboard_kit::{
    AccountKey, Principal, Result,
    host::{CredentialSource as _, Credentials, Http},
};
use tokio_util::task::TaskTracker;

pub(crate) use disk::DiskFault;
use disk::FaultyDisk;
pub(crate) use point::Point;
use renewal::FragileRenewal;

use crate::switchboard::Process;

/// How long a worker waits for what it could not write to be written at last, and for its renewals when it ends.
const PATIENCE: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(10);

/// What a worker does.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Where it dies.
    pub(crate) crash: Option<Point>,
    /// What its disk does, and how often.
    pub(crate) fault: Option<(DiskFault, u32)>,
    pub(crate) steps: Vec<Step>,
}

/// One step of a worker.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Asks for credentials.
    Ask,
    /// Does so for as long as it lives.
    AskOn,
    /// Writes to this file until the disk is full.
    Fill(PathBuf),
    /// Waits until the file holds a newer record.
    Settle,
    /// Removes a file.
    Remove(PathBuf),
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// It is about to send the refresh token.
    Sending,
    /// It was given credentials, after so many milliseconds.
    Given(u64),
    /// It was not; the stable name of the error.
    Refused(String, String),
    /// It has filled the disk.
    Filled,
    /// The file holds a newer record.
    Settled,
    /// It does not, and has had time enough.
    Unsettled,
    /// It is done, and its disk has failed so often.
    Done(u32),
}

/// What a worker leaves behind.
#[derive(Debug)]
pub(crate) struct Report {
    /// All that it said about its steps.
    pub(crate) answers: Vec<Said>,
    /// How often its disk has failed.
    pub(crate) faults: u32,
    /// How it ended.
    pub(crate) status: ExitStatus,
}

/// A worker, as the harness sees it. It is killed when dropped.
pub(crate) struct Worker {
    pub(crate) process: Process,
    output: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { process: Process::of(child), output }
    }

    /// Returns the next thing that it says; nothing once it has ended.
    pub(crate) fn hear(&mut self) -> Option<Said> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok().filter(|_| line.ends_with('\n'))?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("a worker said: {line}")))
    }

    /// Waits until it has ended.
    pub(crate) fn report(mut self) -> Report {
        let (mut answers, mut faults) = (Vec::new(), 0);
        while let Some(said) = self.hear() {
            match said {
                Said::Sending => {}
                Said::Done(times) => faults = times,
                answer => answers.push(answer),
            }
        }
        Report { answers, faults, status: self.process.wait() }
    }

    /// Kills it, as the system does when memory runs out; returns how it ended, which may have been earlier.
    pub(crate) fn kill(self) -> ExitStatus {
        self.process.kill();
        self.process.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.process.kill();
        self.process.wait();
    }
}

/// Runs the worker's side.
pub(crate) fn run(config: &str) {
    let plan: Plan = serde_json::from_str(&env::args().nth(3).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(config, plan));
}

async fn work(config: &str, plan: Plan) {
    let config = Config::load(Source::File(config.into())).unwrap();
    let key = AccountKey::new("sandbox");
    let account = &config.accounts[&key];
    let origin = account.endpoints["api"].trim_end_matches('/').to_owned();
    let disk = Arc::new(FaultyDisk::new(plan.crash, plan.fault));
    let paths = BTreeMap::from([(key.clone(), account.token_path.clone().unwrap())]);
    let (store, tasks) = (Arc::new(FileStore::on(disk.clone(), paths)), TaskTracker::new());
    let token = TokenKey { principal: Principal::local(), account: key.clone() };
    let inner = OAuthRenewal { http: Arc::new(Http::default()), bound: account.bound.clone(), client_secret: None };
    let sources = Sources {
        store: store.clone(),
        renewal: Arc::new(FragileRenewal { inner, crash: plan.crash }),
        clock: Arc::new(SystemClock),
        // It is this process that dies.
        detached: None,
        tasks: tasks.clone(),
    };
    let credentials = StoredCredentials::new(key, "switchboard --local-auth", sources);
    for step in plan.steps {
        match step {
            Step::Ask => say(&ask(&credentials, &origin).await),
            Step::AskOn => loop {
                say(&ask(&credentials, &origin).await);
                tokio::time::sleep(Duration::from_millis(3)).await; // leaves some processor time to the others
            },
            Step::Fill(path) => {
                let mut file = fs::File::create(path).unwrap();
                while file.write_all(&[b' '; 1024]).is_ok() {}
                say(&Said::Filled);
            }
            Step::Remove(path) => fs::remove_file(path).unwrap(),
            Step::Settle => {
                let begun = Instant::now();
                let generation = async || store.load(&token).await.unwrap().unwrap().generation;
                let before = generation().await;
                while generation().await == before && begun.elapsed() < PATIENCE {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                say(&if generation().await == before { Said::Unsettled } else { Said::Settled });
            }
        }
    }
    finish(&tasks).await;
    say(&Said::Done(disk.failures()));
}

async fn ask(credentials: &StoredCredentials, origin: &str) -> Said {
    let begun = Instant::now();
    let found: Result<Credentials> = credentials.fresh(&Principal::local(), origin).await;
    let waited = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match found {
        Ok(_) => Said::Given(waited),
        Err(error) => Said::Refused(error.kind().code().into(), error.message().into()),
    }
}

/// As a server does when its client has gone.
async fn finish(tasks: &TaskTracker) {
    tasks.close();
    drop(tokio::time::timeout(FAREWELL, tasks.wait()).await);
}

fn say(said: &Said) {
    let mut output = stdout().lock();
    writeln!(output, "{}", serde_json::to_string(said).unwrap()).and_then(|()| output.flush()).unwrap();
}
