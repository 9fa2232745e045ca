//! Everything that passed the modems' ports, with times.

use std::fmt;
use std::time::Duration;

/// An event at a modem or telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The computer sent these bytes to a port.
    Typed(usize, Vec<u8>),
    /// A port sent these bytes to the computer.
    Said(usize, Vec<u8>),
    /// The same two, while the port carried the data of a call.
    DataTyped(usize, Vec<u8>),
    /// See [`What::DataTyped`].
    DataSaid(usize, Vec<u8>),
    /// Something else, as text.
    Event(String),
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Since the network began.
    pub at: Duration,
    /// The owner of the modem or telephone.
    pub who: String,
    /// What happened there.
    pub what: What,
}

/// The log.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    entries: Vec<Entry>,
}

/// Bytes of a call's data that a transcript shows.
const SHOWN_DATA: usize = 24;

impl Journal {
    /// Adds an entry. Bytes on the same port in the same direction, soon after, extend the last entry.
    pub fn note(&mut self, at: Duration, who: &str, what: What) {
        let last = self.entries.last_mut();
        let same = last.filter(|last| last.who == who && last.at == at && last.what.is_like(&what));
        if let Some((bytes, more)) = same.and_then(|last| last.what.bytes_mut()).zip(what.bytes()) {
            return bytes.extend(more);
        }
        self.entries.push(Entry { at, who: who.to_owned(), what });
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The commands that this modem received, of all ports, without the data of calls.
    pub fn typed(&self, who: &str) -> String {
        self.dialogue(who, |what| match what {
            What::Typed(_, bytes) => Some(bytes),
            _ => None,
        })
    }

    /// The answers that this modem sent, of all ports, without the data of calls.
    pub fn said(&self, who: &str) -> String {
        self.dialogue(who, |what| match what {
            What::Said(_, bytes) => Some(bytes),
            _ => None,
        })
    }

    fn dialogue(&self, who: &str, side: impl Fn(&What) -> Option<&Vec<u8>>) -> String {
        let of_that = self.entries.iter().filter(|entry| entry.who == who);
        let bytes: Vec<u8> = of_that.filter_map(|entry| side(&entry.what)).flatten().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The events as text, with their owners.
    pub fn events(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            What::Event(event) => Some((entry.who.as_str(), event.as_str())),
            _ => None,
        })
    }

    /// The last lines of the transcript.
    pub fn tail(&self, lines: usize) -> String {
        let joined = self.joined();
        let last = &joined[joined.len().saturating_sub(lines)..];
        last.iter().map(|entry| format!("{entry}\n")).collect()
    }

    /// Joins entries: a command that came byte by byte, and all of a call's data in one direction.
    fn joined(&self) -> Vec<Entry> {
        let mut joined: Vec<Entry> = Vec::new();
        for entry in &self.entries {
            let ours = joined.iter_mut().rev().filter(|former| former.who == entry.who);
            let former = match &entry.what {
                What::DataTyped(..) | What::DataSaid(..) => ours
                    .take_while(|former| former.what.is_data())
                    .find(|former| former.what.is_like(&entry.what)),
                // A command that comes byte by byte is echoed byte by byte.
                What::Typed(..) | What::Said(..) => ours
                    .take_while(|former| former.what.is_dialogue())
                    .find(|former| former.what.is_like(&entry.what))
                    .filter(|former| !former.what.ends_a_line()),
                What::Event(_) => None,
            };
            match former.and_then(|former| former.what.bytes_mut()).zip(entry.what.bytes()) {
                Some((bytes, more)) => bytes.extend(more),
                None => joined.push(entry.clone()),
            }
        }
        joined
    }
}

