//! The user data: a text or octets, perhaps with a header. TS 23.040 §9.2.3.16, §9.2.3.24.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Illegal;
use super::coding::Coding;
use super::octets::Octets;
use crate::sms::gsm7;

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A text of any alphabet.
    Text(String),
    /// 8 bit or compressed data.
    Binary(Vec<u8>),
}

/// Which part of a longer message this one is (§9.2.3.24.1, §9.2.3.24.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The same in all parts.
    pub reference: u16,
    /// Counted from 1.
    pub number: u8,
    /// How many parts there are.
    pub of: u8,
}

/// The text does not fit into one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// Its septets, UTF-16 units or octets.
    pub length: usize,
    /// The number that fits.
    pub most: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} characters do not fit into a message of {}", self.length, self.most)
    }
}

impl std::error::Error for TooLong {}

/// Octets of user data in one message.
const ROOM: usize = 140;
/// Septets in them.
const SEPTETS: usize = ROOM * 8 / 7;

/// Elements of the header (§9.2.3.24).
const CONCATENATED: u8 = 0x00;
const CONCATENATED_16_BIT: u8 = 0x08;

/// User data that fits into one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UserData {
    pub body: Body,
    pub part: Option<Part>,
}

/// Encoded user data.
pub(super) struct Encoded {
    pub coding: Coding,
    pub has_header: bool,
    /// TP-UDL: septets for the 7 bit alphabet, else octets.
    pub length: usize,
    pub octets: Vec<u8>,
}

impl UserData {
    /// User data to be sent.
    pub fn new(body: Body, part: Option<Part>) -> Result<Self, TooLong> {
        let data = Self { body, part };
        let Encoded { coding, length, .. } = data.encode();
        let room = if coding == Coding::Gsm7 { SEPTETS } else { ROOM };
        if length <= room {
            return Ok(data);
        }
        let unit = if coding == Coding::Ucs2 { 2 } else { 1 };
        let header = match (data.header().len(), coding) {
            (octets, Coding::Gsm7) => (octets * 8).div_ceil(7),
            (octets, _) => octets,
        };
        Err(TooLong { length: (length - header) / unit, most: (room - header) / unit })
    }

    /// Encodes a text in the 7 bit alphabet if that has all its characters.
    pub fn encode(&self) -> Encoded {
        let header = self.header();
        let has_header = !header.is_empty();
        let (coding, data) = match &self.body {
            Body::Text(text) => match gsm7::encode(text) {
                Some(septets) => {
                    let fill = fill_bits(header.len());
                    let length = (header.len() * 8 + fill) / 7 + septets.len();
                    let octets = [header, gsm7::pack(&septets, fill)].concat();
                    return Encoded { coding: Coding::Gsm7, has_header, length, octets };
                }
                None => (Coding::Ucs2, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            },
            Body::Binary(octets) => (Coding::Octets, octets.clone()),
        };
        let octets = [header, data].concat();
        Encoded { coding, has_header, length: octets.len(), octets }
    }

    fn header(&self) -> Vec<u8> {
        let Some(Part { reference, number, of }) = self.part else { return Vec::new() };
        match (u8::try_from(reference), reference.to_be_bytes()) {
            (Ok(reference), _) => vec![5, CONCATENATED, 3, reference, of, number],
            (Err(_), [high, low]) => vec![6, CONCATENATED_16_BIT, 4, high, low, of, number],
        }
    }

    /// Decodes TP-UDL and TP-UD.
    pub fn read(octets: &mut Octets, coding: Coding, has_header: bool) -> Result<Self, Illegal> {
        let length = usize::from(octets.octet("length of the text")?);
        let size = if coding == Coding::Gsm7 { (length * 7).div_ceil(8) } else { length };
        if size > ROOM {
            return Err(Illegal::Length);
        }
        let data = octets.take(size, "text")?;
        let mut rest = Octets(data);
        let header = if has_header { read_header(&mut rest)? } else { Header::default() };
        let body = match coding {
            Coding::Gsm7 => {
                let fill = fill_bits(header.size);
                let skip = header.size * 8 + fill;
                let count = length.checked_sub(skip / 7).ok_or(Illegal::Length)?;
                let septets = gsm7::unpack(data, skip, count).ok_or(Illegal::Length)?;
                Body::Text(gsm7::decode(&septets))
            }
            Coding::Ucs2 => Body::Text(read_ucs2(rest.0)?),
            Coding::Octets | Coding::Compressed => Body::Binary(rest.0.to_vec()),
        };
        Ok(Self { body, part: header.part })
    }
}

/// Fill bits between the header and the first septet, which is aligned as without a header.
fn fill_bits(header: usize) -> usize {
    (header * 8).next_multiple_of(7) - header * 8
}

fn read_ucs2(octets: &[u8]) -> Result<String, Illegal> {
    let (units, []) = octets.as_chunks() else { return Err(Illegal::Length) };
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    // Half of a surrogate pair: a long text may be cut there.
    Ok(String::from_utf16_lossy(&units))
}

#[derive(Default)]
struct Header {
    /// In octets, including the one of its length.
    size: usize,
    part: Option<Part>,
}

/// Parses the header; other elements are skipped.
fn read_header(octets: &mut Octets) -> Result<Header, Illegal> {
    let length = usize::from(octets.octet("header")?);
    let elements = octets.take(length, "header")?;
    // With "too few or too many octets in the final Information Element [...] the whole User Data
    // Header shall be ignored" (§9.2.3.24); the start of the text is known nevertheless.
    Ok(Header { size: 1 + length, part: read_part(Octets(elements)).unwrap_or_default() })
}

fn read_part(mut elements: Octets) -> Result<Option<Part>, Illegal> {
    let mut part = None;
    while !elements.0.is_empty() {
        let identifier = elements.octet("header")?;
        let length = usize::from(elements.octet("header")?);
        let found = match (identifier, elements.take(length, "header")?) {
            (CONCATENATED, [low, of, number]) => Some((u16::from(*low), *of, *number)),
            (CONCATENATED_16_BIT, [high, low, of, number]) => {
                Some((u16::from_be_bytes([*high, *low]), *of, *number))
            }
            _ => None,
        };
        // An invalid element is ignored; of two, the last one counts (§9.2.3.24).
        let sensible = found.filter(|(_, of, number)| (1..=*of).contains(number));
        part = sensible.map(|(reference, of, number)| Part { reference, number, of }).or(part);
    }
    Ok(part)
}
