//! The end-to-end scenarios: what a user of the finished image sees.

mod active_ftp;
mod adapter;
mod bad_card;
mod boot;
mod card;
mod closed;
mod dial_in;
mod edit;
#[cfg(target_arch = "x86_64")]
mod exchange;
mod far_side;
mod forward;
mod gpio;
mod limits;
mod link;
mod login;
mod lost_state;
mod models;
mod modem;
mod not_connected;
mod parser;
mod power;
mod ppp;
mod reboot;
mod rot;
mod serial_server;
mod session;
mod ssh;
mod stick;
mod tunnel;
#[cfg(target_arch = "x86_64")]
mod veritysetup;
mod vpn;
mod wvdial;

use crate::bench::Bench;
use crate::booted::Booted;
use crate::card::SITE;
use crate::clock::Clocks;
use crate::error::{Error, Result};
use crate::kept::KeptBox;
use crate::machine::{Beginning, Machine, last_lines};
use crate::own::OwnSite;
use crate::stage::Stage;
use crate::usb::port::UsbPort;
use std::fmt;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Boxes that run at a time, on each core. One that waits, as most do most of the time, needs about a fifth of a core.
const BOXES_A_CORE: usize = 3;
/// Lines of each console, and of the modems' dialogue, shown with a failure.
const TAIL: usize = 30;
/// The status of a dialer without faults.
const DIALER_UP: &[&str] = &["sms-dialer up", "watchdogd up", "Option N.V."];
/// The log of the services, without the kernel's.
const SERVICES_LOG: &str = "logread | grep -v ' kernel: '";
/// The example site of the role dial-in.
const DIAL_IN: &str = include_str!("../../../../image/sites/dial-in.toml");
/// Long enough for a reboot that stops services and syncs.
const REBOOT: Duration = Duration::from_secs(40);

/// One end-to-end test.
pub struct Scenario {
    /// What must hold, in words joined by dashes.
    pub name: &'static str,
    /// How many boxes it needs at a time.
    boxes: usize,
    /// Whether its subject is the boot, so that it needs a fresh card.
    boots: bool,
    /// The layer of docs/layers.md that the image needs. Such a scenario runs only when its whole name is given.
    layer: Option<&'static str>,
    play: fn(&Stage) -> Result<()>,
}

/// A scenario with two booted boxes.
const fn two(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 2, boots: false, layer: None, play }
}

/// A scenario with one booted box.
const fn one(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 1, boots: false, layer: None, play }
}

/// A scenario that starts with the first boot of one box.
const fn boot(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 1, boots: true, layer: None, play }
}

/// A scenario without a box, for which the locked packages are of one architecture: another program reads the image.
#[cfg(target_arch = "x86_64")]
const fn none(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario { name, boxes: 0, boots: true, layer: None, play }
}

/// A scenario with an image that has this layer.
const fn with_layer(layer: &'static str, scenario: Scenario) -> Scenario {
    Scenario { layer: Some(layer), ..scenario }
}

