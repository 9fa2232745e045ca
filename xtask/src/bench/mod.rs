//! Measurements that anyone can repeat, for the figures of docs/benchmarks.md.

pub mod boot;
pub mod build;
pub mod card;
pub mod dial_in;
pub mod dialer;
pub mod provision;
pub mod size;

use std::fmt;

/// The kernel counts memory in KiB.
const KIB_PER_MB: f64 = 1_000_000.0 / 1024.0;

/// One line of the report.
#[derive(Debug, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Every run's value.
    pub values: Vec<f64>,
    /// `s`, `MB`, …
    pub unit: &'static str,
    /// The upper bound, if there is one.
    pub at_most: Option<f64>,
    /// The lower bound, if there is one.
    pub at_least: Option<f64>,
}

impl Figure {
    /// A figure measured once or several times.
    pub fn new(what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self { what: what.into(), values, unit, at_most: None, at_least: None }
    }

    /// Compares the median with an upper bound.
    pub fn at_most(mut self, bound: f64) -> Self {
        self.at_most = Some(bound);
        self
    }

    /// Compares the median with a lower bound.
    pub fn at_least(mut self, bound: f64) -> Self {
        self.at_least = Some(bound);
        self
    }

    fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) =
            self.values.iter().fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(*it), high.max(*it)));
        write!(f, "{:48} {:8.2} {:4}", self.what, self.median(), self.unit)?;
        if self.values.len() > 1 {
            write!(f, " ({low:.2} … {high:.2}, {} runs)", self.values.len())?;
        }
        let bounds = [
            ("most", self.at_most, self.at_most.is_some_and(|bound| self.median() <= bound)),
            ("least", self.at_least, self.at_least.is_some_and(|bound| self.median() >= bound)),
        ];
        bounds.iter().try_for_each(|(side, bound, kept)| match bound {
            Some(bound) => write!(f, "  at {side} {bound}: {}", if *kept { "kept" } else { "MISSED" }),
            None => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_compared_with_the_bound() {
        let figure = Figure::new("a", "s", vec![9.0, 1.0, 3.0]).at_most(3.0);
        assert!(figure.to_string().contains("3.00 s    (1.00 … 9.00, 3 runs)  at most 3: kept"), "{figure}");
        assert!(figure.at_most(2.9).to_string().ends_with("MISSED"));
    }
}
