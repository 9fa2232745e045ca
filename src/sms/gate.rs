//! Which messages the box obeys.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::attempts::{Attempts, Verdict};
use super::command::{Code, Command, NotAnOrder, Order};
use super::pdu::{Address, Body, Deliver, Part};
use super::proof::{self, CodeCheck};
use crate::clock::WallClock;
use crate::record::Record;
use crate::site::{OneTimeCode, Proof, Sms};

/// What lies between a message and its execution.
#[derive(Debug)]
pub struct Gate {
    site: Sms,
    /// The last moving factor that was accepted, of this very secret.
    used: Option<u64>,
    /// Messages that were obeyed.
    handled: Recent,
    /// Messages whose code was wrong or not enough. They are not looked at again: otherwise one
    /// that the modem fails to delete would cost an attempt every time it is listed, and would come
    /// true when its code does.
    refused: Recent,
    attempts: Attempts,
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is obeyed.
    Accepted {
        /// What it orders.
        command: Command,
        /// Who gets the answer.
        from: Address,
        /// What must be in the [`Gate::FILE`] *before* the command runs: then the message is
        /// refused for good, also after a power cut. What cannot be stored must not be obeyed.
        remember: Record,
        /// The clock that the code was right by; `None` if it goes by none.
        clock: Option<RightClock>,
    },
    /// It is not. This is logged and never answered: an answer would cost money and tell a
    /// stranger that somebody is there.
    Refused(GateRefusal),
}

/// The clocks that a code may be right by.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// The one that is in force.
    pub wall: WallClock,
    /// What it may be instead, in seconds since 1970, while that is not sure.
    pub other: Option<i64>,
}

/// Which of them it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightClock {
    /// The one that is in force.
    Wall,
    /// The other one.
    Other,
}

impl From<WallClock> for Clocks {
    fn from(wall: WallClock) -> Self {
        Self { wall, other: None }
    }
}

/// Why a message is not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateRefusal {
    /// Its number is not in the site.
    UnknownNumber,
    /// It was obeyed before.
    AlreadyHandled,
    /// It was refused before for its code.
    AlreadyRefused,
    /// A part of a longer message: a command fits into one.
    Multipart(Part),
    /// Not a text.
    Binary,
    /// The text is no order.
    NotAnOrder(NotAnOrder),
    /// No code, or one of another length than the site's.
    NoCode,
    /// A code by the clock cannot be checked before the network has told the time. (An HOTP code
    /// can.)
    ClockNotSet,
    /// So many codes came that this one was not checked.
    TooManyFailures,
    /// The code is right, but after so many wrong ones a second right one must follow.
    SecondCodeNeeded,
    /// The code is wrong, or too old, or too new.
    WrongCode,
    /// The code was used before, or a later one was.
    UsedCode,
}

/// How many messages that were obeyed are remembered: more than one of the SIM's or the modem's
/// storages holds (SIMs have 10 to 50 paths), in 17 characters each.
const HANDLED: usize = 64;
/// How many refused ones, in memory only: a storage of 255 paths.
const REFUSED: usize = 256;

impl Gate {
    /// The file of the [store](crate::state::Store) that holds what the gate remembers.
    pub const FILE: &'static str = "sms";

    /// The gate of a site. `remembered` is what [`Judgement::Accepted`] last gave; of another
    /// secret, only the messages count.
    #[must_use]
    pub fn new(site: &Sms, remembered: &Record) -> Self {
        let same = remembered.get("secret") == Some(&mark(&site.proof));
        let handled = remembered.get("handled").unwrap_or_default().split(' ');
        let handled = handled.filter_map(|hex| u64::from_str_radix(hex, 16).ok());
        let mut gate = Self {
            site: site.clone(),
            used: remembered.number("used").filter(|_| same),
            handled: Recent::new(HANDLED),
            refused: Recent::new(REFUSED),
            attempts: Attempts::full(),
        };
        handled.for_each(|fingerprint| gate.handled.add(fingerprint));
        gate
    }

    /// Judges a message. What is cheap to tell comes first: only a well-formed order from a known
    /// number with a code of the right length is worth computing a code for, and only a wrong code
    /// costs one of the [attempts](super::attempts).
    pub fn judge(&mut self, message: &Deliver, clocks: impl Into<Clocks>, now: Duration) -> Judgement {
        match self.admit(message, clocks.into(), now) {
            Ok((command, clock)) => {
                self.handled.add(fingerprint(message));
                Judgement::Accepted { command, from: message.from.clone(), remember: self.remember(), clock }
            }
            Err(refusal) => Judgement::Refused(refusal),
        }
    }

    fn admit(
        &mut self,
        message: &Deliver,
        clocks: Clocks,
        now: Duration,
    ) -> Result<(Command, Option<RightClock>), GateRefusal> {
        if !self.site.numbers.iter().any(|number| message.from.is(number)) {
            return Err(GateRefusal::UnknownNumber);
        }
        let fingerprint = fingerprint(message);
        if self.handled.has(fingerprint) {
            return Err(GateRefusal::AlreadyHandled);
        }
        if self.refused.has(fingerprint) {
            return Err(GateRefusal::AlreadyRefused);
        }
        if let Some(part) = message.part {
            return Err(GateRefusal::Multipart(part));
        }
        let Body::Text(text) = &message.body else { return Err(GateRefusal::Binary) };
        let order = Order::parse(text).map_err(GateRefusal::NotAnOrder)?;
        match self.prove(&order, clocks, now) {
            Ok(clock) => Ok((order.command, clock)),
            Err(refusal) => {
                if matches!(
                    refusal,
                    GateRefusal::WrongCode | GateRefusal::UsedCode | GateRefusal::SecondCodeNeeded
                ) {
                    self.refused.add(fingerprint);
                }
                Err(refusal)
            }
        }
    }

