//! Commands that hold a number and do nothing else.

use super::{Flow, REFUSED};
use crate::modem::Modem;
use crate::modem::syntax::Form;
use std::ops::RangeInclusive;

impl Modem {
    pub(super) fn number(
        &mut self,
        port: usize,
        name: &'static str,
        range: &RangeInclusive<u32>,
        form: &Form,
    ) -> Flow {
        match form {
            Form::Read => {
                let value = self.ports[port].settings.numbers.get(name).copied().unwrap_or(*range.start());
                self.inform(port, &format!("{name}: {value}"))
            }
            Form::Test => self.inform(port, &format!("{name}: ({}-{})", range.start(), range.end())),
            Form::Set(params) => match params.as_slice() {
                [param] if param.number().is_some_and(|value| range.contains(&value)) => {
                    self.ports[port].settings.numbers.extend(param.number().map(|value| (name, value)));
                    if name == "+CTZU" {
                        self.update_clock();
                    }
                    Flow::Next
                }
                _ => REFUSED,
            },
            Form::Act => REFUSED,
        }
    }
}
