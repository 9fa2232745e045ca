//! Functionality and readiness: TS 27.007 §8.2, and Option's `_OBLS`.

use super::{Flow, REFUSED};
use crate::modem::Modem;
use crate::modem::refusal::Cme;
use crate::modem::syntax::Form;

impl Modem {
    pub(super) fn functionality(&mut self, port: usize, form: &Form) -> Flow {
        let known = self.profile.mobile.map_or(&[][..], |mobile| mobile.functionality);
        match form {
            Form::Read => self.inform(port, &format!("+CFUN: {}", self.functionality)),
            Form::Test => {
                let known: Vec<String> = known.iter().map(u32::to_string).collect();
                self.inform(port, &format!("+CFUN: ({}),(0-1)", known.join(",")))
            }
            Form::Set(params) => {
                let (level, reset) = match params.as_slice() {
                    [level] => (level.number(), Some(0)),
                    [level, reset] => (level.number(), reset.number()),
                    _ => return REFUSED,
                };
                match (level.filter(|level| known.contains(level)), reset) {
                    (Some(1), Some(1)) => {
                        // It restarts after its answer.
                        self.result(port, crate::modem::settings::ResultCode::Ok);
                        self.with_registration(Self::restart);
                        Flow::Pending
                    }
                    (Some(level), Some(0)) => {
                        self.with_registration(|modem| modem.functionality = level);
                        Flow::Next
                    }
                    _ => Cme::NotSupported.into(),
                }
            }
            Form::Act => REFUSED,
        }
    }

    /// Whether SIM, phone book and messages are ready.
    pub(super) fn option_ready(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Act => {
                let ready = u8::from(self.sim_usable().is_ok());
                self.inform(port, &format!("_OBLS: {ready}, {ready}, {ready}"))
            }
            _ => REFUSED,
        }
    }
}