impl What {
    fn bytes(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Typed(_, bytes)
            | Self::Said(_, bytes)
            | Self::DataTyped(_, bytes)
            | Self::DataSaid(_, bytes) => Some(bytes),
            Self::Event(_) => None,
        }
    }

    fn bytes_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Typed(_, bytes)
            | Self::Said(_, bytes)
            | Self::DataTyped(_, bytes)
            | Self::DataSaid(_, bytes) => Some(bytes),
            Self::Event(_) => None,
        }
    }

    fn is_data(&self) -> bool {
        matches!(self, Self::DataTyped(..) | Self::DataSaid(..))
    }

    fn is_dialogue(&self) -> bool {
        matches!(self, Self::Typed(..) | Self::Said(..))
    }

    fn ends_a_line(&self) -> bool {
        self.bytes().is_some_and(|bytes| bytes.ends_with(b"\r") || bytes.ends_with(b"\n"))
    }

    /// Bytes of the same port in the same direction, in the same state.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Typed(port, _), Self::Typed(same, _))
            | (Self::Said(port, _), Self::Said(same, _))
            | (Self::DataTyped(port, _), Self::DataTyped(same, _))
            | (Self::DataSaid(port, _), Self::DataSaid(same, _)) => port == same,
            _ => false,
        }
    }
}

/// `   12.304 box.0 > AT\r`: `>` is what the computer sends, `<` what it reads; data is cut short.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9.3} {}", self.at.as_secs_f64(), self.who)?;
        match &self.what {
            What::Typed(port, bytes) => write!(f, ".{port} > {}", bytes.escape_ascii()),
            What::Said(port, bytes) => write!(f, ".{port} < {}", bytes.escape_ascii()),
            What::DataTyped(port, bytes) => write!(f, ".{port} >> {}", Data(bytes)),
            What::DataSaid(port, bytes) => write!(f, ".{port} << {}", Data(bytes)),
            What::Event(event) => write!(f, " * {event}"),
        }
    }
}

struct Data<'a>(&'a [u8]);

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN_DATA)];
        write!(f, "{} bytes: {}", self.0.len(), shown.escape_ascii())?;
        if self.0.len() > SHOWN_DATA { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_shows_dialogue_in_full_and_data_by_its_size() {
        let at = Duration::from_millis;
        let mut journal = Journal::default();
        for (moment, byte) in (1000..).zip(b"AT\r") {
            journal.note(at(moment), "box", What::Typed(0, vec![*byte]));
            journal.note(at(moment), "box", What::Said(0, vec![*byte]));
        }
        journal.note(at(1003), "box", What::Said(0, b"\r\nOK\r\n".to_vec()));
        journal.note(at(1500), "box", What::Typed(0, b"ATD*99#\r".to_vec()));
        journal.note(at(1501), "box", What::Event("dials *99#".to_owned()));
        journal.note(at(2000), "box", What::DataTyped(0, vec![0x7e; 20]));
        journal.note(at(2005), "other", What::DataSaid(0, vec![0x7e; 20]));
        journal.note(at(2010), "box", What::DataTyped(0, vec![0x7e; 20]));
        journal.note(at(2020), "other", What::Said(1, b"\r\nRING\r\n".to_vec()));
        let expected = [
            "    1.000 box.0 > AT\\r",
            "    1.000 box.0 < AT\\r",
            "    1.003 box.0 < \\r\\nOK\\r\\n",
            "    1.500 box.0 > ATD*99#\\r",
            "    1.501 box * dials *99#",
            "    2.000 box.0 >> 40 bytes: ~~~~~~~~~~~~~~~~~~~~~~~~…",
            "    2.005 other.0 << 20 bytes: ~~~~~~~~~~~~~~~~~~~~",
            "    2.020 other.1 < \\r\\nRING\\r\\n",
        ];
        assert_eq!(journal.tail(100).lines().collect::<Vec<_>>(), expected);
        assert_eq!(journal.tail(1).trim_end(), expected[7]);
        assert_eq!(journal.typed("box"), "AT\rATD*99#\r");
        assert_eq!(journal.events().collect::<Vec<_>>(), [("box", "dials *99#")]);
    }
}
