//! A platform that rotates strictly, a clock that a test moves, and processes that share one token file.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Principal, Result,
    host::{CredentialSource as _, Credentials, ExposeSecret as _, Secret},
};
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::{
    credentials::{Clock, DetachedRenewal, Renewal, RenewalError, Renewed, Sources, StoredCredentials},
    tokens::{FileStore, Method, Record, TokenKey, TokenStore, faulty::FaultyDisk},
};

pub(super) const ORIGIN: &str = "https://chat.example";
pub(super) const LIFE: f64 = 600.0;

/// What the platform does with the next request; once it has nothing planned, it renews.
pub(super) enum Plan {
    Fails {
        retry_after: Option<Duration>,
        ambiguous: bool,
    },
    Refuses,
    RefusesTheClient,
    Hangs,
    /// Renews, but another program writes this token into the file first, and the answer is lost.
    IsOvertaken(Box<Record>, Box<Self>),
}

/// Renews each refresh token once: `r1` to `r2` and the access token `a2`.
#[derive(Default)]
pub(super) struct Platform {
    pub(super) plans: Mutex<VecDeque<Plan>>,
    pub(super) spent: Mutex<Vec<String>>,
    renewed: Mutex<usize>,
    file: PathBuf,
}

impl Platform {
    pub(super) fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        self.plans.lock().unwrap().extend(plans);
    }

    pub(super) fn spent(&self) -> Vec<String> {
        self.spent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Renewal for Platform {
    async fn renew(&self, record: &Record) -> Result<Renewed, RenewalError> {
        let refresh = record.refresh_token.as_ref().unwrap().expose_secret().to_owned();
        self.spent.lock().unwrap().push(refresh.clone());
        let mut plan = self.plans.lock().unwrap().pop_front();
        if let Some(Plan::IsOvertaken(foreign, then)) = plan {
            fs::write(&self.file, serde_json::to_vec(&foreign).unwrap()).unwrap();
            plan = Some(*then);
        }
        match plan {
            Some(Plan::Fails { retry_after, ambiguous }) => {
                let error = Error::new(ErrorKind::Unavailable, "the platform is down");
                return Err(RenewalError::Transient { error, retry_after, ambiguous });
            }
            Some(Plan::Refuses) => return Err(RenewalError::Refused { code: "invalid_grant".into() }),
            Some(Plan::RefusesTheClient) => {
                return Err(RenewalError::Config(Error::new(ErrorKind::Config, "the client is unknown")));
            }
            Some(Plan::Hangs) => std::future::pending().await,
            Some(Plan::IsOvertaken(..)) | None => {}
        }
        let number = {
            let mut renewed = self.renewed.lock().unwrap();
            *renewed += 1;
            *renewed
        };
        if refresh != format!("r{number}") {
            return Err(RenewalError::Refused { code: "invalid_grant".into() });
        }
        sleep(Duration::from_millis(100)).await;
        Ok(Renewed {
            access: format!("a{}", number + 1).into(),
            refresh: Some(format!("r{}", number + 1).into()),
            expires_in: Some(LIFE),
            refresh_expires_in: None,
            scopes: None,
        })
    }
}

pub(super) struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// One user's machine.
pub(super) struct Machine {
    _root: TempDir,
    pub(super) path: PathBuf,
    pub(super) disk: FaultyDisk,
    pub(super) platform: Arc<Platform>,
    pub(super) clock: Arc<TestClock>,
    pub(super) tasks: TaskTracker,
}

impl Machine {
    pub(super) fn new() -> Self {
        let root = TempDir::new().unwrap();
        let path = root.path().join("token.json");
        Self {
            path: path.clone(),
            _root: root,
            disk: FaultyDisk::default(),
            platform: Arc::new(Platform { file: path, ..Platform::default() }),
            clock: Arc::new(TestClock(Mutex::new("2026-03-01T12:00:00Z".parse().unwrap()))),
            tasks: TaskTracker::new(),
        }
    }

    /// A machine whose user signed in just now.
    pub(super) fn signed_in() -> Self {
        let machine = Self::new();
        machine.write(&machine.record(1));
        machine
    }

    /// A machine whose user signed in so long ago that the token has expired.
    pub(super) fn expired() -> Self {
        let machine = Self::signed_in();
        machine.wait(LIFE + 1.0);
        machine
    }

    pub(super) fn record(&self, number: u64) -> Record {
        let mut record = Record::new("matrix", Method::OAuth, format!("a{number}").into());
        record.refresh_token = Some(format!("r{number}").into());
        record.api_hosts = BTreeSet::from([ORIGIN.to_owned()]);
        record.generation = number;
        record.obtained_at = Some(self.clock.now());
        record.expires_in = Some(LIFE);
        record.expiry = Some(self.clock.now() + Duration::from_secs_f64(LIFE));
        record
    }

    /// Writes as a program would that knows no locks.
    pub(super) fn write(&self, record: &Record) {
        fs::write(&self.path, serde_json::to_vec(record).unwrap()).unwrap();
    }

    pub(super) fn read(&self) -> Record {
        serde_json::from_slice(&fs::read(&self.path).unwrap()).unwrap()
    }

    pub(super) fn wait(&self, seconds: f64) {
        *self.clock.0.lock().unwrap() += Duration::from_secs_f64(seconds);
    }

    pub(super) fn key() -> TokenKey {
        TokenKey { principal: Principal::local(), account: AccountKey::new("matrix") }
    }

    pub(super) fn store(&self) -> Arc<dyn TokenStore> {
        let paths = BTreeMap::from([(AccountKey::new("matrix"), self.path.clone())]);
        Arc::new(FileStore::on(Arc::new(self.disk.clone()), paths))
    }

    /// Starts another process: it shares the file and the platform, and no memory.
    pub(super) fn process(&self) -> Process {
        self.starting(None)
    }

    /// Starts one that has its tokens renewed by `detached`.
    pub(super) fn process_with(&self, detached: Arc<dyn DetachedRenewal>) -> Process {
        self.starting(Some(detached))
    }

    fn starting(&self, detached: Option<Arc<dyn DetachedRenewal>>) -> Process {
        let sources = Sources {
            store: self.store(),
            renewal: Arc::<Platform>::clone(&self.platform),
            clock: Arc::<TestClock>::clone(&self.clock),
            detached,
            tasks: self.tasks.clone(),
        };
        let sign_in = "switchboard --provider matrix --local-auth";
        Process(StoredCredentials::new(AccountKey::new("matrix"), sign_in, sources))
    }
}

pub(super) struct Process(pub(super) StoredCredentials);

impl Process {
    pub(super) async fn fresh(&self) -> Result<String> {
        let fresh = self.0.fresh(&Principal::local(), ORIGIN).await?;
        Ok(fresh.secret.expose_secret().to_owned())
    }

    pub(super) async fn refused(&self, used: &str) -> Result<String> {
        let used = Credentials { scheme: "Bearer", secret: Secret::from(used) };
        let other = self.0.refused(&Principal::local(), ORIGIN, &used).await?;
        Ok(other.secret.expose_secret().to_owned())
    }
}
