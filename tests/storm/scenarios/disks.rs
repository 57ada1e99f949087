//! Disks that fail: nothing is spent if it shows in time, and nothing is lost if it does not.

use std::{
    env, fs,
    process::{Command, Stdio},
    thread,
};

use switchboard_sandbox::Rotation;

use super::named;
use crate::{
    trial::Trial,
    worker::{DiskFault, Plan, Report, Said, Step, Worker},
    world::{Outcome, World, rotating},
};

const FULL: &str = "really full disk";

pub(super) fn required() -> Vec<String> {
    let faults = DiskFault::ALL.map(|fault| format!("faults: {}", fault.name()));
    named([FULL]).into_iter().chain(faults).collect()
}

pub(super) fn run(trial: &Trial<'_>) {
    thread::scope(|scope| {
        for fault in DiskFault::ALL.into_iter().filter(|fault| !fault.is_early() && !fault.is_late()) {
            scope.spawn(move || last(trial, fault));
        }
        let world = World::new(&rotating(Rotation::Strict));
        for fault in DiskFault::ALL {
            for times in [1, 2] {
                if trial.is_over() {
                    return;
                }
                fail(trial, &world, fault, times);
            }
            live(trial, &world, fault);
        }
        fill_up(trial, &world);
    });
}

/// An expired token and a disk that fails so often: at most the calls that met it fail, and not for want of a sign-in.
fn fail(trial: &Trial<'_>, world: &World, fault: DiskFault, times: u32) {
    let place = format!("{} × {times}", fault.name());
    world.age(-1.0);
    let before = world.counters();
    let Report { answers, faults, .. } = work(trial, world, (fault, times), vec![Step::Ask; 4], &place);
    // Once the replacement is in place, nobody tries again.
    let due = if fault.is_late() { 1 } else { times };
    trial.law(faults == due, || format!("{place}: the disk failed {faults} times"));
    world.inspect(trial, &place);
    for answer in &answers {
        trial.law(harmless(answer), || format!("{place}: {answer:?}"));
    }
    trial.law(matches!(answers[..], [.., Said::Given(_)]), || format!("{place}: it did not recover: {answers:?}"));
    let spent = world.counters().refreshes - before.refreshes;
    trial.law(spent == 1, || format!("{place}: {spent} refreshes"));
    succeed(trial, world, &place);
}

/// A token that is about to expire: whatever the disk does, it is used.
fn live(trial: &Trial<'_>, world: &World, fault: DiskFault) {
    let place = format!("{}, token alive", fault.name());
    let times = if fault.is_early() { 9 } else { 1 };
    // With the first it is renewed in the background, by even the least eager process; with the second it is waited for.
    for left in [90.0, 15.0] {
        world.age(left);
        let before = world.counters();
        let Report { answers, faults, .. } = work(trial, world, (fault, times), vec![Step::Ask], &place);
        trial.law(faults > 0, || format!("{place}: the disk did not fail with {left} s left"));
        trial.law(matches!(answers[..], [Said::Given(_)]), || format!("{place}: {answers:?}"));
        let spent = world.counters().refreshes - before.refreshes;
        let due = u64::from(!fault.is_early());
        trial.law(spent == due, || format!("{place}: {spent} refreshes with {left} s left, where {due} were due"));
        world.inspect(trial, &place);
    }
    succeed(trial, world, &place);
}

/// A disk that fails for longer than anyone waits: the process keeps what it has received, and writes it at last.
fn last(trial: &Trial<'_>, fault: DiskFault) {
    let place = format!("{}, lasting", fault.name());
    let world = World::new(&rotating(Rotation::Strict));
    world.age(-1.0);
    let (before, steps) = (world.counters(), vec![Step::Ask, Step::Ask, Step::Settle, Step::Ask]);
    let Report { answers, faults, .. } = work(trial, &world, (fault, 7), steps, &place);
    trial.law(faults == 7, || format!("{place}: the disk failed {faults} times"));
    let fine = matches!(answers[..], [Said::Given(_), Said::Given(_), Said::Settled, Said::Given(_)]);
    trial.law(fine, || format!("{place}: {answers:?}"));
    let spent = world.counters().refreshes - before.refreshes;
    trial.law(spent == 1, || format!("{place}: {spent} refreshes"));
    world.inspect(trial, &place);
    succeed(trial, &world, &place);
}

/// Lets a worker take these steps on a disk that fails so often, and counts how often it did fail.
fn work(trial: &Trial<'_>, world: &World, fault: (DiskFault, u32), steps: Vec<Step>, place: &str) -> Report {
    let report = world.worker(&Plan { fault: Some(fault), steps, ..Plan::default() }).report();
    trial.count(format!("faults: {}", fault.0.name()), report.faults.into());
    trial.law(report.status.success(), || format!("{place}: the worker ended with {}", report.status));
    report
}

fn succeed(trial: &Trial<'_>, world: &World, place: &str) {
    let next = world.call_anew();
    trial.law(matches!(next, Outcome::Answered), || format!("{place}: the next process failed: {next:?}"));
}

fn harmless(answer: &Said) -> bool {
    match answer {
        Said::Refused(code, _) => code == "store_write_failed",
        _ => true,
    }
}

/// A disk of 64 kB of our own, if the system lets us have one: it is filled, asked, emptied and asked again.
fn fill_up(trial: &Trial<'_>, world: &World) {
    world.age(-1.0);
    let folder = world.home.path().join("small");
    fs::create_dir(&folder).unwrap();
    let (token, small, filler) = (world.token(), folder.join("token.json"), folder.join("filler"));
    let config = world.home.path().join("small.yaml");
    let text = fs::read_to_string(world.home.path().join("config.yaml")).unwrap();
    fs::write(&config, text.replace("token.json", "small/token.json")).unwrap();
    let steps = vec![Step::Fill(filler.clone()), Step::Ask, Step::Remove(filler), Step::Ask];
    let plan = serde_json::to_string(&Plan { steps, ..Plan::default() }).unwrap();
    let script =
        r#"mount -t tmpfs -o size=64k none "$1" && cp -p "$2" "$3" && "$4" worker "$5" "$6" && cp -p "$3" "$2""#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh"]).args([&folder, &token, &small]);
    command.arg(env::current_exe().unwrap()).arg(&config).arg(&plan).stderr(Stdio::null());
    let before = world.counters();
    let allowed =
        Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status().is_ok_and(|it| it.success());
    if !allowed {
        trial.note(FULL, "skipped: no user and mount namespaces here");
        return;
    }
    let Report { answers, status, .. } = Worker::start(&mut command).report();
    trial.law(status.success(), || format!("{FULL}: the worker ended with {status}"));
    let [Said::Filled, refused, given] = &answers[..] else {
        trial.law(false, || format!("{FULL}: {answers:?}"));
        return;
    };
    trial.count(FULL, 1);
    trial.law(matches!(refused, Said::Refused(code, _) if code == "store_write_failed"), || {
        format!("{FULL}: {refused:?}")
    });
    trial.law(matches!(given, Said::Given(_)), || format!("{FULL}: with room again: {given:?}"));
    let spent = world.counters().refreshes - before.refreshes;
    trial.law(spent == 1, || format!("{FULL}: {spent} refreshes"));
    succeed(trial, world, FULL);
    fs::remove_dir_all(folder).unwrap();
}
