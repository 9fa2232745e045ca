//! Makes the second copy of what the boot needs, and keeps both copies whole.

use std::fs;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use dialbox::boot::cmdline::Cmdline;
use dialbox::build::Build;
use dialbox::card::answer::{Answer, Errors};
use dialbox::card::history::History;
use dialbox::card::kernel_log::KernelLog;
use dialbox::card::layout::Card;
use dialbox::card::outcome::Outcome;
use dialbox::card::schedule::{self, Pace, Session, TWIN_AFTER, Urgency};
use dialbox::card::scrub::{self, Devices, Scope};
use dialbox::clock;
use dialbox::log::Log;
use dialbox::names::{Service, record};
use dialbox::privileges;
use dialbox::published::{CardStatus, LinkPhase, LinkStatus, Published, Twin};
use dialbox::reboot;
use dialbox::service::{self, Start};
use dialbox::state::{Cause, Ledger, Store};
use dialbox::watch::daily::{Schedule, Tick};
use dialbox::watch::heartbeat::Heartbeat;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::nice;
use rustix::rand::{GetRandomFlags, getrandom};

const SERVICE: Service = Service::Scrubd;
/// A dying card may take seconds for each block of a chunk.
const DEADLINE: Duration = Duration::from_secs(120);
/// `dialctl scrub` and a program that cannot be read wait for this at most.
const TICK: Duration = Duration::from_secs(2);
/// The lowest priority of a processor's time (nice(2)).
const NICE: i32 = 19;

/// From start to end.
pub fn main() -> ExitCode {
    service::main(SERVICE, run)
}

fn run(start: &Start, log: &Log) -> String {
    let paths = &start.paths;
    let warn = |what: &str, error: &dyn std::fmt::Display| log.warning(&format!("{what}: {error}"));
    let status = paths.published(record::SCRUB).as_ref().and_then(CardStatus::from_record);
    let status = status.unwrap_or_default();
    // A program whose own blocks are bad must go on: from here on the kernel does not read it from the card again. Its
    // data is not in the way: without a swap area it stays in memory.
    if let Err(error) = mlockall(MlockAllFlags::CURRENT) {
        warn("staying in memory", &error);
    }
    let kernel_log = KernelLog::open(&paths.path("/dev/kmsg"), status.kernel_log);
    let kernel_log = kernel_log.inspect_err(|error| warn("/dev/kmsg", error)).ok();
    // The partitions and the process of init are root's: for them no capability is needed.
    if let Err(error) = privileges::drop_all() {
        warn("capabilities", &error);
    }
    if let Err(error) = nice(NICE) {
        warn("priority", &error);
    }
    let mut heartbeat = Heartbeat::new(paths, SERVICE, DEADLINE);
    match open(start) {
        Ok((card, devices)) => {
            let mut scrubber = Scrubber::new(start, log, (&card, &devices), heartbeat, kernel_log, status);
            loop {
                scrubber.poll();
                sleep(TICK);
            }
        }
        Err(why) => {
            log.error(&why);
            let status = CardStatus { trouble: Some(why), ..CardStatus::default() };
            loop {
                let _ = paths.publish(record::SCRUB, &status.to_record());
                paths.withdraw(record::SCRUB_REQUEST);
                heartbeat.beat(clock::since_boot());
                sleep(TICK);
            }
        }
    }
}

/// What the card should have, and its partitions.
fn open(start: &Start) -> Result<(Card, Devices), String> {
    let paths = &start.paths;
    let card = paths.published(record::CARD_LAYOUT).as_ref().and_then(Card::from_record);
    let card = card.ok_or("what is on the card is not known: this box has booted without verified roots")?;
    let cmdline = fs::read_to_string(paths.path("/proc/cmdline")).unwrap_or_default();
    let cmdline = Cmdline::parse(&cmdline);
    Ok((card, Devices::open(&cmdline.boot, &cmdline.roots)?))
}

