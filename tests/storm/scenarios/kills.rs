//! kill -9 at random instants: the next process takes over, and nobody has to sign in again.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt as _, rngs::StdRng};
use switchboard_sandbox::Rotation;

use super::named;
use crate::{
    observer::{Ending, observe},
    signals::send,
    switchboard::Process,
    trial::Trial,
    worker::{Plan, Said, Step},
    world::{Outcome, World, brisk, call},
};

/// How many processes there are at a time, all of them victims.
const VICTIMS: usize = 6;

/// How often a token is due before its time: the more renewals, the more of them are hit.
const BETWEEN_RENEWALS: Duration = Duration::from_millis(200);

/// How long it may take until half of them have got so far as to call.
const PATIENCE: Duration = Duration::from_secs(30);

/// The kinds of storm: how the server rotates, and who renews.
const STORMS: [(&str, Rotation, Renewing); 5] = [
    ("benign", Rotation::Benign, Renewing::Detached),
    ("grace", Rotation::Grace(10), Renewing::Detached),
    ("grace, renewed in process", Rotation::Grace(10), Renewing::InProcess),
    ("strict", Rotation::Strict, Renewing::Detached),
    ("strict with those who renew", Rotation::Strict, Renewing::DetachedAndKilled),
];

/// Who renews.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewing {
    /// A process that the victim starts, and that is spared.
    Detached,
    /// Such a process, which may be killed, too: what the server gave it is then lost.
    DetachedAndKilled,
    /// The victim itself, as where a used refresh token stays good for a while.
    InProcess,
}

const KILLS: &str = "kills at random";
const RENEWING: &str = "kills at random of those who renew";
const IN_PROCESS: &str = "kills at random in the middle of a renewal in process";

pub(super) fn required() -> Vec<String> {
    let mut all = named(["calls", KILLS, "refreshes", IN_PROCESS]);
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
    /// Whether it has sent the refresh token itself and is not done with what came of it.
    sending: AtomicBool,
}

pub(super) fn run(trial: &Trial<'_>) {
    // Those who renew do not count.
    let kills = trial.size.kills.div_ceil(
        u32::try_from(STORMS.iter().filter(|(.., renewing)| *renewing != Renewing::DetachedAndKilled).count()).unwrap(),
    );
    for (at, (name, rotation, renewing)) in STORMS.into_iter().enumerate() {
        let left = trial.size.until.saturating_duration_since(Instant::now());
        let until = Instant::now() + left / u32::try_from(STORMS.len() - at).unwrap();
        let world = World::new(&brisk(rotation));
        let struck = AtomicBool::new(false);
        storm(&Storm { trial, name, rotation, renewing, world: &world, struck }, kills, until);
    }
}

/// One of them.
struct Storm<'a> {
    trial: &'a Trial<'a>,
    name: &'a str,
    rotation: Rotation,
    renewing: Renewing,
    world: &'a World,
    /// Whether a process has died in the middle of its own renewal.
    struck: AtomicBool,
}

fn storm(storm: &Storm<'_>, kills: u32, until: Instant) {
    let &Storm { trial, name, rotation, renewing, world, ref struck } = storm;
    let (victims, done) = (<[Victim; VICTIMS]>::default(), AtomicBool::new(false));
    let before = world.counters();
    thread::scope(|scope| {
        let _ending = Ending(&done);
        scope.spawn(|| observe(trial, world, &done));
        for victim in &victims {
            scope.spawn(|| match renewing {
                Renewing::InProcess => live_alone(storm, victim, &done),
                _ => live(storm, victim, &done),
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(BETWEEN_RENEWALS);
                world.age(-1.0);
            }
        });
        let mut dice = trial.dice(name.len());
        'storm: for _ in 0..kills {
            thread::sleep(Duration::from_micros(dice.random_range(0..20_000)));
            if renewing == Renewing::DetachedAndKilled
                && dice.random_ratio(1, 2)
                && let Some(id) = world.who_renews()
            {
                send("KILL", &[id]);
                trial.count(RENEWING, 1);
            }
            // A machine that starts processes more slowly than they are killed would never renew a token.
            let begun = Instant::now();
            let calling = || victims.iter().filter(|victim| victim.calling.load(Ordering::Relaxed)).count();
            while calling() < VICTIMS / 2 || !kill(pick(&victims, &mut dice)) {
                if Instant::now() > until || begun.elapsed() > PATIENCE {
                    trial.law(begun.elapsed() <= PATIENCE, || "no process gets as far as to call".into());
                    break 'storm;
                }
                thread::sleep(Duration::from_micros(200)); // until they have got there
            }
            trial.count(format!("{KILLS}, {name}"), 1);
            trial.count(KILLS, u64::from(renewing != Renewing::DetachedAndKilled));
        }
        // However slow the machine is, one dies while it renews.
        let begun = Instant::now();
        while renewing == Renewing::InProcess && !struck.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE {
            for victim in victims.iter().filter(|victim| victim.sending.load(Ordering::Relaxed)) {
                kill(victim);
            }
            thread::sleep(Duration::from_micros(200)); // until the next one renews
        }
    });
    let after = world.counters();
    trial.count("refreshes", after.refreshes - before.refreshes);
    trial.count(format!("reuses, {name}"), after.reuses);
    let spared = renewing != Renewing::DetachedAndKilled;
    trial.law(rotation != Rotation::Strict || !spared || after.reuses == 0, || {
        format!("{name}: {} reuses, although nobody who renews was killed", after.reuses)
    });
    let mut last = world.call_anew();
    if lose(storm) {
        last = world.call_anew();
    }
    trial.law(matches!(last, Outcome::Answered), || format!("{name}: at the end a call failed: {last:?}"));
    world.inspect(trial, name);
}

