//! One user's machine: a home, an authorization server, a token file that is shared, and processes that use it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use switchboard::tokens::{FileStore, Record, TokenKey, TokenStore as _};
use switchboard_kit::{AccountKey, Principal};
use switchboard_sandbox::{Faults, Misstep, Rotation};

use crate::{
    service::{Service, ask, sign_in},
    switchboard::{Home, Session},
    trial::Trial,
    worker::{Plan, Worker},
};

/// Every way to rotate, by name.
pub(crate) const ROTATIONS: [(&str, Rotation); 4] = [
    ("none", Rotation::None),
    ("benign", Rotation::Benign),
    ("grace", Rotation::Grace(10)),
    ("strict", Rotation::Strict),
];

pub(crate) struct World {
    pub(crate) home: Home,
    service: Service,
    config: String,
    repairs: Mutex<()>,
}

/// What the authorization server has counted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) refreshes: u64,
    pub(crate) reuses: u64,
    pub(crate) unknown_refresh_tokens: u64,
    pub(crate) most_uses_of_one_refresh_token: u64,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered,
    /// With the stable name of the error, and its text.
    Failed(String, String),
    /// The process ended first.
    Died,
}

impl World {
    /// Starts an authorization server and signs in to it.
    pub(crate) fn new(faults: &Faults) -> Self {
        let home = Home::new();
        let service = Service::start(&home);
        let config = service.configure(&home);
        let world = Self { home, service, config, repairs: Mutex::default() };
        world.set(faults);
        world.sign_in();
        world
    }

    pub(crate) fn token(&self) -> PathBuf {
        self.home.path().join("token.json")
    }

    /// Returns the process that took the lock last: it leaves its name in the lock file.
    pub(crate) fn holder(&self) -> Option<u32> {
        let noted = fs::read_to_string(self.home.path().join("token.json.lock")).ok()?;
        noted.split_whitespace().next()?.parse().ok()
    }

    /// Returns that process if it is one that a server has started to renew, and has not ended. It is found where the
    /// system lists processes.
    pub(crate) fn who_renews(&self) -> Option<u32> {
        let id = self.holder()?;
        let line = fs::read_to_string(format!("/proc/{id}/cmdline")).ok()?;
        (line.contains(self.home.path().to_str()?) && line.contains("\0renew\0")).then_some(id)
    }

    pub(crate) fn sign_in(&self) {
        sign_in(&self.home, &self.config);
    }

    /// Replaces the server's faults.
    pub(crate) fn set(&self, faults: &Faults) {
        let faults = serde_json::to_string(faults).unwrap();
        let answer = ask("PUT", &format!("{}/control/faults", self.service.url), "", &faults);
        assert!(answer.body.contains("access_lifetime"), "{}", answer.body);
    }

    /// Returns how many missteps the server has not made yet.
    pub(crate) fn missteps_left(&self) -> usize {
        let answer = ask("GET", &format!("{}/control/faults", self.service.url), "", "");
        serde_json::from_str::<Faults>(&answer.body).unwrap().next.len()
    }

    /// Lets the server take every access token for expired.
    pub(crate) fn expire(&self) {
        ask("POST", &format!("{}/control/expire", self.service.url), "", "");
    }

    pub(crate) fn counters(&self) -> Counters {
        serde_json::from_value(self.service.counters()).unwrap()
    }

    /// Waits until the server has renewed more often than it had; returns whether it did.
    pub(crate) fn renewed_since(&self, before: Counters, patience: Duration) -> bool {
        let begun = Instant::now();
        while self.counters().refreshes == before.refreshes {
            if begun.elapsed() > patience {
                return false;
            }
        }
        true
    }

    /// Reads the token file once, without a lock and without patience.
    pub(crate) fn record(&self) -> Result<Record, String> {
        let content = fs::read(self.token()).map_err(|error| error.to_string())?;
        serde_json::from_slice(&content).map_err(|error| format!("{} bytes: {error}", content.len()))
    }

    /// Makes the token look as if this many seconds of its ten minutes were left.
    pub(crate) fn age(&self, left: f64) {
        const LIFE: f64 = 600.0;
        let at = |seconds: f64| Timestamp::now().saturating_add(SignedDuration::from_secs_f64(seconds)).unwrap();
        self.change(|record| {
            (record.obtained_at, record.expiry, record.expires_in) =
                (Some(at(left - LIFE)), Some(at(left)), Some(LIFE));
        });
    }

    /// Lets nobody wait any longer for a server that was in trouble.
    pub(crate) fn forgive(&self) {
        self.change(|record| record.renew_after = None);
    }

