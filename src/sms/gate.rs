//! Decides which messages the box obeys.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::attempts::{Attempts, Verdict};
use super::code::Code;
use super::command::{Command, NotAnOrder, Order};
use super::dialling_plan::DiallingPlan;
use super::past::{Accepted, Fingerprint, Past, SecretMark};
use super::pdu::{Address, Body, Deliver, Part};
use super::proof::{self, CodeCheck};
use crate::clock::WallClock;
use crate::site::{OneTimeCode, PhoneNumber, Proof, Sms};

/// Checks every message before it is carried out.
#[derive(Debug)]
pub struct Gate {
    site: Sms,
    /// The country whose networks may write the site's numbers in their own way.
    home: Option<&'static DiallingPlan>,
    used: Used,
    /// Messages that were obeyed.
    handled: Recent,
    /// Messages whose code was wrong or used. They are not checked again: otherwise a message that the modem fails to
    /// delete would cost an attempt with every listing, and would be obeyed once its code is right.
    refused: Recent,
    /// Messages with the first of two right codes. They are kept apart from the wrong ones: a flood of those would
    /// displace them, and a message that the modem fails to delete would be obeyed hours after it was refused.
    awaiting: Recent,
    attempts: Attempts,
}

/// Which codes of the site's secret were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    /// None.
    None,
    /// The last one has this moving factor.
    UpTo(u64),
    /// This information is lost. The service started at this time since boot, and has accepted none.
    Lost { started: Duration },
}

/// An order that is obeyed.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedOrder {
    /// The command.
    pub command: Command,
    /// The recipient of the answer: the number as the site has it, since networks refuse to send to some of the
    /// forms in which they name a sender.
    pub from: Address,
    /// Must be stored *before* the command runs: then the message is never accepted again, not even after a power
    /// cut. If it cannot be stored, the command must not run.
    pub remember: Past,
    /// The clock by which the code was right; `None` if it depends on none.
    pub clock: Option<RightClock>,
}

/// The clocks by which a code may be right.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// The clock in force.
    pub wall: WallClock,
    /// The other possible time, in seconds since 1970, while the clock is uncertain.
    pub other: Option<i64>,
}

/// Which of them it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightClock {
    /// The clock in force.
    Wall,
    /// The other one.
    Other,
}

impl From<WallClock> for Clocks {
    fn from(wall: WallClock) -> Self {
        Self { wall, other: None }
    }
}

/// Why a message is not obeyed. This is logged and never answered: an answer would cost money and show a stranger that
/// the box exists.
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
    /// The site lets no message change it.
    NothingIsSet,
    /// Lines are for proven senders only.
    NotProven,
    /// A TOTP code cannot be checked before the network has sent the time. (An HOTP code can.)
    ClockNotSet,
    /// The used HOTP codes are not known: none is accepted until the counter is [set](Gate::set_counter).
    CounterLost,
    /// The used TOTP codes are not known, and this one was shown before the service started.
    OlderThanStart,
    /// There were too many wrong codes: this one was not checked.
    TooManyFailures,
    /// The code is right, but after so many wrong ones a second right one must follow.
    SecondCodeNeeded,
    /// The code is wrong, or too old, or too new.
    WrongCode,
    /// The code was used before, or a later one was.
    UsedCode,
}

/// The number of obeyed messages that are remembered: more than a storage of the SIM or the modem holds (SIMs have 10
/// to 50 places), in 17 characters each.
const HANDLED: usize = 64;
/// The number of refused ones, in memory only: a storage of 255 places.
const REFUSED: usize = 256;

impl Gate {
    /// The file of the [store](crate::state::Store) that holds the [`Past`].
    pub const FILE: &'static str = "sms";

    /// The gate of a site, with the past of its last [`AcceptedOrder`]; if the secret has changed, only the
    /// messages count. `started` is when the service started, in time since boot.
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

    /// From now on these numbers are the site's.
    pub fn set_numbers(&mut self, numbers: &[PhoneNumber]) {
        self.home = DiallingPlan::of(numbers);
        numbers.clone_into(&mut self.site.numbers);
    }

    /// Takes the code of this counter for the last accepted one. Returns what must be stored; `None` if the site does
    /// not use HOTP.
    pub fn set_counter(&mut self, used: u64) -> Option<Past> {
        matches!(self.site.proof, Proof::Hotp(_)).then(|| {
            self.used = Used::UpTo(used);
            self.remember()
        })
    }

    /// Decides about a message. Cheap checks come first: codes are computed only for a well-formed order from a known
    /// number with a code of the right length, and only a wrong code costs one of the [attempts](super::attempts).
    ///
    /// # Errors
    /// The message is refused.
    pub fn judge(
        &mut self,
        message: &Deliver,
        clocks: impl Into<Clocks>,
        now: Duration,
    ) -> Result<AcceptedOrder, GateRefusal> {
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
        let proof = self.prove(&order, clocks.into(), now);
        match proof {
            Ok(_) => self.handled.add(fingerprint),
            Err(GateRefusal::WrongCode | GateRefusal::UsedCode | GateRefusal::OlderThanStart) => {
                self.refused.add(fingerprint);
            }
            Err(GateRefusal::SecondCodeNeeded) => self.awaiting.add(fingerprint),
            Err(_) => {}
        }
        let clock = proof?;
        Ok(AcceptedOrder { command: order.command, from, remember: self.remember(), clock })
    }

    fn prove(
        &mut self,
        order: &Order,
        clocks: Clocks,
        now: Duration,
    ) -> Result<Option<RightClock>, GateRefusal> {
        if matches!(order.command, Command::Set(_)) && !self.site.may_set {
            return Err(GateRefusal::NothingIsSet);
        }
        let is_of_a_line = matches!(order.command, Command::Switch(_) | Command::Get(_));
        if is_of_a_line && self.site.proof == Proof::SenderOnly {
            return Err(GateRefusal::NotProven);
        }
        let (Proof::Totp(expected) | Proof::Hotp(expected)) = &self.site.proof else { return Ok(None) };
        let of_length = order.code.as_ref().filter(|code| code.reveal().len() == expected.digits.count());
        let code = of_length.ok_or(GateRefusal::NoCode)?;
        if !self.attempts.any_left(now) {
            return Err(GateRefusal::TooManyFailures);
        }
        let (check, clock) = match (&self.site.proof, self.used) {
            (Proof::Totp(expected), _) => self.check_by_clock(expected, code, clocks, now)?,
            (_, Used::UpTo(factor)) => (proof::judge_hotp(expected, code, Some(factor)), None),
            (_, Used::None) => (proof::judge_hotp(expected, code, None), None),
            (_, Used::Lost { .. }) => return Err(GateRefusal::CounterLost),
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

    /// Checks a TOTP code by the clock in force, and then by the other possible time.
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
                // Every code that was accepted earlier was shown before the service started.
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
            // Nothing was accepted, or the site asks for no code.
            Used::None | Used::Lost { .. } => None,
        };
        let secret = SecretMark::from_proof(&self.site.proof);
        Past::Known(Accepted { secret, used, handled: self.handled.0.iter().copied().collect() })
    }
}

/// Identifies a message. Different messages do not collide by accident; of two that are forged to collide, the second
/// is refused.
fn fingerprint(message: &Deliver) -> Fingerprint {
    let body = match &message.body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(octets) => octets,
    };
    // A time that cannot be parsed still distinguishes messages by its octets.
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

/// The last fingerprints, and their maximum number.
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
            Self::NotProven => f.write_str("without a code no message switches or reads a line"),
            Self::NothingIsSet => f.write_str("the site lets no message set anything"),
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
