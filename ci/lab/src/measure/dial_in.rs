//! The cost of a line: fifty calls in a row, each with its time until it is answered and until pppd's first frame; memory
//! before and after them; and the throughput.
//!
//! Times are the guest's. The line's rate follows the host's clock; so the throughput is measured without `-icount`, as
//! fast as the host runs the boxes: a box that counts its instructions is slower than the line.

use crate::bench::Bench;
use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::lines::{BootedLines, Footprint, Lines, ends, serial_port};
use crate::monitor::Monitor;
use crate::network::{Line, Network, What};
use crate::stage::Stage;
use std::time::{Duration, Instant};

/// A modem at full speed: V.92 with compression fills a serial port at 115200 bit/s, with ten bits per byte.
const RATE: u32 = 115_200 / 10 * 8;
/// The time that the modems take from `ATA` to `CONNECT`: long enough to read the guest's clock in between.
const HANDSHAKE: Duration = Duration::from_millis(200);
/// The data of one transfer, some 4 s: random, so that it cannot be compressed, and longer than Deflate's window
/// (32 KiB, RFC 1951 §2), or almost nothing would be sent the second time.
const BYTES: u32 = 40_000;
/// How often, alternately with and without the service: the host's other work affects both alike.
const MOVES: usize = 12;
const PORT: u16 = 8080;
/// After this many calls the service is measured first; the last time is after all calls.
const WARM_UP: u32 = 5;
const CALLS: u32 = 50;
/// The order of the shell's command (`line/preload.rs`): the driver, then pppd.
const IS_LOADED: &str = "test ! -d /sys/module/ppp_async || pgrep -f 'modprobe ppp_async; exec' || \
     pidof pppd || echo loaded";

/// Boots `runs` times for fifty calls, and `runs` times for the throughput.
pub fn run(bench: &Bench, runs: u32, pace: Pace) -> Result<()> {
    let paced = |pace| Bench { emulator: bench.emulator.clone().measured(pace), ..bench.clone() };
    println!("seconds of each call: RING to ATA (error), CONNECT to pppd's first frame (error)");
    println!("after {WARM_UP} and after {CALLS} calls: KiB resident of the service, its open files; lines");
    for _ in 0..runs {
        println!("calls {}", many_calls(&paced(pace))?);
    }
    println!("bytes a second through a line, and between the same two pppd without the service");
    for _ in 0..runs {
        for [through, alone] in throughputs(&paced(Pace::Host))? {
            println!("moved {through:.0} {alone:.0}");
        }
    }
    Ok(())
}

/// Two boxes, connected by lines at full speed.
pub fn lines(stage: &Stage) -> Result<Lines<'_>> {
    let line = Line { rate: RATE, latency: Duration::ZERO, handshake: HANDSHAKE };
    Lines::on(stage, line, &format!("[dial-in]\nopen-ports = [{PORT}]\n"))
}

/// Several times, through line 1 and through line 2, where the two pppd run without the service.
fn throughputs(bench: &Bench) -> Result<[[f64; 2]; MOVES]> {
    let stage = Stage::new(bench)?;
    let lines = lines(&stage)?;
    let mut boxes = lines.boot()?;
    serve_noise(&mut boxes)?;
    boxes.call(1)?;
    let port = serial_port(&mut boxes.called, 2)?;
    // The service closes a port that another process has locked.
    boxes.called.must(&format!(
        "(pppd {port} 115200 file /etc/ppp/options.line2 connect '{}' >/tmp/alone 2>&1 &)",
        "chat -t 60 \"\" AT OK \"\\c\" RING ATA CONNECT \"\""
    ))?;
    boxes.called.until(&format!("cat /run/lock/LCK..{port}"), &[])?;
    boxes.call(2)?;
    let mut moved = [[0.0; 2]; MOVES];
    for [through, alone] in &mut moved {
        (*through, *alone) = (throughput(&mut boxes, 1)?, throughput(&mut boxes, 2)?);
    }
    Ok(moved)
}

/// Has the called box serve what [`throughput`] fetches.
pub fn serve_noise(boxes: &mut BootedLines) -> Result<()> {
    let serve = format!("head -c {BYTES} /dev/urandom >/tmp/noise && httpd -p {PORT} -h /tmp");
    boxes.called.must(&serve).map(drop)
}

