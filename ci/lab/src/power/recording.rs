//! A recorded story: the card before it, every write to it, and what the box acknowledged on the way.
//!
//! A directory for each story: `card`, the card before; `writes-N` and `trace-N`, QEMU's files of the boot N; `site.toml`,
//! the site in force; `facts`, one [`Acknowledged`] a line, written last.

use super::facts::{Acknowledged, Fact};
use crate::booted::Booted;
use crate::card::SITE;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::writes::log::{Log, SectorWrite};
use crate::writes::{Files, trace};
use dialbox::clock::Month;
use dialbox::ppp::MonthTotal;
use dialbox::record::Record;
use dialbox::site::{Proof, Role, Site};
use std::cell::RefCell;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const CARD: &str = "card";
const FACTS: &str = "facts";

/// Records a box from now on.
pub struct Recorder {
    dir: PathBuf,
    facts: RefCell<Vec<Acknowledged>>,
}

impl Recorder {
    /// Into this directory, whose former content is removed. The box must be off, and its site written.
    pub fn start(machine: &mut Machine, dir: &Path) -> Result<Self> {
        drop(fs::remove_dir_all(dir));
        fs::create_dir_all(dir).map_err(|e| Error::io("make", dir, e))?;
        machine.card().copy_to(&dir.join(CARD))?;
        let site = dir.join(SITE);
        fs::write(&site, machine.card().read(SITE)?).map_err(|e| Error::io("write", &site, e))?;
        machine.record(dir.to_owned());
        Ok(Self { dir: dir.to_owned(), facts: RefCell::default() })
    }

    /// The box has acknowledged this just now.
    pub fn note(&self, fact: Fact) -> Result<()> {
        let after = read_logs(&self.dir)?.iter().map(|log| log.writes.len()).sum();
        self.facts.borrow_mut().push(Acknowledged { after, fact });
        Ok(())
    }

    /// The box shows what this file of its state partition holds.
    pub fn note_file(&self, booted: &mut Booted, file: &str) -> Result<()> {
        let hex = booted.must(&format!("od -An -v -tx1 /state/{file}"))?;
        let bytes = super::facts::unhex(&hex);
        let bytes = bytes.ok_or_else(|| Error::Unexpected(format!("od shows of /state/{file}:\n{hex}")))?;
        self.note(Fact::Contains(file.to_owned(), super::facts::content(bytes)))
    }

    /// The box shows what the month has cost.
    pub fn note_month(&self, booted: &mut Booted) -> Result<()> {
        let shown = Record::parse(&booted.must("cat /run/dialbox/link")?);
        let month = shown.get("month").and_then(Month::parse);
        self.note(Fact::Month(MonthTotal { month, bytes: shown.number("used").unwrap_or(0) }))
    }

    /// The story is at its end.
    pub fn finish(self) -> Result<()> {
        let text: String = self.facts.borrow().iter().map(|fact| format!("{fact}\n")).collect();
        let path = self.dir.join(FACTS);
        fs::write(&path, text).map_err(|e| Error::io("write", &path, e))
    }
}

/// A story that was recorded.
#[derive(Debug)]
pub struct Recording {
    /// The card before it.
    pub card: PathBuf,
    /// Every written sector, in order.
    pub writes: Rc<Vec<SectorWrite>>,
    /// The sector writes of each request, in order.
    pub requests: Vec<Range<usize>>,
    /// How often the guest has asked for a flush.
    pub flushes: usize,
    /// What was acknowledged.
    pub facts: Vec<Acknowledged>,
    /// What the box is for.
    pub role: Role,
}

impl Recording {
    /// Whether a directory holds a complete one.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(FACTS).is_file()
    }

    /// Reads it.
    pub fn load(dir: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).map_err(|e| Error::io("read", &path, e))
        };
        let unreadable = |what: &str| Error::Unexpected(format!("{}: {what}", dir.display()));
        let logs = read_logs(dir)?;
        let flushes = logs.iter().map(|log| log.flushes).sum();
        let mut requests = Vec::new();
        let mut end = 0;
        for (boot, log) in logs.iter().enumerate() {
            let trace = Files::of_boot(dir, boot).trace;
            let trace = fs::read_to_string(&trace).map_err(|e| Error::io("read", &trace, e))?;
            requests.extend(ranges(end, log.writes.len(), &trace::sectors_by_command(&trace)));
            end += log.writes.len();
        }
        let facts = text(FACTS)?.lines().map(Acknowledged::parse).collect::<Option<_>>();
        let facts = facts.ok_or_else(|| unreadable("its facts cannot be read"))?;
        let site = Site::parse(&text(SITE)?).map_err(|e| unreadable(&e.to_string()))?;
        let writes = Rc::new(logs.into_iter().flat_map(|log| log.writes).collect());
        Ok(Self { card: dir.join(CARD), writes, requests, flushes, facts, role: site.role })
    }

    /// How senders of text messages prove that they may command the box.
    pub fn proof(&self) -> Option<&Proof> {
        match &self.role {
            Role::Dialer(dialer) => dialer.sms.as_ref().map(|sms| &sms.proof),
            Role::DialIn(_) => None,
        }
    }

    /// The written sectors of a recording that goes on, in order.
    pub fn sectors(dir: &Path) -> Result<Vec<u64>> {
        let logs = read_logs(dir)?;
        Ok(logs.iter().flat_map(|log| log.writes.iter().map(|write| write.sector)).collect())
    }

    /// The facts that a card must know on which so many writes are.
    pub fn known_after(&self, writes: usize) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.after <= writes).map(|fact| &fact.fact)
    }
}

fn read_logs(dir: &Path) -> Result<Vec<Log>> {
    let mut logs = Vec::new();
    loop {
        let path = Files::of_boot(dir, logs.len()).writes;
        if !path.exists() {
            return Ok(logs);
        }
        let bytes = fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
        let log = Log::parse(&bytes).map_err(|it| {
            let what = format!("{}: entry with flags {} at byte {}", path.display(), it.flags, it.at);
            Error::Unexpected(what)
        })?;
        logs.push(log);
    }
}

/// The requests of a boot whose first write has the number `first`. An emulator that was killed has logged a few sectors
/// less or more than it has traced: they belong to the last request.
fn ranges(first: usize, writes: usize, sectors: &[usize]) -> Vec<Range<usize>> {
    let end = first + writes;
    let mut at = first;
    let mut ranges = Vec::new();
    for sectors in sectors {
        let next = (at + sectors).min(end);
        if next > at {
            ranges.push(at..next);
        }
        at = next;
    }
    if at < end {
        ranges.push(at..end);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_belongs_to_one_request() {
        assert_eq!(ranges(10, 5, &[2, 3]), [10..12, 12..15]);
        assert_eq!(ranges(0, 4, &[2, 3]), [0..2, 2..4]);
        assert_eq!(ranges(0, 6, &[2, 3]), [0..2, 2..5, 5..6]);
        assert!(ranges(0, 0, &[2]).is_empty());
    }
}
