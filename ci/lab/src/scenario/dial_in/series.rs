//! Consecutive calls.

use super::check;
use crate::error::Result;
use crate::lines::{Footprint, Lines};
use crate::network::Line;
use crate::stage::Stage;

/// Calls before the first measurement, after which the service has run all of its code once.
const WARM_UP: u32 = 3;
const CALLS: u32 = 10;
/// In KiB, four pages: the ledger of calls, which the service reads and writes after each call, grows, and so do the
/// allocator's groups, for a while. Of 30 calls the last 27 left two pages at most, of 10 the last 7 three.
const LEDGER: u32 = 16;

/// Ten calls without a break, each with password, addresses and a hang-up by the caller. No call fails, and the service
/// uses no more memory or files than before. `cargo xtask bench dial-in` makes fifty calls.
pub fn ten_in_a_row(stage: &Stage) -> Result<()> {
    let lines = Lines::on(stage, Line::INSTANT, "")?;
    let mut boxes = lines.boot()?;
    boxes.call_and_hang_up(WARM_UP)?;
    let before = Footprint::of(&mut boxes.called)?;
    boxes.call_and_hang_up(CALLS - WARM_UP)?;
    let after = Footprint::of(&mut boxes.called)?;
    check(after.files == before.files && after.own <= before.own + LEDGER, || {
        format!("{before:?} after {WARM_UP} calls, {after:?} after {CALLS}")
    })?;
    let ledger = boxes.called.must("dialctl calls")?;
    let well = ledger.lines().filter(|entry| entry.contains("free") && entry.contains(" in, ")).count();
    check(u32::try_from(well) == Ok(CALLS), || format!("not {CALLS} calls in the ledger:\n{ledger}"))
}
