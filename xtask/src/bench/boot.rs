//! How long the box takes to start and how much memory it uses, measured by the lab under QEMU.

use std::path::Path;

use super::{Figure, KIB_PER_MB};
use crate::{bail, context::BuildContext, error::Result, lab};

/// Boots the image `runs` times.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let said = lab::measured(ctx, "boot", image, runs)?;
    let boots: Vec<Boot> = said.lines().filter_map(boot).collect();
    if boots.is_empty() {
        bail!("no boot was measured\n{said}");
    }
    let column = |kind: &str, at: usize, scale: f64| {
        boots.iter().filter(|boot| boot.kind == kind).map(|boot| boot.numbers[at] / scale).collect()
    };
    Ok(vec![
        Figure::new("kernel start to our init", "s", column("later", 0, 1.0)),
        Figure::new("kernel start to busybox init", "s", column("later", 1, 1.0)),
        Figure::new("kernel start to the first AT", "s", column("later", 2, 1.0)).at_most(4.2),
        Figure::new("  when the card is formatted first", "s", column("first", 2, 1.0)),
        Figure::new("memory used at idle", "MB", column("later", 3, KIB_PER_MB)).at_most(12.0),
        Figure::new("memory not available at idle", "MB", column("later", 4, KIB_PER_MB)),
    ])
}

/// A line of the lab's table.
#[derive(Debug, PartialEq)]
struct Boot {
    /// `first` (the card is formatted) or `later`.
    kind: String,
    /// init starts, init ends, first AT, memory used, memory unavailable.
    numbers: [f64; 5],
}

fn boot(line: &str) -> Option<Boot> {
    let line = line.replace('(', " ( ");
    let (kind, rest) = line.trim().split_once(' ')?;
    let (before, after) = rest.split_once('(')?;
    let (_error, after) = after.split_once(')')?;
    let numbers = before.split_whitespace().chain(after.split_whitespace()).map(str::parse);
    let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().ok()?;
    Some(Boot { kind: kind.to_owned(), numbers: numbers.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_read_from_the_labs_table() {
        let table = "boot   init starts  init ends  first AT (error)    used  unavailable\n\
                     later         3.12       4.46      7.06 ( 0.02)   10348        19960\n";
        let boots: Vec<_> = table.lines().filter_map(boot).collect();
        assert_eq!(boots, [Boot { kind: "later".into(), numbers: [3.12, 4.46, 7.06, 10348.0, 19960.0] }]);
    }
}
