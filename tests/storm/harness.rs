//! Runs the scenarios, short or long, and judges what they found.

use std::{
    any::Any,
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    arguments::Options,
    observer::Ending,
    scenarios::{self, Scenario},
    signals,
    trial::{Findings, Size, Trial},
};

/// How long the short form may take, and how long after its time the long form is cut off.
const SHORT_BOUND: Duration = Duration::from_mins(5);
const LONG_GRACE: Duration = Duration::from_mins(2);

/// Prints on standard output, where there may be no reader.
pub(crate) fn say(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// Runs what is asked for.
pub(crate) fn run(options: &Options) -> ExitCode {
    let chosen: Vec<_> =
        scenarios::ALL.iter().filter(|it| options.only.as_deref().is_none_or(|only| only == it.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = scenarios::ALL.iter().map(|it| it.name).collect();
        eprintln!("storm: there is no such scenario; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let root = tempfile::Builder::new().prefix("storm-").tempdir().unwrap();
    tempfile::env::override_temp_dir(root.path()).unwrap();
    let findings: &Findings = Box::leak(Box::default());
    let bound = options.duration.map_or(SHORT_BOUND, |duration| duration + LONG_GRACE);
    signals::end_on_request(root.path(), bound, findings);
    say(&format!("storm: seed {}", options.seed));
    let (begun, done) = (Instant::now(), AtomicBool::new(false));
    thread::scope(|scope| {
        let _ending = Ending(&done);
        if options.duration.is_some() {
            scope.spawn(|| report_progress(findings, &done));
        }
        match options.duration {
            None => short(&chosen, options, findings),
            Some(duration) => long(&chosen, options, findings, duration),
        }
    });
    for scenario in chosen {
        for what in (scenario.required)() {
            if !findings.happened(scenario.name, &what) {
                findings.broken(scenario.name, format!("`{what}` never happened"));
            }
        }
    }
    say(&format!("\n{}", findings.table()));
    let broken = findings.all_broken();
    let verdict =
        if broken.times == 0 { "no law was broken".to_owned() } else { format!("{} broken laws", broken.times) };
    say(&format!("storm: {verdict}, {:.0} s, seed {}", begun.elapsed().as_secs_f64(), options.seed));
    for law in &broken.first {
        say(&format!("- {law}"));
    }
    if broken.times == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All at once: most of them wait most of the time.
fn short(chosen: &[&'static Scenario], options: &Options, findings: &Findings) {
    thread::scope(|scope| {
        for scenario in chosen {
            scope.spawn(|| trial(scenario, small(options), options.seed, findings));
        }
    });
}

fn long(chosen: &[&'static Scenario], options: &Options, findings: &Findings, duration: Duration) {
    let end = Instant::now() + duration;
    let (counting, others): (Vec<_>, Vec<_>) = chosen.iter().copied().partition(|it| it.share > 0);
    let mut seed = options.seed;
    // What is broken should show at once.
    for scenario in &others {
        trial(scenario, until(end, small(options)), seed, findings);
    }
    let shares: u32 = counting.iter().map(|it| it.share).sum::<u32>() + if others.is_empty() { 0 } else { 25 };
    let left = end.saturating_duration_since(Instant::now());
    for scenario in &counting {
        let time = left * scenario.share / shares;
        let size = Size {
            processes: options.processes.unwrap_or(64),
            calls: options.calls.unwrap_or(10_000),
            kills: options.kills.unwrap_or(50_000),
            spread: time.mul_f64(0.9),
            until: Instant::now() + time,
        };
        trial(scenario, size, seed, findings);
    }
    while !others.is_empty() && Instant::now() < end {
        seed = seed.wrapping_add(1);
        for scenario in others.iter().filter(|_| Instant::now() < end) {
            trial(scenario, until(end, small(options)), seed, findings);
        }
    }
}

fn until(end: Instant, size: Size) -> Size {
    Size { until: size.until.min(end), ..size }
}

fn small(options: &Options) -> Size {
    Size {
        processes: options.processes.unwrap_or(6),
        calls: options.calls.unwrap_or(60),
        kills: options.kills.unwrap_or(240),
        spread: Duration::from_secs(6),
        until: Instant::now() + Duration::from_secs(90),
    }
}

fn trial(scenario: &Scenario, size: Size, seed: u64, findings: &Findings) {
    let trial = Trial { scenario: scenario.name, size, seed, findings };
    let begun = Instant::now();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&trial))) {
        findings.broken(scenario.name, format!("broke off: {}", words(&*panic)));
    }
    trial.count("rounds", 1);
    trial.note("seconds in the last round", format!("{:.1}", begun.elapsed().as_secs_f64()));
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

fn report_progress(findings: &Findings, done: &AtomicBool) {
    let begun = Instant::now();
    let mut due = Duration::from_secs(10);
    while !done.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(200)); // so that it ends soon after the run does
        if begun.elapsed() >= due {
            due += Duration::from_secs(10);
            let [calls, kills, broken] =
                [findings.total("calls"), findings.total("kills at random"), findings.all_broken().times];
            eprintln!(
                "storm: {} s, {calls} calls, {kills} random kills, {broken} broken laws",
                begun.elapsed().as_secs()
            );
        }
    }
}
