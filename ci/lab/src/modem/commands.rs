//! What each command does.

use super::profile::Extended;
use super::settings::{ResultCode, Settings};
use super::sim::Refusal;
use super::syntax::{Command, Form, Param};
use super::{Call, Modem, Output};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How the line goes on after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// With the next command.
    Next,
    /// Not at all: this is its result.
    End(ResultCode),
    /// Not at all: `CONNECT` was said and data passes.
    Online,
}

const REFUSED: Flow = Flow::End(ResultCode::Error);

/// Basic commands that are understood and change nothing a simulator can show, with their largest number.
const WITHOUT_EFFECT: &[(&str, u32)] =
    &[("L", 3), ("M", 3), ("P", 0), ("T", 0), ("X", 4), ("&C", 1), ("&D", 2), ("&K", 6)];

impl Modem {
    /// Carries out one command.
    pub(super) fn run(&mut self, command: Command, now: Duration, out: &mut Vec<Output>) -> Flow {
        match command {
            Command::Basic(name, value) => self.basic(&name, value, now, out),
            Command::SetRegister(register, value) => {
                self.settings.set_register(register, value).map_or(REFUSED, |()| Flow::Next)
            }
            Command::ReadRegister(register) => match self.settings.register(register) {
                Some(value) => self.inform(&format!("{value:03}"), out),
                None => REFUSED,
            },
            Command::Dial(number) => self.dial(&number, now, out),
            Command::Extended(name, form) => self.extended(&name, form, out),
        }
    }

    fn basic(&mut self, name: &str, value: u32, now: Duration, out: &mut Vec<Output>) -> Flow {
        match (name, value) {
            ("E", 0 | 1) => self.settings.echo = value == 1,
            ("V", 0 | 1) => self.settings.verbose = value == 1,
            ("Q", 0 | 1) => self.settings.quiet = value == 1,
            ("Z", 0 | 1) => {
                self.hang_up(out);
                self.settings = Settings::factory();
            }
            ("&F", 0) => self.settings = Settings::factory(),
            ("H", 0) => self.hang_up(out),
            ("I", 0) => {
                for line in self.profile.identification {
                    self.inform(line, out);
                }
            }
            ("A", 0) => return self.answer(now, out),
            ("O", 0) => return self.resume(now, out),
            _ if WITHOUT_EFFECT.iter().any(|(known, largest)| *known == name && value <= *largest) => {}
            _ => return REFUSED,
        }
        Flow::Next
    }

    fn hang_up(&mut self, out: &mut Vec<Output>) {
        if self.call != Call::None {
            self.call = Call::None;
            out.push(Output::HungUp);
        }
    }

    fn answer(&mut self, now: Duration, out: &mut Vec<Output>) -> Flow {
        match self.call {
            Call::Ringing { .. } => {
                self.go_online(Output::Answered, now, out);
                Flow::Online
            }
            _ => Flow::End(ResultCode::NoCarrier),
        }
    }

    fn resume(&mut self, now: Duration, out: &mut Vec<Output>) -> Flow {
        match self.call {
            Call::OnHold => {
                out.extend(self.report(ResultCode::Connect));
                self.call = Call::Online { since: now, pluses: 0, guarded: false };
                Flow::Online
            }
            _ => Flow::End(ResultCode::NoCarrier),
        }
    }

    /// Packet data is dialled as `*99#` or `*99***<context>#` (3GPP TS 27.007 §10.2.1); nobody else is on this line.
    fn dial(&mut self, number: &str, now: Duration, out: &mut Vec<Output>) -> Flow {
        let number = number.trim_start_matches(['T', 'P']);
        let context = match number.strip_prefix("*99").and_then(|rest| rest.strip_suffix('#')) {
            Some("") => Some(1),
            Some(rest) => rest.strip_prefix("***").and_then(|context| context.parse().ok()),
            None => None,
        };
        if self.call == Call::OnHold {
            return REFUSED;
        }
        if !context.is_some_and(|context| self.contexts.contains_key(&context)) {
            return Flow::End(ResultCode::NoCarrier);
        }
        self.go_online(Output::Dialled(number.to_owned()), now, out);
        Flow::Online
    }

