//! The scenarios, and what each of them must have seen.

mod crashes;
mod disks;
mod foreign;
mod kills;
mod missteps;
mod sharing;
mod suspension;
mod waking;

use crate::trial::Trial;

/// One way to lose a sign-in.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Trial<'_>),
    /// What must have happened at least once.
    pub(crate) required: fn() -> Vec<String>,
    /// Its part of the long form's time, out of a hundred; it runs once then. The others take turns.
    pub(crate) share: u32,
}

/// All of them, in the order of the long form.
pub(crate) const ALL: [Scenario; 8] = [
    Scenario { name: "sharing", run: sharing::run, required: sharing::required, share: 45 },
    Scenario { name: "kills", run: kills::run, required: kills::required, share: 30 },
    Scenario { name: "crash points", run: crashes::run, required: crashes::required, share: 0 },
    Scenario { name: "suspension", run: suspension::run, required: suspension::required, share: 0 },
    Scenario { name: "disks", run: disks::run, required: disks::required, share: 0 },
    Scenario { name: "foreign writers", run: foreign::run, required: foreign::required, share: 0 },
    Scenario { name: "server faults", run: missteps::run, required: missteps::required, share: 0 },
    Scenario { name: "waking", run: waking::run, required: waking::required, share: 0 },
];

/// Names of things that must have happened, as a list of its own.
fn named<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}
