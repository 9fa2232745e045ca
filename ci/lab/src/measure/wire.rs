//! Where a line's time goes: how much of it the wire is busy, and how much of what it carries is payload.
//!
//! The bytes and their times come from the modem at the receiving end. The line runs by the host's clock; on a tenth of the
//! rate the boxes keep up with it on a busy host, too, and what is lost there is lost by protocols.

use crate::bench::Bench;
use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::lines::{BootedLines, Lines, ends};
use crate::network::{Line, Network, What};
use crate::stage::Stage;
use std::time::Duration;

/// A serial port at 115200 bit/s with ten bits per byte carries this many bits of data.
const RATE: u32 = 115_200 / 10 * 8;
const PORT: u16 = 8080;
/// Random, so that nothing compresses it, and at each rate some 17 s long.
const SIZES: [(u32, u32); 2] = [(RATE, 200_000), (RATE / 10, 20_000)];

/// What a transfer has cost.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cost {
    /// Bytes that arrived.
    bytes: usize,
    /// From the first byte to the last.
    span: Duration,
}

/// Prints for each rate and direction: bytes of payload a second, and in percent the wire's busy time and the payload.
pub fn run(bench: &Bench, runs: u32) -> Result<()> {
    let bench = Bench { emulator: bench.emulator.clone().paced(Pace::Host), ..bench.clone() };
    println!(
        "bit/s, direction, payload B/s; in percent: payload of what the wire could carry, wire busy, payload"
    );
    for (rate, bytes) in SIZES {
        for _ in 0..runs {
            of_rate(&bench, rate, bytes)?;
        }
    }
    Ok(())
}

fn of_rate(bench: &Bench, rate: u32, bytes: u32) -> Result<()> {
    let stage = Stage::new(bench)?;
    let line = Line { rate, latency: Duration::ZERO, handshake: Duration::ZERO };
    let lines = Lines::on(&stage, line, &format!("[dial-in]\nopen-ports = [{PORT}]\n"))?;
    let mut boxes = lines.boot()?;
    let serve =
        format!("head -c {bytes} /dev/urandom >/tmp/noise && mkdir -p /tmp/w && httpd -p {PORT} -h /tmp");
    boxes.called.must(&serve)?;
    boxes.caller.must(&format!("nft flush ruleset && {serve}"))?;
    boxes.call(1)?;
    boxes.ping(1)?;
    for (direction, receiver) in [("down", "caller1"), ("up", "line1")] {
        let cost = transfer(&stage, &mut boxes, direction, receiver, bytes)?;
        let capacity = f64::from(rate) / 8.0 * cost.span.as_secs_f64();
        let (payload, carried) = (f64::from(bytes), f64::from(u32::try_from(cost.bytes).unwrap_or(u32::MAX)));
        println!(
            "wire {rate} {direction} {:.0} {:.1} {:.1} {:.1}",
            payload / cost.span.as_secs_f64(),
            100.0 * payload / capacity,
            100.0 * carried / capacity,
            100.0 * payload / carried
        );
    }
    Ok(())
}

/// Fetches the file over line 1.
fn transfer(
    stage: &Stage,
    boxes: &mut BootedLines,
    direction: &str,
    receiver: &str,
    bytes: u32,
) -> Result<Cost> {
    let [local, remote] = ends(1);
    let (end, from) = match direction {
        "down" => (&mut boxes.caller, local),
        _ => (&mut boxes.called, remote),
    };
    let before = stage.exchange().with(|network, _| network.journal().entries().len());
    let moved = end.must(&format!("wget -q -O - http://{from}:{PORT}/noise | wc -c"))?;
    if moved.trim() != bytes.to_string() {
        return Err(Error::Unexpected(format!("{moved} bytes of {bytes} have arrived")));
    }
    let cost = stage.exchange().with(|network, _| cost(network, before, receiver));
    cost.ok_or_else(|| Error::Unexpected("no data passed the modem".to_owned()))
}

fn cost(network: &Network, before: usize, receiver: &str) -> Option<Cost> {
    let entries = network.journal().entries().iter().skip(before).filter(|entry| entry.who == receiver);
    let data: Vec<(Duration, usize)> = entries
        .filter_map(|entry| match &entry.what {
            What::DataSaid(_, bytes) => Some((entry.at, bytes.len())),
            _ => None,
        })
        .collect();
    let span = data.last()?.0.saturating_sub(data.first()?.0);
    Some(Cost { bytes: data.iter().map(|(_, bytes)| bytes).sum(), span })
}
