//! The SIM's PIN and PUK: TS 27.007 §7.4, §7.5, §8.3, §8.65, and makers' own commands.

use super::{Flow, REFUSED, flow};
use crate::modem::Modem;
use crate::modem::profile::Given;
use crate::modem::refusal::Cme;
use crate::modem::syntax::{Form, Param};

impl Modem {
    pub(super) fn pin(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Read if self.sim_starts_at.is_some() => Cme::SimBusy.into(),
            Form::Read => match self.sim.state() {
                Ok(state) => self.inform(port, &format!("+CPIN: {state}")),
                Err(cme) => cme.into(),
            },
            Form::Test => Flow::Next,
            Form::Set(_) if self.sim_starts_at.is_some() => Cme::SimBusy.into(),
            Form::Set(params) => {
                let secrets: Option<Vec<&str>> = params.iter().map(secret).collect();
                let mut outcome = Err(Cme::NotAllowed);
                self.with_registration(|modem| {
                    outcome = match secrets.as_deref() {
                        Some([pin]) => modem.sim.enter(pin),
                        Some([puk, new]) => modem.sim.unblock(puk, new),
                        _ => Err(Cme::NotAllowed),
                    };
                });
                flow(outcome)
            }
            Form::Act => REFUSED,
        }
    }

    pub(super) fn pin_retries(&mut self, port: usize, form: &Form) -> Flow {
        let (pin, puk) = self.sim.tries();
        match form {
            Form::Act => {
                self.inform(port, &format!("+CPINR: SIM PIN,{pin},3"));
                self.inform(port, &format!("+CPINR: SIM PUK,{puk},10"))
            }
            Form::Test => Flow::Next,
            _ => REFUSED,
        }
    }

    /// A maker's own counter.
    pub(super) fn pin_tries(
        &mut self,
        port: usize,
        given: Given,
        answer: fn(u8, u8) -> String,
        form: &Form,
    ) -> Flow {
        let (pin, puk) = self.sim.tries();
        match (given, form) {
            (Given::Acting, Form::Act)
            | (Given::Reading, Form::Read)
            | (Given::Testing, Form::Test)
            | (Given::Setting, Form::Set(_)) => self.inform(port, &answer(pin, puk)),
            _ => REFUSED,
        }
    }

    /// Option's own: the tries of the PIN and of the PUK.
    pub(super) fn option_pin_retries(&mut self, port: usize, form: &Form) -> Flow {
        let (pin, puk) = self.sim.tries();
        match form {
            Form::Read => self.inform(port, &format!("_OERCN: {pin}, {puk}")),
            _ => REFUSED,
        }
    }

    /// Huawei's own: the code asked for, its tries, then those of PUK, PIN, PUK2 and PIN2.
    pub(super) fn huawei_pin(&mut self, port: usize, form: &Form) -> Flow {
        let (pin, puk) = self.sim.tries();
        match (form, self.sim.state()) {
            (Form::Read, Ok(state)) => {
                let of_that = match state {
                    "SIM PIN" => pin.to_string(),
                    "SIM PUK" => puk.to_string(),
                    _ => String::new(),
                };
                self.inform(port, &format!("^CPIN: {state},{of_that},{puk},{pin},10,3"))
            }
            (Form::Read, Err(cme)) => cme.into(),
            _ => REFUSED,
        }
    }

    /// `+CLCK="SC",…`: whether the SIM asks for its PIN.
    pub(super) fn facility_lock(&mut self, port: usize, form: &Form) -> Flow {
        let params = match form {
            Form::Test => return self.inform(port, "+CLCK: (\"SC\")"),
            Form::Set(params) => params.as_slice(),
            _ => return REFUSED,
        };
        match params {
            [Param::Text(facility), mode, rest @ ..] if facility == "SC" => match (mode.number(), rest) {
                (Some(2), []) => match self.sim_usable() {
                    Err(cme @ (Cme::SimBusy | Cme::SimFailure | Cme::SimPukRequired)) => cme.into(),
                    _ => self.inform(port, &format!("+CLCK: {}", u8::from(self.sim.asks()))),
                },
                (Some(mode @ (0 | 1)), [given]) => match secret(given) {
                    Some(pin) => flow(self.sim.ask(mode == 1, pin)),
                    None => REFUSED,
                },
                _ => REFUSED,
            },
            _ => REFUSED,
        }
    }

    /// `+CPWD="SC",…`
    pub(super) fn password(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Test => self.inform(port, "+CPWD: (\"SC\",8)"),
            Form::Set(params) => match params.as_slice() {
                [Param::Text(facility), old, new] if facility == "SC" => match (secret(old), secret(new)) {
                    (Some(old), Some(new)) => flow(self.sim.change(old, new)),
                    _ => REFUSED,
                },
                _ => REFUSED,
            },
            _ => REFUSED,
        }
    }
}

/// A PIN may stand between quotes or without.
fn secret(param: &Param) -> Option<&str> {
    match param {
        Param::Digits(text) | Param::Text(text) => Some(text),
        Param::Omitted => None,
    }
}
