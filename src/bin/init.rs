//! `/init` of the initramfs: prepares the root and starts busybox's init, within half a second.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use dialbox::boot::cmdline::Cmdline;
use dialbox::boot::{Fatal, OrFatal, block, modules, root, sealed, state};
use dialbox::build::Build;
use dialbox::card::layout::{self, Card};
use dialbox::clock::{self, Plausible, Utc};
use dialbox::log::Log;
use dialbox::names::record;
use dialbox::paths::Paths;
use dialbox::published::{BootStatus, LastBoot, Published};
use dialbox::record::Record;
use dialbox::state::{Ledger, Store};
use rustix::system::RebootCommand;

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!("init: this is /init of a dialbox's initramfs; only the kernel starts it");
        return ExitCode::FAILURE;
    }
    let log = Log::early("init");
    let Err(fatal) = boot(&log);
    log.error(&format!("cannot boot: {fatal}"));
    eprintln!("\ndialbox: cannot boot: {fatal}\ndialbox: next try in 10 seconds");
    sleep(Duration::from_secs(10));
    // If even this fails, process 1 ends and the kernel panics: panic=10 reboots.
    let _ = rustix::system::reboot(RebootCommand::Restart);
    ExitCode::FAILURE
}

fn boot(log: &Log) -> Result<Infallible, Fatal> {
    let started = clock::since_boot();
    root::mount_kernel_file_systems()?;
    let cmdline = fs::read_to_string("/proc/cmdline").or_fatal("/proc/cmdline")?;
    let cmdline = Cmdline::parse(&cmdline);
    modules::load()?;
    state::claim_the_card(&cmdline.state, log);
    let card = read_card();
    let verity = card.as_ref().map(|card| &card.root).map_err(String::as_str);
    let root = sealed::mount(&cmdline.roots, verity, log)?;
    root::lay_overlay()?;
    root::switch(log)?;

    // From here on nothing prevents the boot.
    let paths = Paths::default();
    if let Some(device) = root.devices.first() {
        warn_if_failed(log, "no second copy", block::link_card(device, &paths.card()));
    }
    if let Ok(card) = &card {
        warn_if_failed(log, "publishing", paths.publish(record::CARD_LAYOUT, &card.to_record()));
    }
    let fat = root::mount_boot(&cmdline.boot);
    let state = state::mount_state(&cmdline.state);
    set_clock(&paths, log);
    note_boot(&paths, log);
    load_extra_modules(&cmdline.modules, log);
    let devices: Vec<String> = root.devices.iter().map(|device| device.display().to_string()).collect();
    let milliseconds = |since_boot: Duration| u64::try_from(since_boot.as_millis()).ok();
    let status = BootStatus {
        root: Some(devices.join(", ")),
        root_copy: Some(root.copy),
        root_check: Some(root.check.to_string()),
        root_trouble: Some(root.trouble.join("; ")),
        boot: Some(fat.map_or_else(|why| why.to_string(), |()| "mounted".to_owned())),
        state: Some(state.outcome.to_string()),
        state_trouble: Some(state.trouble),
        init_started_ms: milliseconds(started),
        init_ended_ms: milliseconds(clock::since_boot()),
    };
    let record = status.to_record();
    for line in record.to_string().lines() {
        log.info(line);
    }
    warn_if_failed(log, "publishing", paths.publish(record::BOOT, &record));

    Err(Command::new("/sbin/init").exec()).or_fatal("starting /sbin/init")
}

/// What the builder has put on the card.
fn read_card() -> Result<Card, String> {
    let text = fs::read_to_string(layout::PATH).map_err(|error| format!("{}: {error}", layout::PATH))?;
    Card::from_record(&Record::parse(&text)).ok_or_else(|| format!("{} is damaged", layout::PATH))
}

/// The board has no battery-backed clock: it starts at the latest known time.
fn set_clock(paths: &Paths, log: &Log) {
    let plausible = Plausible::since_build(Build::load(paths).epoch);
    let saved = clock::saved(&Store::new(paths.state()));
    if let Some(saved) = saved.filter(|saved| !plausible.contains(*saved)) {
        log.warning(&format!("the saved clock {} is ignored", Utc(saved)));
    }
    if let Some(earliest) = clock::floor(clock::unix(), saved, plausible) {
        warn_if_failed(log, "setting the clock", clock::set_unix(earliest));
    }
}

/// Adds this boot to the ledger. Only this program runs exactly once a boot.
fn note_boot(paths: &Paths, log: &Log) {
    let boot = Ledger::enter_boot(&Store::new(paths.state()), clock::unix());
    let published = boot.and_then(|boot| {
        let boot = LastBoot { number: boot.number, cause: boot.cause.to_string() };
        paths.publish(record::LEDGER, &boot.to_record())
    });
    warn_if_failed(log, "the ledger of boots", published);
}

/// Loads modules in the background: the programs that need one wait for its device.
fn load_extra_modules(modules: &[String], log: &Log) {
    if modules.is_empty() {
        return;
    }
    // It becomes a child of busybox's init, which reaps it.
    let modprobe = Command::new("/sbin/modprobe").arg("-a").args(modules).spawn();
    warn_if_failed(log, "modules-load", modprobe.map(drop));
}

fn warn_if_failed(log: &Log, what: &str, result: std::io::Result<()>) {
    if let Err(error) = result {
        log.warning(&format!("{what}: {error}"));
    }
}
