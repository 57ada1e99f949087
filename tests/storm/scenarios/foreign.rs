//! Programs that know no locks and rewrite the file in place, sometimes with tokens that they have fetched themselves.

use std::{
    fs::File,
    io::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rand::{RngExt as _, rngs::StdRng};
use switchboard_sandbox::Faults;

use super::named;
use crate::{
    observer::Ending,
    trial::Trial,
    world::{Outcome, ROTATIONS, World, call},
};

pub(super) fn required() -> Vec<String> {
    named(["calls", "files rewritten in place", "files rewritten with tokens of their own"])
}

pub(super) fn run(trial: &Trial<'_>) {
    for (name, rotation) in [ROTATIONS[1], ROTATIONS[3]] {
        let world = World::new(&Faults { rotation, access_lifetime: 1, ..Faults::default() });
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let _ending = Ending(&done);
            for _ in 0..trial.size.processes.min(4) {
                scope.spawn(|| call_often(trial, name, &world, &done));
            }
            let mut dice = trial.dice(name.len());
            for _ in 0..30 {
                if trial.is_over() {
                    break;
                }
                thread::sleep(Duration::from_millis(dice.random_range(20..150)));
                rewrite(trial, &world, &mut dice);
            }
        });
        let mut last = world.call_anew();
        if world.repair() {
            trial.count(format!("lost sign-ins, {name}"), 1);
            last = world.call_anew();
        }
        trial.law(matches!(last, Outcome::Answered), || format!("{name}: at the end a call failed: {last:?}"));
        world.inspect(trial, name);
    }
}

/// Does what google-auth does in Python: empties the file and writes it anew, in its own good time.
fn rewrite(trial: &Trial<'_>, world: &World, dice: &mut StdRng) {
    let Ok(record) = world.record() else { return };
    let mut stored = serde_json::to_value(&record).unwrap();
    if record.dead.is_none() && dice.random_ratio(1, 3) {
        let Some(fetched) = world.refresh(&stored) else { return };
        for name in ["token", "refresh_token", "expiry"] {
            stored[name] = fetched[name].clone();
        }
        trial.count("files rewritten with tokens of their own", 1);
    } else {
        trial.count("files rewritten in place", 1);
    }
    let text = stored.to_string();
    let mut file = File::create(world.token()).unwrap();
    let (first, second) = text.split_at(dice.random_range(0..text.len()));
    file.write_all(first.as_bytes()).unwrap();
    thread::sleep(Duration::from_micros(dice.random_range(0..10_000)));
    file.write_all(second.as_bytes()).unwrap();
}

fn call_often(trial: &Trial<'_>, rotation: &str, world: &World, done: &AtomicBool) {
    let mut session = world.open();
    while !done.load(Ordering::Relaxed) {
        trial.count("calls", 1);
        match call(&mut session) {
            Outcome::Answered => {}
            Outcome::Failed(code, _) if code == "reauth_required" => {
                trial.count(format!("lost sign-ins, {rotation}"), u64::from(world.repair()));
            }
            Outcome::Failed(code, _) if code == "store_corrupt" || code == "transient" => {
                trial.count(format!("calls that met a file half written: {code}"), 1);
            }
            other => trial.law(false, || format!("{rotation}: a call failed: {other:?}")),
        }
        thread::sleep(Duration::from_millis(10)); // leaves some processor time to the others
    }
    session.end();
}
