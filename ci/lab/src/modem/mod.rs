//! A modem: bytes, calls, radio and time go in; bytes, calls and messages come out. No socket, no clock.
//!
//! It is as strict as ITU-T V.250, 3GPP TS 27.005 and TS 27.007: an unknown command gets `ERROR`.

mod answer;
mod call;
mod cell;
mod commands;
mod editor;
mod event;
mod failing;
mod fault;
mod inbox;
pub mod makers;
mod port;
pub mod profile;
pub mod refusal;
mod registration;
mod sending;
mod settings;
pub mod sim;
pub mod stick;
mod storage;
mod syntax;

use call::Call;
pub use cell::{Attachment, Cell, Domains, Registration, TimeOfDay};
use commands::Flow;
use editor::Typed;
pub use event::{Event, Failure, Output};
pub use fault::Fault;
use port::{Mode, Port};
use profile::Profile;
use refusal::{Cme, Cms};
pub use sending::Sending;
use settings::ResultCode;
use sim::SimCard;
use std::collections::BTreeMap;
use std::time::Duration;
use storage::Storages;
use syntax::Commands;

/// A pending step of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Later {
    /// A command line is executed.
    Run(usize, String),
    /// A command line is done.
    Finish(usize, ResultCode),
    /// The network's result for a message is passed on.
    Taken(Result<(), Cms>),
}

/// The modem's clock, which `+CCLK` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rtc {
    /// Unix time, UTC, when the modem's `now` was 0.
    origin: i64,
    /// The local time's distance from UTC.
    quarters: i8,
}

impl Rtc {
    /// The start value of many modems: the beginning of GPS time, 1980-01-06.
    const UNSET: Self = Self { origin: 315_964_800, quarters: 0 };
}

/// One modem.
#[derive(Debug, Clone)]
pub struct Modem {
    profile: &'static Profile,
    ports: Vec<Port>,
    call: Call,
    /// Bits per second of the call that is up.
    speed: u32,
    sim: SimCard,
    sim_starts_in: Duration,
    /// While the SIM is busy: until when.
    sim_starts_at: Option<Duration>,
    cell: Cell,
    /// `+CFUN`
    functionality: u32,
    /// `+COPS=2`
    deregistered: bool,
    rtc: Rtc,
    contexts: BTreeMap<u32, (String, String)>,
    /// Type, user and password of each context.
    authentication: BTreeMap<u32, (u32, String, String)>,
    /// Context and account that it has attached with, since its radio is on.
    attached: Attachment,
    storages: Storages,
    /// Number and type of the SMS centre.
    service_centre: (String, u32),
    /// TP-MR of the last message sent.
    reference: u8,
    /// The port that waits for a message's result.
    sending: Option<usize>,
    /// What it says by itself when it is to dial, and then instead of dialling.
    dials: (Option<String>, Option<String>),
    /// How it takes messages to send.
    sends: Sending,
    /// A message passed on by `+CMT` that is not acknowledged yet.
    unacknowledged: bool,
    /// A broken clock shows this.
    wrong_time: Option<String>,
    /// `+CMGD` says `OK` and deletes nothing.
    keeps_messages: bool,
    /// Command lines that a fault answers.
    canned: BTreeMap<String, Option<&'static [&'static str]>>,
    /// A command line that contains this makes the modem hang.
    hangs_at: Option<String>,
    /// At a command line that contains this, so many more bytes are sent, and then none for so long.
    holds_back: Option<(String, usize, Duration)>,
    /// How long a command line takes.
    thinking: Duration,
    /// When each of the profile's repeated URCs is due.
    chatter: Vec<Duration>,
    later: Vec<(Duration, Later)>,
    now: Duration,
    out: Vec<Output>,
}

impl Modem {
    /// A modem that was just switched on, with this card.
    pub fn new(profile: &'static Profile, sim: SimCard) -> Self {
        let mut modem = Self {
            profile,
            ports: (0..profile.ports).map(|_| Port::new()).collect(),
            call: Call::None,
            speed: 0,
            sim,
            sim_starts_in: Duration::ZERO,
            sim_starts_at: None,
            cell: Cell::default(),
            functionality: 1,
            deregistered: false,
            rtc: Rtc::UNSET,
            contexts: BTreeMap::new(),
            authentication: BTreeMap::new(),
            attached: Attachment::default(),
            storages: Storages::new(profile),
            service_centre: ("+33695000695".to_owned(), 145),
            reference: 0,
            sending: None,
            dials: (None, None),
            sends: Sending::default(),
            unacknowledged: false,
            wrong_time: None,
            keeps_messages: false,
            canned: BTreeMap::new(),
            hangs_at: None,
            holds_back: None,
            thinking: Duration::ZERO,
            chatter: profile.chatter.iter().map(|chatter| chatter.every).collect(),
            later: Vec::new(),
            now: Duration::ZERO,
            out: Vec::new(),
        };
        modem.sim.switch_on();
        modem
    }

