//! Pairs of figures, taken one right after the other, and the table that they make.

use std::fmt::Write as _;

/// What two programs took, round by round.
#[derive(Default)]
pub(crate) struct Pairs(Vec<[f64; 2]>);

impl Pairs {
    /// Adds one round's figures: ours and the other's.
    pub(crate) fn add(&mut self, ours: f64, other: f64) {
        self.0.push([ours, other]);
    }

    fn median(&self, of: impl Fn(&[f64; 2]) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }
}

/// A table of ratios, row by row.
pub(crate) struct Table(String);

impl Table {
    /// Begins a table whose second column is of `other`.
    pub(crate) fn of(what: &str, other: &str) -> Self {
        Self(format!("\n| {what} | switchboard | {other} | ratio | aim |\n|---|---|---|---|---|\n"))
    }

    /// Adds a row: the medians, and the median of the ratios of each round, which what else runs disturbs the least.
    pub(crate) fn row(&mut self, what: &str, pairs: &Pairs, aim: &str) {
        let (ours, other) = (figure(pairs.median(|pair| pair[0])), figure(pairs.median(|pair| pair[1])));
        let ratio = pairs.median(|pair| pair[0] / pair[1]);
        let _ = writeln!(self.0, "| {what} | {ours} | {other} | {ratio:.2} | {aim} |");
    }

    /// Adds the row of a figure that nothing stands beside.
    pub(crate) fn alone(&mut self, what: &str, figures: Vec<f64>, aim: &str) {
        let _ = writeln!(self.0, "| {what} | {} | | | {aim} |", figure(median(figures)));
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Returns the one in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes three digits or so.
fn figure(figure: f64) -> String {
    let decimals = match figure {
        large if large >= 1000.0 => 0,
        middling if middling >= 100.0 => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}")
}
