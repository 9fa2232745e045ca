//! How long the box takes to start and how much memory it uses, measured by the lab under QEMU.

use std::path::Path;

use super::Figure;
use crate::{
    bail,
    context::BuildContext,
    error::{Attempt, Result},
    lab,
};

/// Boots the image `runs` times.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let mut command = lab::with_image(ctx, "measure", image)?;
    let output =
        command.args(["--runs", &runs.to_string()]).output().attempt(|| "cannot start cargo".into())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let boots: Vec<[f64; 5]> = said.lines().filter_map(boot).collect();
    if !output.status.success() || boots.is_empty() {
        bail!("the boots were not measured\n{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    let column = |at: usize, scale: f64| boots.iter().map(|boot| boot[at] / scale).collect();
    Ok(vec![
        Figure::new("kernel start to our init", "s", column(0, 1.0)),
        Figure::new("kernel start to busybox init", "s", column(1, 1.0)),
        Figure::new("kernel start to the first AT", "s", column(2, 1.0)).at_most(4.2),
        Figure::new("memory used at idle", "MB", column(3, 1000.0 / 1.024)).at_most(12.0),
        Figure::new("memory not available at idle", "MB", column(4, 1000.0 / 1.024)),
    ])
}

/// A line of the lab's table: init starts, ends, first AT (±error), memory used, unavailable.
fn boot(line: &str) -> Option<[f64; 5]> {
    let numbers = line.split_whitespace().filter(|it| !it.starts_with('(')).map(str::parse);
    numbers.collect::<Result<Vec<f64>, _>>().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_read_from_the_labs_table() {
        let table = "init starts  init ends  first AT (±)\n       2.15       2.80      3.96 (0.01)     11800        24000\n";
        let boots: Vec<_> = table.lines().filter_map(boot).collect();
        assert_eq!(boots, [[2.15, 2.8, 3.96, 11800.0, 24000.0]]);
    }
}
