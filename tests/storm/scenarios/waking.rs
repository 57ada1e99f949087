//! Many processes that need a fresh token at the same instant: one of them gets it for all.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use switchboard_sandbox::{Faults, Rotation};

use super::named;
use crate::{
    switchboard::Session,
    trial::Trial,
    world::{Outcome, World, call, rotating},
};

const TOGETHER: usize = 16;

/// How long the server takes to renew.
const ANSWER: Duration = Duration::from_millis(200);

pub(super) fn required() -> Vec<String> {
    named(["calls", "refreshes"])
}

pub(super) fn run(trial: &Trial<'_>) {
    let world = World::new(&rotating(Rotation::Strict));
    let mut sessions: Vec<_> = (0..TOGETHER).map(|_| world.open()).collect();
    for session in &mut sessions {
        let outcome = call(session);
        trial.law(matches!(outcome, Outcome::Answered), || format!("before it began: {outcome:?}"));
    }
    let answer = u64::try_from(ANSWER.as_millis()).unwrap();
    world.set(&Faults { delay_before_commit_ms: answer, ..rotating(Rotation::Strict) });
    for _ in 0..3 {
        for waited in together(trial, &mut sessions) {
            trial.time("the same call with a live token", waited);
        }
        let before = world.counters();
        world.age(-1.0);
        for waited in together(trial, &mut sessions) {
            trial.time("wait beyond the server's answer", waited.saturating_sub(ANSWER));
        }
        let refreshes = world.counters().refreshes - before.refreshes;
        trial.count("refreshes", refreshes);
        trial.law(refreshes == 1, || format!("{refreshes} refreshes for {TOGETHER} processes"));
    }
    let reuses = world.counters().reuses;
    trial.law(reuses == 0, || format!("{reuses} reuses"));
    for session in sessions {
        session.end();
    }
    world.inspect(trial, "after waking");
}

/// Lets all of them call at the same instant; returns how long each waited.
fn together(trial: &Trial<'_>, sessions: &mut [Session]) -> Vec<Duration> {
    let barrier = Barrier::new(sessions.len());
    thread::scope(|scope| {
        let calls: Vec<_> = sessions
            .iter_mut()
            .map(|session| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let begun = Instant::now();
                    (call(session), begun.elapsed())
                })
            })
            .collect();
        let ended = calls.into_iter().map(|call| call.join().unwrap());
        let waits = ended.map(|(outcome, waited)| {
            trial.count("calls", 1);
            trial.law(matches!(outcome, Outcome::Answered), || format!("a call failed: {outcome:?}"));
            waited
        });
        waits.collect()
    })
}
