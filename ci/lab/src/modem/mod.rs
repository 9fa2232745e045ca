//! A modem: bytes and time go in, bytes and calls come out. No socket, no clock.
//!
//! It is as strict as ITU-T V.250: what it does not know gets `ERROR`.

mod commands;
mod editor;
pub mod port;
pub mod profile;
mod settings;
pub mod sim;
mod syntax;

use commands::Flow;
use editor::{Editor, Typed};
use profile::Profile;
use settings::{ResultCode, Settings};
use sim::Sim;
use std::collections::BTreeMap;
use std::time::Duration;
use syntax::Commands;

/// From one `RING` to the next: ETSI TS 102 200 ringing cadence, 1 s on, 4 s off in much of Europe.
const RING_PERIOD: Duration = Duration::from_secs(5);

/// What the modem does in the outside world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the computer the modem is attached to.
    ToComputer(Vec<u8>),
    /// Bytes for the other end of the call.
    ToPeer(Vec<u8>),
    /// A call was set up to this number.
    Dialled(String),
    /// The call that rang was taken.
    Answered,
    /// The computer ended the call.
    HungUp,
}

/// What the modem knows of the mobile network.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    /// `<rssi>` of `+CSQ`: 0-31, 99 unknown (3GPP TS 27.007 §8.5).
    signal: u8,
    /// `<stat>` of `+CREG`: 1 home, 5 roaming (3GPP TS 27.007 §7.2).
    registration: u8,
    /// Long name of the operator.
    operator: String,
}

impl Default for Network {
    fn default() -> Self {
        Self { signal: 18, registration: 1, operator: "Free".to_owned() }
    }
}

/// Whether the line carries a call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    None,
    Ringing {
        next: Duration,
        rung: u32,
        left: u32,
    },
    /// Data passes; the computer last sent at `since`, and since then `pluses` escape characters.
    Online {
        since: Duration,
        pluses: u8,
        guarded: bool,
    },
    /// Escaped by `+++`: the call is up, the computer talks to the modem.
    OnHold,
}

/// One modem.
#[derive(Debug, Clone)]
pub struct Modem {
    profile: Profile,
    editor: Editor,
    settings: Settings,
    contexts: BTreeMap<u32, (String, String)>,
    call: Call,
    sim: Sim,
    network: Network,
}

impl Modem {
    /// A modem that was just switched on, with this card in its holder.
    pub fn new(profile: Profile, sim: Sim) -> Self {
        Self {
            profile,
            editor: Editor::new(),
            settings: Settings::factory(),
            contexts: BTreeMap::new(),
            call: Call::None,
            sim,
            network: Network::default(),
        }
    }

    /// The computer sent these bytes at `now` (since any fixed moment).
    pub fn input(&mut self, bytes: &[u8], now: Duration) -> Vec<Output> {
        let mut out = self.elapse(now);
        for &byte in bytes {
            match self.call {
                Call::Online { .. } => self.pass(byte, now, &mut out),
                _ => self.typed(byte, now, &mut out),
            }
        }
        join(out)
    }

    /// Somebody calls; it rings `times` times unless the call is taken.
    pub fn ring(&mut self, times: u32, now: Duration) -> Vec<Output> {
        if self.call == Call::None {
            self.call = Call::Ringing { next: now, rung: 0, left: times };
        }
        self.elapse(now)
    }

    /// The other end hung up or stopped ringing, or the network dropped the call.
    pub fn carrier_lost(&mut self) -> Vec<Output> {
        match std::mem::replace(&mut self.call, Call::None) {
            Call::Online { .. } | Call::OnHold => self.report(ResultCode::NoCarrier),
            Call::None | Call::Ringing { .. } => Vec::new(),
        }
    }

    /// When `elapse` has something to do next, if nothing else happens.
    pub fn wakes_at(&self) -> Option<Duration> {
        match self.call {
            Call::Ringing { next, .. } => Some(next),
            Call::Online { since, pluses: 3, guarded: true } => Some(since + self.guard_time()),
            _ => None,
        }
    }

    /// Time passes: it rings, or an escape sequence is complete.
    pub fn elapse(&mut self, now: Duration) -> Vec<Output> {
        let mut out = Vec::new();
        while self.wakes_at().is_some_and(|due| due <= now) {
            match self.call {
                Call::Ringing { left: 0, .. } => self.call = Call::None,
                Call::Ringing { next, rung, left } => {
                    self.call = Call::Ringing { next: next + RING_PERIOD, rung: rung + 1, left: left - 1 };
                    out.extend(self.report(ResultCode::Ring));
                    let answer_after = u32::from(self.settings.register(0).unwrap_or(0));
                    if answer_after > 0 && rung + 1 >= answer_after {
                        self.go_online(Output::Answered, now, &mut out);
                    }
                }
                _ => {
                    self.call = Call::OnHold;
                    out.extend(self.report(ResultCode::Ok));
                }
            }
        }
        out
    }

    fn typed(&mut self, byte: u8, now: Duration, out: &mut Vec<Output>) {
        if self.settings.echo {
            out.push(Output::ToComputer(vec![byte]));
        }
        match self.editor.push(byte, self.settings.terminator(), self.settings.delete()) {
            Typed::Nothing => {}
            Typed::Line(body) => self.run_line(&body, now, out),
            Typed::Unreadable => out.extend(self.report(ResultCode::Error)),
        }
    }

    fn run_line(&mut self, body: &str, now: Duration, out: &mut Vec<Output>) {
        for command in Commands::of(body) {
            let flow = command.map_or(Flow::End(ResultCode::Error), |command| self.run(command, now, out));
            if let Flow::End(result) = flow {
                out.extend(self.report(result));
                return;
            }
            if flow == Flow::Online {
                return;
            }
        }
        out.extend(self.report(ResultCode::Ok));
    }

    fn go_online(&mut self, how: Output, now: Duration, out: &mut Vec<Output>) {
        out.extend(self.report(ResultCode::Connect));
        out.push(how);
        self.call = Call::Online { since: now, pluses: 0, guarded: false };
    }

    fn pass(&mut self, byte: u8, now: Duration, out: &mut Vec<Output>) {
        out.push(Output::ToPeer(vec![byte]));
        let Call::Online { since, pluses, guarded } = self.call else { return };
        let silent = now.saturating_sub(since) >= self.guard_time();
        let (pluses, guarded) = match (byte, pluses) {
            (b'+', _) if silent => (1, true),
            (b'+', 1..=3) => (pluses + 1, guarded),
            _ => (0, false),
        };
        self.call = Call::Online { since: now, pluses, guarded };
    }

    /// S12: fiftieths of a second of silence around `+++`.
    fn guard_time(&self) -> Duration {
        Duration::from_millis(u64::from(self.settings.register(12).unwrap_or(50)) * 20)
    }

    fn report(&self, result: ResultCode) -> Vec<Output> {
        match self.settings.frame_result(result) {
            framed if framed.is_empty() => Vec::new(),
            framed => vec![Output::ToComputer(framed)],
        }
    }
}

/// Puts neighbouring bytes of one direction together.
fn join(outputs: Vec<Output>) -> Vec<Output> {
    let mut joined: Vec<Output> = Vec::new();
    for output in outputs {
        match (joined.last_mut(), output) {
            (Some(Output::ToComputer(bytes)), Output::ToComputer(more))
            | (Some(Output::ToPeer(bytes)), Output::ToPeer(more)) => bytes.extend(more),
            (_, output) => joined.push(output),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
