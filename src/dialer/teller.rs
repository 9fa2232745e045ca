//! What is told by text message without being asked: each occasion once, and a limited number a day.
//!
//! What was told is stored before a message is sent, so that neither a restart nor a box that reboots again and again
//! tells it twice, or more than the site wants.

use crate::clock::{Month, WallClock};
use crate::ppp::{DownReason, Spent};
use crate::record::Record;
use crate::site::{Hostname, Level, LineName, Occasion, PhoneNumber, Tell};
use crate::state::Cause;

const DAY: i64 = 86_400;
/// The shares of the budget that are told, in percent.
const SHARES: [u64; 2] = [80, 100];

/// For the message, and for the answer to `status`.
pub const UNDERVOLTAGE: &str = "the supply voltage was too low";

const KEY_DAY: &str = "day";
const KEY_COUNT: &str = "count";
const KEY_BOOT: &str = "boot";
const KEY_MONTH: &str = "month";
const KEY_SHARE: &str = "share";
const KEY_BAD: &str = "bad";
const KEY_UNDERVOLTAGE: &str = "undervoltage";
const KEY_INPUT: &str = "input-";

/// What may be worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The number of this boot, and how the previous one ended.
    pub boot: Option<(u64, Cause)>,
    /// The month's data.
    pub spent: Spent,
    /// Blocks of the card that cannot be healed; `None` before that is known.
    pub bad: Option<u64>,
    /// Whether the supply voltage was too low since the boot.
    pub undervoltage: bool,
    /// The inputs whose level is known.
    pub inputs: Vec<(LineName, Level)>,
    /// Why a link was closed just now.
    pub closed: Option<DownReason>,
}

/// Messages, to be sent once the record is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// To be stored in [`Teller::FILE`].
    pub told: Record,
    /// The texts, each for every number.
    pub texts: Vec<String>,
}

/// Decides what is told.
#[derive(Debug)]
pub struct Teller {
    site: Tell,
    name: String,
    told: Told,
}

/// What was told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Told {
    /// Days since 1970.
    day: i64,
    /// Messages on that day.
    count: u16,
    boot: Option<u64>,
    month: Option<Month>,
    /// The share of the budget of that month.
    share: u64,
    bad: u64,
    /// The boot in which a low voltage was told.
    undervoltage: Option<u64>,
    /// The levels of inputs that were told, or were the first ones.
    inputs: Vec<(LineName, Level)>,
}

/// An entry of the record about an input.
fn input((key, level): (&str, &str)) -> Option<(LineName, Level)> {
    Some((key.strip_prefix(KEY_INPUT)?.parse().ok()?, Level::parse(level)?))
}

impl Told {
    fn from_record(record: &Record) -> Self {
        let number = |key| record.number(key);
        Self {
            day: number(KEY_DAY).and_then(|day| day.try_into().ok()).unwrap_or(0),
            count: number(KEY_COUNT).and_then(|count| count.try_into().ok()).unwrap_or(0),
            boot: number(KEY_BOOT),
            month: record.get(KEY_MONTH).and_then(Month::parse),
            share: number(KEY_SHARE).unwrap_or(0),
            bad: number(KEY_BAD).unwrap_or(0),
            undervoltage: number(KEY_UNDERVOLTAGE),
            inputs: record.iter().filter_map(input).collect(),
        }
    }

    fn record(&self) -> Record {
        let record = Record::new()
            .with(KEY_DAY, self.day)
            .with(KEY_COUNT, self.count)
            .with_known(KEY_BOOT, self.boot)
            .with_known(KEY_MONTH, self.month)
            .with(KEY_SHARE, self.share)
            .with(KEY_BAD, self.bad)
            .with_known(KEY_UNDERVOLTAGE, self.undervoltage);
        let inputs = self.inputs.iter();
        inputs.fold(record, |record, (name, level)| record.with(&format!("{KEY_INPUT}{name}"), level))
    }
}

