//! What a dialer tells by text message without being asked.

use super::error::Checked;
use super::number::Whole;
use super::sms::PhoneNumber;
use super::table::{Value, Written, word};

/// Text messages that nobody has asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Tell {
    /// Who gets each of them, at least one.
    pub to: Vec<PhoneNumber>,
    /// The occasions, at least one.
    pub on: Vec<Occasion>,
    /// The most messages to each number in a day.
    pub a_day: MessagesADay,
}

/// A count, 1 to 50.
pub type MessagesADay = Whole<1, 50>;

/// A reason to tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The box has started again, and neither the daily reboot nor a command was the cause.
    Boot,
    /// 80 % or all of the month's data are used.
    Budget,
    /// A limit has closed the link.
    Limit,
    /// A block of the card cannot be healed.
    Card,
    /// The supply voltage was too low.
    Undervoltage,
    /// An input of `[gpio]` has changed.
    Gpio,
}

impl Occasion {
    /// As the site has it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Budget => "budget",
            Self::Limit => "limit",
            Self::Card => "card",
            Self::Undervoltage => "undervoltage",
            Self::Gpio => "gpio",
        }
    }
}

impl Value for Occasion {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let words = [Self::Boot, Self::Budget, Self::Limit, Self::Card, Self::Undervoltage, Self::Gpio]
            .map(|it| (it.as_str(), it));
        word(value, "an occasion", &words)
    }
}