/// All scenarios. The long ones come first, so that both cores are busy until the end.
pub const SCENARIOS: &[Scenario] = &[
    one("every-model-opens-a-link-with-its-driver", models::played),
    one("callers-who-do-not-speak-ppp-are-hung-up", dial_in::bad_calls),
    two("limits-close-a-link-and-keep-it-closed", limits::of_session_and_budget),
    two("a-dead-far-side-of-the-vpn-costs-two-links-and-no-reboot", far_side::silent),
    two("incoming-traffic-does-not-keep-a-link-open", limits::of_idle_time),
    two("text-messages-open-and-close-the-link", session::by_sms),
    one("a-text-message-switches-a-line-of-the-header", gpio::switched),
    two("equipment-behind-the-box-is-reached-through-the-vpn", forward::reached),
    two("a-reverse-tunnel-leads-to-the-box-and-to-one-server-only", tunnel::reaches_the_box),
    two("a-link-is-opened-by-hand-and-by-dialctl", link::by_hand_and_by_dialctl),
    two("an-unanswered-login-is-no-refusal", not_connected::by_the_operator),
    one("a-failed-dial-ends-at-once-with-its-cause", not_connected::by_the_modem),
    two("the-reference-stick-receives-messages-during-a-session", stick::session),
    two("callers-reach-the-network-but-not-the-boxs-services", dial_in::callers),
    two("two-callers-are-served-at-once", dial_in::two_at_a_time),
    two("ten-calls-in-a-row-leak-nothing", dial_in::ten_in_a_row),
    #[cfg(target_arch = "x86_64")]
    two("adapters-on-the-lan-call-each-other-and-the-line", exchange::calls),
    two("callers-prove-their-names-and-idle-as-windows-does", dial_in::habits),
    one("windows-95-gets-its-addresses-and-idles", dial_in::windows_95),
    one("slip-and-terminals-outlive-the-service-and-end-with-the-carrier", dial_in::sessions),
    two("guests-and-known-callers-reach-what-the-site-grants", dial_in::grants),
    two("a-caller-without-ppp-gets-a-login-prompt", login::without_ppp),
    two("wvdial-of-debian-gets-a-link", wvdial::gets_a_link),
    one("a-used-code-stays-used-after-a-power-cut", session::power_cut),
    one("a-used-code-stays-used-after-state-is-lost", lost_state::codes),
    one("a-dialer-forgets-nothing-in-hundreds-of-power-cuts", power::cuts),
    one("a-frozen-service-reboots-the-box", reboot::frozen_service),
    one("a-frozen-watchdogd-resets-the-box", reboot::frozen_watchdogd),
    one("the-daily-reboot-comes-at-the-sites-hour", reboot::daily),
    one("a-reboot-keeps-only-state", boot::reboot_forgets),
    one("the-card-gets-a-twin-and-heals-what-rots", card::heals),
    boot("a-fresh-card-boots-to-all-services", boot::fresh_card),
    one("the-status-shows-the-modem", modem::answers),
    one("no-pin-is-sent-to-a-locked-sim", modem::locked),
    one("a-missing-sim-is-reported", modem::without_sim),
    one("the-reference-stick-is-found-by-its-driver", stick::found),
    one("a-replugged-stick-is-found-again", stick::replugged),
    one("a-stick-that-is-a-cd-rom-first-becomes-a-modem", stick::switched),
    one("a-replugged-adapter-is-used-again", adapter::pulled_out),
    one("a-dialers-parser-has-no-privileges-and-is-replaced", parser::of_a_dialer),
    one("a-lines-parser-has-no-privileges-and-is-replaced", parser::of_a_line),
    one("ssh-accepts-only-the-sites-keys", ssh::keys_open),
    one("ssh-is-off-without-keys", ssh::absent),
    one("the-vpn-scripts-connect-and-clean-up", vpn::scripts),
    one("pppd-and-chat-accept-the-rendered-files", ppp::dialer),
    one("no-link-comes-up-without-firewall-rules", closed::without_rules),
    one("an-operators-address-in-the-boxs-own-network-is-refused", closed::own_address),
    boot("an-edited-site-changes-the-role", edit::dial_in),
    boot("a-broken-edit-keeps-the-baked-site", edit::broken),
    boot("a-broken-edit-of-a-provisioned-card-keeps-its-own-site", edit::provisioned),
    boot("state-full-of-garbage-is-formatted", boot::state_garbage),
    one("state-survives-a-power-cut-and-damage", boot::state_damaged),
    one("a-saved-clock-of-2040-is-ignored", boot::impossible_clock),
    boot("a-bad-first-root-boots-the-second", boot::second_root),
    boot("a-damaged-partition-table-is-mended", bad_card::table),
    boot("a-boot-that-hangs-is-reset-and-the-seventh-leaves-the-state-alone", bad_card::failed_boots),
    boot("a-card-that-loses-every-write-boots-to-all-services", bad_card::lost_writes),
    one("a-full-or-read-only-state-partition-leaves-the-dialer-working", bad_card::no_room),
    one("a-box-without-processes-reboots", reboot::no_process),
    #[cfg(target_arch = "x86_64")]
    none("debians-veritysetup-accepts-the-root", veritysetup::accepts),
    boot("rot-in-the-first-root-boots-the-second", rot::in_the_first_root),
    boot("rot-in-both-roots-is-told-and-boots", rot::in_both_roots),
    boot("rot-in-a-quarter-of-either-copy-boots-and-is-healed", rot::up_to_a_quarter),
    boot("a-used-card-written-by-its-map-boots", boot::used_card),
    boot("a-pi-with-256-mb-boots", boot::small_memory),
    with_layer(
        "serial-server",
        two("a-client-sets-the-speed-of-the-equipments-serial-port", serial_server::obeys),
    ),
];