    fn extended(&mut self, name: &str, form: Form, out: &mut Vec<Output>) -> Flow {
        let Some((name, command)) = self.profile.extended.iter().find(|(known, _)| *known == name) else {
            return REFUSED;
        };
        match (command, form) {
            (Extended::Text(text), Form::Act) => self.inform(text, out),
            (Extended::Number(range), form) => self.number(name, range, &form, out),
            (Extended::Registration, Form::Read) => {
                let reporting = self.settings.numbers.get(name).copied().unwrap_or(0);
                self.inform(&format!("+CREG: {reporting},{}", self.network.registration), out)
            }
            (Extended::Registration, form) => self.number(name, &(0..=2), &form, out),
            (Extended::Signal, Form::Act) => self.inform(&format!("+CSQ: {},99", self.network.signal), out),
            (Extended::Signal, Form::Test) => self.inform("+CSQ: (0-31,99),(99)", out),
            (Extended::Pin, Form::Read) => match self.sim.state() {
                Ok(state) => self.inform(&format!("+CPIN: {state}"), out),
                Err(refusal) => Flow::End(ResultCode::Refused(refusal)),
            },
            (Extended::Pin, Form::Set(params)) => self.enter_pin(&params),
            (Extended::Operator, Form::Read) => {
                self.inform(&format!("+COPS: 0,0,\"{}\"", self.network.operator), out)
            }
            (Extended::Contexts, Form::Test) => self.inform("+CGDCONT: (1-4),\"IP\",,,(0),(0)", out),
            (Extended::Contexts, Form::Read) => {
                for (context, (kind, apn)) in self.contexts.clone() {
                    self.inform(&format!("+CGDCONT: {context},\"{kind}\",\"{apn}\",\"\",0,0"), out);
                }
                Flow::Next
            }
            (Extended::Contexts, Form::Set(params)) => self.set_context(&params),
            (_, Form::Test) => Flow::Next,
            _ => REFUSED,
        }
    }

    fn number(
        &mut self,
        name: &'static str,
        range: &RangeInclusive<u32>,
        form: &Form,
        out: &mut Vec<Output>,
    ) -> Flow {
        match form {
            Form::Read => {
                let value = self.settings.numbers.get(name).unwrap_or(range.start());
                self.inform(&format!("{name}: {value}"), out)
            }
            Form::Test => self.inform(&format!("{name}: ({}-{})", range.start(), range.end()), out),
            Form::Set(params) => match params.as_slice() {
                [param] if param.number().is_some_and(|value| range.contains(&value)) => {
                    self.settings.numbers.extend(param.number().map(|value| (name, value)));
                    Flow::Next
                }
                _ => REFUSED,
            },
            Form::Act => REFUSED,
        }
    }

    fn enter_pin(&mut self, params: &[Param]) -> Flow {
        let entered = match params {
            [Param::Digits(pin) | Param::Text(pin)] => self.sim.enter(pin),
            _ => Err(Refusal::NotAllowed),
        };
        entered.map_or_else(|refusal| Flow::End(ResultCode::Refused(refusal)), |()| Flow::Next)
    }

    fn set_context(&mut self, params: &[Param]) -> Flow {
        let Some(context) = params.first().and_then(Param::number).filter(|n| (1..=4).contains(n)) else {
            return REFUSED;
        };
        match &params[1..] {
            [] => drop(self.contexts.remove(&context)),
            [Param::Text(kind), Param::Text(apn)] if kind == "IP" => {
                self.contexts.insert(context, (kind.clone(), apn.clone()));
            }
            _ => return REFUSED,
        }
        Flow::Next
    }

    fn inform(&self, text: &str, out: &mut Vec<Output>) -> Flow {
        out.push(Output::ToComputer(self.settings.frame_text(text)));
        Flow::Next
    }
}
