//! kill -9 at random instants: the next process takes over, and nobody has to sign in again.

use std::{
    fs,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rand::RngExt as _;
use switchboard_sandbox::Rotation;

use super::named;
use crate::{
    observer::{Ending, observe},
    signals::send,
    switchboard::Process,
    trial::Trial,
    world::{Outcome, World, brisk, call},
};

/// How many processes there are at a time, all of them victims.
const VICTIMS: usize = 6;

/// How often a token is due before its time: the more renewals, the more of them are hit.
const BETWEEN_RENEWALS: Duration = Duration::from_millis(200);

/// How long it may take until half of them have got so far as to call.
const PATIENCE: Duration = Duration::from_secs(30);

/// The kinds of storm: how the server rotates, and whether the processes that renew are victims as well.
const STORMS: [(&str, Rotation, bool); 4] = [
    ("benign", Rotation::Benign, false),
    ("grace", Rotation::Grace(10), false),
    ("strict", Rotation::Strict, false),
    ("strict with those who renew", Rotation::Strict, true),
];

const KILLS: &str = "kills at random";
const RENEWING: &str = "kills at random of those who renew";

pub(super) fn required() -> Vec<String> {
    let mut all = named(["calls", KILLS, "refreshes"]);
    all.extend(STORMS.iter().map(|(name, ..)| format!("{KILLS}, {name}")));
    // Only there can they be found.
    all.extend(cfg!(target_os = "linux").then(|| RENEWING.into()));
    all
}

/// A process that may be killed.
#[derive(Default)]
struct Victim {
    process: Mutex<Option<Process>>,
    /// Whether it has got so far as to call.
    calling: AtomicBool,
}

pub(super) fn run(trial: &Trial<'_>) {
    // Those who renew do not count.
    let kills =
        trial.size.kills.div_ceil(u32::try_from(STORMS.iter().filter(|(.., renewing)| !renewing).count()).unwrap());
    for (at, (name, rotation, renewing)) in STORMS.into_iter().enumerate() {
        let left = trial.size.until.saturating_duration_since(Instant::now());
        let until = Instant::now() + left / u32::try_from(STORMS.len() - at).unwrap();
        let world = World::new(&brisk(rotation));
        storm(&Storm { trial, name, renewing, world: &world }, kills, until);
    }
}

/// One of them.
struct Storm<'a> {
    trial: &'a Trial<'a>,
    name: &'a str,
    /// Whether those who renew are killed, too: what the server gave them may then be lost.
    renewing: bool,
    world: &'a World,
}

fn storm(storm: &Storm<'_>, kills: u32, until: Instant) {
    let Storm { trial, name, renewing, world } = *storm;
    let (victims, done) = (<[Victim; VICTIMS]>::default(), AtomicBool::new(false));
    let before = world.counters();
    thread::scope(|scope| {
        let _ending = Ending(&done);
        scope.spawn(|| observe(trial, world, &done));
        for victim in &victims {
            scope.spawn(|| live(storm, victim, &done));
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(BETWEEN_RENEWALS);
                world.age(-1.0);
            }
        });
        let mut dice = trial.dice(name.len());
        for _ in 0..kills {
            thread::sleep(Duration::from_micros(dice.random_range(0..20_000)));
            if renewing && dice.random_ratio(1, 2) && kill_who_renews(world) {
                trial.count(RENEWING, 1);
            }
            // A machine that starts processes more slowly than they are killed would never renew a token.
            let begun = Instant::now();
            let calling = || victims.iter().filter(|victim| victim.calling.load(Ordering::Relaxed)).count();
            while calling() < VICTIMS / 2 || !kill(&victims[dice.random_range(0..VICTIMS)]) {
                if Instant::now() > until || begun.elapsed() > PATIENCE {
                    trial.law(begun.elapsed() <= PATIENCE, || "no process gets as far as to call".into());
                    return;
                }
                thread::sleep(Duration::from_micros(200)); // until they have got there
            }
            trial.count(format!("{KILLS}, {name}"), 1);
            trial.count(KILLS, u64::from(!renewing));
        }
    });
    let after = world.counters();
    trial.count("refreshes", after.refreshes - before.refreshes);
    trial.count(format!("reuses, {name}"), after.reuses);
    let mut last = world.call_anew();
    let lost = renewing && world.repair();
    trial.count(format!("lost sign-ins, {name}"), u64::from(lost));
    if lost {
        last = world.call_anew();
    }
    trial.law(matches!(last, Outcome::Answered), || format!("{name}: at the end a call failed: {last:?}"));
    world.inspect(trial, name);
}

/// Kills the process that a server has started to renew, if there is one: it leaves its name in the lock file.
fn kill_who_renews(world: &World) -> bool {
    let noted = fs::read_to_string(world.lock()).unwrap_or_default();
    let Some(id) = noted.split_whitespace().next().and_then(|word| word.parse::<u32>().ok()) else { return false };
    let line = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let ours = line.contains(world.home.path().to_str().unwrap()) && line.contains("\0renew\0");
    if ours {
        send("KILL", &[id]);
    }
    ours
}

fn kill(victim: &Victim) -> bool {
    let process = victim.process.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(process) = &process {
        process.kill();
    }
    process.is_some()
}

/// Starts one process after another and lets each call until it dies.
fn live(storm: &Storm<'_>, victim: &Victim, done: &AtomicBool) {
    let Storm { trial, name, renewing, world } = *storm;
    while !done.load(Ordering::Relaxed) {
        let mut session = world.spawn();
        *victim.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.process.clone());
        let mut alive = session.greet().is_some();
        victim.calling.store(alive, Ordering::Relaxed);
        while alive && !done.load(Ordering::Relaxed) {
            match call(&mut session) {
                Outcome::Answered => trial.count("calls", 1),
                Outcome::Failed(code, _) if code == "reauth_required" && renewing => {
                    trial.count(format!("lost sign-ins, {name}"), u64::from(world.repair()));
                }
                Outcome::Failed(_, text) => {
                    trial.count("failed calls", 1);
                    trial.law(false, || format!("{name}: a call failed: {text}"));
                }
                Outcome::Died => alive = false,
            }
            thread::sleep(Duration::from_millis(3)); // leaves some processor time to the others
        }
        victim.calling.store(false, Ordering::Relaxed);
        let ours = victim.process.lock().unwrap_or_else(PoisonError::into_inner).take().is_some();
        trial.law(alive || !ours, || format!("{name}: a server ended by itself"));
    }
}
