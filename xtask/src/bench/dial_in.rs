//! The cost of a dial-in line: time from ring to answer and from connection to pppd, throughput, memory, fifty calls;
//! measured by the lab under QEMU.

use std::path::Path;

use super::{Figure, KIB_PER_MB, columns};
use crate::{bail, context::BuildContext, error::Result, lab};

/// How much memory may grow, in kB: the service reads and writes the ledger of calls after each call, and the ledger
/// grows.
const LEDGER: f64 = 12.0;

/// Boots the image `runs` times for a call, as often for the throughput, and once more for fifty calls in a row.
pub fn measure(ctx: &BuildContext, image: &Path, runs: u32) -> Result<Vec<Figure>> {
    let said = lab::measured(ctx, "dial-in", image, runs)?;
    let [answer, speak] = columns(&said, "call");
    let [through, alone] = columns(&said, "moved");
    let [before, after, files_before, files_after, count] = columns(&said, "calls");
    if answer.is_empty() || through.is_empty() || count.is_empty() {
        bail!("something was not measured\n{said}");
    }
    let pairs = |of: fn(f64, f64) -> f64, these: &[f64], those: &[f64]| {
        these.iter().zip(those).map(|(this, that)| of(*this, *that)).collect::<Vec<_>>()
    };
    let in_ms = |seconds: Vec<f64>| seconds.iter().map(|it| it * 1000.0).collect();
    Ok(vec![
        Figure::new("RING to ATA", "ms", in_ms(answer)).at_most(50.0),
        Figure::new("CONNECT to pppd's first frame", "ms", in_ms(speak)).at_most(150.0),
        Figure::new("throughput at 115200 bit/s", "B/s", through.clone()),
        Figure::new(
            "  of what the two pppd alone reach",
            "%",
            pairs(|through, alone| 100.0 * through / alone, &through, &alone),
        )
        .at_least(95.0),
        Figure::new(
            "memory of dial-in, for each of its lines",
            "MB",
            pairs(|after, count| after / KIB_PER_MB / count, &after, &count),
        )
        .at_most(1.5),
        Figure::new(
            "  more after the 50th call than after the 5th",
            "kB",
            pairs(|after, before| (after - before) * 1.024, &after, &before),
        )
        .at_most(LEDGER),
        Figure::new(
            "  open files more",
            "",
            pairs(|after, before| after - before, &files_after, &files_before),
        )
        .at_most(0.0),
    ])
}