    /// Changes what is stored, as a cooperating process would.
    fn change(&self, change: impl FnOnce(&mut Record)) {
        let account = AccountKey::new("sandbox");
        let store = FileStore::new(BTreeMap::from([(account.clone(), self.token())]));
        let key = TokenKey { principal: Principal::local(), account };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut locked = store.lock(&key).await.unwrap();
            let Some(mut record) = locked.current().cloned() else { return };
            change(&mut record);
            record.generation += 1;
            locked.replace(record).await.unwrap();
        });
    }

    /// Fetches tokens with the stored refresh token as another program would; nothing if the server refuses.
    pub(crate) fn refresh(&self, stored: &Value) -> Option<Value> {
        let token = stored["refresh_token"].as_str()?;
        let form = format!("grant_type=refresh_token&client_id=switchboard&refresh_token={token}");
        let answer = ask("POST", &format!("{}/oauth/token", self.service.url), "", &form);
        let mut given: Value = serde_json::from_str(&answer.body).ok()?;
        let life = SignedDuration::from_secs(given["expires_in"].as_i64()?);
        given["expiry"] = json!(Timestamp::now().saturating_add(life).ok()?);
        given["token"] = given["access_token"].take();
        Some(given)
    }

    fn server(&self) -> Command {
        let mut command = self.home.command(&["--config", &self.config, "--provider", "sandbox"]);
        command.stderr(Stdio::null());
        command
    }

    /// Starts a server and does not talk to it yet.
    pub(crate) fn spawn(&self) -> Session {
        Session::spawn(self.server())
    }

    /// Starts a server and opens a session.
    pub(crate) fn open(&self) -> Session {
        Session::start(self.server())
    }

    /// Calls once from a process of its own.
    pub(crate) fn call_anew(&self) -> Outcome {
        let mut session = self.open();
        let outcome = call(&mut session);
        session.end();
        outcome
    }

    /// Starts a worker; `plan` says what it does.
    pub(crate) fn worker(&self, plan: &Plan) -> Worker {
        Worker::start(Command::new(env::current_exe().unwrap()).args(self.worker_arguments(plan)))
    }

    /// Returns what a worker is started with.
    pub(crate) fn worker_arguments(&self, plan: &Plan) -> [String; 3] {
        ["worker".into(), self.config.clone(), serde_json::to_string(plan).unwrap()]
    }

    /// Signs in again if the file says that the platform ended the sign-in; returns whether it did.
    pub(crate) fn repair(&self) -> bool {
        let _one = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = self.record().is_ok_and(|record| record.dead.is_some_and(|dead| !dead.early));
        if lost {
            self.sign_in();
        }
        lost
    }

    /// Checks what is on the disk once nobody is at work: one readable file, closed to others.
    pub(crate) fn inspect(&self, trial: &Trial<'_>, when: &str) {
        let record = self.record();
        trial.count("unreadable files", u64::from(record.is_err()));
        trial.law(record.is_ok(), || {
            format!("{when}: the token file cannot be read: {}", record.err().unwrap_or_default())
        });
        let open = self.open_to_others();
        trial.law(open.is_empty(), || format!("{when}: open to others: {open:?}"));
    }

    /// Returns the token file and what lies beside it, as far as others could open it.
    pub(crate) fn open_to_others(&self) -> Vec<String> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let entries = fs::read_dir(self.home.path()).unwrap().flatten();
            let names = entries.filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let mode = entry.metadata().ok()?.permissions().mode();
                (name.starts_with("token.json") && mode & 0o077 != 0).then_some(format!("{name} {mode:o}"))
            });
            names.collect()
        }
        #[cfg(not(unix))]
        Vec::new()
    }
}

/// Calls a tool that asks the platform once.
pub(crate) fn call(session: &mut Session) -> Outcome {
    match session.try_call("list_conversations", &json!({ "limit": 1 })) {
        Some(Ok(_)) => Outcome::Answered,
        Some(Err(text)) => {
            let code = text.rsplit_once("code: ").map_or("none", |(_, code)| code.trim());
            Outcome::Failed(code.to_owned(), text.clone())
        }
        None => Outcome::Died,
    }
}

/// A server whose tokens live for a second, and which takes 20 ms to renew them.
pub(crate) fn brisk(rotation: Rotation) -> Faults {
    Faults { access_lifetime: 1, delay_before_commit_ms: 10, delay_after_commit_ms: 10, ..rotating(rotation) }
}

/// The faults of a server that rotates so and is otherwise well.
pub(crate) fn rotating(rotation: Rotation) -> Faults {
    Faults { rotation, ..Faults::default() }
}

/// The same, stumbling this often.
pub(crate) fn stumbling(rotation: Rotation, misstep: Misstep, times: usize) -> Faults {
    Faults { rotation, next: vec![misstep; times].into(), ..Faults::default() }
}
