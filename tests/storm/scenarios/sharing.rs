//! Many processes, one sign-in: no call fails, no refresh token is used twice, and nobody refreshes more than needed.

use std::{
    sync::{Barrier, atomic::AtomicBool},
    thread,
    time::Instant,
};

use switchboard_sandbox::Rotation;

use super::named;
use crate::{
    observer::{Ending, observe},
    trial::Trial,
    world::{Outcome, World, brisk, call},
};

/// Seconds that a token lives, that its soft window takes of them, and that the server takes to answer.
const LIFE: f64 = 1.0;
const SOFT: f64 = 0.4;
const ANSWER: f64 = 0.02;

pub(super) fn required() -> Vec<String> {
    named(["calls", "refreshes", "reads of the token file by an observer"])
}

pub(super) fn run(trial: &Trial<'_>) {
    let world = World::new(&brisk(Rotation::Strict));
    let (done, ready) = (AtomicBool::new(false), Barrier::new(trial.size.processes as usize + 1));
    let (before, elapsed) = thread::scope(|scope| {
        let _ending = Ending(&done);
        scope.spawn(|| observe(trial, &world, &done));
        let (world, ready) = (&world, &ready);
        let callers: Vec<_> =
            (0..trial.size.processes).map(|at| scope.spawn(move || call_often(trial, world, ready, at))).collect();
        ready.wait();
        // Until here they were only starting, and nobody needed a token.
        let (before, begun) = (world.counters(), Instant::now());
        let ended = callers.into_iter().map(|caller| caller.join().unwrap()).max();
        (before, ended.map_or(0.0, |ended| ended.saturating_duration_since(begun).as_secs_f64()))
    });
    let after = world.counters();
    let refreshes = after.refreshes - before.refreshes;
    let ideal = elapsed / (LIFE - SOFT + ANSWER);
    trial.count("refreshes", refreshes);
    trial.count("reuses", after.reuses);
    trial.note("ideal refreshes", format!("{ideal:.0}"));
    let real = f64::from(u32::try_from(refreshes).unwrap());
    trial.note("refreshes / ideal", format!("{:.2}", real / ideal));
    trial.note("processes", trial.size.processes);
    trial.note("calls asked for", trial.size.processes * trial.size.calls);
    trial.law(real <= 1.1 * ideal + 1.0, || format!("{refreshes} refreshes, where {ideal:.1} are ideal"));
    trial.law(after.reuses == 0, || format!("{} reuses", after.reuses));
    trial.law(after.most_uses_of_one_refresh_token <= 1, || {
        format!("a refresh token was used more than once: {after:?}")
    });
    world.inspect(trial, "at the end");
}

/// Calls, and returns when the last call was over.
fn call_often(trial: &Trial<'_>, world: &World, ready: &Barrier, at: u32) -> Instant {
    let mut session = world.spawn();
    let greeted = session.greet();
    ready.wait();
    greeted.expect("the server ended");
    let period = trial.size.spread / trial.size.calls;
    let mut ended = Instant::now();
    let start = ended + period * at / trial.size.processes;
    for number in 0..trial.size.calls {
        let due = start + period * number;
        thread::sleep(due.saturating_duration_since(Instant::now())); // paces the calls over many expiries
        if trial.is_over() {
            break;
        }
        let begun = Instant::now();
        let outcome = call(&mut session);
        ended = Instant::now();
        trial.time("time of a call", ended - begun);
        trial.count("calls", 1);
        let answered = matches!(outcome, Outcome::Answered);
        trial.count("failed calls", u64::from(!answered));
        trial.law(answered, || format!("a call failed after {:?}: {outcome:?}", ended - begun));
        match outcome {
            Outcome::Died => return ended,
            Outcome::Failed(code, _) if code == "reauth_required" => {
                trial.count("lost sign-ins", u64::from(world.repair()));
            }
            _ => {}
        }
    }
    session.end();
    ended
}
