//! Signal, registration, operator: TS 27.007 §7.2, §7.3, §8.5, §10.1.9.

use super::{Flow, REFUSED};
use crate::modem::cell::Registration;
use crate::modem::refusal::Cme;
use crate::modem::syntax::{Form, Param};
use crate::modem::{Modem, Output};

impl Modem {
    pub(super) fn signal(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Act => {
                let heard = if self.functionality == 1 { self.cell.signal } else { 99 };
                self.inform(port, &format!("+CSQ: {heard},99"))
            }
            Form::Test => self.inform(port, "+CSQ: (0-31,99),(99)"),
            _ => REFUSED,
        }
    }

    pub(super) fn option_signal(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Read => self.inform(port, &format!("_OSIGQ: {},0", self.cell.signal)),
            Form::Test => Flow::Next,
            _ => REFUSED,
        }
    }

    pub(super) fn registration_command(&mut self, port: usize, name: &'static str, form: &Form) -> Flow {
        if *form != Form::Read {
            return self.number(port, name, &(0..=2), form);
        }
        let level = self.ports[port].settings.number(name);
        let registration = self.registration_in(name);
        let place = if level == 2 { self.place(name) } else { String::new() };
        self.inform(port, &format!("{name}: {level},{}{place}", registration as u8))
    }

    pub(super) fn operator(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Read => {
                let format = self.ports[port].settings.operator_format;
                let mode = if self.deregistered { 2 } else { 0 };
                let technology = self.cell.domains.technology();
                let shown = match (self.registration().serves(), format) {
                    (false, _) => format!("+COPS: {mode}"),
                    (true, 2) => format!("+COPS: {mode},2,\"{}\",{technology}", self.cell.numeric),
                    (true, format) => {
                        format!("+COPS: {mode},{format},\"{}\",{technology}", self.cell.operator)
                    }
                };
                self.inform(port, &shown)
            }
            Form::Test => match self.sim_usable() {
                Err(cme) => cme.into(),
                Ok(()) => {
                    let (name, numeric) = (&self.cell.operator, &self.cell.numeric);
                    let shown = format!("+COPS: (2,\"{name}\",\"{name}\",\"{numeric}\",2),,(0-4),(0-2)");
                    self.inform(port, &shown)
                }
            },
            Form::Set(params) => self.choose_operator(port, params),
            Form::Act => REFUSED,
        }
    }

    fn choose_operator(&mut self, port: usize, params: &[Param]) -> Flow {
        let numbers: Vec<Option<u32>> = params.iter().map(Param::number).collect();
        match (numbers.as_slice(), params) {
            ([Some(3), Some(format @ 0..=2)], _) => {
                self.ports[port].settings.operator_format = u8::try_from(*format).unwrap_or(0);
                Flow::Next
            }
            ([Some(2)], _) => {
                self.with_registration(|modem| modem.deregistered = true);
                Flow::Next
            }
            ([Some(0)] | [Some(0), Some(0..=2)], _) => self.search(),
            ([Some(1), Some(2), ..], [_, _, Param::Text(numeric), ..]) if *numeric == self.cell.numeric => {
                self.search()
            }
            ([Some(1), Some(0..=2), ..], [_, _, Param::Text(_), ..]) => Cme::NoNetworkService.into(),
            _ => REFUSED,
        }
    }

    fn search(&mut self) -> Flow {
        if let Err(cme) = self.sim_usable() {
            return cme.into();
        }
        self.with_registration(|modem| modem.deregistered = false);
        Flow::Next
    }

    pub(super) fn attachment(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Read => {
                let attached = u8::from(self.data_serves());
                self.inform(port, &format!("+CGATT: {attached}"))
            }
            Form::Test => self.inform(port, "+CGATT: (0,1)"),
            Form::Set(params) => match params.as_slice() {
                [param] if param.number() == Some(1) && self.registration() == Registration::None => {
                    Cme::NoNetworkService.into()
                }
                [param] if param.number() == Some(1) => Flow::Next,
                [param] if param.number() == Some(0) => {
                    self.carrier_lost();
                    Flow::Next
                }
                _ => REFUSED,
            },
            Form::Act => REFUSED,
        }
    }

    /// Informs the network that the modem can take messages again.
    pub(super) fn room_again(&mut self) {
        self.out.push(Output::RoomAgain);
    }
}
