//! What a dial-in line takes: time from ring to answer and from connection to pppd, throughput, memory, fifty calls;
//! measured by the lab under QEMU.

use std::path::Path;

use super::{Figure, KIB_PER_MB};
use crate::{bail, context::BuildContext, error::Result, lab};

/// The ledger of calls, which is read and written after each call, is longer after fifty of them: kB. It ends at 250.
const LEDGER: f64 = 12.0;

/// Boots the image `runs` times, and once more for fifty calls in a row.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let said = lab::measured(ctx, "dial-in", image, runs)?;
    let lines: Vec<[f64; 4]> = said.lines().filter_map(|line| row(line, "line")).collect();
    let calls: Vec<[f64; 5]> = said.lines().filter_map(|line| row(line, "calls")).collect();
    let [[before, after, files_before, files_after, count]] = calls[..] else {
        bail!("the calls were not measured\n{said}");
    };
    if lines.is_empty() {
        bail!("the line was not measured\n{said}");
    }
    let column = |at: usize| lines.iter().map(|line| line[at]).collect::<Vec<_>>();
    let share = lines.iter().map(|line| 100.0 * line[2] / line[3]).collect();
    Ok(vec![
        Figure::new("RING to ATA", "s", column(0)).at_most(0.05),
        Figure::new("CONNECT to pppd's first frame", "s", column(1)).at_most(0.15),
        Figure::new("throughput at 115200 bit/s", "B/s", column(2)),
        Figure::new("  of what the two pppd alone reach", "%", share).at_least(95.0),
        Figure::new("memory of dial-in, for each of its lines", "MB", vec![after / KIB_PER_MB / count])
            .at_most(1.5),
        Figure::new("  more after the 50th call than after the 5th", "kB", vec![(after - before) * 1.024])
            .at_most(LEDGER),
        Figure::new("  open files more", "", vec![files_after - files_before]).at_most(0.0),
    ])
}

/// The numbers of a line of the lab's table, if it is such a row; errors in parentheses are left out.
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
    fn rows_are_read_from_the_labs_table() {
        let table = "seconds: RING to ATA (error), CONNECT to pppd's first frame (error)\n\
            line  0.012 (0.001) 0.081 (0.002) 13820 13851\n\
            calls 712 712 14 14 2\n";
        let lines: Vec<_> = table.lines().filter_map(|line| row(line, "line")).collect();
        assert_eq!(lines, [[0.012, 0.081, 13820.0, 13851.0]]);
        let calls: Vec<_> = table.lines().filter_map(|line| row(line, "calls")).collect();
        assert_eq!(calls, [[712.0, 712.0, 14.0, 14.0, 2.0]]);
    }
}
