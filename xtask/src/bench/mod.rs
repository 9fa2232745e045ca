//! Measurements that anyone can repeat, for the figures of docs/benchmarks.md.

pub mod boot;
pub mod build;
pub mod cache;
pub mod card;
mod checkout;
pub mod dial_in;
pub mod dialer;
pub mod exchange;
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

    /// Whether the median is within the bounds, if there are any.
    pub fn is_kept(&self) -> bool {
        let median = self.median();
        self.at_most.is_none_or(|bound| median <= bound) && self.at_least.is_none_or(|bound| median >= bound)
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

/// The columns of the rows of the lab's table that begin with this text.
fn columns<const N: usize>(said: &str, name: &str) -> [Vec<f64>; N] {
    let rows: Vec<[f64; N]> = said.lines().filter_map(|line| row(line, name)).collect();
    std::array::from_fn(|at| rows.iter().map(|row| row[at]).collect())
}

/// The numbers of a line of the lab's table, without the errors in parentheses; `None` for other lines.
fn row<const N: usize>(line: &str, name: &str) -> Option<[f64; N]> {
    let (first, rest) = line.split_once(' ')?;
    let words = rest.split_whitespace().filter(|word| !word.starts_with('('));
    let numbers: Vec<f64> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    (first == name).then(|| numbers.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_compared_with_the_bound() {
        let figure = Figure::new("a", "s", vec![9.0, 1.0, 3.0]).at_most(3.0);
        assert!(figure.to_string().contains("3.00 s    (1.00 … 9.00, 3 runs)  at most 3: kept"), "{figure}");
        assert!(figure.is_kept());
        let figure = figure.at_most(2.9);
        assert!(figure.to_string().ends_with("MISSED") && !figure.is_kept());
    }

    #[test]
    fn rows_are_read_from_the_labs_table() {
        let table = "seconds: RING to ATA (error), CONNECT to pppd's first frame (error)\n\
            call  0.012 (0.001) 0.081 (0.002)\n\
            moved 6913 6003\n\
            moved 6184 6443\n\
            calls 712 712 14 14 2\n";
        assert_eq!(columns(table, "call"), [[0.012], [0.081]]);
        assert_eq!(columns(table, "moved"), [[6913.0, 6184.0], [6003.0, 6443.0]]);
        assert_eq!(columns(table, "calls"), [[712.0], [712.0], [14.0], [14.0], [2.0]]);
        assert_eq!(columns(table, "missing"), [Vec::<f64>::new()]);
    }
}
