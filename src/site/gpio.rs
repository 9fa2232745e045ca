//! Lines of the board's header that the site gives names to (GPIO): outputs that switch something, and inputs.

use super::changed_key::ChangedKey;
use super::error::Checked;
use super::table::{Value, Written, word};
use super::text::{Invalid, Text, checked_string};
use super::{Whole, table};
use std::fmt;

/// The lines, at least one, each with a name and a number of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Gpio {
    /// What the box switches.
    pub outputs: Vec<GpioOutput>,
    /// What it reads.
    pub inputs: Vec<GpioInput>,
}

/// A line that the box switches.
#[derive(Clone, Debug, PartialEq)]
pub struct GpioOutput {
    /// Its name in commands.
    pub name: LineName,
    /// Its number at the processor.
    pub line: GpioNumber,
    /// Its level from the start of the service on.
    pub at_boot: Level,
    /// Whether it is on while the pin is low, as most relay boards want it.
    pub active_low: bool,
}

/// A line that the box reads.
#[derive(Clone, Debug, PartialEq)]
pub struct GpioInput {
    /// Its name in commands.
    pub name: LineName,
    /// Its number at the processor.
    pub line: GpioNumber,
    /// The processor's own resistor at the pin.
    pub bias: Bias,
    /// Whether it is on while the pin is low, as for a switch to ground.
    pub active_low: bool,
}

/// The number of a line of the BCM2835, 0 to 53.
pub type GpioNumber = Whole<0, 53>;

/// The level of a line, as the site sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Inactive.
    Off,
    /// Active.
    On,
}

impl Level {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Off => Self::On,
            Self::On => Self::Off,
        }
    }

    /// As in commands and in the site.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }

    /// The level of this word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Off, Self::On].into_iter().find(|level| level.as_str() == text)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Value for Level {
    fn read(value: &Written<'_>) -> Checked<Self> {
        word(value, "a level", &[("on", Self::On), ("off", Self::Off)])
    }
}

/// The resistor that the processor puts at an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// None.
    None,
    /// To 3.3 V.
    PullUp,
    /// To ground.
    PullDown,
}

impl Value for Bias {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let words = [("none", Self::None), ("pull-up", Self::PullUp), ("pull-down", Self::PullDown)];
        word(value, "a resistor", &words)
    }
}

checked_string! {
    /// The name of a line: what follows `set` or `get` in a command.
    LineName
}

