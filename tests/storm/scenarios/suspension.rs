//! A laptop that sleeps: everyone stops in the middle of whatever it is, and wakes up after the token has expired.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use switchboard_sandbox::{Faults, Rotation};

use super::named;
use crate::{
    observer::{Ending, observe},
    signals::send,
    switchboard::Session,
    trial::Trial,
    world::{Outcome, World, brisk, call, rotating},
};

/// How long it may take until a server that was left alone is asked again.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long it may take until somebody renews, while all of them call.
const RENEWS: Duration = Duration::from_secs(2);

const RENEWING: &str = "suspensions with the process that renews";

pub(super) fn required() -> Vec<String> {
    let mut all = named(["calls", "refreshes", "suspensions", "suspensions of the lock's holder"]);
    // Only there can it be found.
    all.extend(cfg!(target_os = "linux").then(|| RENEWING.into()));
    all
}

pub(super) fn run(trial: &Trial<'_>) {
    thread::scope(|scope| {
        scope.spawn(|| stop_the_holder(trial, Duration::from_secs(2)));
        scope.spawn(|| stop_the_holder(trial, Duration::from_secs(25)));
        stop_all(trial);
    });
}

/// All of them call all the time, are stopped together, and go on together after the token has expired.
fn stop_all(trial: &Trial<'_>) {
    let world = World::new(&brisk(Rotation::Strict));
    let before = world.counters();
    let done = AtomicBool::new(false);
    let sessions: Vec<_> = (0..trial.size.processes.min(8)).map(|_| world.open()).collect();
    let ids: Vec<_> = sessions.iter().map(|session| session.process.id()).collect();
    thread::scope(|scope| {
        let _ending = Ending(&done);
        scope.spawn(|| observe(trial, &world, &done));
        for mut session in sessions {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let outcome = call(&mut session);
                    let waited = begun.elapsed();
                    let answered = matches!(outcome, Outcome::Answered);
                    trial.count("calls", 1);
                    trial.count("failed calls", u64::from(!answered));
                    trial.law(answered, || format!("a call failed after {waited:?}: {outcome:?}"));
                    thread::sleep(Duration::from_millis(5)); // leaves some processor time to the others
                }
                session.end();
            });
        }
        for _ in 0..4 {
            thread::sleep(Duration::from_millis(700)); // lets them get to work
            let renewing = who_renews(&world);
            let stopped: Vec<_> = ids.iter().copied().chain(renewing).collect();
            send("STOP", &stopped);
            thread::sleep(Duration::from_millis(1300)); // longer than a token lives
            send("CONT", &stopped);
            trial.count("suspensions", 1);
            trial.count(RENEWING, u64::from(renewing.is_some()));
        }
        thread::sleep(Duration::from_millis(700)); // lets them show that they go on
    });
    let after = world.counters();
    trial.count("refreshes", after.refreshes - before.refreshes);
    trial.count("reuses", after.reuses);
    trial.law(after.reuses == 0, || format!("{} reuses", after.reuses));
    world.inspect(trial, "after the last suspension");
}

/// Waits until one of them has started a process that renews.
fn who_renews(world: &World) -> Option<u32> {
    let begun = Instant::now();
    while begun.elapsed() < RENEWS {
        if let Some(id) = world.who_renews() {
            return Some(id);
        }
        thread::sleep(Duration::from_millis(1)); // until it is there
    }
    None
}

/// The one that renews is stopped while the server's answer is on its way; the others wait, and give up if they must.
fn stop_the_holder(trial: &Trial<'_>, sleep: Duration) {
    let world = World::new(&rotating(Rotation::Strict));
    let (mut holder, mut other) = (world.open(), world.open());
    for session in [&mut holder, &mut other] {
        assert!(matches!(call(session), Outcome::Answered));
    }
    world.set(&Faults { delay_after_commit_ms: 500, ..rotating(Rotation::Strict) });
    world.age(-1.0);
    let before = world.counters();
    holder.begin("list_conversations");
    assert!(world.renewed_since(before, Duration::from_secs(5)), "nobody renewed");
    let mut ids = vec![holder.process.id()];
    ids.extend(world.holder().filter(|id| *id != ids[0]));
    send("STOP", &ids);
    trial.count("suspensions of the lock's holder", 1);
    let begun = Instant::now();
    let waited = thread::scope(|scope| {
        let waiting = scope.spawn(|| (call(&mut other), begun.elapsed()));
        thread::sleep(sleep);
        send("CONT", &ids);
        waiting.join().unwrap()
    });
    let (outcome, time) = waited;
    let long = sleep > Duration::from_secs(20);
    let fits = match &outcome {
        Outcome::Answered => !long,
        Outcome::Failed(code, _) => {
            long && (code == "store_locked" || code == "transient") && time < Duration::from_secs(24)
        }
        Outcome::Died => false,
    };
    trial.law(fits, || format!("the holder slept {sleep:?}, and another process after {time:?}: {outcome:?}"));
    trial.time("wait for a sleeping holder", time);
    world.set(&rotating(Rotation::Strict));
    let (then, lost) = go_on(&world, &mut other);
    trial.count("lost sign-ins, holder asleep for longer than its request may take", u64::from(lost));
    trial.law(matches!(then, Outcome::Answered) && !lost, || {
        format!("after the holder had slept {sleep:?}, lost {lost}: {then:?}")
    });
    world.inspect(trial, "after the holder had slept");
}

/// Calls until it is answered, and signs in if that is asked for; returns whether it was.
fn go_on(world: &World, session: &mut Session) -> (Outcome, bool) {
    let (begun, mut lost) = (Instant::now(), false);
    loop {
        match call(session) {
            Outcome::Failed(code, _) if code == "transient" && begun.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(200)); // whoever was in trouble is left alone for a while
            }
            Outcome::Failed(code, _) if code == "reauth_required" && !lost => lost = world.repair(),
            outcome => return (outcome, lost),
        }
    }
}
