//! Calls: ringing, dialling, data, escape, and the end. ITU-T V.250 §6.3.

use super::commands::Flow;
use super::port::Mode;
use super::settings::{OnDtrDrop, ResultCode, Settings};
use super::{Failure, Modem, Output};
use std::time::Duration;

/// From one `RING` to the next: ETSI TS 102 200 ringing cadence, 1 s on, 4 s off in much of Europe.
pub const RING_PERIOD: Duration = Duration::from_secs(5);
/// A byte aborts a call that is being set up, but not at the very start (V.250 §5.6.1).
const UNBREAKABLE: Duration = Duration::from_millis(125);

/// Whether the line carries a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// None.
    None,
    /// An incoming call rings.
    Ringing { next: Duration, rung: u8, caller: Option<String> },
    /// The modem waits for the other's carrier, for this port, until then.
    Pending { port: usize, until: Duration },
    /// A call for this port is up: the port's mode says whether data passes or `+++` has put it on hold.
    Up { port: usize },
}

impl Modem {
    /// When the call is next due without an event.
    pub(super) fn call_deadline(&self) -> Option<Duration> {
        match self.call {
            Call::Ringing { next, .. } => Some(next),
            Call::Pending { until, .. } => Some(until),
            Call::None | Call::Up { .. } => None,
        }
    }

    pub(super) fn call_elapses(&mut self) {
        match &mut self.call {
            Call::Ringing { next, rung, .. } if *next <= self.now => {
                *next += RING_PERIOD;
                *rung = rung.saturating_add(1);
                self.ring();
            }
            Call::Pending { until, .. } if *until <= self.now => {
                self.out.push(Output::HungUp);
                self.failed(Failure::NoCarrier);
            }
            _ => {}
        }
    }

    pub(super) fn rings(&mut self, caller: Option<String>) {
        if self.call == Call::None {
            self.call = Call::Ringing { next: self.now, rung: 0, caller };
            self.call_elapses();
        }
    }

    fn ring(&mut self) {
        let Call::Ringing { rung, caller, .. } = &self.call else { return };
        let (rung, caller) = (*rung, caller.clone());
        for port in 0..self.ports.len() {
            let framed = self.ports[port].settings.frame_result(ResultCode::Ring);
            self.send(port, framed);
            // S1 counts the rings.
            let _ = self.ports[port].settings.set_register(1, u32::from(rung));
        }
        if rung == 1 {
            self.show_caller(caller.as_deref());
        }
        self.show_calling_line(caller.as_deref());
        let answers = |settings: &Settings| settings.register(0).filter(|after| *after > 0 && rung >= *after);
        if let Some(port) = self.ports.iter().position(|port| answers(&port.settings).is_some()) {
            self.take_call(port);
        }
    }

    /// Between the first ring and the second, where caller ID is transmitted (ETSI EN 300 659-1); the format is that
    /// of `+VCID=1`, ITU-T V.253 §9.2.3.
    fn show_caller(&mut self, caller: Option<&str>) {
        let number = format!("NMBR = {}", caller.unwrap_or("P"));
        let wants = |settings: &Settings| settings.number("+VCID") == 1;
        let stamp = self.cell.time.map(|time| time.at(self.now));
        if let Some(stamp) = stamp {
            self.unsolicited(&format!("DATE = {:02}{:02}", stamp.month, stamp.day), wants);
            self.unsolicited(&format!("TIME = {:02}{:02}", stamp.hour, stamp.minute), wants);
        }
        self.unsolicited(&number, wants);
    }

    /// After every ring: TS 27.007 §7.11. A withheld number has the type 128.
    fn show_calling_line(&mut self, caller: Option<&str>) {
        let line = match caller {
            Some(number) if number.starts_with('+') => format!("+CLIP: \"{number}\",145,,,,0"),
            Some(number) => format!("+CLIP: \"{number}\",129,,,,0"),
            None => "+CLIP: \"\",128,,,,1".to_owned(),
        };
        self.unsolicited(&line, |settings| settings.number("+CLIP") == 1);
    }

