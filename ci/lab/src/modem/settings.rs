//! What commands change and `ATZ` puts back, and how it shapes the answers: ITU-T V.250 §6.2.

use super::sim::Refusal;
use std::collections::BTreeMap;

/// A final or unsolicited result code: V.250 §5.7.1, 3GPP TS 27.007 §9.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultCode {
    /// Done.
    Ok,
    /// The line carries data from here on.
    Connect,
    /// Somebody calls.
    Ring,
    /// The call could not be made, or is over.
    NoCarrier,
    /// Not a command, or not now.
    Error,
    /// `+CME ERROR`
    Refused(Refusal),
}

/// S-registers with their factory values and the largest allowed ones: V.250 §6.2, §6.3; S12 as Hayes had it.
const REGISTERS: &[(u8, u8, u8)] = &[
    (0, 0, 255),
    (3, 13, 127),
    (4, 10, 127),
    (5, 8, 127),
    (6, 2, 255),
    (7, 60, 255),
    (8, 2, 255),
    (10, 2, 255),
    (12, 50, 255),
];

/// The settings of one modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `E`: characters typed in command state are sent back.
    pub echo: bool,
    /// `V`: words instead of numbers.
    pub verbose: bool,
    /// `Q`: no result codes at all.
    pub quiet: bool,
    registers: BTreeMap<u8, u8>,
    /// Extended commands that hold a number.
    pub numbers: BTreeMap<&'static str, u32>,
}

impl Settings {
    /// As after `AT&F`: echo on, words, result codes.
    pub fn factory() -> Self {
        let registers = REGISTERS.iter().map(|&(register, factory, _)| (register, factory)).collect();
        Self { echo: true, verbose: true, quiet: false, registers, numbers: BTreeMap::new() }
    }

    /// An S-register's value; `None` where the modem has no such register.
    pub fn register(&self, register: u8) -> Option<u8> {
        self.registers.get(&register).copied()
    }

    /// Sets an S-register; `None` when there is none, or the value is out of its range.
    pub fn set_register(&mut self, register: u8, value: u32) -> Option<()> {
        let &(_, _, largest) = REGISTERS.iter().find(|(known, ..)| *known == register)?;
        let value = u8::try_from(value).ok().filter(|value| *value <= largest)?;
        self.registers.insert(register, value);
        Some(())
    }

    /// The character that ends a line (S3).
    pub fn terminator(&self) -> u8 {
        self.register(3).unwrap_or(b'\r')
    }

    /// The character that follows the terminator in answers (S4).
    pub fn line_feed(&self) -> u8 {
        self.register(4).unwrap_or(b'\n')
    }

    /// The character that deletes the one before it (S5).
    pub fn delete(&self) -> u8 {
        self.register(5).unwrap_or(8)
    }

    /// One line of information, framed as V.250 §5.7.1 wants it.
    pub fn frame_text(&self, text: &str) -> Vec<u8> {
        let (cr, lf) = (self.terminator(), self.line_feed());
        let mut framed = if self.verbose { vec![cr, lf] } else { Vec::new() };
        framed.extend(text.bytes());
        framed.extend([cr, lf]);
        framed
    }

    /// A result code as it goes over the line; nothing under `Q1`.
    pub fn frame_result(&self, result: ResultCode) -> Vec<u8> {
        if self.quiet {
            return Vec::new();
        }
        let error_form = self.numbers.get("+CMEE").copied().unwrap_or(0);
        let (word, number) = match result {
            ResultCode::Ok => ("OK", 0),
            ResultCode::Connect => ("CONNECT", 1),
            ResultCode::Ring => ("RING", 2),
            ResultCode::NoCarrier => ("NO CARRIER", 3),
            ResultCode::Error => ("ERROR", 4),
            ResultCode::Refused(_) if error_form == 0 => ("ERROR", 4),
            // 3GPP TS 27.007 §9.1: this one keeps its words under V0 too.
            ResultCode::Refused(refusal) if error_form == 1 => {
                return self.frame_text(&format!("+CME ERROR: {}", refusal.code()));
            }
            ResultCode::Refused(refusal) => {
                return self.frame_text(&format!("+CME ERROR: {}", refusal.words()));
            }
        };
        if self.verbose {
            self.frame_text(word)
        } else {
            format!("{number}{}", char::from(self.terminator())).into()
        }
    }
}
