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

pub(super) fn run(it: &Trial<'_>) {
    let world = World::new(&brisk(Rotation::Strict));
    let (done, ready) = (AtomicBool::new(false), Barrier::new(it.size.processes.try_into().unwrap()));
    let (before, begun) = (world.counters(), Instant::now());
    thread::scope(|scope| {
        let _ending = Ending(&done);
        scope.spawn(|| observe(it, &world, &done));
        thread::scope(|callers| {
            for at in 0..it.size.processes {
                let (world, ready) = (&world, &ready);
                callers.spawn(move || call_often(it, world, ready, at));
            }
        });
    });
    let (after, elapsed) = (world.counters(), begun.elapsed().as_secs_f64());
    let refreshes = after.refreshes - before.refreshes;
    let ideal = elapsed / (LIFE - SOFT + ANSWER);
    it.count("refreshes", refreshes);
    it.count("reuses", after.reuses);
    it.note("ideal refreshes", format!("{ideal:.0}"));
    let real = f64::from(u32::try_from(refreshes).unwrap());
    it.note("refreshes / ideal", format!("{:.2}", real / ideal));
    it.note("processes", it.size.processes);
    it.note("calls asked for", it.size.processes * it.size.calls);
    it.law(real <= 1.1 * ideal + 1.0, || format!("{refreshes} refreshes, where {ideal:.1} are ideal"));
    it.law(after.reuses == 0, || format!("{} reuses", after.reuses));
    it.law(after.most_uses_of_one_refresh_token <= 1, || format!("a refresh token was used more than once: {after:?}"));
    world.inspect(it, "at the end");
}

fn call_often(it: &Trial<'_>, world: &World, ready: &Barrier, at: u32) {
    let mut session = world.spawn();
    let greeted = session.greet();
    ready.wait();
    greeted.expect("the server ended");
    let period = it.size.spread / it.size.calls;
    let start = Instant::now() + period * at / it.size.processes;
    for number in 0..it.size.calls {
        let due = start + period * number;
        thread::sleep(due.saturating_duration_since(Instant::now())); // paces the calls over many expiries
        if it.is_over() {
            break;
        }
        let begun = Instant::now();
        let outcome = call(&mut session);
        it.time("time of a call", begun.elapsed());
        it.count("calls", 1);
        let answered = matches!(outcome, Outcome::Answered);
        it.count("failed calls", u64::from(!answered));
        it.law(answered, || format!("a call failed: {outcome:?}"));
        match outcome {
            Outcome::Died => return,
            Outcome::Failed(code, _) if code == "reauth_required" => {
                it.count("lost sign-ins", u64::from(world.repair()));
            }
            _ => {}
        }
    }
    session.end();
}
