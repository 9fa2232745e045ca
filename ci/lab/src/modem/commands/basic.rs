//! One letter, or `&` and one: ITU-T V.250 §6.1, §6.2, §6.3.

use super::{Flow, REFUSED};
use crate::modem::Modem;
use crate::modem::settings::{OnDtrDrop, Settings};

/// Commands that are accepted but change nothing in the simulator, with their largest number.
const WITHOUT_EFFECT: &[(&str, u32)] = &[("L", 3), ("M", 3), ("P", 0), ("T", 0), ("&K", 6)];

impl Modem {
    pub(super) fn basic(&mut self, port: usize, name: &str, value: u32) -> Flow {
        let keeps_echo = self.ports[port].trouble.keeps_echo;
        let settings = &mut self.ports[port].settings;
        match (name, value) {
            ("E", 0 | 1) => settings.echo = value == 1 || keeps_echo,
            ("V", 0 | 1) => settings.verbose = value == 1,
            ("Q", 0 | 1) => settings.quiet = value == 1,
            ("X", 0..=4) => settings.detail = u8::try_from(value).unwrap_or(4),
            ("&C", 0 | 1) => settings.carrier_as_it_is = value == 1,
            ("&D", 0) => settings.dtr = OnDtrDrop::Nothing,
            ("&D", 1) => settings.dtr = OnDtrDrop::Escape,
            ("&D", 2) => settings.dtr = OnDtrDrop::HangUp,
            ("&D", 3) => settings.dtr = OnDtrDrop::Reset,
            ("Z", 0 | 1) => {
                self.hang_up(port);
                self.reset_settings(port);
            }
            ("&F", 0) => self.reset_settings(port),
            ("H", 0) => self.hang_up(port),
            ("I", 0) => {
                for line in self.profile.identification {
                    self.inform(port, line);
                }
            }
            ("A", 0) => return self.answer(port),
            ("O", 0) => return self.resume(port),
            _ if WITHOUT_EFFECT.iter().any(|(known, largest)| *known == name && value <= *largest) => {}
            _ => return REFUSED,
        }
        Flow::Next
    }

    fn reset_settings(&mut self, port: usize) {
        self.ports[port].settings = Settings::factory();
        self.ports[port].settings.echo |= self.ports[port].trouble.keeps_echo;
        self.storages.forget_choice();
    }
}