impl Teller {
    /// Its file in the [store](crate::state::Store).
    pub const FILE: &'static str = "told";

    /// A teller that has told this, by its record.
    pub fn new(site: Tell, name: &Hostname, told: &Record) -> Self {
        Self { site, name: name.to_string(), told: Told::from_record(told) }
    }

    /// Who is told.
    pub fn recipients(&self) -> &[PhoneNumber] {
        &self.site.to
    }

    /// What is to be told now. A clock that was not set is behind, and the day is the last one that the box has seen.
    pub fn poll(&mut self, now: &Situation, wall: WallClock) -> Option<Telling> {
        let day = wall.shown().div_euclid(DAY);
        if day > self.told.day {
            (self.told.day, self.told.count) = (day, 0);
        }
        // The day of a wrong clock: its limit would hold until it comes.
        if matches!(wall, WallClock::Known(_)) && day + 1 < self.told.day {
            self.told.day = day;
        }
        let texts: Vec<_> = self.site.on.clone().into_iter().filter_map(|it| self.news(it, now)).collect();
        (!texts.is_empty()).then(|| Telling { told: self.told.record(), texts })
    }

    /// The text about one occasion, if it is new. One that the day's limit holds back is told the next day, unless it is
    /// over by then.
    fn news(&mut self, occasion: Occasion, now: &Situation) -> Option<String> {
        let has_room = self.told.count < self.site.a_day.get();
        let told = &mut self.told;
        let text = match occasion {
            Occasion::Boot => {
                let (number, cause) = now.boot.as_ref()?;
                let is_planned = matches!(cause, Cause::Daily | Cause::Requested);
                if is_planned || told.boot == Some(*number) || !has_room {
                    return None;
                }
                told.boot = Some(*number);
                format!("up again, boot {number}: {cause}")
            }
            Occasion::Budget => {
                let (limit, month) = (now.spent.limit?, now.spent.month?);
                let share = SHARES
                    .into_iter()
                    .rev()
                    .find(|share| now.spent.used.bytes() >= (limit.bytes() / 100).saturating_mul(*share))?;
                let is_told = told.month == Some(month) && told.share >= share;
                if is_told || !has_room {
                    return None;
                }
                (told.month, told.share) = (Some(month), share);
                format!("{share} % of the month's data: {}", now.spent)
            }
            Occasion::Limit => {
                let why = now.closed.as_ref().filter(|why| {
                    matches!(why, DownReason::Idle(_) | DownReason::Time | DownReason::Budget(_))
                })?;
                if !has_room {
                    return None;
                }
                format!("disconnected: {why}")
            }
            Occasion::Card => {
                let bad = now.bad.filter(|bad| *bad > told.bad && has_room)?;
                told.bad = bad;
                format!("the card has bad blocks that cannot be healed: {bad}")
            }
            Occasion::Undervoltage => {
                let boot = now.boot.as_ref().map_or(0, |(number, _)| *number);
                if !now.undervoltage || told.undervoltage == Some(boot) || !has_room {
                    return None;
                }
                told.undervoltage = Some(boot);
                UNDERVOLTAGE.to_owned()
            }
            Occasion::Gpio => {
                let mut changed = Vec::new();
                for (name, level) in &now.inputs {
                    match told.inputs.iter_mut().find(|(known, _)| known == name) {
                        // Nobody knows what it was before.
                        None => told.inputs.push((name.clone(), *level)),
                        Some((_, known)) if *known != *level && has_room => {
                            *known = *level;
                            changed.push(format!("{name} is {level}"));
                        }
                        Some(_) => {}
                    }
                }
                if changed.is_empty() {
                    return None;
                }
                changed.join(", ")
            }
        };
        told.count += 1;
        Some(format!("{}: {text}", self.name))
    }
}

#[cfg(test)]
#[path = "teller_tests.rs"]
mod tests;
