//! The operator's APNs, tried in order while no link comes up.

use super::{Dialer, Effect};
use crate::log::Level;
use crate::ppp::{self, Phase};
use crate::site::{Apn, Operator};

/// All of them, and the one in use: it stays in use as long as links come up with it.
#[derive(Debug, Default)]
pub struct Apns {
    all: Vec<Apn>,
    at: usize,
}

impl Apns {
    /// Those of a site; the first one is in use.
    pub fn new(operator: &Operator) -> Self {
        Self { all: [&operator.apn].into_iter().chain(&operator.other_apns).cloned().collect(), at: 0 }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The number of the one in use, from 0.
    pub fn current(&self) -> usize {
        self.at
    }

    /// No link has come up: the next one is in use from now on. `None` if there is only one.
    pub fn advance(&mut self) -> Option<&Apn> {
        if self.all.len() < 2 {
            return None;
        }
        self.at = (self.at + 1) % self.all.len();
        self.all.get(self.at)
    }
}

impl Dialer {
    /// The number of the APN for the next attempt, from 0.
    pub fn apn(&self) -> usize {
        self.apns.current()
    }

    /// An attempt has failed: the next one uses another APN, if there is one.
    pub(super) fn next_apn(&mut self, event: &ppp::Event) -> Option<Effect> {
        let has_failed = matches!(event, ppp::Event::Exited(..)) && self.session.phase() == Phase::Dialling;
        let apn = if has_failed { self.apns.advance() } else { None }?;
        Some(Effect::log(Level::Info, format!("the next attempt uses the APN {apn}")))
    }
}
