//! Servers that stumble: nobody notices while the token lives, and nobody is asked to sign in for it afterwards.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use switchboard_sandbox::{Faults, Misstep, Rotation};

use crate::{
    switchboard::Session,
    trial::Trial,
    world::{Outcome, World, call, rotating, stumbling},
};

const MISSTEPS: [(Misstep, &str); 11] = [
    (Misstep::Status(500), "status 500"),
    (Misstep::Status(503), "status 503"),
    (Misstep::RateLimited(1), "status 429, try again in 1 s"),
    (Misstep::RateLimited(60), "status 429, try again in 60 s"),
    (Misstep::ErrorIn200, "error in a 200"),
    (Misstep::RefuseEarlyRefresh, "early refresh refused"),
    (Misstep::TruncatedJson, "truncated JSON"),
    (Misstep::DropAfterCommit, "connection dropped after the commit"),
    (Misstep::OmitExpiresIn, "no `expires_in`"),
    (Misstep::OmitRefreshToken, "no refresh token"),
    (Misstep::NoAnswer, "no answer"),
];

const SLOW: &str = "slow answer";
const AHEAD: &str = "lifetime overstated by 10 min";
const BEHIND: &str = "lifetime understated by 10 min";

/// How many servers of one rotation stumble at a time: most of the time is spent waiting.
const WORLDS: usize = 4;

pub(super) fn required() -> Vec<String> {
    let names = MISSTEPS.iter().map(|(_, name)| *name).chain([SLOW, AHEAD, BEHIND]);
    names.map(|name| format!("faults: {name}")).collect()
}

pub(super) fn run(trial: &Trial<'_>) {
    let queues = [Rotation::Benign, Rotation::Strict].map(|rotation| (rotation, Mutex::new(all())));
    thread::scope(|scope| {
        for (rotation, queue) in &queues {
            for _ in 0..WORLDS {
                scope.spawn(move || {
                    let world = World::new(&rotating(*rotation));
                    while let Some(fault) = next(queue).filter(|_| !trial.is_over()) {
                        stumble(trial, &world, *rotation, &fault);
                    }
                });
            }
        }
        skew(trial);
    });
}

/// One misstep, and the seconds that the token has left when it happens.
struct Stumble {
    misstep: Misstep,
    name: &'static str,
    left: f64,
}

/// All of them; those that take longest come first.
fn all() -> Vec<Stumble> {
    let twice =
        MISSTEPS.into_iter().flat_map(|(misstep, name)| [10.0, -1.0].map(|left| Stumble { misstep, name, left }));
    // With an expired token this refusal is the end of the sign-in.
    twice.filter(|it| it.left > 0.0 || it.misstep != Misstep::RefuseEarlyRefresh).collect()
}

fn next(queue: &Mutex<Vec<Stumble>>) -> Option<Stumble> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// Whether the server acts although the client learns nothing, or not all, of it.
fn acts(misstep: Misstep) -> bool {
    matches!(misstep, Misstep::DropAfterCommit | Misstep::TruncatedJson | Misstep::OmitRefreshToken)
}

fn stumble(trial: &Trial<'_>, world: &World, rotation: Rotation, &Stumble { misstep, name, left }: &Stumble) {
    // A strict server that acts and does not say so has ended the sign-in, whatever anyone does.
    let excused = rotation == Rotation::Strict && acts(misstep);
    let alive = left > 0.0;
    let place = format!("{name}, {rotation:?}, {}", if alive { "token alive" } else { "token expired" });
    let mut session = world.open();
    world.age(left);
    let planned = if excused { 1 } else { 12 };
    world.set(&stumbling(rotation, misstep, planned));
    let begun = Instant::now();
    let outcome = call(&mut session);
    let waited = begun.elapsed();
    trial.count("calls", 1);
    trial.count(format!("faults: {name}"), (planned - world.missteps_left()) as u64);
    let fine = match &outcome {
        Outcome::Answered => true,
        Outcome::Failed(code, _) => match code.as_str() {
            "reauth_required" => excused,
            "transient" => !alive,
            _ => false,
        },
        Outcome::Died => false,
    };
    trial.law(fine, || format!("{place}: after {waited:?}: {outcome:?}"));
    trial.time("wait for a stumbling server", waited);
    trial.law(waited < Duration::from_secs(24), || format!("{place}: the call took {waited:?}"));
    world.set(&rotating(rotation));
    recover(trial, world, &mut session, excused, &place);
    session.end();
    world.inspect(trial, &place);
}

/// Once the server is well, everything is.
fn recover(trial: &Trial<'_>, world: &World, session: &mut Session, excused: bool, place: &str) {
    // Nothing that the server gave before is good any more, so that both need what the renewal brings.
    world.forgive();
    world.expire();
    for _ in 0..2 {
        let outcome = call(session);
        trial.count("calls", 1);
        match outcome {
            Outcome::Answered => {}
            Outcome::Failed(code, _) if excused && code == "reauth_required" => {
                trial.count("lost sign-ins, strict server that acted without an answer", u64::from(world.repair()));
            }
            other => trial.law(false, || format!("{place}: once the server was well: {other:?}")),
        }
    }
    let last = world.call_anew();
    trial.law(matches!(last, Outcome::Answered), || format!("{place}: at last: {last:?}"));
}

/// Servers that are slow, or wrong about how long a token lives.
fn skew(trial: &Trial<'_>) {
    let slow = Faults { delay_before_commit_ms: 1500, delay_after_commit_ms: 1500, ..rotating(Rotation::Strict) };
    let ahead = Faults { access_lifetime: 1, expires_in_skew: 600, ..rotating(Rotation::Strict) };
    let behind = Faults { access_lifetime: 300, expires_in_skew: -600, ..rotating(Rotation::Strict) };
    for (name, faults) in [(SLOW, slow), (AHEAD, ahead), (BEHIND, behind)] {
        let world = World::new(&rotating(Rotation::Strict));
        let mut session = world.open();
        world.age(-1.0);
        world.set(&faults);
        for _ in 0..3 {
            let outcome = call(&mut session);
            trial.count("calls", 1);
            trial.count(format!("faults: {name}"), 1);
            trial.law(matches!(outcome, Outcome::Answered), || format!("{name}: {outcome:?}"));
            world.expire();
        }
        session.end();
        world.set(&rotating(Rotation::Strict));
        let last = world.call_anew();
        trial.law(matches!(last, Outcome::Answered), || format!("{name}: at last: {last:?}"));
        trial.law(world.counters().reuses == 0, || format!("{name}: a refresh token was used twice"));
        world.inspect(trial, name);
    }
}