    fn prove(
        &mut self,
        order: &Order,
        clocks: Clocks,
        now: Duration,
    ) -> Result<Option<RightClock>, GateRefusal> {
        let (Proof::Totp(expected) | Proof::Hotp(expected)) = &self.site.proof else { return Ok(None) };
        let of_length = order.code.as_ref().filter(|code| code.reveal().len() == expected.digits.count());
        let code = of_length.ok_or(GateRefusal::NoCode)?;
        if !self.attempts.any_left(now) {
            return Err(GateRefusal::TooManyFailures);
        }
        let (check, clock) = match &self.site.proof {
            Proof::Totp(expected) => self.check_by_clock(expected, code, clocks)?,
            _ => (proof::judge_hotp(expected, code, self.used), None),
        };
        match self.attempts.count(check, now) {
            Verdict::Proven(factor) => self.used = Some(factor),
            Verdict::FirstOfTwo => return Err(GateRefusal::SecondCodeNeeded),
            Verdict::Used => return Err(GateRefusal::UsedCode),
            Verdict::Wrong => return Err(GateRefusal::WrongCode),
        }
        Ok(clock)
    }

    /// A code that is not right by the clock may be right by the other one.
    fn check_by_clock(
        &self,
        expected: &OneTimeCode,
        code: &Code,
        clocks: Clocks,
    ) -> Result<(CodeCheck, Option<RightClock>), GateRefusal> {
        let by = |wall| {
            let check = proof::judge_totp(expected, code, self.used, wall);
            check.map_err(|proof::ClockNotSet| GateRefusal::ClockNotSet)
        };
        let first = by(clocks.wall)?;
        match clocks.other {
            Some(other) if first == CodeCheck::Wrong => {
                Ok((by(WallClock::Known(other))?, Some(RightClock::Other)))
            }
            Some(_) | None => Ok((first, Some(RightClock::Wall))),
        }
    }

    fn remember(&self) -> Record {
        let handled: Vec<String> = self.handled.0.iter().map(|it| format!("{it:016x}")).collect();
        Record::new()
            .with("secret", mark(&self.site.proof))
            .with_known("used", self.used)
            .with("handled", handled.join(" "))
    }
}

/// Tells one secret from another without telling it: 32 bits of a hash of 128 or more.
fn mark(proof: &Proof) -> String {
    let (kind, OneTimeCode { secret, .. }) = match proof {
        Proof::Totp(code) => ("totp", code),
        Proof::Hotp(code) => ("hotp", code),
        Proof::SenderOnly => return "sender-only".to_owned(),
    };
    let [a, b, c, d, ..] = <[u8; 20]>::from(Sha1::digest(secret.reveal()));
    format!("{kind}-{:08x}", u32::from_be_bytes([a, b, c, d]))
}

/// Tells one message from another. Two that differ are never taken for the same by accident; who
/// forges two alike on purpose has the second one refused.
fn fingerprint(message: &Deliver) -> u64 {
    let body = match &message.body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(octets) => octets,
    };
    let hash = Sha1::new()
        .chain_update(message.sent.unix().to_be_bytes())
        .chain_update(message.from.to_string())
        .chain_update([0])
        .chain_update(body);
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 20]>::from(hash.finalize());
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The last few fingerprints, and how many at most.
#[derive(Debug)]
struct Recent(VecDeque<u64>, usize);

impl Recent {
    fn new(most: usize) -> Self {
        Self(VecDeque::new(), most)
    }

    fn has(&self, fingerprint: u64) -> bool {
        self.0.contains(&fingerprint)
    }

    fn add(&mut self, fingerprint: u64) {
        if self.0.len() == self.1 {
            self.0.pop_front();
        }
        self.0.push_back(fingerprint);
    }
}

impl fmt::Display for GateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownNumber => f.write_str("its number is not in the site"),
            Self::AlreadyHandled => f.write_str("it was obeyed before"),
            Self::AlreadyRefused => f.write_str("it was refused before"),
            Self::Multipart(part) => write!(f, "part {} of {} of a longer message", part.number, part.of),
            Self::Binary => f.write_str("not a text"),
            Self::NotAnOrder(why) => why.fmt(f),
            Self::NoCode => f.write_str("no code of the right length"),
            Self::ClockNotSet => f.write_str("the clock is not set, its code cannot be checked"),
            Self::SecondCodeNeeded => {
                f.write_str("right code, but after so many wrong ones a second one is needed")
            }
            Self::TooManyFailures => f.write_str("too many wrong codes, this one was not checked"),
            Self::WrongCode => f.write_str("wrong code"),
            Self::UsedCode => f.write_str("used code"),
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
