//! Where a line's time goes: how much of it the wire is busy, and how much of what it carries is payload.
//!
//! The bytes and their times come from the modem at the receiving end. The line runs by the host's clock; on a tenth
//! of the rate the boxes keep up with it on a busy host, too, and what is lost there is lost by protocols.

use crate::bench::Bench;
use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::lines::{BootedLines, Lines, ends};
use crate::network::{Line, Network, What};
use crate::stage::Stage;
use crate::windows::frame::{self, Deframer};
use std::time::Duration;

/// A serial port at 115200 bit/s with ten bits per byte carries this many bits of data.
const RATE: u32 = 115_200 / 10 * 8;
const PORT: u16 = 8080;
/// Lines of the consoles that are shown with an error.
const SHOWN: usize = 30;
/// Random, so that nothing compresses it, and at each rate some 9 s long: the console waits 30 s for a command.
const SIZES: [(u32, u32); 2] = [(RATE / 10, 10_000), (RATE, 100_000)];

/// What the receiving computer got during a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Capture {
    bytes: Vec<u8>,
    /// From the first byte to the last.
    span: Duration,
    idle: Idle,
}

/// How long the wire carried nothing, between the first byte and the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Idle {
    /// In the first second: the connection of TCP, the request, and the server's start.
    at_first: Duration,
    /// After it.
    later: Duration,
    longest: Duration,
}

impl Idle {
    /// Of pieces with these lengths, each at the time when its last bit has arrived.
    fn of(pieces: &[(Duration, usize)], line: Line) -> Self {
        let mut idle = Self::default();
        let Some((began, _)) = pieces.first().copied() else { return idle };
        for pair in pieces.windows(2) {
            let [(before, _), (at, length)] = [pair[0], pair[1]];
            let gap = at.saturating_sub(before).saturating_sub(line.duration_of(length));
            let part =
                if before - began < Duration::from_secs(1) { &mut idle.at_first } else { &mut idle.later };
            *part += gap;
            idle.longest = idle.longest.max(gap);
        }
        idle
    }
}

/// What the bytes of a capture were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Shares {
    /// Packets of TCP without the file's bytes: headers, and segments without data.
    headers: usize,
    /// Other packets, as of LCP.
    others: usize,
    /// Flags, addresses, protocols and checksums (RFC 1662 §3.1).
    frames: usize,
    /// One for each byte that may not be sent as it is (RFC 1662 §4.2).
    escapes: usize,
}

