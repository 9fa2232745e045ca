//! The dialer's loop: the modem's port, pppd, the control socket and the clocks.

mod gpio;
mod link;
pub(super) mod start;
mod values;

use std::collections::VecDeque;
use std::io;
use std::process::Child;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::facts::{card, facts, timestamp};
use super::name_server_probe::NameServerProbe;
use super::parser::ModemGuard;
use super::persistence::{self, Persistence};
use super::pppds::Pppds;
use super::publisher::Publisher;
use super::teller::Telling;
use super::trial::Reach;
use super::tunnel::Tunnel;
use super::undervoltage::Undervoltage;
use super::{Dialer, Effect, Event, Ports, Question, Teller, View, Which};
use crate::clock::{self, Plausible, WallClock};
use crate::control::Server;
use crate::log::Log;
use crate::modem::config::ModemConfig;
use crate::modem::driver::Driver;
use crate::modem::mobile::Report;
use crate::modem::protocol::Protocol;
use crate::modem::sandbox::{Program, Sandbox, Sandboxed};
use crate::names::{EXT4, MODEM_PARSER_UID, record};
use crate::paths::Paths;
use crate::ppp::vpn;
use crate::published::{ClockSource, CodesStatus, LinkStatus};
use crate::reboot;
use crate::record::Record;
use crate::service::Start;
use crate::site::{self, FlowControl, Occasion, Site};
use crate::sms::gate::GateRefusal;
use crate::state::{Cause, Loss, Store};
use crate::watch::heartbeat::Heartbeat;
use gpio::Pins;
use start::Begun;

/// How long pppd waits for replies and deletions that a modem of one port cannot carry out during the session. Without
/// a network now there may be none for hours.
const PPPD_WAITS: Duration = Duration::from_secs(20);

/// The dialer with its I/O.
struct Serving<'a> {
    paths: &'a Paths,
    log: &'a Log,
    site: &'a Site,
    /// The role in force: a text message may change it.
    role: Box<site::Dialer>,
    store: Store,
    persistence: Persistence<'a>,
    state_is_in_ram: bool,
    dialer: Dialer,
    driver: Driver<'a, Sandboxed<ModemGuard>>,
    server: Server,
    /// Every followed pppd, our own and others.
    pppds: Pppds,
    /// Running ip-down scripts. They send requests to this loop, which must not wait for them.
    scripts: Vec<Child>,
    /// The use of the data port by our own pppd.
    data_port: DataPort,
    /// The plausible values of the clock.
    plausible: Plausible,
    /// Whether the clock was set to the network's time since boot.
    clock_known: bool,
    /// In a test: the difference of the clock from the machine's, which is not set.
    clock_shift: i64,
    /// The source of the clock at boot.
    clock_floor: ClockSource,
    publisher: Publisher<'a>,
    /// A question to the operator's name servers that is under way.
    probe: Option<NameServerProbe>,
    /// The same, about the name of the VPN's endpoint.
    resolver: Option<NameServerProbe>,
    tunnel: Option<Tunnel<'a>>,
    undervoltage: Option<Undervoltage>,
    pins: Option<Pins<'a>>,
}

/// Who has the port for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DataPort {
    Free,
    /// pppd starts as soon as the modem has carried out its orders, or after this time since boot when no command is
    /// under way.
    Requested {
        at_latest: Duration,
    },
    UsedBy(Pid),
}

/// Runs the dialer. Returns only on a fatal error.
pub fn serve(start: &Start, role: &site::Dialer, log: &Log, heartbeat: &mut Heartbeat) -> io::Error {
    let config = ModemConfig {
        paths: &start.paths,
        log,
        name: record::MODEM,
        port: &role.modem.port,
        speed: role.modem.speed,
        // Short commands need no flow control, and a three-wire cable would never raise CTS.
        flow: FlowControl::None,
        other_after: Some(role.modem.other_after),
    };
    match Serving::new(start, role, config) {
        Ok(mut serving) => loop {
            heartbeat.beat(clock::since_boot());
            serving.poll();
            if let Err(error) = serving.wait(heartbeat.interval()) {
                return error;
            }
        },
        Err(error) => error,
    }
}

