//! Hexadecimal text and the octets in it, taken one field after another.

use super::Illegal;

/// The octets of a PDU as a modem prints it (TS 27.005 §3.1: two digits for each).
pub(super) fn from_hex(hex: &str) -> Result<Vec<u8>, Illegal> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let octet = |pair: &[u8]| match *pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(octet).collect::<Option<_>>().ok_or(Illegal::NotHex)
}

/// The octets in the form of `AT+CMGS`.
pub(super) fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// The rest of a PDU.
#[derive(Debug)]
pub(super) struct Octets<'a>(pub &'a [u8]);

impl<'a> Octets<'a> {
    /// The next octets; `field` is named in the error if they are cut off.
    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], Illegal> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Illegal::CutOff(field))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next octet.
    pub fn octet(&mut self, field: &'static str) -> Result<u8, Illegal> {
        let (octet, rest) = self.0.split_first().ok_or(Illegal::CutOff(field))?;
        self.0 = rest;
        Ok(*octet)
    }

    /// Checks that nothing is left.
    pub fn end(self) -> Result<(), Illegal> {
        if self.0.is_empty() { Ok(()) } else { Err(Illegal::Surplus(self.0.len())) }
    }
}
