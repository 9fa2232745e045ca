//! The sound of as many calls as the exchange relays: what is lost, and how much later a packet comes.

use super::Programs;
use super::beside::Running;
use super::server::{Kind, Server};
use crate::baresip::free_port;
use crate::error::{Error, Result};
use crate::sipp::{Scenario, Sipp};
use dialbox::dialctl::exchange;
use dialbox::exchange::PORTS;
use dialbox::paths::Paths;
use dialbox::site::RELAY_PORTS;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

/// All that the exchange accepts (docs/exchange.md).
const CALLS: usize = 16;
/// Between two packets of a side, as adapters are told to send them, and the bytes of one: 160 samples behind the header
/// of RTP (RFC 3550 §5.1).
const PACE: Duration = Duration::from_millis(20);
const PACKET: usize = 172;
/// Packets of each side: first those by which the relay learns where the sides are, then those that count.
const FIRST: u32 = 10;
const COUNTED: u32 = 500;
/// For the last packets.
const LATE: Duration = Duration::from_secs(1);
/// The longest wait for the calls.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints a line for each run.
pub fn run(programs: &Programs, runs: u32) -> Result<()> {
    println!(
        "{CALLS} calls through the exchange: packets sent, received; ms from side to side, median and the 99th of 100; \
         microseconds of processor time a packet; KiB resident"
    );
    for _ in 0..runs {
        println!("relay    {}", one(programs)?);
    }
    Ok(())
}

fn one(programs: &Programs) -> Result<String> {
    let server = Server::start(Kind::Relay, programs)?;
    let sipp = Sipp::new(&programs.sip_tools, server.dir());
    let [called, caller] = [free_port()?, free_port()?];
    let mut both = sipp.by(&[(0, caller), (1, called)], Scenario::Register, server.port, free_port()?)?;
    Sipp::finish(both.args(["-m", "2"]))?;
    let _answers = Running::start(sipp.command(Scenario::Answer, server.port, called)?)?;
    let mut calls = sipp.by(&[(0, caller)], Scenario::Hold, server.port, caller)?;
    calls.args(["-m", &CALLS.to_string(), "-r", "100", "-aa"]);
    let _calls = Running::start(calls)?;
    wait_for_calls(server.dir())?;

    let sides = sides()?;
    let before = server.used()?;
    let mut delays = talk(&sides)?;
    let after = server.used()?;
    delays.sort_by(f64::total_cmp);
    let of = |hundredths: usize| delays.get(delays.len() * hundredths / 100).copied().unwrap_or(f64::NAN);
    let sent = sides.len() * COUNTED as usize;
    let cpu = (after.cpu_ms - before.cpu_ms) * 1000.0 / f64::from(FIRST + COUNTED) / sides.len() as f64;
    Ok(format!("{sent} {} {:.3} {:.3} {cpu:.1} {:.0}", delays.len(), of(50), of(99), after.kib))
}

fn wait_for_calls(root: &Path) -> Result<()> {
    let began = Instant::now();
    loop {
        let shown = exchange::run(&Paths::below(root), &["calls"]).unwrap_or_default();
        if shown.matches("PCMA").count() == CALLS {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::Unexpected(format!("not {CALLS} calls, but:\n{shown}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Both sides of each call, connected to the relay's port that faces them; the calls have taken all ports.
fn sides() -> Result<Vec<UdpSocket>> {
    let ports = RELAY_PORTS.step_by(PORTS / 2).take(2 * CALLS);
    ports
        .map(|port| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect((Ipv4Addr::LOCALHOST, port))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })
        .collect::<std::io::Result<_>>()
        .map_err(|e| Error::io("open a socket at", Path::new("127.0.0.1"), e))
}

/// Every side sends at its pace, one after the other; how long each packet that counts was on its way, in ms.
fn talk(sides: &[UdpSocket]) -> Result<Vec<f64>> {
    let (began, mut delays) = (Instant::now(), Vec::new());
    let count = u32::try_from(sides.len()).unwrap_or(u32::MAX);
    for number in 0..FIRST + COUNTED {
        for (at, side) in (0..count).zip(sides) {
            listen(sides, began, began + PACE * number + PACE * at / count, &mut delays)?;
            let mut packet = [0; PACKET];
            packet[..4].copy_from_slice(&number.to_be_bytes());
            packet[4..12].copy_from_slice(&began.elapsed().as_secs_f64().to_be_bytes());
            // One that cannot be sent is one that is lost.
            let _ = side.send(&packet);
        }
    }
    listen(sides, began, Instant::now() + LATE, &mut delays)?;
    Ok(delays)
}

/// Takes what comes until then.
fn listen(sides: &[UdpSocket], began: Instant, until: Instant, delays: &mut Vec<f64>) -> Result<()> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let mut fds: Vec<PollFd> = sides.iter().map(|it| PollFd::new(it, PollFlags::IN)).collect();
        poll(&mut fds, Timespec::try_from(left).ok().as_ref())
            .map_err(|e| Error::io("wait at", Path::new("127.0.0.1"), e.into()))?;
        drop(fds);
        for side in sides {
            let mut packet = [0; PACKET];
            while let Ok(PACKET) = side.recv(&mut packet) {
                let [a, b, c, d, time @ .., _, _] = *packet.first_chunk::<14>().unwrap_or(&[0; 14]);
                let sent = f64::from_be_bytes(time);
                if u32::from_be_bytes([a, b, c, d]) >= FIRST {
                    delays.push((began.elapsed().as_secs_f64() - sent) * 1000.0);
                }
            }
        }
        if Instant::now() >= until {
            return Ok(());
        }
    }
}
