//! Death at each named point of a renewal, under each kind of rotation: what the next process finds, and does.

use std::{fs, thread, time::Duration};

use rand::seq::SliceRandom as _;
use switchboard_sandbox::{Faults, Rotation};

use crate::{
    signals::{aborted, killed},
    trial::Trial,
    worker::{Plan, Point, Report, Said, Step},
    world::{Counters, Outcome, ROTATIONS, World, rotating},
};

pub(super) fn required() -> Vec<String> {
    let pairs = Point::ALL.into_iter().flat_map(|point| ROTATIONS.map(|(rotation, _)| row(point, rotation)));
    pairs.collect()
}

fn row(point: Point, rotation: &str) -> String {
    format!("kills at: {}, {rotation}", point.name())
}

pub(super) fn run(trial: &Trial<'_>) {
    for (at, (name, rotation)) in ROTATIONS.into_iter().enumerate() {
        let world = World::new(&rotating(rotation));
        let mut points = Point::ALL;
        points.shuffle(&mut trial.dice(at));
        for point in points {
            // A busy machine may be too slow to kill in time.
            for _ in 0..3 {
                if trial.is_over() {
                    return;
                }
                let before = world.counters();
                world.age(-1.0);
                let died = die(trial, &world, point, rotation, before);
                world.set(&rotating(rotation));
                if died {
                    trial.count(row(point, name), 1);
                    judge(trial, &world, point, name, before);
                    break;
                }
                trial.count(format!("missed: {}", point.name()), 1);
                fs::remove_file(world.token()).unwrap();
                world.sign_in();
            }
        }
    }
}

/// Lets a worker die there; returns whether it did. If it dies of anything else, a law is broken.
fn die(trial: &Trial<'_>, world: &World, point: Point, rotation: Rotation, before: Counters) -> bool {
    let slow = Duration::from_secs(2).as_millis().try_into().unwrap();
    let worker = |crash| world.worker(&Plan { crash, steps: vec![Step::Ask], ..Plan::default() });
    let (status, there) = match point {
        Point::InFlight => {
            world.set(&Faults { delay_before_commit_ms: slow, ..rotating(rotation) });
            let mut worker = worker(None);
            let sent = matches!(worker.hear(), Some(Said::Sending));
            thread::sleep(Duration::from_millis(200)); // on its way; whether it came too far is checked next
            (worker.kill(), sent && world.counters().refreshes == before.refreshes)
        }
        Point::Committed => {
            world.set(&Faults { delay_after_commit_ms: slow, ..rotating(rotation) });
            let mut worker = worker(None);
            let sent = matches!(worker.hear(), Some(Said::Sending));
            let committed = world.renewed_since(before, Duration::from_secs(2));
            (worker.kill(), sent && committed)
        }
        point => {
            let Report { answers, status, .. } = worker(Some(point)).report();
            let died = answers.is_empty() && aborted(status);
            trial.law(died, || format!("{}: a worker ended with {status} after {answers:?}", point.name()));
            return died;
        }
    };
    trial.law(killed(status) || status.success(), || format!("{}: a worker ended with {status}", point.name()));
    there && killed(status)
}

fn judge(trial: &Trial<'_>, world: &World, point: Point, rotation: &str, before: Counters) {
    let place = format!("{}, {rotation}", point.name());
    world.inspect(trial, &place);
    let spent = world.counters().refreshes - before.refreshes;
    trial.law(spent == u64::from(point.is_spent()), || format!("{place}: the server refreshed {spent} times"));
    let next = world.call_anew();
    let may_lose = rotation == "strict" && point.is_spent() && !point.is_saved();
    match next {
        Outcome::Answered => trial.law(!may_lose, || format!("{place}: a strict server took a refresh token twice")),
        Outcome::Failed(code, _) if may_lose && code == "reauth_required" => {
            trial.count("lost sign-ins, strict", 1);
            let (then, other) = (world.counters(), world.call_anew());
            let asked = matches!(&other, Outcome::Failed(code, _) if code == "reauth_required");
            trial.law(asked, || format!("{place}: no sign-in was asked for: {other:?}"));
            trial.law(world.counters() == then, || format!("{place}: a dead refresh token was sent again"));
            world.sign_in();
            let last = world.call_anew();
            trial.law(matches!(last, Outcome::Answered), || format!("{place}: after the sign-in: {last:?}"));
        }
        other => trial.law(false, || format!("{place}: the next call failed: {other:?}")),
    }
    let reuses = world.counters().reuses - before.reuses;
    trial.law(reuses <= 1, || format!("{place}: {reuses} reuses"));
}
