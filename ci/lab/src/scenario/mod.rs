//! The end-to-end scenarios: what a user of the finished image sees.

mod adapter;
mod boot;
mod closed;
mod dial_in;
mod edit;
mod kept;
mod limits;
mod link;
mod login;
mod modem;
mod not_connected;
mod own;
mod ppp;
mod reboot;
mod session;
mod ssh;
mod stick;
mod vpn;
mod wvdial;

use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::SITE;
use crate::error::{Error, Result};
use crate::machine::{Beginning, Machine, last_lines};
use crate::stage::Stage;
use crate::usb::port::UsbPort;
use kept::KeptBox;
use own::OwnSite;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Boxes that run at a time, on each core: one that waits needs about a fifth of a core, one that boots a whole one.
const BOXES_A_CORE: usize = 3;
/// Lines of each console, and of the modems' dialogue, shown with a failure.
const TAIL: usize = 30;
/// The status of a dialer that has nothing to complain about.
const DIALER_UP: &[&str] = &["sms-dialer up", "watchdogd up", "Option N.V."];
/// What the services said, without the kernel.
const SERVICES_LOG: &str = "logread | grep -v ' kernel: '";
/// An example of a box that is called.
const DIAL_IN: &str = include_str!("../../../../image/sites/dial-in.toml");
/// Long enough for a reboot that stops services and syncs.
const REBOOT: Duration = Duration::from_secs(40);

/// One story.
pub struct Scenario {
    /// What must hold, in words joined by dashes.
    pub name: &'static str,
    /// How many boxes it needs at a time.
    boxes: usize,
    /// Its subject is a boot.
    boots: bool,
    play: fn(&Stage) -> Result<()>,
}

/// Two boxes that have booted.
const fn two(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 2, boots: false, play }
}

/// A box that has booted.
const fn one(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 1, boots: false, play }
}

/// A box whose first boot is what is looked at.
const fn boot(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 1, boots: true, play }
}

/// All of them; the long ones come first, so that the last minutes are shared too.
pub const SCENARIOS: &[Scenario] = &[
    one("callers-who-do-not-speak-ppp-are-hung-up", dial_in::nuisances),
    two("limits-close-a-link-and-keep-it-closed", limits::of_session_and_budget),
    two("a-link-over-which-the-box-sends-nothing-is-closed", limits::of_idle_time),
    two("a-text-opens-the-link-and-another-one-closes-it", session::by_sms),
    two("a-link-is-opened-by-hand-and-by-dialctl", link::by_hand_and_by_dialctl),
    two("a-login-that-is-not-answered-is-no-refusal", not_connected::by_the_operator),
    two("a-message-is-fetched-during-a-session-on-the-reference-stick", stick::session),
    two("callers-get-a-network-and-nothing-of-the-box", dial_in::callers),
    two("two-callers-are-served-at-a-time", dial_in::two_at_a_time),
    two("call-after-call-costs-a-line-nothing", dial_in::ten_in_a_row),
    two("a-caller-without-ppp-gets-a-login", login::without_ppp),
    two("wvdial-of-debian-gets-a-link", wvdial::gets_a_link),
    one("a-code-is-spent-even-if-the-power-fails-before-the-order", session::power_cut),
    one("a-frozen-service-reboots-the-box", reboot::frozen_service),
    one("a-frozen-watchdogd-is-reset-by-the-watchdog", reboot::frozen_watchdogd),
    one("the-daily-reboot-comes-at-the-sites-hour", reboot::daily),
    one("a-reboot-forgets-all-but-state", boot::reboot_forgets),
    boot("a-fresh-card-boots-to-all-services", boot::fresh_card),
    one("the-modems-answers-are-in-the-status", modem::answers),
    one("no-pin-is-sent-to-a-locked-sim", modem::locked),
    one("a-missing-sim-is-told", modem::without_sim),
    one("the-reference-stick-is-found-by-its-driver", stick::found),
    one("a-stick-that-was-pulled-out-is-found-again", stick::replugged),
    one("an-adapter-that-was-pulled-out-is-taken-up-again", adapter::pulled_out),
    one("a-key-of-the-site-opens-ssh", ssh::keys_open),
    one("without-keys-there-is-no-ssh", ssh::absent),
    one("the-vpns-scripts-shake-hands-and-leave-nothing", vpn::scripts),
    one("the-real-ppp-takes-the-rendered-files", ppp::dialer),
    one("a-modem-that-does-not-dial-says-why-at-once", not_connected::by_the_modem),
    one("no-link-comes-up-without-rules", closed::without_rules),
    one("no-operator-gives-an-address-of-the-boxs-own-network", closed::own_address),
    boot("an-edited-site-makes-a-dial-in-box", edit::dial_in),
    boot("a-broken-edit-leaves-the-baked-site", edit::broken),
    boot("state-full-of-garbage-is-formatted", boot::state_garbage),
    one("state-outlasts-a-power-cut-and-damage", boot::state_damaged),
    one("a-saved-clock-of-2040-is-ignored", boot::impossible_clock),
    boot("a-bad-first-root-boots-the-second", boot::second_root),
    boot("a-card-without-a-state-partition-boots", boot::state_missing),
    boot("a-pi-with-256-mb-boots", boot::small_memory),
];

