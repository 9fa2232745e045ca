//! Addresses: telephone numbers in semi-octets, and names. TS 23.040 §9.1.2.5.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Illegal;
use super::octets::Octets;
use crate::site::PhoneNumber;
use crate::sms::dialling_plan::{DiallingPlan, Meant};
use crate::sms::gsm7;

/// The sender or recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form")]
pub struct Address(Form);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    Number {
        kind: NumberKind,
        /// The numbering plan, 0 to 15.
        plan: u8,
        /// Of [`DIGITS`], 20 at most.
        digits: String,
    },
    /// A name in the 7 bit alphabet, at most 11 septets, as banks and shops use: it cannot be answered.
    Name(String),
}

/// The type of number, bits 4 to 6 of the type of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberKind {
    /// The network does not say.
    Unknown,
    /// With country code and without prefix.
    International,
    /// Within the country.
    National,
    /// A service number of the network.
    Network,
    /// Within the exchange.
    Subscriber,
    /// A short number.
    Abbreviated,
    /// Reserved for extension.
    Reserved,
}

const NAME: u8 = 0b101;
/// In the order of their codes; [`NAME`] stands between `Subscriber` and `Abbreviated`.
const KINDS: [(u8, NumberKind); 7] = [
    (0b000, NumberKind::Unknown),
    (0b001, NumberKind::International),
    (0b010, NumberKind::National),
    (0b011, NumberKind::Network),
    (0b100, NumberKind::Subscriber),
    (0b110, NumberKind::Abbreviated),
    (0b111, NumberKind::Reserved),
];

/// The telephone's numbering plan, E.164.
const TELEPHONE: u8 = 1;

/// The digits by their semi-octet; 15 fills up the last octet.
const DIGITS: [char; 15] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'a', 'b', 'c'];
const FILLER: u8 = 15;

/// Semi-octets of the longest address: 12 octets with length and type.
const LONGEST: u8 = 20;

/// Validates what another process has decoded.
impl TryFrom<Form> for Address {
    type Error = Illegal;

    fn try_from(form: Form) -> Result<Self, Illegal> {
        let length = usize::from(LONGEST);
        let is_legal = match &form {
            Form::Number { digits, .. } => {
                digits.len() <= length && digits.chars().all(|it| DIGITS.contains(&it))
            }
            Form::Name(name) => gsm7::encode(name).is_some_and(|septets| septets.len() <= length * 4 / 7),
        };
        if is_legal { Ok(Self(form)) } else { Err(Illegal::Address) }
    }
}

impl Address {
    /// The address of a number, in the form that all networks accept.
    #[must_use]
    pub fn of(number: &PhoneNumber) -> Self {
        let digits = number.as_str().trim_start_matches('+').to_owned();
        Self(Form::Number { kind: NumberKind::International, plan: TELEPHONE, digits })
    }

    /// The address of a caller, as `+CLIP` shows it (TS 27.007 §7.11): digits, with `+` or without, and the type of
    /// address. `None` for a number that is withheld or none.
    #[must_use]
    pub fn of_caller(number: &str, kind: Option<u8>) -> Option<Self> {
        let international = number.strip_prefix('+');
        let kind = match kind.map(|kind| kind >> 4 & 0b111) {
            _ if international.is_some() => NumberKind::International,
            Some(0b001) => NumberKind::International,
            Some(0b010) => NumberKind::National,
            _ => NumberKind::Unknown,
        };
        let digits = international.unwrap_or(number).to_owned();
        let form = Form::Number { kind, plan: TELEPHONE, digits };
        Self::try_from(form).ok().filter(|_| !number.is_empty())
    }

    /// Whether this is the number. Some networks send the international digits without the type "international", and
    /// others a national form, which is accepted only in the plan of `home`. A national number never equals another
    /// country's.
    #[must_use]
    pub fn is(&self, number: &PhoneNumber, home: Option<&DiallingPlan>) -> bool {
        let Form::Number { kind, digits, .. } = &self.0 else { return false };
        let is_international = || number.as_str().strip_prefix('+') == Some(digits);
        let is_at_home = |meant| home.is_some_and(|home| home.admits(digits, meant, number));
        match kind {
            NumberKind::International => is_international(),
            NumberKind::Unknown => is_international() || is_at_home(Meant::Unknown),
            NumberKind::National => is_at_home(Meant::National),
            NumberKind::Network | NumberKind::Subscriber | NumberKind::Abbreviated | NumberKind::Reserved => {
                false
            }
        }
    }

    /// TP-Originating-, -Destination- or -Recipient-Address: its length counts semi-octets.
    pub(super) fn read(octets: &mut Octets) -> Result<Self, Illegal> {
        let semi_octets = octets.octet("address")?;
        if semi_octets > LONGEST {
            return Err(Illegal::Address);
        }
        let kind = octets.octet("address")?;
        let value = octets.take(usize::from(semi_octets).div_ceil(2), "address")?;
        Self::from_parts(kind, value, usize::from(semi_octets))
    }