    /// The same with a SIM that is busy for this long after each start.
    pub fn with_slow_sim(self, starts_in: Duration) -> Self {
        Self { sim_starts_in: starts_in, sim_starts_at: Some(self.now + starts_in), ..self }
    }

    /// The same, starting at this level of `+CFUN` when it is plugged in.
    pub fn with_functionality(self, functionality: u32) -> Self {
        Self { functionality, ..self }
    }

    /// The same, taking this long for each command line.
    pub fn thinking(self, thinking: Duration) -> Self {
        Self { thinking, ..self }
    }

    /// How many ports it has.
    pub fn ports(&self) -> usize {
        self.ports.len()
    }

    /// Its radio conditions.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// Its SIM card.
    pub fn sim(&self) -> &SimCard {
        &self.sim
    }

    /// How many messages its storages hold.
    pub fn stored_messages(&self) -> usize {
        self.storages.messages()
    }

    /// Whether it waits for calls on an analogue line, or is registered with the mobile network.
    pub fn reachable(&self) -> bool {
        self.profile.mobile.is_none() || self.registration().serves()
    }

    /// Whether no call occupies its line.
    pub fn is_free(&self) -> bool {
        self.call == Call::None
    }

    /// Whether the port carries data, not commands.
    pub fn carries_data(&self, port: usize) -> bool {
        self.ports.get(port).is_some_and(Port::carries_data)
    }

    /// DCD of a port: whether there is a carrier.
    pub fn dcd(&self, port: usize) -> bool {
        let as_it_is = self.ports.get(port).is_some_and(|port| port.settings.carrier_as_it_is);
        !as_it_is || self.call == Call::Up { port }
    }