impl<'a> Serving<'a> {
    fn new(start: &'a Start, role: &'a site::Dialer, config: ModemConfig<'a>) -> io::Result<Self> {
        let paths = &start.paths;
        let store = Store::new(paths.state());
        let facts = facts(paths, &start.site);
        let at = timestamp(&start.site, &role.link, WallClock::Floor(clock::unix()));
        let is_saved = clock::saved(&store).is_some_and(|saved| facts.plausible.contains(saved));
        let clock_floor = if is_saved { ClockSource::Saved } else { ClockSource::NotSet };
        let begun = start::begin(paths, &start.site, role, &facts, at, config.log);
        let Begun { dialer, effects, role, persistence } = begun;
        let guard = ModemGuard::new(&role, paths);
        let tells = |occasion| role.tell.as_ref().is_some_and(|tell| tell.on.contains(&occasion));
        let undervoltage = tells(Occasion::Undervoltage).then(|| Undervoltage::open(paths));
        let pins = role.gpio.as_ref().map(|gpio| Pins::take(paths, gpio, config.log));
        let tunnel = role.tunnel.is_some().then(|| Tunnel::new(paths, config.log));
        let parser = Sandboxed::new(guard, Sandbox::new(paths, Program::Own, MODEM_PARSER_UID));
        let mut serving = Self {
            paths,
            log: config.log,
            site: &start.site,
            dialer,
            role: Box::new(role),
            plausible: facts.plausible,
            store,
            persistence,
            state_is_in_ram: persistence::state_is_in_ram(paths),
            driver: Driver::new(config, parser)?,
            server: Server::open(paths)?,
            pppds: Pppds::default(),
            scripts: Vec::new(),
            data_port: DataPort::Free,
            clock_known: false,
            clock_shift: 0,
            clock_floor,
            publisher: Publisher::new(paths, config.log),
            probe: None,
            resolver: None,
            tunnel,
            undervoltage,
            pins,
        };
        if serving.dialer.lacks_counter() {
            serving.log.warning(&format!("no code is accepted: {}", GateRefusal::CounterLost));
        }
        serving.carry_out(effects.into_iter().map(Effect::Link).collect());
        let resumed = serving.dialer.resume_trial(serving.view(&Record::new()));
        serving.carry_out(resumed);
        Ok(serving)
    }

    /// Processes all events since the last call, and their effects.
    fn poll(&mut self) {
        let mut events = VecDeque::new();
        for report in self.driver.poll(clock::since_boot()) {
            events.push_back(self.event(report));
        }
        events.extend(self.server.poll().into_iter().map(|(client, request)| Event::Asked(client, request)));
        self.reap(&mut events);
        let now = clock::since_boot();
        if let Some(answer) = self.probe.as_mut().and_then(|probe| probe.poll(now)) {
            self.probe = None;
            events.push_back(Event::NameServer(answer.replied));
        }
        if let Some(answer) = self.resolver.as_mut().and_then(|resolver| resolver.poll(now)) {
            self.resolver = None;
            events.push_back(Event::Resolved(answer.address));
        }
        self.follow(events);
        if let Some(levels) = self.pins.as_mut().and_then(|pins| pins.read(now)) {
            self.dialer.know_inputs(&levels);
        }
        let known = self.known();
        let effects = self.dialer.tick(self.view(&known));
        self.carry_out(effects);
        let events = self.start_pppd();
        self.follow(events);
        let has_link = self.dialer.has_link();
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.poll(has_link, clock::since_boot());
        }
        self.publish();
    }

    fn event(&mut self, report: Report) -> Event {
        match report {
            Report::Message { place, pdu } => Event::Message(place, self.driver.protocol_mut().decode(&pdu)),
            Report::Sent(id) => Event::Sent(id),
            Report::NotSent(id, why) => Event::NotSent(id, why),
            Report::NetworkTime(unix) => Event::NetworkTime(unix),
            Report::ClockReading(reading) => Event::ClockReading(reading),
            Report::Caller(from) => Event::Caller(from),
        }
    }

    fn follow(&mut self, mut events: VecDeque<Event>) {
        while let Some(event) = events.pop_front() {
            let known = self.known();
            let effects = self.dialer.receive(event, self.view(&known));
            for effect in effects {
                self.perform(effect, &mut events);
            }
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut events = VecDeque::new();
        for effect in effects {
            self.perform(effect, &mut events);
        }
        self.follow(events);
    }
}

