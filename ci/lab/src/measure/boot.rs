//! How long a boot takes, in the guest's time, and how much memory the box then uses.
//!
//! The clock is the board's system timer, read through the emulator's monitor, at any [`Pace`]. Its offset to the
//! kernel's clock, which starts when the kernel is unpacked, is taken from several readings of `/proc/uptime` over the
//! console; the shortest round trip bounds the error, which is printed.

use super::field;
use crate::bench::Bench;
use crate::booted::Booted;
use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::monitor::Monitor;
use crate::network::What;
use crate::stage::{Stage, stick};
use std::panic::resume_unwind;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// Readings of the guest's clock.
const READINGS: usize = 9;
/// A page of 4096 bytes (ARMv6).
const KIB_PER_PAGE: f64 = 4.0;
/// When a box is idle after its boot.
const SETTLED: Duration = Duration::from_secs(20);
/// The longest wait for the first `AT`, on a slow host.
const SILENCE: Duration = Duration::from_secs(120);
/// Between two polls of the modem: the error of a time.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The number of hangs that a run tolerates.
const HANGS: u32 = 2;
/// Long enough for services to stop.
const REBOOT: Duration = Duration::from_secs(40);

/// A time on the board's clock, with its error.
struct Moment {
    since_power_on: Duration,
    error: Duration,
}

/// Boots `runs` fresh cards twice each, and prints one line per boot: the first one also formats the state partition.
pub fn run(bench: &Bench, runs: u32, pace: Pace) -> Result<()> {
    println!("seconds since the kernel's start; memory in KiB at idle");
    println!("boot   init starts  init ends  first AT (error)    used  unavailable");
    let emulator = bench.emulator.clone().measured(pace);
    let bench = Bench { emulator, ..bench.clone() };
    (0..runs).try_for_each(|_| {
        let mut outcome = both_boots(&bench);
        for _ in 0..HANGS {
            let Err(Error::Awaited { .. }) = outcome else { break };
            println!("hung: QEMU has lost the timer (see `Pace`); once more");
            outcome = both_boots(&bench);
        }
        outcome
    })
}

/// A fresh card's first boot, and the next one.
fn both_boots(bench: &Bench) -> Result<()> {
    let stage = Stage::new(bench)?;
    let machine = stage.dialer(stick())?;
    for boot in ["first", "later"] {
        let (mut booted, mut monitor, first_at) = watched_boot(&machine)?;
        println!("{boot}  {}", measure(&mut booted, &mut monitor, &first_at)?);
        booted.reboots_after("dialctl reboot", REBOOT)?;
    }
    Ok(())
}

/// Boots, and reads the board's clock when the modem receives its first `AT`.
fn watched_boot<'a>(machine: &'a Machine) -> Result<(Booted<'a>, Monitor, Moment)> {
    let began = Instant::now();
    thread::scope(|scope| {
        let watch = scope.spawn(|| first_at(machine, began));
        let booted = machine.boot();
        let (monitor, first_at) = watch.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok((booted?, monitor, first_at))
    })
}

fn first_at(machine: &Machine, began: Instant) -> Result<(Monitor, Moment)> {
    let mut monitor = await_some(began, || machine.monitor().ok())?;
    let heard = await_some(began, || first_at_since(machine, began))?;
    let since_power_on = monitor.since_power_on()?;
    // The guest's time is never faster than the host's.
    Ok((monitor, Moment { since_power_on, error: heard.elapsed() }))
}

/// When the modem received its first `AT` of this boot.
fn first_at_since(machine: &Machine, began: Instant) -> Option<Instant> {
    let exchange = machine.exchange();
    exchange.with(|network, _| {
        let mut entries = network.journal().entries().iter();
        let (mut heard, begin) = (Vec::new(), |at| exchange.moment(at) > began);
        let first = entries.find(|entry| match &entry.what {
            What::Typed(_, bytes) if begin(entry.at) => {
                heard.extend(bytes.to_ascii_uppercase());
                heard.windows(2).any(|pair| pair == b"AT")
            }
            _ => false,
        });
        first.map(|entry| exchange.moment(entry.at))
    })
}

fn await_some<T>(began: Instant, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if began.elapsed() > SILENCE {
            return Err(Error::Unexpected("the modem never received AT".to_owned()));
        }
        sleep(LOOK_AGAIN);
    }
}

fn measure(booted: &mut Booted, monitor: &mut Monitor, first_at: &Moment) -> Result<String> {
    booted.until("dialctl status", &["Option N.V."])?;
    let kernel = kernel_start(booted, monitor)?;
    let since_kernel = |moment: Duration| moment.saturating_sub(kernel.since_power_on);
    let notice = booted.must("cat /run/dialbox/boot")?;
    let [started, ended] = ["init-started-ms=", "init-ended-ms="].map(|key| field(&notice, key) / 1000.0);
    sleep(SETTLED.saturating_sub(since_kernel(monitor.since_power_on()?)));
    let memory = booted.must("cat /proc/meminfo")?;
    let kib = |key: &str| field(&memory, key);
    // Free pages that a processor keeps for its next allocations are not in MemFree (mm/page_alloc.c, `rmqueue_pcplist`):
    // up to 3.3 MB, as it happens.
    let kept = booted.must("grep count: /proc/zoneinfo")?;
    let kept: f64 = kept.lines().map(|line| field(line.trim(), "count:") * KIB_PER_PAGE).sum();
    // As `free` of procps counts: caches are not in use.
    let caches = kib("Buffers:") + kib("Cached:") + kib("SReclaimable:");
    let used = kib("MemTotal:") - kib("MemFree:") - kept - caches;
    let unavailable = kib("MemTotal:") - kib("MemAvailable:");
    let error = (kernel.error + first_at.error).as_secs_f64();
    let first_at = since_kernel(first_at.since_power_on).as_secs_f64();
    Ok(format!("{started:11.2}  {ended:9.2}  {first_at:8.2} ({error:5.2})  {used:6.0}  {unavailable:11.0}"))
}

/// When the kernel's clock started.
fn kernel_start(booted: &mut Booted, monitor: &mut Monitor) -> Result<Moment> {
    let mut best: Option<Moment> = None;
    for _ in 0..READINGS {
        let asked = monitor.since_power_on()?;
        let uptime = field(&booted.must("read uptime idle < /proc/uptime; echo $uptime")?, "");
        let round_trip = monitor.since_power_on()?.saturating_sub(asked);
        let began = (asked + round_trip / 2).saturating_sub(Duration::from_secs_f64(uptime));
        let reading = Moment { since_power_on: began, error: round_trip / 2 };
        if best.as_ref().is_none_or(|best| reading.error < best.error) {
            best = Some(reading);
        }
    }
    best.ok_or_else(|| Error::Unexpected("no reading of the guest's clock".to_owned()))
}
