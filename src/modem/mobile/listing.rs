//! Parses the answers to `+CMGL` and `+CMGR` in PDU mode (TS 27.005 §4.1, §4.2): a line of values and a PDU for each
//! message. The length among the values decides: the PDU of that length is the message, in whatever form it comes.

use crate::modem::at::values::split;

/// `<length>` counts octets, of which a message has 164 at most (TS 23.040 §9.2.3); a longer number is a PDU.
const LONGEST_LENGTH: usize = 3;
/// A status in words is that of text mode (TS 27.005 §3.1, `<stat>`).
const IN_WORDS: [&str; 2] = ["REC ", "STO "];

/// The content of an answer to `+CMGL`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Indices and PDUs.
    pub messages: Vec<(u16, String)>,
    /// Indices of entries that could not be read.
    pub broken: Vec<u16>,
    /// How many entries and lines could not be parsed.
    pub unreadable: usize,
    /// The modem is in text mode. Its entries are ignored: the lines of a text can look like anything.
    pub is_text_mode: bool,
}

/// The content of a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A message, received or not.
    Message(String),
    Empty,
    Garbled,
}

/// The values of one message.
#[derive(Debug, Default)]
struct Head<'a> {
    values: Vec<&'a str>,
    /// The PDU, if it is on the same line.
    pdu: Option<&'a str>,
}

impl<'a> Head<'a> {
    fn parse(line: &'a str, name: &str) -> Option<Self> {
        let mut values = split(line.strip_prefix(name)?.strip_prefix(':')?);
        let mut pdu = None;
        // `…,147 0791…` (ModemManager, test_cmgr_response_generic) or `…,147,0791…`
        if let Some(last) = values.pop() {
            match last.rsplit_once(' ') {
                Some((length, hex)) if is_pdu(hex) => {
                    values.push(length.trim());
                    pdu = Some(hex);
                }
                _ if is_pdu(last) => pdu = Some(last),
                _ => values.push(last),
            }
        }
        Some(Self { values, pdu })
    }

    fn is_text_mode(&self) -> bool {
        self.values.iter().any(|value| IN_WORDS.iter().any(|words| value.starts_with(words)))
    }

    fn index(&self) -> Option<u16> {
        self.values.first()?.parse().ok()
    }

    fn length(&self) -> Option<usize> {
        self.values.last().filter(|length| length.len() <= LONGEST_LENGTH)?.parse().ok()
    }

    /// The index, if an answer to `+CMGR` has it before its three values (gammu, tests/at-sms/26.dump).
    fn index_before_values(&self) -> Option<u16> {
        let has_status = self.values.get(1).is_some_and(|status| status.parse::<u8>().is_ok());
        (self.values.len() == 4 && has_status).then(|| self.index())?
    }
}

/// Parses an answer to `+CMGL`. Entries that cannot be parsed are left out. A line that is neither values nor a PDU is
/// a URC.
pub(super) fn listing(answer: &[String]) -> Listing {
    let mut listing = Listing::default();
    let mut open: Option<Head> = None;
    for line in answer {
        if let Some(head) = Head::parse(line, "+CMGL") {
            listing.is_text_mode |= head.is_text_mode();
            listing.without_pdu(open.take());
            match head.pdu {
                Some(pdu) => listing.add(&head, pdu),
                None => open = Some(head),
            }
        } else if is_hexadecimal(line) {
            match open.take() {
                Some(head) => listing.add(&head, line),
                None => listing.unreadable += 1,
            }
        }
    }
    listing.without_pdu(open);
    if listing.is_text_mode { Listing { is_text_mode: true, ..Listing::default() } } else { listing }
}

impl Listing {
    fn add(&mut self, head: &Head, pdu: &str) {
        match head.index() {
            Some(index) if is_whole(pdu, head.length()) && self.is_new(index, pdu) => {
                self.messages.push((index, pdu.to_owned()));
            }
            index => self.broken(index),
        }
    }

    /// An entry without a PDU is an empty place, as Huawei's sticks list it, or cut off.
    fn without_pdu(&mut self, head: Option<Head>) {
        match head {
            Some(head) if head.length() != Some(0) => self.broken(head.index()),
            Some(_) | None => {}
        }
    }

    fn broken(&mut self, index: Option<u16>) {
        self.unreadable += 1;
        self.broken.extend(index);
    }

    /// Of two messages at one index, neither is certainly the one that a deletion would delete.
    fn is_new(&mut self, index: u16, pdu: &str) -> bool {
        let before = self.messages.len();
        self.messages.retain(|(listed, it)| *listed != index || it == pdu);
        before == self.messages.len() && !self.broken.contains(&index)
    }
}

/// Parses an answer to `+CMGR` for this index.
pub(super) fn message(answer: &[String], index: u16) -> Reading {
    let Some(at) = answer.iter().position(|line| line.starts_with("+CMGR")) else {
        return if answer.is_empty() { Reading::Empty } else { Reading::Garbled };
    };
    let Some(head) = Head::parse(&answer[at], "+CMGR") else { return Reading::Garbled };
    let is_another = head.index_before_values().is_some_and(|told| told != index);
    if head.is_text_mode() || is_another {
        return Reading::Garbled;
    }
    let pdu = head.pdu.or_else(|| answer[at..].iter().map(String::as_str).find(|line| is_hexadecimal(line)));
    match pdu {
        Some(pdu) if is_whole(pdu, head.length()) => Reading::Message(pdu.to_owned()),
        None if head.length() == Some(0) => Reading::Empty,
        Some(_) | None => Reading::Garbled,
    }
}

/// Whether it can only be a PDU: the address of a service centre and a message are longer than any number.
fn is_pdu(value: &str) -> bool {
    value.len() > 2 * LONGEST_LENGTH && is_hexadecimal(value)
}

fn is_hexadecimal(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether a PDU in hexadecimal has the announced length, which counts the octets after the service centre's address.
pub(super) fn is_whole(pdu: &str, length: Option<usize>) -> bool {
    let service_centre = pdu.get(..2).and_then(|octet| usize::from_str_radix(octet, 16).ok());
    let octets = service_centre.map(|octets| pdu.len() / 2 - 1 - octets.min(pdu.len() / 2 - 1));
    is_hexadecimal(pdu) && pdu.len().is_multiple_of(2) && octets.is_some() && octets == length
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
