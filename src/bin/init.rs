//! `/init` of the initramfs: prepares the root and starts busybox's init, within half a second.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use dialbox::boot::attempts::{self, Attempts};
use dialbox::boot::cmdline::Cmdline;
use dialbox::boot::watchdog::BootWatchdog;
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
    let (mut watchdog, mut attempts) = (BootWatchdog::new(&log), Attempts::default());
    let Err(fatal) = boot(&mut watchdog, &mut attempts, &log);
    let pause = attempts.pause();
    log.error(&format!("cannot boot: {fatal}"));
    eprintln!("\ndialbox: cannot boot: {fatal}\ndialbox: next try in {} seconds", pause.as_secs());
    let end = clock::since_boot() + pause;
    while clock::since_boot() < end {
        watchdog.feed();
        sleep(Duration::from_secs(1));
    }
    // If even this fails, process 1 ends and the kernel panics: panic=10 reboots.
    let _ = rustix::system::reboot(RebootCommand::Restart);
    ExitCode::FAILURE
}

fn boot(watchdog: &mut BootWatchdog, attempts: &mut Attempts, log: &Log) -> Result<Infallible, Fatal> {
    let started = clock::since_boot();
    root::mount_kernel_file_systems()?;
    let cmdline = fs::read_to_string("/proc/cmdline").or_fatal("/proc/cmdline")?;
    let cmdline = Cmdline::parse(&cmdline);
    warn_if_failed(log, "the watchdog's driver", modules::load_requested(&cmdline.modules));
    watchdog.arm(cmdline.watchdog.as_deref());
    modules::load()?;
    watchdog.feed();
    let card = read_card();
    let mended = mend_table(&cmdline, card.as_ref().ok(), log);
    *attempts = count_boot(&cmdline, log);
    let plan = attempts.plan();
    watchdog.feed();
    if !plan.leaves_state {
        state::claim_the_card(&cmdline.state, log);
        watchdog.feed();
    }
    let verity = card.as_ref().map(|card| &card.root).map_err(String::as_str);
    let order = plan.order(cmdline.roots.len());
    let root = sealed::mount(&cmdline.roots, &order, verity, &mut || watchdog.feed(), log)?;
    watchdog.feed();
    root::lay_overlay()?;
    root::switch(log)?;
    watchdog.feed();

    // From here on nothing prevents the boot.
    let paths = Paths::default();
    if let Some(device) = root.devices.first() {
        warn_if_failed(log, "no second copy", block::link_card(device, &paths.card()));
    }
    if let Ok(card) = &card {
        warn_if_failed(log, "publishing", paths.publish(record::CARD_LAYOUT, &card.to_record()));
    }
    let fat = root::mount_boot(&cmdline.boot);
    watchdog.feed();
    let state = match plan.remedy() {
        Some(why) if plan.leaves_state => state::leave_the_partition(&why),
        _ => state::mount_state(&cmdline.state, &mut || watchdog.feed()),
    };
    watchdog.feed();
    set_clock(&paths, log);
    let remedies: Vec<String> = mended.into_iter().chain(plan.remedy()).collect();
    let remedies = (!remedies.is_empty()).then(|| remedies.join("; "));
    note_boot(&paths, remedies.as_deref(), log);
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
        failed_boots: Some(attempts.failed),
        remedies,
        watchdog: watchdog.armed().map(|device| device.display().to_string()),
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

/// Makes a damaged partition table as the builder has made it; returns what was done, for a person.
fn mend_table(cmdline: &Cmdline, card: Option<&Card>, log: &Log) -> Option<String> {
    let mended = block::mend_table(cmdline.roots.first()?, card?).inspect_err(|error| {
        log.warning(&format!("the partition table: {error}"));
    });
    mended.is_ok_and(|mended| mended).then(|| "the partition table was damaged, and is mended".to_owned())
}

/// Counts this boot until it proves good. A card on which that cannot be done boots as if the last boot had been good.
fn count_boot(cmdline: &Cmdline, log: &Log) -> Attempts {
    let root = cmdline.roots.first().ok_or(std::io::ErrorKind::NotFound.into());
    let (before, counted) = match root.and_then(|root| block::card_with_room(root)) {
        Ok(card) => attempts::begin(card),
        Err(error) => (Attempts::default(), Err(error)),
    };
    warn_if_failed(log, "boots are not counted", counted);
    before
}

/// Adds this boot to the ledger, with what was done because others have failed. Only this program runs exactly once a
/// boot.
fn note_boot(paths: &Paths, remedies: Option<&str>, log: &Log) {
    let (boot, entered) = Ledger::enter_boot(&Store::new(paths.state()), clock::unix(), remedies);
    warn_if_failed(log, "the ledger of boots", entered);
    let boot = LastBoot { number: boot.number, cause: boot.cause.to_string() };
    warn_if_failed(log, "publishing", paths.publish(record::LEDGER, &boot.to_record()));
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

fn warn_if_failed<E: std::fmt::Display>(log: &Log, what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        log.warning(&format!("{what}: {error}"));
    }
}
