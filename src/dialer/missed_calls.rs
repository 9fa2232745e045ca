//! Calls that open the link and are never answered. A caller's number proves nothing: only how often it counts is
//! limited.

use std::fmt;
use std::time::Duration;

use super::{Dialer, Effect, View};
use crate::allowance::Allowance;
use crate::log::Level;
use crate::site::{MissedCall, PhoneNumber, TimeSpan};
use crate::sms::dialling_plan::DiallingPlan;
use crate::sms::pdu::Address;

/// So many calls count at once.
const BURST: u32 = 4;
/// One more counts per this time: with a boot a day, eight a day.
const EVERY: Duration = Duration::from_secs(6 * 3600);
/// Rings further apart belong to two calls: the longest cadence is 6 s, and some modems report every other ring.
const SAME_CALL: Duration = Duration::from_secs(20);

/// Why a call does not open the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignored {
    /// It is not from one of the site's numbers.
    Stranger,
    /// Another ring of the same call.
    SameCall,
    TooMany,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger => "not one of the site's numbers",
            Self::SameCall => "the same call",
            Self::TooMany => "too many of them",
        })
    }
}

/// The calls of one boot.
#[derive(Debug)]
pub struct MissedCalls {
    site: MissedCall,
    home: Option<&'static DiallingPlan>,
    allowance: Allowance,
    last: Option<Duration>,
}

impl MissedCalls {
    /// No call has come yet.
    pub fn new(site: MissedCall) -> Self {
        let home = DiallingPlan::of(&site.numbers);
        Self { site, home, allowance: Allowance::full(BURST, EVERY), last: None }
    }

    /// A call rings. Returns how long to open the link for.
    pub(super) fn judge(&mut self, from: &Address, now: Duration) -> Result<TimeSpan, Ignored> {
        let is_caller = |number: &PhoneNumber| from.is(number, self.home);
        if !self.site.numbers.iter().any(is_caller) {
            return Err(Ignored::Stranger);
        }
        let before = self.last.replace(now);
        if before.is_some_and(|before| now < before + SAME_CALL) {
            return Err(Ignored::SameCall);
        }
        if !self.allowance.any_left(now) {
            return Err(Ignored::TooMany);
        }
        self.allowance.spend();
        Ok(self.site.length)
    }
}

impl Dialer {
    pub(super) fn called(&mut self, from: &Address, view: View) -> Vec<Effect> {
        let Some(calls) = &mut self.missed_calls else { return Vec::new() };
        let length = match calls.judge(from, view.at.now) {
            Ok(length) => length,
            Err(Ignored::SameCall) => return Vec::new(),
            Err(why) => return vec![Effect::log(Level::Info, format!("call from {from}: ignored, {why}"))],
        };
        if self.is_stopping {
            return Vec::new();
        }
        let what = format!("call from {from}: opens the link for {length}");
        self.want_link(view);
        let reaction = self.session.open(Some(length.get()), view.at);
        [Effect::log(Level::Info, what)].into_iter().chain(self.follow(reaction, view)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn calls() -> MissedCalls {
        let numbers = vec!["+33612345678".parse().unwrap()];
        MissedCalls::new(MissedCall { numbers, length: TimeSpan::minutes(15) })
    }

    fn caller(number: &str, kind: u8) -> Address {
        Address::of_caller(number, Some(kind)).unwrap()
    }

    #[test]
    fn only_the_site_s_numbers_count_in_every_form_of_their_network() {
        for (number, kind, expected) in [
            ("+33612345678", 145, Ok(TimeSpan::minutes(15))),
            ("33612345678", 145, Ok(TimeSpan::minutes(15))),
            ("0612345678", 129, Ok(TimeSpan::minutes(15))),
            ("0033612345678", 129, Ok(TimeSpan::minutes(15))),
            ("612345678", 161, Ok(TimeSpan::minutes(15))),
            ("+33612345679", 145, Err(Ignored::Stranger)),
            ("+39612345678", 145, Err(Ignored::Stranger)),
            ("12345678", 129, Err(Ignored::Stranger)),
        ] {
            assert_eq!(calls().judge(&caller(number, kind), SECOND), expected, "{number}");
        }
        assert_eq!(Address::of_caller("", Some(128)), None, "a withheld number");
    }

    #[test]
    fn the_rings_of_one_call_count_once() {
        let (mut calls, owner) = (calls(), caller("+33612345678", 145));
        assert!(calls.judge(&owner, 100 * SECOND).is_ok());
        for ring in 1..20 {
            assert_eq!(calls.judge(&owner, (100 + 5 * ring) * SECOND), Err(Ignored::SameCall));
        }
        assert!(calls.judge(&owner, 220 * SECOND).is_ok());
    }

    #[test]
    fn eight_calls_a_day_count_and_no_more() {
        let (mut calls, owner) = (calls(), caller("+33612345678", 145));
        let counted = (0..24 * 60).filter(|minute| calls.judge(&owner, 60 * SECOND * *minute).is_ok());
        assert_eq!(counted.count(), 7);
    }
}
