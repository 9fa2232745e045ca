//! The modem's clock: TS 27.007 §8.15.

use super::{Flow, REFUSED};
use crate::modem::cell::TimeOfDay;
use crate::modem::refusal::Cme;
use crate::modem::syntax::Form;
use crate::modem::{Modem, Rtc};

impl Modem {
    pub(super) fn clock(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Read => {
                let Rtc { origin, quarters } = self.rtc;
                let it = TimeOfDay { origin, quarters }.at(self.now);
                let right = format!(
                    "{:02}/{:02}/{:02},{:02}:{:02}:{:02}{:+03}",
                    it.year.rem_euclid(100),
                    it.month,
                    it.day,
                    it.hour,
                    it.minute,
                    it.second,
                    quarters
                );
                let shown = self.wrong_time.clone().unwrap_or(right);
                self.inform(port, &format!("+CCLK: \"{shown}\""))
            }
            Form::Test => Flow::Next,
            // None of our programs sets a modem's clock.
            Form::Set(_) => Cme::NotSupported.into(),
            Form::Act => REFUSED,
        }
    }
}
