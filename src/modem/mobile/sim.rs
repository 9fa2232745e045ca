//! The SIM card, and when it may get its PIN.
//!
//! Three wrong PINs block a card, and only a person with its PUK can unblock it. So the box sends a PIN at most once a
//! boot, never if the modem does not report the tries left or fewer than two are left, and a refused PIN not again
//! until the site has another one. The attempt is stored before it is made. The box never sends a PUK.

use std::fmt;

use sha1::{Digest, Sha1};

use crate::equipment_error::EquipmentError;
use crate::modem::at::response::{CommandError, Final};
use crate::record::Record;
use crate::site::Pin;
use crate::state::Store;

/// The last try is left for a person who knows the PIN.
const FEWEST_TRIES: u32 = 2;

const NONE: &str = "no SIM";
const WRONG: &str = "wrong SIM";

/// What SIMCom's modems answer instead of the errors of TS 27.007.
const NO_CODES: [(&str, EquipmentError); 3] = [
    ("NOT INSERTED", EquipmentError::SIM_NOT_INSERTED),
    ("SIM REMOVED", EquipmentError::SIM_NOT_INSERTED),
    ("NOT READY", EquipmentError::SIM_BUSY),
];

/// The state of the SIM from `+CPIN?` (TS 27.007 §8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sim {
    /// It can be used.
    Ready,
    /// It waits for something, such as `SIM PIN` or `SIM PUK`.
    Wants(String),
    /// There is none, or the modem cannot read it; the reason, in the modem's words.
    Unusable(String),
}

impl Sim {
    /// Parses the answer to `+CPIN?`.
    pub fn from_answer(result: &Final, answer: &[String]) -> Self {
        let said = answer.iter().find_map(|line| line.strip_prefix("+CPIN:"));
        match (result, said.map(|said| said.trim().trim_matches('"'))) {
            (Final::Ok, Some("READY")) => Self::Ready,
            (Final::Ok, Some(what)) => match NO_CODES.iter().find(|(words, _)| *words == what) {
                Some((_, error)) => Self::from_error(*error),
                None => Self::Wants(what.to_owned()),
            },
            (Final::Refused(CommandError::Equipment(said)), _) => {
                Self::from_error(EquipmentError::parse(said))
            }
            _ => Self::Unusable("no answer to +CPIN?".to_owned()),
        }
    }

    fn from_error(error: EquipmentError) -> Self {
        Self::Unusable(match error {
            EquipmentError::SIM_NOT_INSERTED => NONE.to_owned(),
            EquipmentError::SIM_WRONG => WRONG.to_owned(),
            error => error.to_string(),
        })
    }

    /// Whether a person has to insert another card.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Unusable(why) if why == NONE || why == WRONG)
    }

    /// Whether it waits for the PIN, which a site can have.
    pub fn wants_pin(&self) -> bool {
        matches!(self, Self::Wants(what) if what == "SIM PIN")
    }
}

impl fmt::Display for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Wants(what) => write!(f, "wants {what}"),
            Self::Unusable(why) => write!(f, "unusable: {why}"),
        }
    }
}

/// The outcome of the last PIN, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// A hash of the PIN. Anyone can find the PIN from it by trying all PINs; it only avoids a second copy of the PIN
    /// itself.
    pin: String,
    /// The number of the card, if the modem reports it.
    card: Option<String>,
    /// The tries that were left before.
    tries: u32,
    /// The kernel's ID of the boot in which it was given.
    boot: String,
    outcome: PinResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PinResult {
    /// It was about to be given.
    Unknown,
    Accepted,
    Refused,
}

impl PinResult {
    const WORDS: [(Self, &'static str); 3] =
        [(Self::Unknown, "unknown"), (Self::Accepted, "accepted"), (Self::Refused, "refused")];
}

impl Memory {
    /// Its file in the [store](crate::state::Store).
    pub const FILE: &'static str = "sim";

    /// What the store remembers.
    pub fn load(store: &Store) -> Option<Self> {
        Self::from_record(&Record::parse(&store.read(Self::FILE)?))
    }

    pub(crate) fn from_record(record: &Record) -> Option<Self> {
        let outcome = record.get("outcome")?;
        Some(Self {
            pin: record.get("pin")?.to_owned(),
            card: record.get("card").map(str::to_owned),
            tries: record.number("tries")?.try_into().ok()?,
            boot: record.get("boot")?.to_owned(),
            outcome: PinResult::WORDS.iter().find(|(_, text)| *text == outcome)?.0,
        })
    }

    pub(crate) fn to_record(&self) -> Record {
        let text = PinResult::WORDS.iter().find(|(outcome, _)| *outcome == self.outcome);
        Record::new()
            .with("pin", &self.pin)
            .with_known("card", self.card.as_ref())
            .with("tries", self.tries)
            .with("boot", &self.boot)
            .with_known("outcome", text.map(|(_, text)| text))
    }

    /// Whether this may replace the stored memory in the boot of this ID: in one boot a PIN is given once, with one
    /// outcome.
    pub(crate) fn may_follow(&self, before: Option<&Self>, boot: &str) -> bool {
        let before = before.filter(|before| before.boot == boot).map(|before| before.outcome);
        let expected = match self.outcome {
            PinResult::Unknown => None,
            PinResult::Accepted | PinResult::Refused => Some(PinResult::Unknown),
        };
        self.boot == boot && before == expected
    }

    /// Whether this is about the same PIN and, as far as known, the same card.
    fn is_about(&self, pin: &str, card: Option<&str>) -> bool {
        let cards_differ = self.card.as_deref().zip(card).is_some_and(|(a, b)| a != b);
        self.pin == pin && !cards_differ
    }
}

/// Why a SIM that waits for its PIN does not get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PinWithheld {
    NoneInSite,
    TriesUnknown,
    TooFewTries(u32),
    Refused,
    GivenThisBoot,
}

impl fmt::Display for PinWithheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneInSite => f.write_str("wants SIM PIN, and the site has none"),
            Self::TriesUnknown => {
                f.write_str("wants SIM PIN, and the modem does not say how many tries are left")
            }
            Self::TooFewTries(left) => write!(f, "wants SIM PIN, and too few tries are left: {left}"),
            Self::Refused => f.write_str("PIN refused; correct site.toml"),
            Self::GivenThisBoot => f.write_str("wants SIM PIN again, which it gets once a boot"),
        }
    }
}

