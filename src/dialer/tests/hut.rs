//! A box and the world around it, in virtual time.
//!
//! The dialer runs with its real persistence and rendered files in a directory. The world reads these files as the box's
//! programs do: `chat` the APN, pppd the account, `wg` the peer.

use std::collections::VecDeque;
use std::fs;

use super::world::{HOME, KEY, PATIENCE, SECRET, World, site_text};
use super::*;
use crate::dialer::serve::start::{Begun, begin};
use crate::dialer::trial::Reach;
use crate::log::Log;
use crate::modem::mobile::{ClockReading, Meaning};
use crate::names::{VPN_UP, run_file};
use crate::paths::Paths;
use crate::ppp::counters::Carried;
use crate::ppp::{SessionEffect, vpn};
use crate::sms::proof;
use crate::state::Store;

pub(super) const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(212, 27, 40, 240);

/// The link as pppd and WireGuard have made it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Line {
    Idle,
    /// Until this time; then it is up, or not.
    Dialling(Duration),
    Up,
    Ending(Duration),
}

pub(super) struct Hut {
    pub(super) paths: Paths,
    pub(super) log: &'static Log,
    pub(super) site: Site,
    pub(super) world: World,
    /// Virtual time since the test began, and that of the last boot.
    pub(super) now: Duration,
    pub(super) booted: Duration,
    pub(super) wall: WallClock,
    /// Whether the modem's clock is read with two meanings.
    pub(super) is_ambiguous: bool,
    pub(super) begun: Option<Begun<'static>>,
    pub(super) line: Line,
    /// Bytes from the far side.
    pub(super) received: Option<u64>,
    /// Messages in the modem, with their places.
    pub(super) modem: Vec<(u16, Deliver)>,
    pub(super) listed: Vec<u16>,
    pub(super) next_code: u64,
    pub(super) sent: String,
    pub(super) logged: String,
    pub(super) writes: usize,
    /// The power fails before or after the write of this number.
    pub(super) cut: Option<(usize, bool)>,
    pub(super) _dir: tempfile::TempDir,
}

impl Hut {
    pub(super) fn new(proof: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for made in [paths.state(), paths.path("/dev"), paths.path("/run/dialbox")] {
            fs::create_dir_all(made).unwrap();
        }
        fs::File::create(paths.path("/dev/kmsg")).unwrap();
        let card = fs::File::create(paths.card()).unwrap();
        for (offset, block) in crate::state::new_card::blocks().unwrap() {
            std::os::unix::fs::FileExt::write_all_at(&card, &block, offset).unwrap();
        }
        let text = site_text(proof);
        fs::create_dir_all(paths.site().parent().unwrap()).unwrap();
        fs::write(paths.site(), &text).unwrap();
        // A test ends soon: its log may live as long as the process.
        let log = Box::leak(Box::new(Log::new("test", &paths)));
        let mut hut = Self {
            site: Site::parse(&text).unwrap(),
            log,
            world: World {
                server: Some((HOME, KEY)),
                apn: "free",
                account: ("me", "old"),
                has_dns: true,
                named: None,
            },
            now: Duration::ZERO,
            booted: Duration::ZERO,
            wall: WallClock::Floor(THAT_MORNING),
            is_ambiguous: false,
            begun: None,
            line: Line::Idle,
            received: None,
            modem: Vec::new(),
            listed: Vec::new(),
            next_code: 0,
            sent: String::new(),
            logged: String::new(),
            writes: 0,
            cut: None,
            paths,
            _dir: dir,
        };
        hut.boot();
        hut
    }

    /// The overlay and `/run` are as in the image again, and the state partition is as it was left.
    pub(super) fn boot(&mut self) {
        self.begun = None;
        fs::remove_dir_all(self.paths.path("/run/dialbox")).unwrap();
        fs::create_dir_all(self.paths.path("/run/dialbox")).unwrap();
        crate::apply::write_changed(&self.paths, &self.site).unwrap();
        (self.line, self.received, self.booted) = (Line::Idle, None, self.now);
        (self.wall, self.listed) = (WallClock::Floor(THAT_MORNING), Vec::new());
        let Role::Dialer(role) = &self.site.role else { unreachable!() };
        let facts = Facts {
            plausible: Plausible::since_build(Some(THAT_MORNING)),
            timezone: Some("CET-1CEST,M3.5.0,M10.5.0/3".parse().unwrap()),
            ..Facts::default()
        };
        let mut begun = begin(&self.paths, &self.site, role, &facts, self.at(), self.log);
        let effects = std::mem::take(&mut begun.effects);
        self.begun = Some(begun);
        self.perform_all(effects.into_iter().map(Effect::Link).collect());
        self.step(|dialer, view| dialer.resume_trial(view));
    }

    pub(super) fn at(&self) -> Timestamp {
        timestamp(self.now - self.booted + SECOND)
    }

    /// Seconds since 1970.
    pub(super) fn true_time(&self) -> i64 {
        THAT_MORNING + 6 * 3600 + i64::try_from(self.now.as_secs()).unwrap()
    }

