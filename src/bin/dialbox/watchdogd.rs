//! Feeds the hardware watchdog while every service makes progress, and reboots the box once a day.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use dialbox::boot::attempts::{self, GOOD_AFTER};
use dialbox::boot::cmdline::Cmdline;
use dialbox::build::Build;
use dialbox::clock::{self, Plausible};
use dialbox::log::Log;
use dialbox::names::{Service, record};
use dialbox::privileges;
use dialbox::published::{BootStatus, Published};
use dialbox::reboot;
use dialbox::service::{self, Start};
use dialbox::state::{Cause, Ledger, Store};
use dialbox::watch::daily::{Decision, Due, Occurrence, Pending, Schedule, Tick};
use dialbox::watch::hardware::Watchdog;
use dialbox::watch::health::{Health, judge};
use dialbox::watch::heartbeat::{Heartbeat, HeartbeatState};
use dialbox::watch::spawn::SpawnCheck;

const SERVICE: Service = Service::Watchdogd;
const DEADLINE: Duration = Duration::from_secs(20);
/// Well below the shortest sensible time-out of a site; one wake-up every two seconds.
const TICK: Duration = Duration::from_secs(2);
/// After a power cut the clock is behind by at most this, if the dialer has not saved it since. Each time a block is
/// written.
const SAVE_CLOCK_EVERY: Duration = Duration::from_secs(14_400);
/// The store's file with the last occurrence of the daily reboot.
const DAILY_FILE: &str = "daily";

/// From start to end.
pub fn main() -> ExitCode {
    service::main(SERVICE, run)
}

fn run(start: &Start, log: &Log) -> String {
    // Files and the process of init are root's: for them no capability is needed.
    if let Err(error) = privileges::drop_all() {
        log.warning(&format!("capabilities: {error}"));
    }
    let mut watch = Watch::new(start, log);
    loop {
        if let Some(cause) = watch.poll() {
            return watch.reboot(&cause);
        }
        sleep(TICK);
    }
}

/// The state between two iterations.
struct Watch<'a> {
    start: &'a Start,
    log: &'a Log,
    /// Its device; `None` if the box uses no watchdog.
    device: Option<PathBuf>,
    watchdog: Option<Watchdog>,
    /// The last logged reason why it could not be opened.
    refused: String,
    heartbeat: Heartbeat,
    /// The date of the image.
    built: Option<i64>,
    schedule: Schedule,
    pending: Pending,
    waits: bool,
    store: Store,
    /// Boots in a row, up to this one, that have failed, as far as that could be counted anywhere.
    failed_boots: usize,
    /// Whether this one has proved good.
    is_good: bool,
    spawns: SpawnCheck,
    hopeless: bool,
    previous: Tick,
    clock_saved: Duration,
}

impl<'a> Watch<'a> {
    fn new(start: &'a Start, log: &'a Log) -> Self {
        let store = Store::new(start.paths.state());
        let built = Build::load(&start.paths).epoch;
        let now = tick();
        let boot = start.paths.published(record::BOOT).as_ref().and_then(BootStatus::from_record);
        let boot = boot.unwrap_or_default();
        let device = watchdog_device(start, log);
        disarm_any_other(boot.watchdog.map(PathBuf::from), device.as_ref(), log);
        // The ledger may be in RAM, and then begins with this boot.
        let failed_boots = boot.failed_boots.and_then(|failed| usize::try_from(failed).ok()).unwrap_or(0);
        Self {
            start,
            log,
            device,
            watchdog: None,
            refused: String::new(),
            heartbeat: Heartbeat::new(&start.paths, SERVICE, DEADLINE),
            schedule: Schedule {
                hour: start.site.reboot.hour.get(),
                zone: start.site.timezone.clone(),
                built: built.unwrap_or(0),
            },
            built,
            pending: Pending::default(),
            waits: false,
            failed_boots: Ledger::load(&store).failed_in_a_row().max(failed_boots),
            is_good: false,
            spawns: SpawnCheck::default(),
            store,
            hopeless: false,
            previous: now,
            clock_saved: now.since_boot,
        }
    }

    /// One iteration of the loop; returns a cause when a reboot is due.
    fn poll(&mut self) -> Option<Cause> {
        let now = tick();
        self.heartbeat.beat(now.since_boot);
        if let Some(service) = self.stuck_service(now.since_boot) {
            return Some(Cause::Stuck(service));
        }
        if self.spawns.poll(now.since_boot) {
            return Some(Cause::NoProcess);
        }
        self.feed();
        if !self.is_good && !self.hopeless && now.since_boot >= GOOD_AFTER {
            self.is_good = true;
            self.warn_if_failed("this boot stays counted as failed", attempts::settle(&self.start.paths));
        }
        if now.since_boot >= self.clock_saved + SAVE_CLOCK_EVERY {
            self.clock_saved = now.since_boot;
            self.warn_if_failed(
                "saving the clock",
                clock::save(&self.store, Plausible::since_build(self.built)),
            );
        }
        let due = self.schedule.due(self.previous, now, self.last_daily());
        self.previous = now;
        let due = due.filter(|due| due.counts(self.is_stored(*due), now));
        match self.pending.decide(due, now, || service::is_in_use(self.start)) {
            Decision::NotDue => None,
            Decision::Wait => {
                if !std::mem::replace(&mut self.waits, true) {
                    self.log.info("the daily reboot waits for a link or call to end, for a day at most");
                }
                None
            }
            Decision::Reboot => Some(Cause::Daily),
        }
    }