impl Text for LineName {
    const EXPECTED: &'static str = "a line's name";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=16).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(Invalid::new(
                format!("{text:?} is not a line's name"),
                "use 1 to 16 small letters, digits and hyphens, a letter first, as in \"router\"",
            ));
        }
        let is_key = ChangedKey::ALL.iter().any(|key| key.as_str() == text);
        if is_key || ["key", "psk", "on", "off"].contains(&text) {
            return Err(Invalid::new(
                format!("{text:?} means something else in the command `set`"),
                "choose another name, as in \"router\"",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A model of the board, by which lines its header has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// Model B of 2012, with 256 MB.
    BRev1,
    /// Model A, and Model B with 512 MB: 26 pins.
    B,
    /// Models A+ and B+, Zero and Zero W: 40 pins.
    BPlus,
    /// Compute Module 1: what its carrier leads out.
    Cm1,
}

impl Value for Board {
    fn read(value: &Written<'_>) -> Checked<Self> {
        let words = [
            ("a", Self::B),
            ("b-rev1", Self::BRev1),
            ("b", Self::B),
            ("a-plus", Self::BPlus),
            ("b-plus", Self::BPlus),
            ("zero", Self::BPlus),
            ("zero-w", Self::BPlus),
            ("cm1", Self::Cm1),
        ];
        table::word(value, "a board", &words)
    }
}

/// The console (config.txt, `enable_uart`).
const CONSOLE: [u16; 2] = [14, 15];
/// The EEPROM of an add-on board, which the firmware reads (raspberrypi/hats, designguide.md).
const HAT_EEPROM: [u16; 2] = [0, 1];

impl Board {
    /// The lines of the header, P1, and the console's among them: `gpio-line-names` of the board's device tree
    /// (linux/arch/arm/boot/dts/bcm2835-rpi-*.dts).
    fn header(self) -> Vec<u16> {
        match self {
            Self::BRev1 => vec![0, 1, 4, 7, 8, 9, 10, 11, 14, 15, 17, 18, 21, 22, 23, 24, 25],
            Self::B => vec![2, 3, 4, 7, 8, 9, 10, 11, 14, 15, 17, 18, 22, 23, 24, 25, 27],
            Self::BPlus => (0..=27).collect(),
            // From 46 on: HDMI, the LED and the eMMC.
            Self::Cm1 => (0..=45).collect(),
        }
    }

    /// The lines that a site may use.
    fn free(self) -> Vec<u16> {
        let is_taken =
            |line: &u16| CONSOLE.contains(line) || (self == Self::BPlus && HAT_EEPROM.contains(line));
        self.header().into_iter().filter(|line| !is_taken(line)).collect()
    }

    /// Why the site may not use a line, and what to write.
    pub(super) fn check(self, line: GpioNumber) -> Result<(), Invalid> {
        let number = line.get();
        let free = self.free();
        if free.contains(&number) {
            return Ok(());
        }
        let why = match number {
            _ if CONSOLE.contains(&number) => "the box's serial console is at 14 and 15",
            _ if self.header().contains(&number) => "0 and 1 are for the EEPROM of an add-on board",
            48..=53 => "the card is at 48 to 53",
            _ => "this board's header does not have it",
        };
        let free: Vec<String> = free.iter().map(u16::to_string).collect();
        Err(Invalid::new(
            format!("GPIO {number} cannot be used: {why}"),
            format!("write one of {}", free.join(", ")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pins by the boards' schematics: header P1 of the Model B rev 1 and rev 2, J8 of the B+.
    #[test]
    fn a_line_is_usable_if_the_header_has_it_and_the_box_does_not_need_it() {
        for (line, rev1, b, plus, cm1) in [
            (0, true, false, false, true),
            (1, true, false, false, true),
            (2, false, true, true, true),
            (3, false, true, true, true),
            (4, true, true, true, true),
            (5, false, false, true, true),
            (14, false, false, false, false),
            (15, false, false, false, false),
            (16, false, false, true, true),
            (17, true, true, true, true),
            (21, true, false, true, true),
            (27, false, true, true, true),
            (28, false, false, false, true),
            (45, false, false, false, true),
            (47, false, false, false, false),
            (48, false, false, false, false),
            (53, false, false, false, false),
        ] {
            let boards = [(Board::BRev1, rev1), (Board::B, b), (Board::BPlus, plus), (Board::Cm1, cm1)];
            for (board, is_usable) in boards {
                assert_eq!(board.check(number(line)).is_ok(), is_usable, "GPIO {line} of {board:?}");
            }
        }
        let free: Vec<_> =
            [Board::BRev1, Board::B, Board::BPlus, Board::Cm1].map(|it| it.free().len()).into();
        assert_eq!(free, [15, 15, 24, 44]);
    }

    fn number(line: u16) -> GpioNumber {
        let text = format!("role='dialer'\nline={line}\n");
        let table = toml::de::DeTable::parse(&text).unwrap();
        GpioNumber::read(table.get_ref().get("line").unwrap()).map_err(|_| line).unwrap()
    }

    #[test]
    fn a_name_is_no_other_word_of_set() {
        for (name, is_name) in [
            ("router", true),
            ("relay-2", true),
            ("endpoint", false),
            ("key", false),
            ("psk", false),
            ("numbers", false),
            ("on", false),
            ("Router", false),
            ("12345678", false),
            ("a b", false),
            ("", false),
            ("a-name-of-17-char", false),
        ] {
            assert_eq!(name.parse::<LineName>().is_ok(), is_name, "{name}");
        }
    }
}
