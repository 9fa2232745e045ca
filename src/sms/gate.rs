//! Which messages the box obeys.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::attempts::{Attempts, Verdict};
use super::command::{Code, Command, NotAnOrder, Order};
use super::dialling_plan::DiallingPlan;
use super::past::{Accepted, Fingerprint, Past, SecretMark};
use super::pdu::{Address, Body, Deliver, Part};
use super::proof::{self, CodeCheck};
use crate::clock::WallClock;
use crate::site::{OneTimeCode, PhoneNumber, Proof, Sms};

/// What lies between a message and its execution.
#[derive(Debug)]
pub struct Gate {
    site: Sms,
    /// The country whose networks may write the site's numbers in their own way.
    home: Option<&'static DiallingPlan>,
    used: Used,
    /// Messages that were obeyed.
    handled: Recent,
    /// Messages whose code was wrong or used. They are not looked at again: otherwise one
    /// that the modem fails to delete would cost an attempt every time it is listed, and would come
    /// true when its code does.
    refused: Recent,
    /// Messages with the first of two right codes, apart from the wrong ones: a flood of these would make the box forget
    /// them, and one that the modem failed to delete would be obeyed hours after it was refused.
    awaiting: Recent,
    attempts: Attempts,
}

/// Which codes of the site's secret were accepted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    /// None.
    None,
    /// The last one has this moving factor.
    UpTo(u64),
    /// That is lost. The service has started at this time since boot, and has accepted none.
    Lost { started: Duration },
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is obeyed.
    Accepted {
        /// What it orders.
        command: Command,
        /// Who gets the answer: the number as the site has it, since networks refuse to send to some
        /// forms in which they name a sender.
        from: Address,
        /// What must be stored *before* the command runs: then the message is refused for good, also
        /// after a power cut. What cannot be stored must not be obeyed.
        remember: Past,
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
    /// Which codes by the counter were used is lost: none can be accepted until somebody
    /// [sets](Gate::set_counter) it.
    CounterLost,
    /// Which codes by the clock were used is lost, and this one was shown before the service started.
    OlderThanStart,
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
    /// The file of the [store](crate::state::Store) that holds the [`Past`].
    pub const FILE: &'static str = "sms";

    /// The gate of a site, of which [`Judgement::Accepted`] last gave this past; of another secret, only
    /// the messages count. `started` is when the service started, in time since boot.
    #[must_use]
    pub fn new(site: &Sms, past: &Past, started: Duration) -> Self {
        let (used, handled) = match past {
            Past::NewCard => (Used::None, &[][..]),
            Past::Lost => (Used::Lost { started }, &[][..]),
            Past::Known(Accepted { secret, used, handled }) => {
                let used = used.filter(|_| *secret == SecretMark::from_proof(&site.proof));
                (used.map_or(Used::None, Used::UpTo), handled.as_slice())
            }
        };
        let mut gate = Self {
            site: site.clone(),
            home: DiallingPlan::of(&site.numbers),
            used,
            handled: Recent::new(HANDLED),
            refused: Recent::new(REFUSED),
            awaiting: Recent::new(HANDLED),
            attempts: Attempts::full(),
        };
        handled.iter().for_each(|fingerprint| gate.handled.add(*fingerprint));
        gate
    }

    /// Whether no code can be accepted until the counter is [set](Self::set_counter).
    #[must_use]
    pub fn lacks_counter(&self) -> bool {
        matches!((self.used, &self.site.proof), (Used::Lost { .. }, Proof::Hotp(_)))
    }

    /// The code of this counter counts as the last accepted one, whatever was before. Returns what must
    /// be stored; `None` if the site's codes are not counted.
    pub fn set_counter(&mut self, used: u64) -> Option<Past> {
        matches!(self.site.proof, Proof::Hotp(_)).then(|| {
            self.used = Used::UpTo(used);
            self.remember()
        })
    }

    /// Judges a message. What is cheap to tell comes first: only a well-formed order from a known
    /// number with a code of the right length is worth computing a code for, and only a wrong code
    /// costs one of the [attempts](super::attempts).
    pub fn judge(&mut self, message: &Deliver, clocks: impl Into<Clocks>, now: Duration) -> Judgement {
        match self.admit(message, clocks.into(), now) {
            Ok((command, from, clock)) => {
                self.handled.add(fingerprint(message));
                Judgement::Accepted { command, from, remember: self.remember(), clock }
            }
            Err(refusal) => Judgement::Refused(refusal),
        }
    }

    fn admit(
        &mut self,
        message: &Deliver,
        clocks: Clocks,
        now: Duration,
    ) -> Result<(Command, Address, Option<RightClock>), GateRefusal> {
        let is_sender = |number: &&PhoneNumber| message.from.is(number, self.home);
        let sender = self.site.numbers.iter().find(is_sender).ok_or(GateRefusal::UnknownNumber)?;
        let from = Address::of(sender);
        let fingerprint = fingerprint(message);
        if self.handled.has(fingerprint) {
            return Err(GateRefusal::AlreadyHandled);
        }
        if self.refused.has(fingerprint) || self.awaiting.has(fingerprint) {
            return Err(GateRefusal::AlreadyRefused);
        }
        // "Part 1 of 1" is whole: some telephones put the header on every message.
        if let Some(part) = message.part.filter(|part| part.of > 1) {
            return Err(GateRefusal::Multipart(part));
        }
        let Body::Text(text) = &message.body else { return Err(GateRefusal::Binary) };
        let order = Order::parse(text).map_err(GateRefusal::NotAnOrder)?;
        match self.prove(&order, clocks, now) {
            Ok(clock) => Ok((order.command, from, clock)),
            Err(refusal) => {
                match refusal {
                    GateRefusal::WrongCode | GateRefusal::UsedCode | GateRefusal::OlderThanStart => {
                        self.refused.add(fingerprint);
                    }
                    GateRefusal::SecondCodeNeeded => self.awaiting.add(fingerprint),
                    _ => {}
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
        if self.lacks_counter() {
            return Err(GateRefusal::CounterLost);
        }
        if !self.attempts.any_left(now) {
            return Err(GateRefusal::TooManyFailures);
        }
        let (check, clock) = match &self.site.proof {
            Proof::Totp(expected) => self.check_by_clock(expected, code, clocks, now)?,
            _ => {
                let used = match self.used {
                    Used::UpTo(factor) => Some(factor),
                    // A lost counter was refused above.
                    Used::None | Used::Lost { .. } => None,
                };
                (proof::judge_hotp(expected, code, used), None)
            }
        };
        match (self.attempts.count(check, now), self.used) {
            (Verdict::Proven(factor), _) => self.used = Used::UpTo(factor),
            (Verdict::FirstOfTwo, _) => return Err(GateRefusal::SecondCodeNeeded),
            (Verdict::Used, Used::Lost { .. }) => return Err(GateRefusal::OlderThanStart),
            (Verdict::Used, _) => return Err(GateRefusal::UsedCode),
            (Verdict::Wrong, _) => return Err(GateRefusal::WrongCode),
        }
        Ok(clock)
    }

    /// A code that is not right by the clock may be right by the other one.
    fn check_by_clock(
        &self,
        expected: &OneTimeCode,
        code: &Code,
        clocks: Clocks,
        now: Duration,
    ) -> Result<(CodeCheck, Option<RightClock>), GateRefusal> {
        let by = |wall: WallClock| {
            let used = match self.used {
                Used::None => None,
                Used::UpTo(factor) => Some(factor),
                // Every code that was accepted before had been shown before the service started.
                Used::Lost { started } => {
                    let since = i64::try_from(now.saturating_sub(started).as_secs()).unwrap_or(i64::MAX);
                    Some(proof::newest_step_at(wall.shown().saturating_sub(since)))
                }
            };
            let check = proof::judge_totp(expected, code, used, wall);
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

    fn remember(&self) -> Past {
        let used = match self.used {
            Used::UpTo(factor) => Some(factor),
            // Only without codes is anything accepted so.
            Used::None | Used::Lost { .. } => None,
        };
        let secret = SecretMark::from_proof(&self.site.proof);
        Past::Known(Accepted { secret, used, handled: self.handled.0.iter().copied().collect() })
    }
}

/// Tells one message from another. Two that differ are never taken for the same by accident; who
/// forges two alike on purpose has the second one refused.
fn fingerprint(message: &Deliver) -> Fingerprint {
    let body = match &message.body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(octets) => octets,
    };
    // A time that is not understood tells messages apart by its octets.
    let sent = match message.sent.unix() {
        Some(unix) => unix.to_be_bytes().to_vec(),
        None => message.sent.to_octets().to_vec(),
    };
    let hash = Sha1::new()
        .chain_update(sent)
        .chain_update(message.from.to_string())
        .chain_update([0])
        .chain_update(body);
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 20]>::from(hash.finalize());
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The last few fingerprints, and how many at most.
#[derive(Debug)]
struct Recent(VecDeque<Fingerprint>, usize);

impl Recent {
    fn new(most: usize) -> Self {
        Self(VecDeque::new(), most)
    }

    fn has(&self, fingerprint: Fingerprint) -> bool {
        self.0.contains(&fingerprint)
    }

    fn add(&mut self, fingerprint: Fingerprint) {
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
            Self::CounterLost => f.write_str(
                "which codes were used is lost; next: `dialctl codes resync` with two codes of the app",
            ),
            Self::OlderThanStart => {
                f.write_str("which codes were used is lost, and this one is older than the box's start")
            }
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