    /// Skips the service centre's address before the message (TS 27.005 §3.1), whose length counts octets. It is not
    /// needed, so invalid digits in it do not matter.
    pub(super) fn skip_service_centre(octets: &mut Octets) -> Result<(), Illegal> {
        let length = octets.octet("service centre")?;
        octets.take(usize::from(length), "service centre").map(drop)
    }

    fn from_parts(kind: u8, value: &[u8], semi_octets: usize) -> Result<Self, Illegal> {
        let (code, plan) = (kind >> 4 & 0b111, kind & 0b1111);
        if code == NAME {
            let septets = gsm7::unpack(value, 0, semi_octets * 4 / 7).ok_or(Illegal::Address)?;
            return Ok(Self(Form::Name(gsm7::decode(&septets))));
        }
        // KINDS holds every code of three bits but NAME.
        let kind = KINDS.iter().find(|(known, _)| *known == code).ok_or(Illegal::Address)?.1;
        let mut semi: Vec<u8> = value.iter().flat_map(|octet| [octet & 0xf, octet >> 4]).collect();
        semi.truncate(semi_octets);
        // Some count the filler as a digit.
        semi.pop_if(|last| *last == FILLER);
        let digits = semi.iter().map(|digit| DIGITS.get(usize::from(*digit)).copied());
        let digits = digits.collect::<Option<_>>().ok_or(Illegal::Address)?;
        Ok(Self(Form::Number { kind, plan, digits }))
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        let (kind, semi_octets, value) = self.to_parts();
        octets.extend([semi_octets, kind]);
        octets.extend(value);
    }

    pub(super) fn write_service_centre(centre: Option<&Self>, octets: &mut Vec<u8>) {
        let Some((kind, _, value)) = centre.map(Self::to_parts) else {
            octets.push(0);
            return;
        };
        // Ten octets of digits at most, see LONGEST.
        octets.extend([1 + value.len() as u8, kind]);
        octets.extend(value);
    }

    /// Type of address, number of semi-octets, octets.
    fn to_parts(&self) -> (u8, u8, Vec<u8>) {
        match &self.0 {
            Form::Name(name) => {
                let septets = gsm7::encode(name).unwrap_or_default();
                let semi_octets = (septets.len() * 7).div_ceil(4) as u8;
                (0x80 | NAME << 4, semi_octets, gsm7::pack(&septets, 0))
            }
            Form::Number { kind, plan, digits } => {
                let digit = |c| (0..).zip(DIGITS).find(|(_, known)| *known == c).map(|(digit, _)| digit);
                let semi: Vec<u8> = digits.chars().filter_map(digit).collect();
                let pair = |pair: &[u8]| pair[0] | pair.get(1).unwrap_or(&FILLER) << 4;
                let code = KINDS.iter().find(|(_, known)| known == kind).map_or(0, |(code, _)| *code);
                (0x80 | code << 4 | plan & 0xf, semi.len() as u8, semi.chunks(2).map(pair).collect())
            }
        }
    }
}

#[cfg(test)]
impl Address {
    /// The type of the digits; `None` for a name.
    pub fn kind(&self) -> Option<NumberKind> {
        match self.0 {
            Form::Number { kind, .. } => Some(kind),
            Form::Name(_) => None,
        }
    }
}

/// Parses user input: `+33612345678` is international, `12345` of unknown type, and anything else a name.
impl FromStr for Address {
    type Err = Illegal;

    fn from_str(text: &str) -> Result<Self, Illegal> {
        let (kind, digits) = match text.strip_prefix('+') {
            Some(digits) => (NumberKind::International, digits),
            None => (NumberKind::Unknown, text),
        };
        let length = usize::from(LONGEST);
        if !digits.is_empty() && digits.chars().all(|c| DIGITS.contains(&c)) {
            let digits = digits.to_owned();
            let fits = digits.len() <= length;
            return fits
                .then_some(Self(Form::Number { kind, plan: TELEPHONE, digits }))
                .ok_or(Illegal::Address);
        }
        let fits = gsm7::encode(text).is_some_and(|septets| septets.len() <= length * 4 / 7);
        fits.then(|| Self(Form::Name(text.to_owned()))).ok_or(Illegal::Address)
    }
}

/// For display: `+33612345678`, `12345`, `"Bank"`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Number { kind: NumberKind::International, digits, .. } => write!(f, "+{digits}"),
            Form::Number { digits, .. } => f.write_str(digits),
            Form::Name(name) => write!(f, "{name:?}"),
        }
    }
}
