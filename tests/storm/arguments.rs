//! The command line: our own options, and those that `cargo test` hands to every test program.

use std::{str::FromStr, time::Duration};

/// Options of the usual test programs that take a value, which is no filter.
const WITH_VALUE: [&str; 6] = ["--test-threads", "--format", "--color", "--logfile", "--shuffle-seed", "-Z"];

/// What to run.
pub(crate) struct Options {
    /// How long the long form lasts; the short form without it.
    pub(crate) duration: Option<Duration>,
    /// What the random decisions are drawn from.
    pub(crate) seed: u64,
    /// The one scenario to run.
    pub(crate) only: Option<String>,
    /// How many processes share a token file.
    pub(crate) processes: Option<u32>,
    /// How often each of them calls.
    pub(crate) calls: Option<u32>,
    /// How many processes are killed at random.
    pub(crate) kills: Option<u32>,
}

impl Options {
    /// Reads the command line; nothing if it asks for other tests than this.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (mut duration, mut seed, mut only) = (None, None, None);
        let (mut processes, mut calls, mut kills) = (None, None, None);
        let (mut filters, mut others) = (Vec::new(), false);
        while let Some(argument) = arguments.next() {
            let (name, value) = argument
                .split_once('=')
                .map_or((argument.as_str(), None), |(name, value)| (name, Some(value.to_owned())));
            let mut value =
                || value.clone().or_else(|| arguments.next()).unwrap_or_else(|| panic!("`{name}` needs a value"));
            match name {
                "--duration" => duration = Some(period(&value())),
                "--seed" => seed = Some(number(&value())),
                "--only" => only = Some(value()),
                "--processes" => processes = Some(number(&value())),
                "--calls" => calls = Some(number(&value())),
                "--kills" => kills = Some(number(&value())),
                "--skip" => others |= "storm".contains(&value()),
                "--ignored" => others = true,
                "--list" => {
                    crate::harness::say("storm: test");
                    return None;
                }
                name if WITH_VALUE.contains(&name) => drop(value()),
                name if name.starts_with('-') => {}
                filter => filters.push(filter.to_owned()),
            }
        }
        let wanted = filters.is_empty() || filters.iter().any(|filter| "storm".contains(filter.as_str()));
        let seed = seed.unwrap_or_else(rand::random);
        (wanted && !others).then_some(Self { duration, seed, only, processes, calls, kills })
    }
}

fn number<T: FromStr>(text: &str) -> T {
    text.replace(['_', ','], "").parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn period(text: &str) -> Duration {
    let period: Option<jiff::SignedDuration> = text.parse().ok();
    period.and_then(|it| it.try_into().ok()).unwrap_or_else(|| panic!("`{text}` is no duration, such as `1h`"))
}