    pub(super) fn step(&mut self, does: impl FnOnce(&mut Dialer, View) -> Vec<Effect>) {
        let (at, wall) = (self.at(), self.wall);
        let Some(begun) = &mut self.begun else { return };
        let view = View { at, wall, ports: Ports::Two, known: &Record::new(), loss: None };
        let effects = does(&mut begun.dialer, view);
        self.perform_all(effects);
    }

    pub(super) fn perform_all(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let mut events = Vec::new();
            self.perform(effect, &mut events);
            for event in events {
                self.step(|dialer, view| dialer.receive(event, view));
            }
            // The power has failed.
            if self.begun.is_none() {
                return;
            }
        }
    }

    /// A write to the card; `false` if the power fails before or after it.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Begun<'static>)) -> bool {
        let cut = self.cut.filter(|(at, _)| *at == self.writes);
        self.writes += 1;
        if let Some(begun) = self.begun.as_mut().filter(|_| cut.is_none_or(|(_, is_after)| is_after)) {
            write(begun);
        }
        if cut.is_some() {
            self.begun = None;
        }
        self.begun.is_some()
    }

    pub(super) fn perform(&mut self, effect: Effect, events: &mut Vec<Event>) {
        let store = Store::new(self.paths.state());
        match effect {
            Effect::Store { trial, remember, pending } => {
                let is_stored = trial.is_none_or(|trial| {
                    self.write(|_| store.replace(Reach::FILE, &trial.to_string()).unwrap())
                });
                if is_stored && self.write(|begun| begun.persistence.remember_past(remember).unwrap()) {
                    events.push(Event::Stored(pending));
                }
            }
            Effect::StoreTrial(record) => {
                self.write(|_| store.replace(Reach::FILE, &record.to_string()).unwrap());
            }
            Effect::UseSite(site) => {
                vpn::use_own_endpoint(&self.paths);
                crate::apply::write_changed(&self.paths, &site).unwrap();
            }
            Effect::UseEndpoint(endpoint) => vpn::use_endpoint(&self.paths, &endpoint).unwrap(),
            Effect::RenewTunnel(_) => self.received = self.handshake(),
            Effect::Discard(Place::Stored(_, place)) => self.modem.retain(|(stored, _)| *stored != place),
            Effect::Send(OutgoingSms { message, .. }) => {
                let Body::Text(text) = message.body() else { unreachable!() };
                self.sent += &format!("{}: {text}\n", message.to());
            }
            Effect::Log(_, what) => self.logged += &(what + "\n"),
            Effect::SetClock(unix) => self.wall = WallClock::Known(unix),
            Effect::Ask(Question::Counter) => events.push(Event::TunnelCounter(self.received)),
            Effect::Ask(Question::NameServers(_)) => events.push(Event::NameServer(self.world.has_dns)),
            Effect::Ask(Question::Address(..)) => {
                events.push(Event::Resolved(self.world.named.filter(|_| self.world.has_dns)));
            }
            Effect::Link(effect) => self.perform_link(effect, events),
            _ => {}
        }
    }

    pub(super) fn perform_link(&mut self, effect: SessionEffect, events: &mut Vec<Event>) {
        match effect {
            SessionEffect::StartPppd => {
                self.line = Line::Dialling(self.now + 8 * SECOND);
                events.push(Event::Link(ppp::Event::Started(pid())));
            }
            SessionEffect::Signal(..) => self.line = Line::Ending(self.now + 2 * SECOND),
            SessionEffect::ReadCounters(interface) => {
                let carried = Carried { sent: 100, received: 100 };
                events.push(Event::Link(ppp::Event::Counters(interface, Some(carried))));
            }
            SessionEffect::Store(record) => {
                self.write(|begun| begun.persistence.remember_session(&record).unwrap());
            }
            SessionEffect::Watch(_) | SessionEffect::RunIpDown(..) | SessionEffect::Log(..) => {}
        }
    }

    pub(super) fn file(&self, path: &str) -> String {
        fs::read_to_string(self.paths.path(path)).unwrap_or_default()
    }

    /// How the operator answers a call.
    pub(super) fn call(&self) -> Vec<ppp::Event> {
        let apn = format!("\"{}\"", self.world.apn);
        let (user, password) = self.world.account;
        if !self.file("/etc/ppp/chat/free").contains(&apn) {
            let no_carrier = crate::chat::DialFailure::Said(crate::chat::Failure::NoCarrier);
            vec![ppp::Event::DialFailure(no_carrier), ppp::Event::Exited(pid(), Exit::DialFailure)]
        } else if !self.file("/etc/ppp/pap-secrets").contains(&format!("\"{user}\" * \"{password}\""))
            || !self.file("/etc/ppp/peers/free").contains(&format!("user \"{user}\""))
        {
            vec![ppp::Event::Exited(pid(), Exit::AuthRefused)]
        } else {
            Vec::new()
        }
    }

    /// The first bytes from the server, if it is where `ip-up.d/vpn` leads, with that key.
    pub(super) fn handshake(&self) -> Option<u64> {
        let configuration = self.file("/etc/wireguard/vpn.conf");
        let value = |key: &str| {
            let line = configuration.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_default().trim_start_matches(" = ").to_owned()
        };
        let chosen = fs::read_to_string(self.paths.run_file(run_file::VPN_ENDPOINT)).ok();
        let chosen = chosen.filter(|_| self.file(VPN_UP).contains(run_file::VPN_ENDPOINT));
        let endpoint = chosen.map_or(value("Endpoint"), |chosen| chosen.trim().to_owned());
        let answers = self.world.server.is_some_and(|(at, key)| endpoint == at && value("PublicKey") == key);
        Some(if answers { 92 } else { 0 })
    }

    /// One second passes.
    pub(super) fn pass_second(&mut self) {
        self.now += SECOND;
        if self.begun.is_none() {
            // The power is back.
            self.cut = None;
            self.boot();
        }
        if let WallClock::Known(unix) = &mut self.wall {
            *unix += 1;
        }
        match self.line {
            Line::Dialling(until) if until <= self.now => self.dialled(),
            Line::Ending(until) if until <= self.now => {
                (self.line, self.received) = (Line::Idle, None);
                let ended = Event::Link(ppp::Event::Exited(pid(), Exit::Told));
                self.step(|dialer, view| dialer.receive(ended, view));
            }
            _ => {}
        }
        if self.now.as_secs().is_multiple_of(25) {
            self.received = self.received.map(|received| if received > 0 { received + 32 } else { 0 });
        }
        if self.now - self.booted == 20 * SECOND {
            self.hear_time();
        }
        // The modem registers and lists its messages.
        if self.now - self.booted > 25 * SECOND {
            for (place, message) in self.modem.clone() {
                if !self.listed.contains(&place) {
                    self.listed.push(place);
                    let event =
                        Event::Message(Place::Stored(Storage::Modem, place), Content::Message(message));
                    self.step(|dialer, view| dialer.receive(event, view));
                }
            }
        }
        self.step(|dialer, view| dialer.tick(view));
    }

    pub(super) fn hear_time(&mut self) {
        let shown = self.true_time();
        let event = match self.is_ambiguous {
            // It shows universal time where the standard has local time, with the zone of summer in France.
            true => Event::ClockReading(ClockReading { shown, east: Some(7200), likely: Meaning::Local }),
            false => Event::NetworkTime(shown),
        };
        self.step(|dialer, view| dialer.receive(event, view));
    }

    pub(super) fn dialled(&mut self) {
        let failure = self.call();
        if !failure.is_empty() {
            self.line = Line::Idle;
            for event in failure {
                self.step(|dialer, view| dialer.receive(Event::Link(event), view));
            }
            return;
        }
        self.line = Line::Up;
        self.received = self.handshake();
        let link = Connection { interface: Interface::new("ppp0").unwrap(), pid: pid(), addresses: None };
        let request = control::Request::IpUp { link, name_servers: vec![NAME_SERVER] };
        let event = Event::Asked(control::ClientId(9), request);
        self.step(|dialer, view| dialer.receive(event, view));
    }

    pub(super) fn pass_time(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.pass_second();
        }
    }

    /// Time passes in one step.
    pub(super) fn jump(&mut self, time: Duration) {
        self.now += time;
        if let WallClock::Known(unix) = &mut self.wall {
            *unix += i64::try_from(time.as_secs()).unwrap();
        }
    }

    pub(super) fn sms(&mut self, from: &str, text: &str) {
        let place = u16::try_from(self.now.as_secs() % 60_000).unwrap();
        let message = Deliver {
            from: from.parse().unwrap(),
            sent: ServiceCentreTime::new(self.true_time(), 8).unwrap(),
            body: Body::Text(text.to_owned()),
            part: None,
        };
        self.modem.push((place, message));
    }

    /// A message with the next right code.
    pub(super) fn proven(&mut self, from: &str, text: &str) {
        let Role::Dialer(role) = &self.site.role else { unreachable!() };
        let factor = match &role.sms.as_ref().unwrap().proof {
            site::Proof::Hotp(_) => self.next_code,
            _ => u64::try_from(self.true_time()).unwrap() / 30,
        };
        self.next_code += 1;
        let code = site::OneTimeCode { secret: SECRET.parse().unwrap(), digits: site::Digits::Eight };
        self.sms(from, &format!("{text} {:08}", proof::code(&code, factor)));
    }

    pub(super) fn is_reached(&self) -> bool {
        self.begun.is_some() && self.line == Line::Up && self.received.is_some_and(|received| received > 0)
    }

    /// Whether a trial is running.
    pub(super) fn is_trying(&self) -> bool {
        self.begun.as_ref().is_some_and(|begun| begun.dialer.changed().1.is_some())
    }

    pub(super) fn until(&mut self, holds: fn(&Self) -> bool) -> bool {
        (0..PATIENCE.as_secs()).any(|_| {
            self.pass_second();
            holds(self)
        })
    }
}
