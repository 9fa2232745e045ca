//! What a box has acknowledged while its writes were recorded, and whether a card still knows it. Pure.

use dialbox::clock::Month;
use dialbox::dialer::persistence::recall;
use dialbox::ppp::{MonthTotal, Session};
use dialbox::record::Record;
use dialbox::site::Proof;
use dialbox::sms::gate::Gate;
use dialbox::state::file_slots::{self, SHORTEST};
use std::collections::BTreeMap;
use std::fmt;

/// Something that was acknowledged, and must be known to every later boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The code with this moving factor was accepted: it must be refused from now on.
    Used(u64),
    /// The month has cost so many bytes.
    Month(MonthTotal),
    /// A file of the state partition has these bytes among others.
    Contains(String, Vec<u8>),
}

/// A fact, and after how many sector writes it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The number of writes that the card had completed.
    pub after: usize,
    /// What was seen.
    pub fact: Fact,
}

/// What a card says: the files of its state partition, and the second copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// By path, without a slash at the beginning.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The second copy's content.
    pub copy: Option<Record>,
}

impl Memory {
    /// The facts that it does not know.
    pub fn missing<'a>(&self, facts: impl Iterator<Item = &'a Fact>, proof: Option<&Proof>) -> Vec<&'a Fact> {
        let text =
            |name| String::from_utf8_lossy(self.files.get(name).map_or(&[][..], Vec::as_slice)).into_owned();
        let read = |name| Record::parse(&text(name));
        // As the box itself judges it at its start.
        let (past, month) = recall(proof, &read(Gate::FILE), &read(Session::FILE), self.copy.as_ref());
        let used = past.to_record().number("used");
        let knows = |fact: &&Fact| match fact {
            Fact::Used(factor) => used >= Some(*factor),
            Fact::Month(total) => month >= *total,
            Fact::Contains(file, bytes) => self.files.get(file).is_some_and(|content| has(content, bytes)),
        };
        facts.filter(|fact| !knows(fact)).collect()
    }
}

fn has(content: &[u8], part: &[u8]) -> bool {
    part.is_empty() || content.windows(part.len()).any(|it| it == part)
}

/// One line: `AFTER used 7`, `AFTER month 2026-07 1000`, `AFTER contains ledger 3120…`.
impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.after, self.fact)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used(factor) => write!(f, "used {factor}"),
            Self::Month(MonthTotal { month, bytes }) => {
                let month = month.map_or_else(|| "-".to_owned(), |month| month.to_string());
                write!(f, "month {month} {bytes}")
            }
            Self::Contains(file, bytes) => {
                write!(f, "contains {file} ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

impl Acknowledged {
    /// Reads what [`Display`](fmt::Display) has written.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let after = words.next()?.parse().ok()?;
        let fact = match (words.next()?, words.next()?, words.next()) {
            ("used", factor, None) => Fact::Used(factor.parse().ok()?),
            ("month", month, Some(bytes)) => {
                Fact::Month(MonthTotal { month: Month::parse(month), bytes: bytes.parse().ok()? })
            }
            ("contains", file, Some(hex)) => Fact::Contains(file.to_owned(), unhex(hex)?),
            _ => return None,
        };
        Some(Self { after, fact })
    }
}

/// What a file holds: the content of the store's format, or all bytes of another one. Nothing of a file of the store's
/// length whose slots are both damaged.
pub fn content(file: Vec<u8>) -> Vec<u8> {
    match file_slots::content(&file) {
        Some(text) => text.as_bytes().to_vec(),
        None if file.len().is_multiple_of(SHORTEST) => Vec::new(),
        None => file,
    }
}

/// Bytes written as two hexadecimal digits each; white space between them is skipped.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let byte = |pair: &[u32; 2]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    let (pairs, rest) = digits.as_chunks();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(bytes: u64) -> Fact {
        Fact::Month(MonthTotal { month: Month::parse("2026-07"), bytes })
    }

    fn memory(files: &[(&str, &str)], copy: Option<&str>) -> Memory {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        Memory { files, copy: copy.map(Record::parse) }
    }

    #[test]
    fn a_fact_is_the_same_after_writing_and_reading() {
        for fact in [Fact::Used(7), month(12), Fact::Contains("ssh/key".into(), vec![0, 255])] {
            let line = Acknowledged { after: 3, fact };
            assert_eq!(Acknowledged::parse(&line.to_string()), Some(line));
        }
        for wrong in ["", "3", "3 used", "3 used x", "3 contains a 0", "3 contains a 0g", "3 eaten 1"] {
            assert_eq!(Acknowledged::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_code_and_the_month_are_known_from_either_place() {
        let facts = [Fact::Used(7), month(1000)];
        let stored =
            [("sms", "secret=hotp-00000000\nused=7\nhandled=\n"), ("budget", "month=2026-07\nused=1000\n")];
        let copy = "secret=hotp-00000000\nused=7\nhandled=\nmonth=2026-07\nbytes=1000\n";
        for (memory, missing) in [
            (memory(&stored, None), 0),
            (memory(&[], Some(copy)), 0),
            (memory(&stored[..1], None), 1),
            (memory(&[("sms", "secret=hotp-00000000\nused=6\nhandled=\n")], None), 2),
            (memory(&[], Some("codes=new\n")), 2),
            (memory(&[], None), 2),
        ] {
            assert_eq!(memory.missing(facts.iter(), None).len(), missing, "{memory:?}");
        }
    }

    #[test]
    fn a_file_must_have_the_bytes_that_were_seen() {
        let fact = [Fact::Contains("ledger".into(), b"1 5 daily".to_vec())];
        let kept = memory(&[("ledger", "1 5 daily\n2 6 daily\n")], None);
        assert!(kept.missing(fact.iter(), None).is_empty());
        for lost in [memory(&[("ledger", "2 6 daily\n")], None), memory(&[], None)] {
            assert_eq!(lost.missing(fact.iter(), None).len(), 1);
        }
    }
}
