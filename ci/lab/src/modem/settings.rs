//! The settings of a port, which `ATZ` resets, and their effect on the answers: ITU-T V.250 §6.

use super::refusal::{Cme, Cms};
use std::collections::BTreeMap;

/// A final or unsolicited result code: V.250 §5.7.1, 3GPP TS 27.007 §9.2, TS 27.005 §3.2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultCode {
    /// Done.
    Ok,
    /// The line carries data from here on, at this many bits per second.
    Connect(u32),
    /// `RING`
    Ring,
    /// The call could not be made, or is over.
    NoCarrier,
    /// Not a command, or not now.
    Error,
    /// No dial tone.
    NoDialtone,
    /// The called line is busy.
    Busy,
    /// `+CME ERROR`
    Cme(Cme),
    /// `+CMS ERROR`
    Cms(Cms),
}

/// S-registers with their factory values and the largest allowed ones: V.250 §6.2, §6.3; S1, S2 and S12 as Hayes
/// had them.
const REGISTERS: &[(u8, u8, u8)] = &[
    (0, 0, 255),
    (1, 0, 255),
    (2, 43, 255),
    (3, 13, 127),
    (4, 10, 127),
    (5, 8, 127),
    (6, 2, 255),
    (7, 60, 255),
    (8, 2, 255),
    (10, 2, 255),
    (12, 50, 255),
];

/// What the modem does when the computer drops DTR: `&D`, V.250 §6.1.5; `&D3` as Hayes had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDtrDrop {
    /// `&D0`
    Nothing,
    /// `&D1`: as after `+++`.
    Escape,
    /// `&D2`
    HangUp,
    /// `&D3`: hang up, then as `ATZ`.
    Reset,
}

/// The settings of one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `E`: characters typed in command state are sent back.
    pub echo: bool,
    /// `V`: result codes as text instead of numbers.
    pub verbose: bool,
    /// `Q`: no result codes at all.
    pub quiet: bool,
    /// `X`: call progress result codes, 0 to 4.
    pub detail: u8,
    /// `&D`
    pub dtr: OnDtrDrop,
    /// `&C`: DCD is on only while there is a carrier (V.250 §6.2.8); otherwise always.
    pub carrier_as_it_is: bool,
    registers: BTreeMap<u8, u8>,
    /// Extended commands that hold a number.
    pub numbers: BTreeMap<&'static str, u32>,
    /// `+CNMI`: mode, mt, bm, ds, bfr.
    pub indications: [u8; 5],
    /// `+COPS=3,n`
    pub operator_format: u8,
}

impl Settings {
    /// As after `AT&F`: echo on, words, result codes.
    pub fn factory() -> Self {
        let registers = REGISTERS.iter().map(|&(register, factory, _)| (register, factory)).collect();
        Self {
            echo: true,
            verbose: true,
            quiet: false,
            detail: 4,
            dtr: OnDtrDrop::HangUp,
            carrier_as_it_is: true,
            registers,
            numbers: BTreeMap::new(),
            indications: [0; 5],
            operator_format: 0,
        }
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

    /// The value of an extended command that holds a number; 0 until it is set.
    pub fn number(&self, name: &str) -> u32 {
        self.numbers.get(name).copied().unwrap_or(0)
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

    /// The character that escapes from data when it comes three times (S2); above 127 none does.
    pub fn escape(&self) -> Option<u8> {
        self.register(2).filter(u8::is_ascii)
    }

    /// One line of information, framed as V.250 §5.7.1 requires.
    pub fn frame_text(&self, text: &str) -> Vec<u8> {
        let (cr, lf) = (self.terminator(), self.line_feed());
        let mut framed = if self.verbose { vec![cr, lf] } else { Vec::new() };
        framed.extend(text.bytes());
        framed.extend([cr, lf]);
        framed
    }

    /// A result code as it is sent; nothing under `Q1`.
    pub fn frame_result(&self, result: ResultCode) -> Vec<u8> {
        if self.quiet {
            return Vec::new();
        }
        let (word, number) = match result {
            ResultCode::Ok => ("OK".to_owned(), 0),
            ResultCode::Connect(speed) if self.detail > 0 => (format!("CONNECT {speed}"), 1),
            ResultCode::Connect(_) => ("CONNECT".to_owned(), 1),
            ResultCode::Ring => ("RING".to_owned(), 2),
            ResultCode::NoCarrier => ("NO CARRIER".to_owned(), 3),
            ResultCode::Error => ("ERROR".to_owned(), 4),
            ResultCode::NoDialtone => ("NO DIALTONE".to_owned(), 6),
            ResultCode::Busy => ("BUSY".to_owned(), 7),
            // TS 27.007 §9.1: these stay text under V0, too.
            ResultCode::Cme(cme) => match self.refused("+CME ERROR", cme.code(), 0) {
                Some(line) => return self.frame_text(&line),
                None => ("ERROR".to_owned(), 4),
            },
            ResultCode::Cms(cms) => match self.refused("+CMS ERROR", cms.code(), 1) {
                Some(line) => return self.frame_text(&line),
                None => ("ERROR".to_owned(), 4),
            },
        };
        if self.verbose {
            self.frame_text(&word)
        } else {
            format!("{number}{}", char::from(self.terminator())).into()
        }
    }

    /// `+CMEE` selects nothing, a number or text; message errors are always reported, at least as a number
    /// (TS 27.005 §3.2.5 has no way to turn them off).
    fn refused(&self, name: &str, (code, words): (u16, &str), at_least: u32) -> Option<String> {
        match self.number("+CMEE").max(at_least) {
            0 => None,
            1 => Some(format!("{name}: {code}")),
            _ => Some(format!("{name}: {words}")),
        }
    }
}
