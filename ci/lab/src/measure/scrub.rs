//! What a scrub of the card costs a session: the throughput of a line while one runs, and while none does.

use super::dial_in::{lines, serve_noise, throughput};
use crate::bench::Bench;
use crate::booted::Booted;
use crate::emulator::Pace;
use crate::error::Result;
use crate::lines::BootedLines;
use crate::stage::Stage;
use std::thread::sleep;
use std::time::Duration;

/// Says how far the scrub is, or nothing.
const PROGRESS: &str = "sed -n s/^percent=//p /run/dialbox/scrub";

const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Boots once, and prints `runs` times the throughput beside a scrub and, right after it, as many transfers without one.
pub fn run(bench: &Bench, runs: u32, pace: Pace) -> Result<()> {
    let bench = Bench { emulator: bench.emulator.clone().measured(pace), ..bench.clone() };
    let stage = Stage::new(&bench)?;
    let lines = lines(&stage)?;
    let mut boxes = lines.boot()?;
    // The first one writes the second copy of the root.
    start_a_scrub(&mut boxes.called)?;
    while is_running(&mut boxes.called)? {
        sleep(LOOK_AGAIN);
    }
    serve_noise(&mut boxes)?;
    boxes.call(1)?;
    println!("bytes a second through a line beside a scrub, and without one");
    for _ in 0..runs {
        let beside = beside_a_scrub(&mut boxes)?;
        for beside in beside {
            println!("scrub {beside:.0} {:.0}", throughput(&mut boxes, 1)?);
        }
    }
    Ok(())
}

/// The transfers that begin and end while one scrub runs.
fn beside_a_scrub(boxes: &mut BootedLines) -> Result<Vec<f64>> {
    start_a_scrub(&mut boxes.called)?;
    let mut moved = Vec::new();
    loop {
        let rate = throughput(boxes, 1)?;
        if !is_running(&mut boxes.called)? {
            return Ok(moved);
        }
        moved.push(rate);
    }
}

fn start_a_scrub(called: &mut Booted) -> Result<()> {
    called.must("(dialctl scrub >/tmp/scrubbed 2>&1 &)")?;
    called.until(&format!("{PROGRESS} | grep ."), &[]).map(drop)
}

fn is_running(called: &mut Booted) -> Result<bool> {
    Ok(!called.must(PROGRESS)?.trim().is_empty())
}
