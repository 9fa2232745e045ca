//! How long a boot takes and how much memory the box uses then, in the guest's own time.
//!
//! Guest and host run at the same pace here ([`Pace::Host`]), so one offset joins their clocks. It is taken from several
//! readings of `/proc/uptime` over the console; the shortest round trip bounds the error, which is printed.

use crate::emulator::Pace;
use crate::error::{Error, Result};
use crate::machine::{Bench, Booted, Machine};
use crate::modem::{Modem, profile::STICK_3G, sim::Sim};
use std::time::{Duration, Instant};

/// Readings of the guest's clock.
const READINGS: usize = 9;
/// When a box has nothing left to do.
const SETTLED: Duration = Duration::from_secs(20);

/// So many hangs in one run are borne; more mean something else.
const HANGS: u32 = 2;
/// Long enough for services to stop.
const REBOOT: Duration = Duration::from_secs(40);

/// The moment of the guest's boot on the host's clock, and how wrong that may be.
struct Clock {
    booted: Instant,
    error: Duration,
}

/// Boots `runs` fresh cards twice each, and prints one line a boot: the first one also forms the state partition.
pub fn run(bench: &Bench, runs: u32) -> Result<()> {
    println!("seconds since the kernel's start; memory in KiB at idle");
    println!("boot   init starts  init ends  first AT (error)    used  unavailable");
    let emulator = bench.emulator.clone().paced(Pace::Host);
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
    let machine = Machine::new(bench, Modem::new(STICK_3G, Sim::Ready))?;
    for boot in ["first", "later"] {
        let mut booted = machine.boot()?;
        println!("{boot}  {}", measure(&machine, &mut booted)?);
        booted.reboots_after("dialctl reboot", REBOOT)?;
    }
    Ok(())
}

fn measure(machine: &Machine, booted: &mut Booted) -> Result<String> {
    booted.until("dialctl status", &["Option N.V."])?;
    let clock = Clock::of(booted)?;
    let first_at = machine.modem().traffic().first_at;
    let first_at = first_at.ok_or_else(|| Error::Unexpected("the modem never heard AT".to_owned()))?;
    let first_at = first_at.saturating_duration_since(clock.booted).as_secs_f64();
    let notice = booted.must("cat /run/dialbox/boot")?;
    let [started, ended] = ["init-started-ms=", "init-ended-ms="].map(|key| field(&notice, key) / 1000.0);
    std::thread::sleep(SETTLED.saturating_sub(clock.booted.elapsed()));
    let memory = booted.must("cat /proc/meminfo")?;
    let kib = |key: &str| field(&memory, key);
    // As `free` of procps counts: caches are not in use.
    let used = kib("MemTotal:") - kib("MemFree:") - kib("Buffers:") - kib("Cached:") - kib("SReclaimable:");
    let unavailable = kib("MemTotal:") - kib("MemAvailable:");
    let error = clock.error.as_secs_f64();
    Ok(format!("{started:11.2}  {ended:9.2}  {first_at:8.2} ({error:5.2})  {used:6.0}  {unavailable:11.0}"))
}

impl Clock {
    fn of(booted: &mut Booted) -> Result<Self> {
        let mut best: Option<Self> = None;
        for _ in 0..READINGS {
            let asked = Instant::now();
            let uptime = field(&booted.must("read uptime idle < /proc/uptime; echo $uptime")?, "");
            let round_trip = asked.elapsed();
            let reading = Self {
                booted: asked + round_trip / 2 - Duration::from_secs_f64(uptime),
                error: round_trip / 2,
            };
            if best.as_ref().is_none_or(|best| reading.error < best.error) {
                best = Some(reading);
            }
        }
        best.ok_or_else(|| Error::Unexpected("no reading of the guest's clock".to_owned()))
    }
}

/// The number that follows `key` at the start of a line; what is missing counts nothing.
fn field(text: &str, key: &str) -> f64 {
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.split_whitespace().next());
    values.filter_map(|value| value.parse().ok()).next().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_the_number_behind_its_key() {
        assert_eq!(field("MemFree: 1 kB\nMemTotal:     440996 kB\n", "MemTotal:"), 440_996.0);
        assert_eq!(field("init-started-ms=2041\n", "init-started-ms="), 2041.0);
        assert_eq!(field("12.34 56.78", ""), 12.34);
        assert_eq!(field("", "MemTotal:"), 0.0);
    }
}