    pub(super) fn ringing_ends(&mut self) {
        if matches!(self.call, Call::Ringing { .. }) {
            self.call = Call::None;
        }
    }

    /// `A`
    pub(super) fn answer(&mut self, port: usize) -> Flow {
        if !matches!(self.call, Call::Ringing { .. }) {
            return Flow::End(ResultCode::NoCarrier);
        }
        self.take_call(port);
        Flow::Pending
    }

    fn take_call(&mut self, port: usize) {
        self.wait_for_carrier(port);
        self.out.push(Output::Answered);
    }

    fn wait_for_carrier(&mut self, port: usize) {
        let patience = Duration::from_secs(self.ports[port].settings.register(7).unwrap_or(60).into());
        self.call = Call::Pending { port, until: self.now + patience };
        self.ports[port].mode = Mode::Dialling { since: self.now };
    }

    /// `D`
    pub(super) fn dial(&mut self, port: usize, dialled: &str) -> Flow {
        if matches!(self.call, Call::Up { .. } | Call::Pending { .. }) {
            return Flow::End(ResultCode::Error);
        }
        let (says, refuses) = self.dials.clone();
        if let Some(line) = says {
            self.inform(port, &line);
        }
        if let Some(result) = refuses {
            self.inform(port, &result);
            return Flow::Pending;
        }
        let number = match self.profile.mobile {
            Some(_) => dialled.trim_start_matches(['T', 'P']).to_owned(),
            // V.250 §6.3.1: the rest are modifiers, such as tone, pulse, and waiting for a dial tone.
            None => dialled.chars().filter(|c| c.is_ascii_digit() || "*#+".contains(*c)).collect(),
        };
        if self.profile.mobile.is_some() && !self.packet_service_ready(&number) {
            return Flow::End(ResultCode::NoCarrier);
        }
        // A call that is ringing collides with ours, and is lost.
        self.wait_for_carrier(port);
        self.out.push(Output::Dialled(number));
        Flow::Pending
    }

    /// Packet data is dialled as `*99#` or `*99***<context>#` (TS 27.007 §10.2.1); these sticks make no other calls.
    fn packet_service_ready(&self, number: &str) -> bool {
        let context = match number.strip_prefix("*99").and_then(|rest| rest.strip_suffix('#')) {
            Some("") => Some(1),
            Some(rest) => rest.strip_prefix("***").and_then(|context| context.parse().ok()),
            None => None,
        };
        context.is_some_and(|context| self.contexts.contains_key(&context)) && self.data_serves()
    }

    /// A byte from the computer while a call is being set up.
    pub(super) fn break_off(&mut self, port: usize, since: Duration) {
        if self.now.saturating_sub(since) < UNBREAKABLE {
            return;
        }
        self.call = Call::None;
        self.out.push(Output::HungUp);
        self.finish(port, ResultCode::NoCarrier);
    }

    pub(super) fn connected(&mut self, speed: u32) {
        let Call::Pending { port, .. } = self.call else { return };
        self.result(port, ResultCode::Connect(speed));
        (self.call, self.speed) = (Call::Up { port }, speed);
        self.ports[port].mode = Mode::Data { since: self.now, escapes: 0, guarded: false };
        self.read(port);
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        let Call::Pending { port, .. } = self.call else { return };
        self.call = Call::None;
        // V.250 §6.2.8: which causes are reported depends on X.
        let code = match (failure, self.ports[port].settings.detail) {
            (Failure::Busy, 3 | 4) => ResultCode::Busy,
            (Failure::NoDialtone, 2 | 4) => ResultCode::NoDialtone,
            _ => ResultCode::NoCarrier,
        };
        self.finish(port, code);
    }