    /// A box without a watchdog still reboots daily, and when a service is stuck. So a device that cannot be opened is
    /// not fatal, and is opened later if it appears.
    fn feed(&mut self) {
        if self.watchdog.is_none() {
            self.open();
        }
        if let Some(watchdog) = &mut self.watchdog
            && let Err(error) = watchdog.feed()
        {
            self.log.error(&format!("feeding the watchdog: {error}"));
        }
    }

    fn open(&mut self) {
        let Some(device) = &self.device else { return };
        let timeout = self.start.site.watchdog.timeout.get();
        let name = device.display();
        match Watchdog::open(&self.start.paths.path(device), timeout) {
            Ok((watchdog, seconds)) => {
                self.log.info(&format!("{name} resets the box unless fed within {seconds} s"));
                self.watchdog = Some(watchdog);
            }
            Err(error) => {
                let refused = format!("{name}: {error}; continuing without a watchdog");
                if refused != self.refused {
                    self.log.error(&refused);
                }
                self.refused = refused;
            }
        }
    }

    fn stuck_service(&mut self, uptime: Duration) -> Option<String> {
        let services = service::for_role(&self.start.site.role);
        let state =
            |service: Service| (service.as_str(), HeartbeatState::read(&self.start.paths, service, uptime));
        let heartbeats: Vec<_> = services.into_iter().filter(|it| *it != SERVICE).map(state).collect();
        match judge(&heartbeats, uptime, self.failed_boots) {
            Health::Well => {
                self.hopeless = false;
                None
            }
            Health::Stuck(service) => Some(service.to_owned()),
            Health::Hopeless(service) => {
                if !self.hopeless {
                    let boots = self.failed_boots;
                    self.log.error(&format!("{service} is stuck; {boots} reboots have not helped"));
                }
                self.hopeless = true;
                None
            }
        }
    }

    /// Stores the hour that has come, so that it does not come twice.
    fn is_stored(&self, due: Due) -> bool {
        let Due::Hour(Occurrence(local)) = due else { return true };
        let done = self.store.replace(DAILY_FILE, &format!("{local}\n"));
        let is_stored = done.is_ok();
        self.warn_if_failed("the daily reboot", done);
        is_stored
    }

    fn last_daily(&self) -> Option<Occurrence> {
        let text = self.store.read(DAILY_FILE)?;
        text.trim().parse().ok().map(Occurrence)
    }

    /// Requests an orderly reboot. The watchdog is fed only for the time in which the link may be closed: if init
    /// does not reboot, the hardware resets the box.
    fn reboot(&mut self, cause: &Cause) -> String {
        self.log.error(&format!("reboot: {cause}"));
        self.warn_if_failed("saving the cause", reboot::save(&self.start.paths, cause));
        self.warn_if_failed("asking init", reboot::request(&self.start.paths));
        let link_is_closed = clock::since_boot() + reboot::LINK_TIMEOUT;
        while clock::since_boot() < link_is_closed {
            self.feed();
            sleep(TICK);
        }
        sleep(Duration::from_secs(60));
        "init did not reboot".to_owned()
    }

    fn warn_if_failed(&self, what: &str, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.log.warning(&format!("{what}: {error}"));
        }
    }
}

fn tick() -> Tick {
    Tick { unix: clock::unix(), since_boot: clock::since_boot() }
}

/// `init` could not know the site, and has armed the usual device. If the site names another one, that is the one to be
/// fed.
fn disarm_any_other(armed: Option<PathBuf>, device: Option<&PathBuf>, log: &Log) {
    let Some(armed) = armed.filter(|armed| Some(armed) != device) else { return };
    // Any time-out will do: it is stopped at once.
    let disarmed = Watchdog::open(&armed, 15).and_then(|(watchdog, _)| watchdog.disarm());
    if let Err(error) = disarmed {
        log.error(&format!("{} stays armed and is not fed: {error}", armed.display()));
    }
}

/// The site's device, unless the kernel's command line names another one or none.
fn watchdog_device(start: &Start, log: &Log) -> Option<PathBuf> {
    let cmdline = fs::read_to_string(start.paths.path("/proc/cmdline")).unwrap_or_default();
    let overridden = Cmdline::parse(&cmdline).watchdog;
    let device = overridden.unwrap_or_else(|| PathBuf::from(start.site.watchdog.device.as_str()));
    if device.as_os_str() == Watchdog::NONE {
        log.warning("no watchdog: the kernel's command line says none");
        return None;
    }
    Some(device)
}
