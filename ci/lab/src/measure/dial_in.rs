//! What a line takes: time until a call is answered and until pppd speaks, throughput, memory, and fifty calls in a row.
//!
//! Moments are those of the guest's clock; the throughput is measured by the host's, which the line's rate goes by too,
//! so it wants a host that keeps up.

use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::lines::{BootedLines, Footprint, Lines, ends};
use crate::machine::Bench;
use crate::monitor::Monitor;
use crate::network::{Line, Network, What};
use crate::stage::Stage;
use std::time::{Duration, Instant};

/// A modem at full speed: V.92 with compression fills the serial port.
const RATE: u32 = 115_200;
/// Some of the time between `RING` and data is the modems' own.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// What moves through a link, and cannot be compressed.
const BYTES: u32 = 50_000;
const PORT: u16 = 8080;
/// The first look at what the service holds is after so many calls, the last one after all.
const WARM_UP: u32 = 5;
const CALLS: u32 = 50;

/// Boots `runs` times; each time a call is answered and bytes are moved. The last time, there are fifty calls more.
pub fn run(bench: &Bench, runs: u32, pace: Pace) -> Result<()> {
    let emulator = bench.emulator.clone().paced(pace);
    let bench = Bench { emulator, ..bench.clone() };
    println!(
        "seconds: RING to ATA (error), CONNECT to pppd's first frame (error); bytes a second through a line, and"
    );
    println!("between the same two pppd without the service");
    for _ in 0..runs {
        println!("line  {}", one_boot(&bench)?);
    }
    println!("after {WARM_UP} and after {CALLS} calls: KiB resident of the service, its open files; lines");
    println!("calls {}", many_calls(&bench)?);
    Ok(())
}

fn one_boot(bench: &Bench) -> Result<String> {
    let stage = Stage::new(bench)?;
    let line = Line { rate: RATE, latency: Duration::ZERO, handshake: HANDSHAKE };
    let lines = Lines::on(&stage, line, &format!("[dial-in]\nopen-ports = [{PORT}]\n"))?;
    let mut boxes = lines.boot()?;
    let serve = format!("head -c {BYTES} /dev/urandom >/tmp/noise && httpd -p {PORT} -h /tmp");
    boxes.called.must(&serve)?;
    let mut monitor = lines.called.monitor()?;
    let exchange = stage.exchange();

    boxes.caller.must("(pppd call line1 updetach >/tmp/called 2>&1; echo $? >/tmp/ended) & :")?;
    let [ring, ata, connect, frame] = [
        Moment::of(exchange, &mut monitor, "RING", |it| says(it, b"RING"))?,
        Moment::of(exchange, &mut monitor, "ATA", |it| types(it, b"ATA"))?,
        Moment::of(exchange, &mut monitor, "CONNECT", |it| says(it, b"CONNECT"))?,
        Moment::of(exchange, &mut monitor, "a frame", |it| matches!(it, What::DataTyped(..)))?,
    ];
    boxes.caller.until("cat /tmp/ended", &["0"])?;
    let through = throughput(&mut boxes, 1)?;

    // The same without the service: it makes way for whoever has the lock of a port.
    boxes.called.must(&format!(
        "(pppd ttyUSB1 115200 file /etc/ppp/options.line2 connect '{}' >/tmp/alone 2>&1 &)",
        "chat -t 60 \"\" AT OK \"\\c\" RING ATA CONNECT \"\""
    ))?;
    boxes.called.until("cat /run/lock/LCK..ttyUSB1", &[])?;
    boxes.call(2)?;
    let alone = throughput(&mut boxes, 2)?;
    let ([answer, answer_error], [speak, speak_error]) = (ata.since(&ring), frame.since(&connect));
    Ok(format!("{answer:.3} ({answer_error:.3}) {speak:.3} ({speak_error:.3}) {through:.0} {alone:.0}"))
}

/// Bytes a second from the box that is called to the one that calls.
fn throughput(boxes: &mut BootedLines, line: usize) -> Result<f64> {
    let [local, _] = ends(line);
    boxes.ping(line)?;
    let began = Instant::now();
    let moved = boxes.caller.must(&format!("wget -q -O - http://{local}:{PORT}/noise | wc -c"))?;
    if moved.trim() != BYTES.to_string() {
        return Err(Error::Unexpected(format!("{moved} bytes of {BYTES} have come")));
    }
    Ok(f64::from(BYTES) / began.elapsed().as_secs_f64())
}

fn many_calls(bench: &Bench) -> Result<String> {
    let stage = Stage::new(bench)?;
    let lines = Lines::on(&stage, Line::INSTANT, "")?;
    let mut boxes = lines.boot()?;
    boxes.call_and_hang_up(WARM_UP)?;
    let before = Footprint::of(&mut boxes.called)?;
    boxes.call_and_hang_up(CALLS - WARM_UP)?;
    let after = Footprint::of(&mut boxes.called)?;
    let ledger = boxes.called.must("dialctl calls")?;
    let well = ledger.lines().filter(|entry| entry.contains(" in, ")).count();
    if u32::try_from(well) != Ok(CALLS) {
        return Err(Error::Unexpected(format!("{well} of {CALLS} calls came to a link:\n{ledger}")));
    }
    let [resident, files] = [[before.resident, after.resident], [before.files, after.files]];
    Ok(format!("{} {} {} {} {}", resident[0], resident[1], files[0], files[1], crate::lines::LINES))
}

/// A moment of the guest's clock, in seconds since power-on, and by how much it may be too late.
#[derive(Debug)]
struct Moment {
    at: f64,
    error: f64,
}

impl Moment {
    /// The moment of the first entry like this about line 1.
    fn of(exchange: &Exchange, monitor: &mut Monitor, what: &str, is_it: fn(&What) -> bool) -> Result<Self> {
        let noted = exchange.until(what, |network: &mut Network| {
            let mut entries = network.journal().entries().iter();
            entries.find(|entry| entry.who == "line1" && is_it(&entry.what)).map(|entry| entry.at)
        })?;
        let at = monitor.since_power_on()?.as_secs_f64();
        // At no pace does the guest's time go faster than the host's.
        Ok(Self { at, error: exchange.moment(noted).elapsed().as_secs_f64() })
    }

    /// Seconds since another moment, and by how much they may be wrong.
    fn since(&self, before: &Self) -> [f64; 2] {
        [self.at - before.at, self.error.max(before.error)]
    }
}

fn says(what: &What, words: &[u8]) -> bool {
    matches!(what, What::Said(_, bytes) if bytes.windows(words.len()).any(|window| window == words))
}

fn types(what: &What, words: &[u8]) -> bool {
    matches!(what, What::Typed(_, bytes) if bytes.windows(words.len()).any(|window| window == words))
}