    /// `O`
    pub(super) fn resume(&mut self, port: usize) -> Flow {
        if self.call != (Call::Up { port }) {
            return Flow::End(ResultCode::NoCarrier);
        }
        self.result(port, ResultCode::Connect(self.speed));
        self.ports[port].mode = Mode::Data { since: self.now, escapes: 0, guarded: false };
        Flow::Pending
    }

    /// `H`, and commands that imply it. Another port's call is not ended.
    pub(super) fn hang_up(&mut self, port: usize) {
        let ours = match self.call {
            Call::Up { port: owner } | Call::Pending { port: owner, .. } => owner == port,
            Call::Ringing { .. } | Call::None => false,
        };
        if ours {
            self.call = Call::None;
            self.out.push(Output::HungUp);
            self.ports[port].takes += self.profile.hang_up_takes;
        }
    }

    pub(super) fn carrier_lost(&mut self) {
        match self.call {
            Call::Up { port } => {
                self.call = Call::None;
                self.finish(port, ResultCode::NoCarrier);
                self.send_waiting(port);
            }
            Call::Pending { .. } => self.failed(Failure::NoCarrier),
            Call::Ringing { .. } | Call::None => {}
        }
    }

    pub(super) fn data_arrives(&mut self, bytes: Vec<u8>) {
        // Data that arrives while the call is on hold is lost.
        if let Call::Up { port } = self.call
            && self.ports[port].carries_data()
        {
            match &mut self.ports[port].trouble {
                trouble if trouble.silent_until.is_some() => trouble.held.extend(bytes),
                _ => self.out.push(Output::DataToComputer(port, bytes)),
            }
        }
    }

    /// A byte from the computer while data passes.
    pub(super) fn pass(&mut self, port: usize, byte: u8) {
        match self.out.last_mut() {
            Some(Output::ToPeer(bytes)) => bytes.push(byte),
            _ => self.out.push(Output::ToPeer(vec![byte])),
        }
        let guard_time = self.ports[port].guard_time();
        let is_escape = self.ports[port].settings.escape() == Some(byte);
        let Mode::Data { since, escapes, guarded } = &mut self.ports[port].mode else { return };
        let silent = self.now.saturating_sub(*since) >= guard_time;
        (*escapes, *guarded) = match (is_escape, *escapes) {
            (true, before) if silent && (before == 0 || !guard_time.is_zero()) => (1, true),
            (true, 1..=3) => (*escapes + 1, *guarded),
            _ => (0, false),
        };
        *since = self.now;
    }

    /// The silence after three escape characters is over.
    pub(super) fn escape_if_due(&mut self, port: usize) {
        let guard_time = self.ports[port].guard_time();
        if let Mode::Data { since, escapes: 3, guarded: true } = self.ports[port].mode
            && since + guard_time <= self.now
        {
            self.finish(port, ResultCode::Ok);
            self.send_waiting(port);
        }
    }

    fn send_waiting(&mut self, port: usize) {
        for line in std::mem::take(&mut self.ports[port].waiting) {
            let framed = self.ports[port].settings.frame_text(&line);
            self.send(port, framed);
        }
    }

    pub(super) fn dtr(&mut self, port: usize, raised: bool) {
        if raised || port >= self.ports.len() {
            return;
        }
        let ours = matches!(self.call, Call::Up { port: owner } | Call::Pending { port: owner, .. } if owner == port);
        match self.ports[port].settings.dtr {
            OnDtrDrop::Nothing => {}
            OnDtrDrop::Escape if self.ports[port].carries_data() => self.finish(port, ResultCode::Ok),
            OnDtrDrop::Escape => {}
            OnDtrDrop::HangUp | OnDtrDrop::Reset => {
                if ours {
                    self.call = Call::None;
                    self.out.push(Output::HungUp);
                    self.finish(port, ResultCode::Ok);
                    self.send_waiting(port);
                }
                if self.ports[port].settings.dtr == OnDtrDrop::Reset {
                    self.ports[port].settings = Settings::factory();
                }
            }
        }
    }
}