impl Scenario {
    /// Whether it runs if these parts of names are given, or none.
    fn is_chosen(&self, only: &[String]) -> bool {
        match self.layer {
            Some(_) => only.iter().any(|part| self.name == part),
            None => only.is_empty() || only.iter().any(|part| self.name.contains(part.as_str())),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "{}, with the layer {layer}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// Runs the scenarios whose name contains one of `only`, or all if there is none, and prints their results. True if all
/// have passed.
pub fn run(bench: &Bench, only: &[String]) -> bool {
    let chosen: Vec<&Scenario> = SCENARIOS.iter().filter(|it| it.is_chosen(only)).collect();
    if let Some(part) = only.iter().find(|part| !chosen.iter().any(|it| it.name.contains(part.as_str()))) {
        println!("no scenario's name contains {part:?}; `--list` shows them all");
        return false;
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

/// A counter of the boxes that may still be started.
struct Places {
    free: Mutex<usize>,
    more: Condvar,
}

impl Places {
    fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), more: Condvar::new() }
    }

    /// Waits until this many boxes may be started.
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

/// Runs one scenario and prints one line; on failure also the reason, and the last lines of the consoles and of the
/// modems' dialogue.
fn play(scenario: &Scenario, bench: &Bench, kept: &KeptBox) -> bool {
    let started = Instant::now();
    let beginning = match scenario.boots {
        true => Ok(Beginning::FreshCard),
        false => kept.get(bench).map(Beginning::Booted),
    };
    let mut clocks = Clocks::default();
    let outcome = beginning
        .and_then(|beginning| Stage::for_scenario(bench, beginning))
        .map_err(|e| (e, String::new()))
        .and_then(|stage| {
            clocks = stage.exchange().clocks().clone();
            (scenario.play)(&stage).map_err(|e| (e, stage.account(TAIL)))
        });
    let (seconds, boxes) = (started.elapsed().as_secs_f32(), clocks.processor_time());
    let costs = format!("{seconds:.1} s, {:.1} s of processor time", boxes.as_secs_f32());
    match &outcome {
        Ok(()) => println!("ok      {} ({costs})", scenario.name),
        Err((error, account)) => {
            // One call: two scenarios may fail at the same time.
            let account: String = account.lines().map(|line| format!("\n  | {line}")).collect();
            println!("FAILED  {} ({costs})\n  {error}{account}", scenario.name);
        }
    }
    outcome.is_ok()
}

/// The port of the only USB device.
fn usb_port<'a>(machine: &'a Machine) -> Result<&'a UsbPort> {
    machine.usb().first().ok_or_else(|| Error::Unexpected("no USB device is attached".to_owned()))
}

/// Waits until the dialer's service has released its modem: until then, a program started by hand finds the port
/// locked.
fn port_is_free(dialer: &mut Booted) -> Result<()> {
    dialer.until("ls /run/lock/LCK..* 2>/dev/null || echo no lock", &["no lock"]).map(drop)
}

/// Fails with `complaint` unless `holds`.
fn check(holds: bool, complaint: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Unexpected(complaint())) }
}

/// Fails unless `text`, the output of `what`, contains all of `wanted`.
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
    fn a_scenario_for_an_image_with_a_layer_runs_only_if_its_whole_name_is_given() {
        let layered: Vec<_> = SCENARIOS.iter().filter(|it| it.layer.is_some()).collect();
        for scenario in &layered {
            assert!(!scenario.is_chosen(&[]) && !scenario.is_chosen(&["serial".to_owned()]));
            assert!(scenario.is_chosen(&[scenario.name.to_owned()]));
        }
        assert!(!layered.is_empty());
    }

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