/// Bytes per second from the called box to the calling one.
pub fn throughput(boxes: &mut BootedLines, line: usize) -> Result<f64> {
    let [local, _] = ends(line);
    boxes.ping(line)?;
    let began = Instant::now();
    let moved = boxes.caller.must(&format!("wget -q -O - http://{local}:{PORT}/noise | wc -c"))?;
    if moved.trim() != BYTES.to_string() {
        return Err(Error::Unexpected(format!("{moved} bytes of {BYTES} have arrived")));
    }
    Ok(f64::from(BYTES) / began.elapsed().as_secs_f64())
}

/// Fifty calls in a row, of which each prints its times.
fn many_calls(bench: &Bench) -> Result<String> {
    let stage = Stage::new(bench)?;
    let lines = Lines::on(&stage, Line { handshake: HANDSHAKE, ..Line::INSTANT }, "")?;
    let mut boxes = lines.boot()?;
    // Until pppd is in memory, the first frame of a boot's first call takes a second. Without these modems no call comes
    // as early: an answering modem is silent for 1.8 s and sends its tone for 2.6 s at least (ITU-T V.25).
    boxes.called.until(IS_LOADED, &["loaded"])?;
    let mut monitor = lines.called.monitor()?;
    let mut call = |boxes: &mut BootedLines, times: u32| {
        (0..times).try_for_each(|_| {
            println!("call  {}", one_call(boxes, stage.exchange(), &mut monitor)?);
            Ok::<(), Error>(())
        })
    };
    call(&mut boxes, WARM_UP)?;
    let before = Footprint::of(&mut boxes.called)?;
    call(&mut boxes, CALLS - WARM_UP)?;
    let after = Footprint::of(&mut boxes.called)?;
    let ledger = boxes.called.must("dialctl calls")?;
    let well = ledger.lines().filter(|entry| entry.contains(" in, ")).count();
    if u32::try_from(well) != Ok(CALLS) {
        return Err(Error::Unexpected(format!("{well} of {CALLS} calls opened a link:\n{ledger}")));
    }
    let [resident, files] = [[before.resident, after.resident], [before.files, after.files]];
    Ok(format!("{} {} {} {} {}", resident[0], resident[1], files[0], files[1], crate::lines::LINES))
}

/// A call that ends when its link is up.
fn one_call(boxes: &mut BootedLines, exchange: &Exchange, monitor: &mut Monitor) -> Result<String> {
    let from = exchange.with(|network, _| network.journal().entries().len());
    boxes.is_free(1)?;
    boxes
        .caller
        .must("rm -f /tmp/ended; (pppd call line1 updetach >/tmp/called 2>&1; echo $? >/tmp/ended) & :")?;
    let mut moment = |what, is_it| Moment::of(exchange, monitor, from, what, is_it);
    let ring = moment("RING", |it| says(it, b"RING"))?;
    let ata = moment("ATA", |it| types(it, b"ATA"))?;
    let connect = moment("CONNECT", |it| says(it, b"CONNECT"))?;
    let frame = moment("a frame", |it| matches!(it, What::DataTyped(..)))?;
    boxes.caller.until("cat /tmp/ended", &["0"])?;
    boxes.hang_up(1)?;
    let ([answer, answer_error], [speak, speak_error]) = (ata.since(&ring), frame.since(&connect));
    Ok(format!("{answer:.3} ({answer_error:.3}) {speak:.3} ({speak_error:.3})"))
}

/// A time of the guest's clock, in seconds since power-on, and by how much it may be too late.
#[derive(Debug)]
struct Moment {
    at: f64,
    error: f64,
}

impl Moment {
    /// The time of the first such entry about line 1, from this entry on.
    fn of(
        exchange: &Exchange,
        monitor: &mut Monitor,
        from: usize,
        what: &str,
        is_it: fn(&What) -> bool,
    ) -> Result<Self> {
        let noted = exchange.until(what, |network: &mut Network| {
            let mut entries = network.journal().entries().iter().skip(from);
            entries.find(|entry| entry.who == "line1" && is_it(&entry.what)).map(|entry| entry.at)
        })?;
        let at = monitor.since_power_on()?.as_secs_f64();
        // The guest's time is never faster than the host's.
        Ok(Self { at, error: exchange.moment(noted).elapsed().as_secs_f64() })
    }

    /// Seconds since another time, and their error.
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
