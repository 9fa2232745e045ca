//! The end-to-end scenarios: what a user of the finished image sees.

mod adapter;
mod boot;
mod edit;
mod modem;
mod ppp;
mod reboot;
mod stick;

use crate::error::{Error, Result};
use crate::machine::{Bench, Machine, last_lines};
use crate::modem::profile::{ANALOGUE, STICK_3G};
use crate::modem::{Modem, sim::Sim};
use crate::usb::port::UsbPort;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Boxes that run at a time: QEMU keeps one core busy while a box boots.
const AT_A_TIME: usize = 2;
/// Lines of the console shown with a failure.
const TAIL: usize = 30;
/// The status of a dialer that has nothing to complain about.
const DIALER_UP: &[&str] = &["sms-dialer up", "watchdogd up", "Option N.V."];
/// What the services said, without the kernel.
const SERVICES_LOG: &str = "logread | grep -v ' kernel: '";
/// Long enough for a reboot that stops services and syncs.
const REBOOT: Duration = Duration::from_secs(40);

/// One story, told with one box.
pub struct Scenario {
    /// What must hold, in words joined by dashes.
    pub name: &'static str,
    modem: fn() -> Modem,
    play: fn(&mut Machine) -> Result<()>,
}

/// All of them; the long ones come first, so that the last minutes are shared too.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "a-frozen-service-reboots-the-box", modem: stick, play: reboot::frozen_service },
    Scenario {
        name: "a-frozen-watchdogd-is-reset-by-the-watchdog",
        modem: stick,
        play: reboot::frozen_watchdogd,
    },
    Scenario { name: "the-daily-reboot-comes-at-the-sites-hour", modem: stick, play: reboot::daily },
    Scenario { name: "a-reboot-forgets-all-but-state", modem: stick, play: boot::reboot_forgets },
    Scenario { name: "a-fresh-card-boots-to-all-services", modem: stick, play: boot::fresh_card },
    Scenario { name: "the-modems-answers-are-in-the-status", modem: stick, play: modem::answers },
    Scenario { name: "no-pin-is-sent-to-a-locked-sim", modem: locked, play: modem::locked },
    Scenario { name: "a-missing-sim-is-told", modem: without_sim, play: modem::without_sim },
    Scenario { name: "the-reference-stick-is-found-by-its-driver", modem: stick, play: stick::found },
    Scenario { name: "a-stick-that-was-pulled-out-is-found-again", modem: stick, play: stick::replugged },
    Scenario {
        name: "an-adapter-that-was-pulled-out-is-taken-up-again",
        modem: analogue,
        play: adapter::pulled_out,
    },
    Scenario { name: "the-real-ppp-takes-the-rendered-files", modem: stick, play: ppp::dialer },
    Scenario { name: "an-edited-site-makes-a-dial-in-box", modem: analogue, play: edit::dial_in },
    Scenario { name: "a-broken-edit-leaves-the-baked-site", modem: stick, play: edit::broken },
    Scenario { name: "state-full-of-garbage-is-formed-anew", modem: stick, play: boot::state_garbage },
    Scenario { name: "a-card-without-a-state-partition-boots", modem: stick, play: boot::state_missing },
    Scenario { name: "a-pi-with-256-mb-boots", modem: stick, play: boot::small_memory },
];

fn stick() -> Modem {
    Modem::new(STICK_3G, Sim::Ready)
}

fn locked() -> Modem {
    Modem::new(STICK_3G, Sim::Locked { pin: "0000".to_owned(), tries: 3 })
}

fn without_sim() -> Modem {
    Modem::new(STICK_3G, Sim::Absent)
}

fn analogue() -> Modem {
    Modem::new(ANALOGUE, Sim::Absent)
}

/// Plays the scenarios whose name contains `only`, and says what came of each. True if all is well.
pub fn run(bench: &Bench, only: Option<&str>) -> bool {
    let chosen: Vec<&Scenario> =
        SCENARIOS.iter().filter(|it| only.is_none_or(|only| it.name.contains(only))).collect();
    if chosen.is_empty() {
        println!("no scenario's name contains {:?}; `--list` shows them all", only.unwrap_or_default());
    }
    let (next, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(scenario) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    passed.fetch_add(usize::from(play(scenario, bench)), Ordering::Relaxed);
                }
            });
        }
    });
    let passed = passed.into_inner();
    println!("{passed} passed, {} failed", chosen.len() - passed);
    passed == chosen.len() && passed > 0
}

/// Plays one scenario; one line on success, the reason and the end of the console's log on failure.
fn play(scenario: &Scenario, bench: &Bench) -> bool {
    let started = Instant::now();
    let machine = Machine::new(bench, (scenario.modem)());
    let outcome = machine
        .map_err(|e| (e, String::new()))
        .and_then(|mut machine| (scenario.play)(&mut machine).map_err(|e| (e, machine.log_tail(TAIL))));
    let seconds = started.elapsed().as_secs_f32();
    match &outcome {
        Ok(()) => println!("ok      {} ({seconds:.1} s)", scenario.name),
        Err((error, tail)) => {
            // One call: two boxes may fail at a time.
            let tail: String = tail.lines().map(|line| format!("\n  | {line}")).collect();
            println!("FAILED  {} ({seconds:.1} s)\n  {error}{tail}", scenario.name);
        }
    }
    outcome.is_ok()
}

/// Where the only USB device was attached.
fn usb_port(machine: &Machine) -> Result<&UsbPort> {
    machine.usb().first().ok_or_else(|| Error::Unexpected("no USB device is attached".to_owned()))
}

/// Fails with `complaint` unless it holds.
fn check(holds: bool, complaint: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Unexpected(complaint())) }
}

/// Fails unless `text`, which `what` printed, holds all of `wanted`.
fn shows(what: &str, text: &str, wanted: &[&str]) -> Result<()> {
    let missing: Vec<_> = wanted.iter().filter(|part| !text.contains(**part)).collect();
    check(missing.is_empty(), || {
        format!("{what} does not show {missing:?}, but:\n{}", last_lines(text, TAIL))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_easy_to_type() {
        let mut names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert!(
            names
                .iter()
                .all(|name| name.chars().all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c)))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SCENARIOS.len());
    }
}