/// The state between two iterations.
struct Scrubber<'a> {
    start: &'a Start,
    log: &'a Log,
    card: &'a Card,
    devices: &'a Devices,
    heartbeat: Heartbeat,
    kernel_log: Option<KernelLog>,
    errors: Errors,
    /// Whether the last pass left no block of the roots that is bad in both.
    can_help: bool,
    failed_boots: usize,
    store: Store,
    history: History,
    status: CardStatus,
    schedule: Schedule,
    /// When the next pass begins, in time since boot.
    next: Duration,
    /// Since when there is a session.
    session: Option<Duration>,
    /// An error of the root that was seen, and not answered yet.
    error: Option<String>,
    /// When the last chunk began.
    chunk: Duration,
    reboots: bool,
}

impl<'a> Scrubber<'a> {
    fn new(
        start: &'a Start,
        log: &'a Log,
        (card, devices): (&'a Card, &'a Devices),
        heartbeat: Heartbeat,
        kernel_log: Option<KernelLog>,
        status: CardStatus,
    ) -> Self {
        let store = Store::new(start.paths.state());
        let history = History::load(&store);
        let schedule = Schedule {
            hour: start.site.reboot.hour.get(),
            zone: start.site.timezone.clone(),
            built: Build::load(&start.paths).epoch.unwrap_or(0),
        };
        let mut scrubber = Self {
            start,
            log,
            card,
            devices,
            heartbeat,
            kernel_log,
            errors: Errors::default(),
            can_help: true,
            failed_boots: Ledger::load(&store).failed_in_a_row(),
            store,
            history,
            status: CardStatus { percent: None, ..status },
            schedule,
            next: Duration::ZERO,
            session: None,
            error: None,
            chunk: Duration::ZERO,
            reboots: false,
        };
        let is_whole = devices.twin_is_whole(card);
        scrubber.plan();
        if !is_whole {
            scrubber.next = TWIN_AFTER.max(clock::since_boot());
        }
        scrubber.show_history(is_whole);
        scrubber.publish();
        scrubber
    }

    /// One iteration of the loop.
    fn poll(&mut self) {
        let now = self.look();
        if let Some(error) = self.error.take() {
            self.answer(now, &error);
        } else if self.is_asked() {
            self.pass(Scope::All, Urgency::Asked);
        } else if now >= self.next {
            let is_far = schedule::is_far_from_reboot(self.schedule.until_next(tick()));
            if is_far || self.status.twin != Twin::Whole {
                self.pass(Scope::All, Urgency::Routine);
            }
            self.plan();
        }
    }

    /// Whether `dialctl scrub` waits.
    fn is_asked(&self) -> bool {
        self.start.paths.published(record::SCRUB_REQUEST).is_some()
    }

    /// Proves that the loop runs, and looks at what happens on the box; returns the time since boot.
    fn look(&mut self) -> Duration {
        let now = clock::since_boot();
        self.heartbeat.beat(now);
        self.session = is_busy(self.start).then(|| self.session.unwrap_or(now));
        if let Some(log) = &mut self.kernel_log
            && let Some(error) = log.read_error()
        {
            self.error.get_or_insert(error);
        }
        now
    }

    fn plan(&mut self) {
        let overdue = schedule::is_overdue(self.history.scrubbed, clock::unix());
        let until_reboot = self.schedule.until_next(tick());
        self.next = schedule::next(clock::since_boot(), until_reboot, overdue, random());
    }

    /// Programs could not read the running root.
    fn answer(&mut self, now: Duration, error: &str) {
        match self.errors.answer(now, self.can_help, self.failed_boots) {
            None => {}
            Some(Answer::Scrub) => {
                self.log.error(&format!("the root could not be read: {error}"));
                let outcome = self.pass(Scope::Roots, Urgency::Trouble);
                self.enter(format!("the running root could not be read; {outcome}"));
            }
            Some(Answer::Reboot) if !self.reboots => {
                self.reboots = true;
                self.log.error(&format!("reboot: the root still cannot be read: {error}"));
                self.enter("reboot: the running root could not be read after two scrubs");
                let paths = &self.start.paths;
                self.warn_if_failed("saving the cause", reboot::save(paths, &Cause::RootDamaged));
                self.warn_if_failed("asking init", reboot::request(paths));
            }
            Some(Answer::Reboot | Answer::GoOn) => {
                self.log.error(&format!("the root cannot be read, and a reboot does not help: {error}"));
            }
        }
    }

