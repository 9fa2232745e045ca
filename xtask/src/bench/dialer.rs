//! The dialer's own cost: time between a text message and the link, memory, wake-ups, measured by the lab under QEMU.

use std::path::Path;

use super::{Figure, KIB_PER_MB};
use crate::{bail, context::BuildContext, error::Result, lab};

/// Boots the image `runs` times, and opens and closes two links each time.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let said = lab::measured(ctx, "dialer", image, runs)?;
    let column = |row: &str, at: usize, scale: f64| -> Vec<f64> {
        let rows = said.lines().filter_map(|line| numbers(line, row));
        rows.filter_map(|numbers| numbers.get(at).map(|it| it / scale)).collect()
    };
    let figures = vec![
        Figure::new("a text to ip-up: our share, first link of a boot", "s", column("first", 0, 1.0))
            .at_most(0.3),
        Figure::new("  later links", "s", column("later", 0, 1.0)).at_most(0.3),
        Figure::new("  until pppd starts, first link of a boot", "s", column("first", 1, 1.0)),
        Figure::new("  all of it, first link of a boot", "s", column("first", 6, 1.0)),
        Figure::new("  all of it, later links", "s", column("later", 6, 1.0)),
        Figure::new("a text to the VPN: our share, first link of a boot", "s", column("first", 5, 1.0))
            .at_most(0.5),
        Figure::new("  later links", "s", column("later", 5, 1.0)).at_most(0.5),
        Figure::new("ip-up's scripts, first link of a boot", "s", column("first", 3, 1.0)),
        Figure::new("  later links", "s", column("later", 3, 1.0)),
        Figure::new("wake-ups of sms-dialer at idle", "/s", column("idle", 0, 1.0)).at_most(1.0),
        Figure::new("memory of sms-dialer", "MB", column("idle", 1, KIB_PER_MB)).at_most(2.0),
        Figure::new("  of which its own", "MB", column("idle", 2, KIB_PER_MB)),
    ];
    if figures.iter().any(|figure| figure.values.is_empty()) {
        bail!("something was not measured\n{said}");
    }
    Ok(figures)
}

/// The numbers of a line of the lab's table; `None` for other lines.
fn numbers(line: &str, row: &str) -> Option<Vec<f64>> {
    let (first, rest) = line.split_once(' ')?;
    let before_error = rest.split('(').next()?;
    let numbers = before_error.split_whitespace().map(str::parse);
    (first == row).then(|| numbers.collect::<Result<_, _>>().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_from_the_labs_table() {
        let line = "first   0.103    0.091   0.012    0.443   0.401   0.504   4.458 (0.011)";
        assert_eq!(numbers(line, "first"), Some(vec![0.103, 0.091, 0.012, 0.443, 0.401, 0.504, 4.458]));
        assert_eq!(numbers(line, "later"), None);
        assert_eq!(
            numbers("idle     0.21     648      52     596", "idle"),
            Some(vec![0.21, 648.0, 52.0, 596.0])
        );
        assert_eq!(numbers("first link  own  to pppd", "first"), None);
    }
}