/// Prints for each rate and direction: bytes of payload a second, and in percent the payload of what the wire could
/// carry, its busy time, and what the bytes that it carried were for.
pub fn run(bench: &Bench, runs: u32, pace: Pace) -> Result<()> {
    let bench = Bench { emulator: bench.emulator.clone().measured(pace), ..bench.clone() };
    println!(
        "bit/s, direction, payload B/s; in percent: payload of what the wire could carry, wire busy; \
         and of the bytes carried: payload, headers, other packets, framing, escapes; \
         milliseconds: wire idle in the first second, after it, its longest pause"
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
    on_stage(&stage, rate, bytes).inspect_err(|_| eprint!("{}", stage.account(SHOWN)))
}

fn on_stage(stage: &Stage, rate: u32, bytes: u32) -> Result<()> {
    let line = Line { rate, latency: Duration::ZERO, handshake: Duration::ZERO };
    let lines = Lines::on(stage, line, &format!("[dial-in]\nopen-ports = [{PORT}]\n"))?;
    let mut boxes = lines.boot()?;
    let serve = format!("head -c {bytes} /dev/urandom >/tmp/noise && httpd -p {PORT} -h /tmp");
    boxes.called.must(&serve)?;
    boxes.caller.must(&serve)?;
    boxes.call(1)?;
    // The call has loaded the rules of the calling box, which let nobody in.
    boxes.caller.must("nft flush ruleset")?;
    boxes.ping(1)?;
    for (direction, receiver) in [("down", "caller1"), ("up", "line1")] {
        let capture = transfer(stage, &mut boxes, direction, receiver, bytes, line)?;
        let seconds = capture.span.as_secs_f64();
        let (capacity, carried) = (f64::from(rate) / 8.0 * seconds, float(capture.bytes.len()));
        let shares = Shares::of(&capture.bytes, usize::try_from(bytes).unwrap_or(0));
        let payload = f64::from(bytes);
        println!(
            "wire {rate} {direction} {:.0} {:.1} {:.1} {:.1} {:.1} {:.1} {:.1} {:.1} {} {} {}",
            payload / seconds,
            100.0 * payload / capacity,
            100.0 * carried / capacity,
            100.0 * payload / carried,
            100.0 * float(shares.headers) / carried,
            100.0 * float(shares.others) / carried,
            100.0 * float(shares.frames) / carried,
            100.0 * float(shares.escapes) / carried,
            capture.idle.at_first.as_millis(),
            capture.idle.later.as_millis(),
            capture.idle.longest.as_millis(),
        );
    }
    Ok(())
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Fetches the file over line 1.
fn transfer(
    stage: &Stage,
    boxes: &mut BootedLines,
    direction: &str,
    receiver: &str,
    bytes: u32,
    line: Line,
) -> Result<Capture> {
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
    let capture = stage.exchange().with(|network, _| capture(network, before, receiver, line));
    capture.ok_or_else(|| Error::Unexpected("no data passed the modem".to_owned()))
}

fn capture(network: &Network, before: usize, receiver: &str, line: Line) -> Option<Capture> {
    let entries = network.journal().entries().iter().skip(before).filter(|entry| entry.who == receiver);
    let data: Vec<(Duration, &Vec<u8>)> = entries
        .filter_map(|entry| match &entry.what {
            What::DataSaid(_, bytes) => Some((entry.at, bytes)),
            _ => None,
        })
        .collect();
    let span = data.last()?.0.saturating_sub(data.first()?.0);
    let pieces: Vec<_> = data.iter().map(|(at, bytes)| (*at, bytes.len())).collect();
    let idle = Idle::of(&pieces, line);
    Some(Capture { bytes: data.into_iter().flat_map(|(_, bytes)| bytes.clone()).collect(), span, idle })
}

impl Shares {
    /// The shares of bytes that carried a file of this length.
    fn of(bytes: &[u8], payload: usize) -> Self {
        let escapes = bytes.iter().filter(|byte| **byte == frame::ESCAPE).count();
        let (mut tcp, mut others) = (0, 0);
        for (protocol, packet) in Deframer::default().receive(bytes) {
            // IP, TCP with compressed headers (RFC 1332 §4), and a packet that Deflate makes shorter (RFC 1962 §3).
            let kind = if matches!(protocol, 0x21 | 0x2d | 0x2f | 0xfd) { &mut tcp } else { &mut others };
            *kind += packet.len();
        }
        Self {
            headers: tcp.saturating_sub(payload),
            others,
            frames: bytes.len().saturating_sub(escapes + tcp + others),
            escapes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_counted_once() {
        let [data, echo] = [(0x21, &[b'x'; 50][..]), (0xc021, b"\x09")].map(|it| frame::framed(it.0, it.1));
        let shares = Shares::of(&[data.clone(), echo.clone()].concat(), 10);
        assert_eq!((shares.headers, shares.others), (40, 1));
        let all = shares.headers + shares.others + shares.frames + shares.escapes + 10;
        assert_eq!(all, data.len() + echo.len());
    }

    #[test]
    fn a_wire_is_idle_where_no_piece_was_on_its_way() {
        let line = Line { rate: 8000, ..Line::INSTANT };
        let at = Duration::from_millis;
        let pieces =
            [(at(10), 10), (at(20), 10), (at(50), 20), (at(1100), 50), (at(1200), 100), (at(1310), 10)];
        let idle = Idle::of(&pieces, line);
        assert_eq!(idle, Idle { at_first: at(1010), later: at(100), longest: at(1000) });
    }
}