/// Signs in again if that is necessary, which it may be only where those who renew are killed; returns whether it was.
fn lose(storm: &Storm<'_>) -> bool {
    let Storm { trial, name, renewing, world, .. } = *storm;
    let lost = world.repair();
    trial.count(format!("lost sign-ins, {name}"), u64::from(lost));
    trial.law(!lost || renewing == Renewing::DetachedAndKilled, || format!("{name}: a sign-in was lost"));
    lost
}

/// Picks the next victim: now and then one that is renewing, which hardly ever happens by itself.
fn pick<'a>(victims: &'a [Victim; VICTIMS], dice: &mut StdRng) -> &'a Victim {
    let sending = victims.iter().find(|victim| victim.sending.load(Ordering::Relaxed));
    sending.filter(|_| dice.random_ratio(1, 4)).unwrap_or(&victims[dice.random_range(0..VICTIMS)])
}

fn kill(victim: &Victim) -> bool {
    let process = victim.process.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(process) = &process {
        process.kill();
    }
    process.is_some()
}

/// Judges a call that failed.
fn fail(storm: &Storm<'_>, code: &str, text: &str) {
    let Storm { trial, name, renewing, .. } = *storm;
    let ended = code == "reauth_required";
    if ended {
        lose(storm);
    }
    if !ended || renewing != Renewing::DetachedAndKilled {
        trial.count("failed calls", 1);
        trial.law(false, || format!("{name}: a call failed: {text}"));
    }
}

/// Does as below with processes that renew themselves.
fn live_alone(storm: &Storm<'_>, victim: &Victim, done: &AtomicBool) {
    let Storm { trial, name, world, .. } = *storm;
    while !done.load(Ordering::Relaxed) {
        let mut worker = world.worker(&Plan { steps: vec![Step::AskOn], ..Plan::default() });
        *victim.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker.process.clone());
        let mut alive = true;
        while !done.load(Ordering::Relaxed) {
            let Some(said) = worker.hear() else {
                alive = false;
                break;
            };
            victim.calling.store(true, Ordering::Relaxed);
            victim.sending.store(matches!(said, Said::Sending), Ordering::Relaxed);
            match said {
                Said::Sending => {}
                Said::Refused(code, text) => fail(storm, &code, &text),
                _ => trial.count("calls", 1),
            }
        }
        victim.calling.store(false, Ordering::Relaxed);
        let ours = victim.process.lock().unwrap_or_else(PoisonError::into_inner).take().is_some();
        trial.law(alive || !ours, || format!("{name}: a worker ended by itself"));
        let sending = victim.sending.swap(false, Ordering::Relaxed);
        let died = sending && !alive && !ours;
        trial.count(IN_PROCESS, u64::from(died));
        storm.struck.fetch_or(died, Ordering::Relaxed);
    }
}

/// Starts one process after another and lets each call until it dies.
fn live(storm: &Storm<'_>, victim: &Victim, done: &AtomicBool) {
    let Storm { trial, name, world, .. } = *storm;
    while !done.load(Ordering::Relaxed) {
        let mut session = world.spawn();
        *victim.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.process.clone());
        let mut alive = session.greet().is_some();
        victim.calling.store(alive, Ordering::Relaxed);
        while alive && !done.load(Ordering::Relaxed) {
            match call(&mut session) {
                Outcome::Answered => trial.count("calls", 1),
                Outcome::Failed(code, text) => fail(storm, &code, &text),
                Outcome::Died => alive = false,
            }
            thread::sleep(Duration::from_millis(3)); // leaves some processor time to the others
        }
        victim.calling.store(false, Ordering::Relaxed);
        let ours = victim.process.lock().unwrap_or_else(PoisonError::into_inner).take().is_some();
        trial.law(alive || !ours, || format!("{name}: a server ended by itself"));
    }
}
