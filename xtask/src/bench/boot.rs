//! How long the box takes to start and how much memory it uses, measured by the lab under QEMU.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Figure, KIB_PER_MB};
use crate::{
    bail,
    context::BuildContext,
    error::{Context, Result},
    inspect::sizes::BootTimes,
    lab,
    task::{digest, digest_file},
};

/// Boots the image `runs` times.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let said = lab::measured(ctx, "boot", image, runs)?;
    let boots: Vec<Boot> = said.lines().filter_map(boot).collect();
    if boots.is_empty() {
        bail!("no boot was measured\n{said}");
    }
    leave(ctx, image, &boots)?;
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

/// The steps of a boot, as `report` names them, and their columns.
const STEPS: [&str; 3] = ["our init starts", "busybox init starts", "the dialer's first AT"];

fn timeline(ctx: &BuildContext) -> PathBuf {
    ctx.cache.join("boot-times")
}

/// Keeps the medians for `report`: the image's hash, then a time in each line.
fn leave(ctx: &BuildContext, image: &Path, boots: &[Boot]) -> Result<()> {
    let median = |at: usize| {
        let later = boots.iter().filter(|boot| boot.kind == "later").map(|boot| boot.numbers[at]).collect();
        Figure::new("", "s", later).median()
    };
    let times: String = (0..STEPS.len()).map(|at| format!("{}\n", median(at))).collect();
    let text = format!("{}\n{times}", digest_file(image)?);
    fs::write(timeline(ctx), text).context(|| format!("cannot write {}", ctx.short(&timeline(ctx))))
}

/// What the last measurement has left, if there was one. `image`: the bytes of the image that is asked about.
pub fn left(ctx: &BuildContext, image: &[u8]) -> Option<BootTimes> {
    let text = fs::read_to_string(timeline(ctx)).ok()?;
    let (hash, times) = text.split_once('\n')?;
    let times: Vec<f64> = times.lines().map(str::parse).collect::<Result<_, _>>().ok()?;
    let is_whole = times.len() == STEPS.len() && times.iter().all(|it| it.is_finite());
    let steps = STEPS.iter().map(|it| (*it).to_owned()).zip(times).collect();
    is_whole.then(|| BootTimes { of_this_image: digest(image) == hash, steps })
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