    fn pass(&mut self, scope: Scope, urgency: Urgency) -> Outcome {
        self.status.percent = Some(0);
        if self.status.twin == Twin::None {
            self.status.twin = Twin::BeingMade;
        }
        // Before the request is removed: `dialctl scrub` looks for them in the other order.
        self.publish();
        if scope == Scope::All {
            self.start.paths.withdraw(record::SCRUB_REQUEST);
        }
        self.chunk = clock::since_boot();
        let (card, devices) = (self.card, self.devices);
        let outcome = scrub::run(card, devices, scope, &mut |done, all| self.pause(done, all, urgency));
        self.conclude(scope, &outcome);
        outcome
    }

    /// After a chunk: rests as long as the pace says.
    fn pause(&mut self, done: u64, all: u64, urgency: Urgency) {
        let mut rested = self.look();
        let busy = rested.saturating_sub(self.chunk);
        let percent = Some(done * 100 / all.max(1));
        if percent != self.status.percent {
            self.status.percent = percent;
            self.publish();
        }
        loop {
            // Programs that cannot be read wait for nothing, and nobody waits for a pass that another one follows.
            let urgency = match urgency {
                _ if self.error.is_some() => Urgency::Trouble,
                Urgency::Routine if self.is_asked() => Urgency::Asked,
                urgency => urgency,
            };
            let session =
                self.session.map_or(Session::None, |since| Session::For(rested.saturating_sub(since)));
            let rest = match schedule::pace(busy, urgency, session) {
                Pace::Wait => TICK,
                Pace::Rest(rest) => {
                    let left = (self.chunk + busy + rest).saturating_sub(rested);
                    if left.is_zero() {
                        break;
                    }
                    left.min(TICK)
                }
            };
            sleep(rest);
            rested = self.look();
        }
        self.chunk = clock::since_boot();
    }

    fn conclude(&mut self, scope: Scope, outcome: &Outcome) {
        self.can_help = outcome.roots.lost == 0;
        self.history.healed += outcome.healed();
        let troubles = (!outcome.troubles.is_empty()).then(|| outcome.troubles.join("; "));
        if let Some(trouble) = &troubles {
            self.log.warning(trouble);
        }
        if scope == Scope::All {
            self.history.scrubbed = Some(clock::unix());
            self.history.bad = outcome.bad();
            self.status.trouble = troubles;
        }
        if outcome.is_worth_an_entry() {
            self.log.warning(&outcome.to_string());
        }
        if scope == Scope::All && outcome.is_worth_an_entry() {
            self.history.enter(clock::unix(), outcome.to_string());
        }
        if scope == Scope::All {
            self.save();
        }
        self.status.percent = None;
        self.show_history(outcome.twin_is_whole);
        self.publish();
    }

    fn enter(&mut self, what: impl Into<String>) {
        self.history.enter(clock::unix(), what);
        self.save();
    }

    fn save(&self) {
        self.warn_if_failed("saving the results", self.history.save(&self.store));
    }

    fn show_history(&mut self, twin_is_whole: bool) {
        self.status.twin = if twin_is_whole { Twin::Whole } else { Twin::None };
        self.status.scrubbed = self.history.scrubbed;
        self.status.healed = self.history.healed;
        self.status.bad = self.history.bad;
    }

    fn publish(&mut self) {
        self.status.kernel_log = self.kernel_log.as_ref().map_or(0, |log| log.last);
        let published = self.start.paths.publish(record::SCRUB, &self.status.to_record());
        self.warn_if_failed("publishing", published);
    }

    fn warn_if_failed(&self, what: &str, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.log.warning(&format!("{what}: {error}"));
        }
    }
}

/// Whether a call or a link is up, or is being set up.
fn is_busy(start: &Start) -> bool {
    let link = start.paths.published(record::LINK).as_ref().and_then(LinkStatus::from_record);
    link.is_some_and(|link| link.phase != LinkPhase::Closed) || service::is_in_use(start)
}

fn tick() -> Tick {
    Tick { unix: clock::unix(), since_boot: clock::since_boot() }
}

/// It only spreads the cards of many boxes over the day: if the kernel has no random bytes yet, any will do.
fn random() -> u32 {
    let mut bytes = [0; 4];
    let _ = getrandom(&mut bytes, GetRandomFlags::INSECURE);
    u32::from_ne_bytes(bytes)
}
