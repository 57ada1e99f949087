//! One run of one scenario: how big it is, what it counts, and which laws hold.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rand::{SeedableRng as _, rngs::StdRng};

/// How big a run is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) processes: u32,
    /// Calls of each process.
    pub(crate) calls: u32,
    pub(crate) kills: u32,
    /// How long the calls are spread over.
    pub(crate) spread: Duration,
    /// When it must be over.
    pub(crate) until: Instant,
}

/// What all runs have found so far.
#[derive(Default)]
pub(crate) struct Findings {
    rows: Mutex<BTreeMap<(&'static str, String), Row>>,
    broken: Mutex<Broken>,
}

/// Laws that were broken: how often, and how at first.
#[derive(Clone, Default)]
pub(crate) struct Broken {
    pub(crate) times: u64,
    pub(crate) first: Vec<String>,
}

/// How many of them are told.
const TOLD: usize = 40;

enum Row {
    Count(u64),
    Times(Vec<Duration>),
    Text(String),
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => f.write_str(&grouped(*count)),
            Self::Text(text) => f.write_str(text),
            Self::Times(times) => {
                let mut times = times.clone();
                times.sort_unstable();
                let at =
                    |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
                write!(f, "p50 {:.1} ms, p95 {:.1} ms, most {:.1} ms", at(50), at(95), at(100))
            }
        }
    }
}

impl Findings {
    fn row(&self, scenario: &'static str, what: &str, change: impl FnOnce(Option<Row>) -> Row) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scenario, what.to_owned());
        let before = rows.remove(&key);
        rows.insert(key, change(before));
    }

    /// Notes that a law was broken.
    pub(crate) fn broken(&self, scenario: &str, what: impl Display) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.times += 1;
        if broken.first.len() < TOLD {
            eprintln!("storm: {scenario}: {what}");
            broken.first.push(format!("{scenario}: {what}"));
        }
    }

    /// Returns the laws that were broken.
    pub(crate) fn all_broken(&self) -> Broken {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns how often something happened in all scenarios together.
    pub(crate) fn total(&self, what: &str) -> u64 {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = rows.iter().filter(|((_, key), _)| key == what);
        counts.map(|(_, row)| if let Row::Count(count) = row { *count } else { 0 }).sum()
    }

    /// Returns whether it happened at all, or was said to be left out.
    pub(crate) fn happened(&self, scenario: &'static str, what: &str) -> bool {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(&(scenario, what.to_owned())).is_some_and(|row| !matches!(row, Row::Count(0)))
    }

    /// Returns one Markdown table of everything.
    pub(crate) fn table(&self) -> String {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = "| scenario | what | count |\n|---|---|---:|\n".to_owned();
        for ((scenario, what), row) in &*rows {
            table.push_str(&format!("| {scenario} | {what} | {row} |\n"));
        }
        table
    }
}

/// One run of a scenario.
pub(crate) struct Trial<'a> {
    pub(crate) scenario: &'static str,
    pub(crate) size: Size,
    pub(crate) seed: u64,
    pub(crate) findings: &'a Findings,
}

impl Trial<'_> {
    /// Counts what happened.
    pub(crate) fn count(&self, what: impl AsRef<str>, times: u64) {
        self.findings.row(self.scenario, what.as_ref(), |row| match row {
            Some(Row::Count(before)) => Row::Count(before + times),
            _ => Row::Count(times),
        });
    }

    /// Notes how long something took.
    pub(crate) fn time(&self, what: &str, time: Duration) {
        self.findings.row(self.scenario, what, |row| {
            let mut times = if let Some(Row::Times(times)) = row { times } else { Vec::new() };
            times.push(time);
            Row::Times(times)
        });
    }

    /// Notes something that is no count.
    pub(crate) fn note(&self, what: &str, text: impl Display) {
        self.findings.row(self.scenario, what, |_| Row::Text(text.to_string()));
    }

    /// Notes that a law is broken unless it holds.
    pub(crate) fn law(&self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.findings.broken(self.scenario, otherwise());
        }
    }

    /// Whether there is no time left.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.size.until
    }

    /// Returns dice that fall the same way for the same seed.
    pub(crate) fn dice(&self, number: usize) -> StdRng {
        let name = self.scenario.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        StdRng::seed_from_u64(self.seed ^ name.rotate_left(32) ^ number as u64)
    }
}

/// Writes a number with a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let start = digits.len() % 3;
    let mut text = digits[..start].to_owned();
    for (at, digit) in digits[start..].chars().enumerate() {
        if at % 3 == 0 && !text.is_empty() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