/// The rules for the site's PIN, with the memory of the last one.
#[derive(Debug)]
pub(crate) struct PinPolicy {
    pin: Option<Pin>,
    memory: Option<Memory>,
    boot: String,
}

impl PinPolicy {
    /// The rules for the site's PIN, the stored memory, and the ID of this boot.
    pub fn new(pin: Option<Pin>, memory: Option<Memory>, boot: String) -> Self {
        Self { pin, memory, boot }
    }

    /// The PIN, if it may be sent now, and the memory to store before.
    pub fn attempt(&mut self, tries: Option<u32>, card: Option<&str>) -> Result<(Pin, Record), PinWithheld> {
        let pin = self.pin.clone().ok_or(PinWithheld::NoneInSite)?;
        let hash = fingerprint(&pin);
        let before = self.memory.as_ref();
        if before.is_some_and(|memory| memory.is_about(&hash, card) && memory.outcome == PinResult::Refused) {
            return Err(PinWithheld::Refused);
        }
        if before.is_some_and(|memory| memory.boot == self.boot) {
            return Err(PinWithheld::GivenThisBoot);
        }
        let left = tries.ok_or(PinWithheld::TriesUnknown)?;
        // The power failed during the last attempt: if it cost a try, the PIN was refused.
        let was_lost = |memory: &Memory| memory.outcome == PinResult::Unknown && left < memory.tries;
        if before.is_some_and(|memory| memory.is_about(&hash, card) && was_lost(memory)) {
            return Err(PinWithheld::Refused);
        }
        if left < FEWEST_TRIES {
            return Err(PinWithheld::TooFewTries(left));
        }
        let memory = Memory {
            pin: hash,
            card: card.map(str::to_owned),
            tries: left,
            boot: self.boot.clone(),
            outcome: PinResult::Unknown,
        };
        let record = memory.to_record();
        self.memory = Some(memory);
        Ok((pin, record))
    }

    /// The modem has answered the PIN. Returns the memory to store. An error other than the two of a wrong PIN leaves
    /// the outcome unknown: the next boot checks whether it has cost a try.
    pub fn learn(&mut self, result: &Final) -> Option<Record> {
        let outcome = match result {
            Final::Ok => PinResult::Accepted,
            Final::Refused(CommandError::Equipment(said)) => match EquipmentError::parse(said) {
                EquipmentError::INCORRECT_PASSWORD | EquipmentError::SIM_PUK_REQUIRED => PinResult::Refused,
                _ => return None,
            },
            _ => return None,
        };
        let memory = self.memory.as_mut()?;
        memory.outcome = outcome;
        Some(memory.to_record())
    }

    /// The PIN, if this card has accepted it before and a wrong one would do no harm: for `dialctl modem pin-disable`.
    pub fn proven(&self, tries: Option<u32>, card: Option<&str>) -> Option<Pin> {
        let pin = self.pin.as_ref().filter(|_| tries.is_some_and(|left| left >= FEWEST_TRIES))?;
        let hash = fingerprint(pin);
        let took = |memory: &&Memory| memory.outcome == PinResult::Accepted && memory.is_about(&hash, card);
        self.memory.as_ref().filter(took).map(|_| pin.clone())
    }

    /// Whether a PIN was sent and accepted in this boot.
    pub fn has_opened(&self) -> bool {
        let taken = |memory: &Memory| memory.boot == self.boot && memory.outcome == PinResult::Accepted;
        self.memory.as_ref().is_some_and(taken)
    }
}

fn fingerprint(pin: &Pin) -> String {
    let hash = Sha1::digest(pin.reveal());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The number of a SIM card in the answer to `+CCID`: 19 or 20 digits (ITU-T E.118), perhaps quoted,
/// perhaps padded with `F`.
pub(crate) fn card_number(answer: &[String]) -> Option<String> {
    let words = answer.iter().flat_map(|line| line.split([' ', ':', ',', '"']));
    let is_number = |word: &&str| (18..=20).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    words.map(|word| word.trim_end_matches(['F', 'f'])).find(is_number).map(str::to_owned)
}

#[cfg(test)]
#[path = "sim_tests.rs"]
mod tests;
