//! One call after the other.

use super::check;
use crate::error::Result;
use crate::lines::{Footprint, Lines};
use crate::network::Line;
use crate::stage::Stage;

/// Before the first look at what the service holds: by then it has seen everything once.
const WARM_UP: u32 = 3;
const CALLS: u32 = 10;
/// KiB, two pages: the ledger of calls, which is read and written after each, is longer.
const LEDGER: u32 = 8;

/// Call, password, addresses, hang-up by the caller, ten times without a break: no call fails, and the service holds
/// no more memory or files than before. `cargo xtask bench dial-in` makes fifty of them.
pub fn ten_in_a_row(stage: &Stage) -> Result<()> {
    let lines = Lines::on(stage, Line::INSTANT, "")?;
    let mut boxes = lines.boot()?;
    boxes.call_and_hang_up(WARM_UP)?;
    let before = Footprint::of(&mut boxes.called)?;
    boxes.call_and_hang_up(CALLS - WARM_UP)?;
    let after = Footprint::of(&mut boxes.called)?;
    check(after.files == before.files && after.resident <= before.resident + LEDGER, || {
        format!("{before:?} after {WARM_UP} calls, {after:?} after {CALLS}")
    })?;
    let ledger = boxes.called.must("dialctl calls")?;
    let well = ledger.lines().filter(|entry| entry.contains("free") && entry.contains(" in, ")).count();
    check(u32::try_from(well) == Ok(CALLS), || format!("not {CALLS} calls in the ledger:\n{ledger}"))
}