    /// Processes an event at `now`, counted from any fixed moment.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Output> {
        self.elapse(now);
        match event {
            Event::Time => {}
            Event::Typed(port, bytes) if port < self.ports.len() => {
                self.ports[port].unread.extend(bytes);
                self.read(port);
            }
            Event::Typed(..) => {}
            Event::Dtr(port, raised) => self.dtr(port, raised),
            Event::Rings(caller) => self.rings(caller),
            Event::RingingEnds => self.ringing_ends(),
            Event::Connected(speed) => self.connected(speed),
            Event::Failed(failure) => self.failed(failure),
            Event::CarrierLost => self.carrier_lost(),
            Event::FromPeer(bytes) => self.data_arrives(bytes),
            Event::Message(pdu) => self.message(pdu),
            Event::MessageTaken(fate) => self.message_taken(fate),
            Event::Radio(cell) => self.radio(cell),
            Event::Breaks(fault) => self.breaks(fault),
        }
        std::mem::take(&mut self.out)
    }

    /// When the modem is next due without an event.
    pub fn deadline(&self) -> Option<Duration> {
        let ports = self.ports.iter().filter_map(Port::deadline);
        let later = self.later.iter().map(|(due, _)| *due);
        ports
            .chain(later)
            .chain(self.call_deadline())
            .chain(self.sim_starts_at)
            .chain(self.chatter.iter().copied())
            .min()
    }

    fn elapse(&mut self, now: Duration) {
        while let Some(due) = self.deadline().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            for port in 0..self.ports.len() {
                self.port_elapses(port);
            }
            self.call_elapses();
            if self.sim_starts_at.is_some_and(|at| at <= self.now) {
                self.with_registration(|modem| modem.sim_starts_at = None);
            }
            self.chat();
            if let Some(at) = self.later.iter().position(|(due, _)| *due <= self.now) {
                match self.later.remove(at).1 {
                    Later::Run(port, body) => self.run_line(port, &body),
                    Later::Finish(port, result) => self.finish(port, result),
                    Later::Taken(fate) => self.report_taken(fate),
                }
            }
        }
        self.now = now;
    }

    fn port_elapses(&mut self, port: usize) {
        let trouble = &mut self.ports[port].trouble;
        let passed = |until: &mut Option<Duration>, now| until.take_if(|until| *until <= now).is_some();
        let speaks_again = passed(&mut trouble.silent_until, self.now);
        let reads_again = passed(&mut trouble.deaf_until, self.now);
        if speaks_again {
            let held = std::mem::take(&mut trouble.held);
            self.send(port, held);
        }
        if reads_again {
            self.read(port);
        }
        self.escape_if_due(port);
    }

    /// The model's repeated URCs.
    fn chat(&mut self) {
        for (kind, chatter) in self.profile.chatter.iter().enumerate() {
            if self.chatter[kind] > self.now {
                continue;
            }
            self.chatter[kind] += chatter.every;
            let line = chatter.line.replace("{signal}", &self.cell.signal.to_string());
            self.unsolicited(&line, |settings| settings.numbers.get("^CURC") != Some(&0));
        }
    }

    /// Processes received bytes, as far as the port reads now.
    fn read(&mut self, port: usize) {
        while self.ports[port].reads() {
            let Some(byte) = self.ports[port].unread.pop_front() else { return };
            match self.ports[port].mode {
                Mode::Busy => {}
                Mode::Command => self.typed(port, byte),
                Mode::Dialling { since } => self.break_off(port, since),
                Mode::Message { .. } => self.typed_message(port, byte),
                Mode::Data { .. } => self.pass(port, byte),
            }
        }
    }

    fn typed(&mut self, port: usize, byte: u8) {
        let Port { editor, settings, .. } = &mut self.ports[port];
        let echo = settings.echo;
        let typed = editor.push(byte, settings.terminator(), settings.delete());
        if echo {
            self.send(port, vec![byte]);
        }
        match typed {
            Typed::Nothing => {}
            Typed::Line(body) if self.hangs_at(&body) || self.answers_otherwise(port, &body) => {}
            Typed::Line(body) if self.thinking.is_zero() => self.run_line(port, &body),
            Typed::Line(body) => {
                self.ports[port].mode = Mode::Busy;
                self.later.push((self.now + self.thinking, Later::Run(port, body)));
            }
            Typed::Unreadable => self.result(port, ResultCode::Error),
        }
    }

    fn run_line(&mut self, port: usize, body: &str) {
        self.hold_back(port, body);
        self.ports[port].mode = Mode::Command;
        let mut result = ResultCode::Ok;
        for command in Commands::of(body) {
            let flow = command.map_or(Flow::End(ResultCode::Error), |command| self.run(port, command));
            match flow {
                Flow::Next => {}
                Flow::End(code) => {
                    result = code;
                    break;
                }
                Flow::Pending => return,
            }
        }
        match std::mem::take(&mut self.ports[port].takes) {
            Duration::ZERO => self.finish(port, result),
            takes => {
                self.ports[port].mode = Mode::Busy;
                self.later.push((self.now + takes, Later::Finish(port, result)));
            }
        }
    }

    fn finish(&mut self, port: usize, result: ResultCode) {
        self.ports[port].mode = Mode::Command;
        self.result(port, result);
        self.read(port);
    }

    /// Whether the SIM can be used, or why not.
    fn sim_usable(&self) -> Result<(), Cme> {
        if self.sim_starts_at.is_some() { Err(Cme::SimBusy) } else { self.sim.usable() }
    }

    /// Power cycle: the settings are lost; stored messages and contexts are not.
    fn restart(&mut self) {
        if let Call::Pending { .. } | Call::Up { .. } | Call::Ringing { .. } = self.call {
            self.out.push(Output::HungUp);
        }
        self.call = Call::None;
        for port in &mut self.ports {
            *port = Port::new();
        }
        self.later.clear();
        self.attach();
        self.storages.forget_choice();
        self.sim.switch_on();
        self.sim_starts_at = Some(self.now + self.sim_starts_in).filter(|_| !self.sim_starts_in.is_zero());
        (self.functionality, self.deregistered, self.rtc) = (1, false, Rtc::UNSET);
        (self.sending, self.unacknowledged) = (None, false);
        self.update_clock();
        for line in self.profile.greeting {
            self.unsolicited(line, |_| true);
        }
    }
}

#[cfg(test)]
mod tests;
