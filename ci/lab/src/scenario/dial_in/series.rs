//! Consecutive calls.

use super::check;
use crate::error::Result;
use crate::lines::{BootedLines, Footprint, Lines, ends};
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
    first_caller_loses_no_packet(&mut boxes)?;
    boxes.call_and_hang_up(WARM_UP)?;
    let before = Footprint::of(&mut boxes.called)?;
    boxes.call_and_hang_up(CALLS - WARM_UP)?;
    let after = Footprint::of(&mut boxes.called)?;
    check(after.files == before.files && after.own <= before.own + LEDGER, || {
        format!("{before:?} after {WARM_UP} calls, {after:?} after {CALLS}")
    })?;
    let ledger = boxes.called.must("dialctl calls")?;
    let well = ledger.lines().filter(|entry| entry.contains("free") && entry.contains(" in, ")).count();
    check(u32::try_from(well) == Ok(CALLS + 1), || {
        format!("not {CALLS} calls after the first in the ledger:\n{ledger}")
    })
}

/// Pings that do not wait for each other, five a second for four seconds; the numbers of those without an answer.
const PINGS: &str = "rm -f /tmp/lost; for i in $(seq 20); do \
    { ping -c 1 -W 8 TO >/dev/null 2>&1 || echo $i >>/tmp/lost; } & sleep 0.2; done; wait";

/// The first caller of a boot, as soon as its pppd has an address, and the box, as soon as the link has one, ping each
/// other: nothing has to be loaded then. The end that is ready first may lose what it sends before the other one is.
fn first_caller_loses_no_packet(boxes: &mut BootedLines) -> Result<()> {
    let [local, remote] = ends(1);
    // A dialer's rules let two pings a minute pass.
    boxes.caller.must("/sbin/modprobe ppp_async && nft flush ruleset")?;
    boxes.called.must(&format!(
        "(until ip addr show ppp0 2>&1 | grep -q 'inet '; do sleep 0.05; done; {}; : >/tmp/pinged) >/dev/null 2>&1 & :",
        PINGS.replace("TO", &remote)
    ))?;
    boxes.call(1)?;
    boxes.caller.must(&PINGS.replace("TO", &local))?;
    boxes.called.until("ls /tmp/pinged", &[])?;
    for (end, from) in [(&mut boxes.caller, "the caller"), (&mut boxes.called, "the box")] {
        let lost = end.run("cat /tmp/lost 2>/dev/null")?.text;
        let is_first = lost.is_empty() || lost == "1";
        check(is_first, || format!("of 20 pings from {from}, these had no answer: {lost:?}"))?;
    }
    boxes.hang_up(1)
}
