//! The replies by SMS that are under way. The modem keeps their order, repeats a refused one for an hour, and never
//! repeats one that may have been sent.

use std::fmt;
use std::time::Duration;

use crate::allowance::Allowance;
use crate::modem::mobile::{OutgoingSms, SmsId};
use crate::site::Proof;
use crate::sms::pdu::{Address, Submit, TooLong};

/// The burst of replies to senders without a code: they cost the owner money, and a number is easily forged.
const UNPROVEN: u32 = 20;
/// One more reply per this time: with a boot a day, 116 a day.
const UNPROVEN_EVERY: Duration = Duration::from_secs(15 * 60);

/// Why a reply is not written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotWritten {
    /// There were too many recently.
    TooMany,
    /// It does not fit into one SMS.
    TooLong(TooLong),
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("too many, for no code"),
            Self::TooLong(error) => error.fmt(f),
        }
    }
}

/// The replies under way.
#[derive(Debug, Default)]
pub(super) struct Replies {
    under_way: Vec<SmsId>,
    /// `None` if senders have a code: then there is no limit.
    allowance: Option<Allowance>,
    last_id: u64,
}

impl Replies {
    /// Replies to senders with this proof.
    pub fn to(proof: &Proof) -> Self {
        let is_unproven = matches!(proof, Proof::SenderOnly);
        Self { allowance: is_unproven.then(|| Allowance::full(UNPROVEN, UNPROVEN_EVERY)), ..Self::default() }
    }

    /// Creates a reply.
    pub fn write(&mut self, to: &Address, text: &str, now: Duration) -> Result<OutgoingSms, NotWritten> {
        let message = Submit::text(to, text).map_err(NotWritten::TooLong)?;
        if let Some(allowance) = &mut self.allowance {
            if !allowance.any_left(now) {
                return Err(NotWritten::TooMany);
            }
            allowance.spend();
        }
        self.last_id += 1;
        let sms = OutgoingSms { id: SmsId(self.last_id), message };
        self.under_way.push(sms.id);
        Ok(sms)
    }

    /// The modem has sent it, or has given up.
    pub fn done(&mut self, id: SmsId) {
        self.under_way.retain(|other| *other != id);
    }

    /// Whether no reply is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Digits, OneTimeCode};

    #[test]
    fn a_reply_that_does_not_fit_is_not_under_way() {
        let mut replies = Replies::default();
        let number = "+33612345678".parse().unwrap();
        let result = replies.write(&number, &"x".repeat(161), Duration::ZERO);
        assert!(matches!(result, Err(NotWritten::TooLong(_))));
        assert!(replies.is_empty());
    }

    #[test]
    fn every_reply_has_an_id_of_its_own() {
        let mut replies = Replies::default();
        let number = "+33612345678".parse().unwrap();
        let [first, second] = ["a", "b"].map(|text| replies.write(&number, text, Duration::ZERO).unwrap());
        replies.done(first.id);
        assert!(!replies.is_empty());
        replies.done(first.id);
        assert!(!replies.is_empty());
        replies.done(second.id);
        assert!(replies.is_empty());
    }

    #[test]
    fn without_a_code_there_are_116_replies_a_day_and_no_more() {
        const DAY: usize = 24 * 60;
        let number = "+33612345678".parse().unwrap();
        let code = || OneTimeCode { secret: "A".repeat(32).parse().unwrap(), digits: Digits::Eight };
        for (proof, a_day) in
            [(Proof::SenderOnly, 116), (Proof::Totp(code()), DAY + 1), (Proof::Hotp(code()), DAY + 1)]
        {
            let mut replies = Replies::to(&proof);
            let mut write =
                |minute: u64| replies.write(&number, "connected", Duration::from_secs(60 * minute));
            assert_eq!((0..=DAY).filter_map(|minute| write(minute as u64).ok()).count(), a_day);
        }
    }
}