impl Serving<'_> {
    fn perform(&mut self, effect: Effect, events: &mut VecDeque<Event>) {
        match effect {
            Effect::Store { trial, remember, pending } => {
                let trial = trial.map(|trial| self.store.replace(Reach::FILE, &trial.to_string()));
                let stored = trial.unwrap_or(Ok(())).and(self.persistence.remember_past(remember));
                events.push_back(match stored {
                    Ok(()) => Event::Stored(pending),
                    Err(error) => {
                        self.log.error(&format!("which codes were used: {error}"));
                        Event::NotStored(pending)
                    }
                });
            }
            Effect::StoreTrial(record) => self.store_trial(&record),
            Effect::UseSite(site) => self.use_site(&site, events),
            Effect::Tell(Telling { told, texts }) => {
                match self.store.replace(Teller::FILE, &told.to_string()) {
                    Ok(()) => events.push_back(Event::Told(texts)),
                    Err(error) => self.log.error(&format!("not told {texts:?}: {error}")),
                }
            }
            Effect::Send(sms) => self.driver.protocol_mut().send(sms),
            Effect::Discard(place) => self.driver.protocol_mut().discard(place),
            Effect::Link(effect) => self.perform_link(effect, events),
            Effect::SetClock(unix) => self.set_clock(unix),
            Effect::AskTime => self.driver.protocol_mut().ask_time(),
            Effect::Ask(Question::Counter) => {
                events.push_back(Event::TunnelCounter(vpn::received(self.paths)));
            }
            Effect::Ask(Question::NameServers(servers)) => {
                match NameServerProbe::ask(servers, None, clock::since_boot()) {
                    Ok(probe) => self.probe = Some(probe),
                    // Without a route the link carries nothing.
                    Err(_) => events.push_back(Event::NameServer(false)),
                }
            }
            Effect::Ask(Question::Address(name, servers)) => {
                match NameServerProbe::ask(servers, Some(&name), clock::since_boot()) {
                    Ok(resolver) => self.resolver = Some(resolver),
                    Err(_) => events.push_back(Event::Resolved(None)),
                }
            }
            Effect::UseEndpoint(endpoint) => {
                let used = vpn::use_endpoint(self.paths, &endpoint);
                self.warn_if_failed("the endpoint of the VPN", used);
            }
            Effect::RenewTunnel(interface) => match vpn::renew(self.paths, &interface) {
                Ok(script) => self.scripts.push(script),
                Err(error) => self.log.error(&format!("the VPN over {interface}: {error}")),
            },
            Effect::Switch(switching) => {
                // There is a line only if there are pins.
                let done = self.pins.as_mut().map_or(Ok(()), |pins| pins.switch(&switching));
                events.push_back(Event::Switched(switching, done));
            }
            Effect::ReadLines(lines, requester) => {
                let level = |line: Which| Some((line, self.pins.as_ref()?.level(line)));
                let levels = lines.into_iter().filter_map(level).collect();
                events.push_back(Event::LinesRead(levels, requester));
            }
            Effect::RestartModem => {
                let reports = self.driver.restart_modem();
                events.extend(reports.into_iter().map(|report| self.event(report)).collect::<Vec<_>>());
            }
            Effect::Answer(client, reply) => self.server.answer(client, &reply),
            Effect::Reboot => self.reboot(),
            Effect::Log(level, what) => self.log.log(level, &what),
        }
    }

    fn set_clock(&mut self, unix: i64) {
        let set = match self.paths.is_the_box() {
            true => clock::set_unix(unix),
            false => {
                self.clock_shift = unix - clock::unix();
                Ok(())
            }
        };
        match set {
            Ok(()) => {
                self.clock_known = true;
                self.log.info(&format!("the clock is set to {}, the network's time", clock::Utc(unix)));
                self.warn_if_failed("saving the clock", clock::save(&self.store, self.plausible));
            }
            Err(error) => self.log.error(&format!("setting the clock: {error}")),
        }
    }

    fn reboot(&self) {
        self.warn_if_failed("saving the cause", reboot::save(self.paths, &Cause::Requested));
        self.warn_if_failed("asking init", reboot::request(self.paths));
    }

    fn known(&self) -> Record {
        self.driver.protocol().record()
    }

    fn wall(&self) -> WallClock {
        let shown = clock::unix() + self.clock_shift;
        if self.clock_known { WallClock::Known(shown) } else { WallClock::Floor(shown) }
    }

    fn view<'b>(&self, known: &'b Record) -> View<'b> {
        let wall = self.wall();
        let ports = if self.driver.has_two_ports() { Ports::Two } else { Ports::One };
        let loss = Loss::of(&self.paths.state(), &self.paths.path(EXT4), self.state_is_in_ram);
        View { at: timestamp(self.site, &self.role.link, wall), wall, ports, loss, known }
    }

    fn publish(&mut self) {
        self.dialer.know_card(card(self.paths));
        let undervoltage = self.undervoltage.as_mut().is_some_and(Undervoltage::has_been);
        self.dialer.know_undervoltage(undervoltage);
        let tunnel = self.tunnel.as_ref().and_then(Tunnel::status);
        let link = self.dialer.link_status(self.view(&Record::new()).at, self.wall());
        let link = LinkStatus { tunnel, ..link };
        let codes = CodesStatus {
            lacks_counter: self.dialer.lacks_counter(),
            copy_trouble: self.persistence.copy_trouble().map(str::to_owned),
        };
        let clock = self.dialer.clock_source(self.wall(), self.clock_floor);
        self.publisher.publish(link, codes, clock);
    }

    /// Waits for an event or the next deadline.
    fn wait(&self, at_most: Duration) -> io::Result<()> {
        let now = clock::since_boot();
        let waits_for_modem = match self.data_port {
            // After that time it depends on the modem, which has deadlines of its own.
            DataPort::Requested { at_latest } if now < at_latest => Some(at_latest),
            DataPort::Requested { .. } | DataPort::Free | DataPort::UsedBy(_) => None,
        };
        let dialer = self.dialer.deadline(self.wall(), now);
        let [probe, resolver] =
            [&self.probe, &self.resolver].map(|it| it.as_ref().map(NameServerProbe::deadline));
        let tunnel = self.tunnel.as_ref().and_then(Tunnel::deadline);
        let pins = self.pins.as_ref().and_then(Pins::deadline);
        let wakes = [self.driver.deadline(), dialer, waits_for_modem, probe, resolver, tunnel, pins];
        let wakes = wakes.into_iter().flatten();
        let timeout = wakes.map(|wake| wake.saturating_sub(now)).fold(at_most, Duration::min);
        let mut fds = self.driver.fds();
        fds.extend(self.server.fds().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        fds.extend(self.pppds.fds());
        fds.extend(self.tunnel.as_ref().and_then(Tunnel::fd));
        fds.extend(self.undervoltage.as_ref().and_then(Undervoltage::fd));
        match poll(&mut fds, Timespec::try_from(timeout).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn warn_if_failed(&self, what: &str, result: io::Result<()>) {
        if let Err(error) = result {
            self.log.warning(&format!("{what}: {error}"));
        }
    }
}
