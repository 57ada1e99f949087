//! The protocol as a whole: any number of processes, any order of calls, crashes, faults and sign-ins, and what always holds.
//!
//! `MODEL_CASES` sets how many stories are told, `MODEL_SEED` tells those of an earlier run again.

mod platform;
mod store;

use std::{
    collections::HashSet,
    env,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;
use jiff::Timestamp;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed, TestRunner},
};
use switchboard_kit::{
    AccountKey, ErrorKind, Principal, Result,
    host::{CredentialSource as _, Credentials, ExposeSecret as _},
};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use self::{
    platform::{Answer, Platform, Rotation},
    store::Memory,
};
use crate::{
    credentials::{Clock, Sources, StoredCredentials},
    tokens::{Record, TokenKey, TokenStore as _},
};

const ORIGIN: &str = "https://chat.example";
const PROCESSES: usize = 4;

/// One event of a story.
#[derive(Clone, Debug)]
enum Step {
    /// A process sends a request, and another one if the platform refuses its token.
    Call(usize),
    /// All processes send a request at once.
    CallAll,
    /// A caller gives up after some milliseconds.
    GiveUp(usize, u64),
    /// A process is killed some milliseconds into a request.
    Kill(usize, u64),
    /// Time passes, in tenths of a token's life.
    Pass(u32),
    /// The clock of the machine is set, by seconds.
    SetClock(i64),
    /// What the platform's token endpoint does with the next requests.
    Answers(Vec<Answer>),
    /// How many of the next writes fail, and how many reservations.
    FailWrites(u32, u32),
    /// The user signs in anew.
    SignIn,
    /// A program without locks writes what is stored once more.
    Rewrite,
    /// The platform ends every access token.
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    let process = 0..PROCESSES;
    prop_oneof![
        6 => process.clone().prop_map(Step::Call),
        3 => Just(Step::CallAll),
        1 => (process.clone(), 0..200_u64).prop_map(|(process, after)| Step::GiveUp(process, after)),
        2 => (process, 0..200_u64).prop_map(|(process, after)| Step::Kill(process, after)),
        6 => (0..12_u32).prop_map(Step::Pass),
        1 => (-90..90_i64).prop_map(Step::SetClock),
        3 => prop::collection::vec(platform::answer(), 1..4).prop_map(Step::Answers),
        1 => (0..8_u32, 0..2_u32).prop_map(|(writes, reservations)| Step::FailWrites(writes, reservations)),
        1 => Just(Step::SignIn),
        1 => Just(Step::Rewrite),
        1 => Just(Step::Expire),
    ]
}

/// One machine, its processes, and the platform.
struct World {
    platform: Arc<Platform>,
    store: Arc<Memory>,
    clock: Arc<Watch>,
    tasks: TaskTracker,
    processes: Vec<StoredCredentials>,
    /// Tokens that were handed out.
    seen: Mutex<HashSet<String>>,
}

/// The machine's clock: the time that passes, and how far it was set off.
struct Watch {
    began: Instant,
    set_off: Mutex<i64>,
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        start + self.began.elapsed() + jiff::SignedDuration::from_secs(*self.set_off.lock().unwrap())
    }
}

impl World {
    fn new(rotation: Rotation) -> Self {
        let clock = Arc::new(Watch { began: Instant::now(), set_off: Mutex::default() });
        let mut world = Self {
            platform: Arc::new(Platform::new(rotation)),
            store: Arc::default(),
            clock,
            tasks: TaskTracker::new(),
            processes: Vec::new(),
            seen: Mutex::default(),
        };
        world.store.put(world.signed_in());
        world.processes = (0..PROCESSES).map(|_| world.process()).collect();
        world
    }

    fn process(&self) -> StoredCredentials {
        let sources = Sources {
            store: Arc::<Memory>::clone(&self.store),
            renewal: Arc::<Platform>::clone(&self.platform),
            clock: Arc::<Watch>::clone(&self.clock),
            detached: None,
            tasks: self.tasks.clone(),
        };
        StoredCredentials::new(AccountKey::new("test"), "sign in", sources)
    }

    fn signed_in(&self) -> Record {
        let mut record = self.platform.sign_in(self.clock.now());
        record.api_hosts.insert(ORIGIN.into());
        record
    }