/// Plays the scenarios whose name contains `only`, and says what came of each. True if all is well.
pub fn run(bench: &Bench, only: Option<&str>) -> bool {
    let chosen: Vec<&Scenario> =
        SCENARIOS.iter().filter(|it| only.is_none_or(|only| it.name.contains(only))).collect();
    if chosen.is_empty() {
        println!("no scenario's name contains {:?}; `--list` shows them all", only.unwrap_or_default());
    }
    let at_a_time = BOXES_A_CORE * std::thread::available_parallelism().map_or(1, NonZero::get);
    let (next, passed, places) = (AtomicUsize::new(0), AtomicUsize::new(0), Places::new(at_a_time));
    let kept = KeptBox::default();
    std::thread::scope(|scope| {
        for _ in 0..at_a_time.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(scenario) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    places.take(scenario.boxes);
                    let well = play(scenario, bench, &kept);
                    places.give_back(scenario.boxes);
                    passed.fetch_add(usize::from(well), Ordering::Relaxed);
                }
            });
        }
    });
    let passed = passed.into_inner();
    println!("{passed} passed, {} failed", chosen.len() - passed);
    if let Some(left_out) = OwnSite::of(bench).ok().and_then(|own| own.left_out()) {
        println!("left out: {left_out}");
    }
    passed == chosen.len() && passed > 0
}

/// Room for so many boxes.
struct Places {
    free: Mutex<usize>,
    more: Condvar,
}

impl Places {
    fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), more: Condvar::new() }
    }

    /// Waits until there is room for so many boxes.
    fn take(&self, boxes: usize) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_while(free, |free| *free < boxes);
        *waited.unwrap_or_else(PoisonError::into_inner) -= boxes;
    }

    fn give_back(&self, boxes: usize) {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += boxes;
        self.more.notify_all();
    }
}

/// Plays one scenario; one line on success; on failure the reason, the end of the consoles' logs and of the modems'
/// dialogue.
fn play(scenario: &Scenario, bench: &Bench, kept: &KeptBox) -> bool {
    let started = Instant::now();
    let beginning = match scenario.boots {
        true => Ok(Beginning::FreshCard),
        false => kept.get(bench).map(Beginning::Booted),
    };
    let outcome = beginning
        .and_then(|beginning| Stage::for_scenario(bench, beginning))
        .map_err(|e| (e, String::new()))
        .and_then(|stage| (scenario.play)(&stage).map_err(|e| (e, stage.account(TAIL))));
    let seconds = started.elapsed().as_secs_f32();
    match &outcome {
        Ok(()) => println!("ok      {} ({seconds:.1} s)", scenario.name),
        Err((error, account)) => {
            // One call: two scenarios may fail at a time.
            let account: String = account.lines().map(|line| format!("\n  | {line}")).collect();
            println!("FAILED  {} ({seconds:.1} s)\n  {error}{account}", scenario.name);
        }
    }
    outcome.is_ok()
}

/// Where the only USB device was attached.
fn usb_port<'a>(machine: &'a Machine) -> Result<&'a UsbPort> {
    machine.usb().first().ok_or_else(|| Error::Unexpected("no USB device is attached".to_owned()))
}

/// Waits until the dialer's service has let go of its modem: a program that is started by hand finds the port locked until
/// then.
fn port_is_free(dialer: &mut Booted) -> Result<()> {
    dialer.until("ls /run/lock/LCK..* 2>/dev/null || echo no lock", &["no lock"]).map(drop)
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