    /// Signs in as `--local-auth` does: under the lock, or not at all.
    async fn sign_in(&self) {
        let key = TokenKey { principal: Principal::local(), account: AccountKey::new("test") };
        if let Ok(locked) = self.store.lock(&key).await {
            self.store.put(self.signed_in());
            drop(locked);
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Call(process) => drop(self.call(process).await),
            Step::CallAll => drop(join_all((0..PROCESSES).map(|process| self.call(process))).await),
            Step::GiveUp(process, after) => {
                drop(timeout(Duration::from_millis(after), self.call(process)).await);
            }
            Step::Kill(process, after) => {
                drop(timeout(Duration::from_millis(after), self.call(process)).await);
                self.platform.killed();
                self.processes[process].kill();
                self.processes[process] = self.process();
            }
            Step::Pass(tenths) => tokio::time::sleep(Duration::from_secs_f64(platform::LIFE) * tenths / 10).await,
            Step::SetClock(seconds) => *self.clock.set_off.lock().unwrap() += seconds,
            Step::Answers(answers) => self.platform.plan(answers),
            Step::FailWrites(writes, reservations) => self.store.fail(writes, reservations),
            Step::SignIn => self.sign_in().await,
            Step::Rewrite => self.store.rewrite(),
            Step::Expire => self.platform.expire(),
        }
    }

    /// Sends a request as `Api` does: renews once if the platform refuses the token. Returns whether it was accepted.
    async fn call(&self, process: usize) -> bool {
        let began = Instant::now();
        let (credentials, local) = (&self.processes[process], Principal::local());
        let outcome = async {
            let first = credentials.fresh(&local, ORIGIN).await?;
            if self.accepted(&first) {
                return Ok(true);
            }
            let second = credentials.refused(&local, ORIGIN, &first).await?;
            Ok(self.accepted(&second))
        };
        let outcome: Result<bool> = outcome.await;
        assert!(began.elapsed() <= Duration::from_secs(41), "a call took {:?}", began.elapsed());
        match outcome {
            Ok(accepted) => return accepted,
            Err(error) if error.kind() == ErrorKind::SignInRequired => {
                assert!(self.platform.ended(), "{error}, although the platform ended nothing");
            }
            Err(error) => {
                let excused = [ErrorKind::Unavailable, ErrorKind::StoreWriteFailed, ErrorKind::StoreLocked];
                assert!(excused.contains(&error.kind()), "{error}");
                assert!(self.platform.in_trouble() || self.store.in_trouble(), "{error}, although nothing is wrong");
            }
        }
        false
    }

    fn accepted(&self, credentials: &Credentials) -> bool {
        let token = credentials.secret.expose_secret();
        self.seen.lock().unwrap().insert(token.to_owned());
        self.platform.accepts(token)
    }
}

/// Tells a story, then mends everything and sees that it goes on.
async fn tell(rotation: Rotation, story: Vec<Step>) {
    let mut world = World::new(rotation);
    for step in story {
        world.take(step).await;
        world.store.check();
        assert_eq!(0, world.platform.reuses_without_excuse(), "a refresh token was used again");
    }
    world.platform.heal();
    world.store.heal();
    *world.clock.set_off.lock().unwrap() = 0;
    // Rests end, and what could not be written is written.
    tokio::time::sleep(Duration::from_mins(10)).await;
    // What is lost is found to be lost at the first call, and a new sign-in revives every process.
    if !world.call(0).await {
        assert!(world.platform.ended(), "a call failed although nothing is wrong");
        world.sign_in().await;
    }
    for process in 0..PROCESSES {
        assert!(world.call(process).await, "a call failed although nothing is wrong");
    }
    world.tasks.close();
    world.tasks.wait().await;
    world.store.check();
}

#[test]
fn whatever_happens_no_sign_in_is_lost() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("MODEL_SEED").unwrap_or_else(rand::random::<u64>);
    eprintln!("MODEL_SEED={seed}");
    let cases = number("MODEL_CASES").map_or(1_000, |cases| u32::try_from(cases).unwrap());
    let config = Config {
        cases,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    };
    let stories = (platform::rotation(), prop::collection::vec(step(), 1..40));
    let told = TestRunner::new(config).run(&stories, |(rotation, story)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(tell(rotation, story));
        Ok(())
    });
    if let Err(failure) = told {
        panic!("{failure}");
    }
}
