//! The dialer's persistent state, on the state partition and in the second copy.
//!
//! The state partition is written first, then the copy, then the order runs. One of the two is enough. After a power
//! cut between the writes, and after the loss of one place, the next start uses the later code and the higher charge of
//! both, and repairs the other place. A code goes into both slots of the copy before its order runs: if one slot is
//! damaged later, the other must not hold an older code. The budget, which is written most often, goes into one slot; a
//! damaged slot costs at most a claim.

use std::io;

use super::trial::Reach;
use crate::log::Log;
use crate::names::record;
use crate::paths::Paths;
use crate::ppp::{Budget, MonthTotal, Session};
use crate::published::{BootStatus, Published};
use crate::record::Record;
use crate::site::Proof;
use crate::sms::gate::Gate;
use crate::sms::past::Past;
use crate::state::slots::{Copies, OFFSETS};
use crate::state::{CardRecord, Store};

/// The state at the start of the dialer.
#[derive(Debug)]
pub struct Remembered {
    /// Codes and messages.
    pub past: Past,
    /// Link and month: the record of [`Session`].
    pub session: Record,
    /// The month in the second copy.
    pub copied: MonthTotal,
}

/// The state partition and the second copy.
#[derive(Debug)]
pub struct Persistence<'a> {
    log: &'a Log,
    store: Store,
    copy: CardRecord,
    past: Past,
    month: MonthTotal,
    copy_trouble: Option<String>,
    /// Whether a code that only RAM remembers would be good again after the next boot, and the state is in RAM.
    needs_copy: bool,
}

/// Whether `init` has put the state into RAM.
pub(super) fn state_is_in_ram(paths: &Paths) -> bool {
    let boot = paths.published(record::BOOT).as_ref().and_then(BootStatus::from_record);
    boot.is_some_and(|boot| boot.state_is_in_ram())
}

/// What the records of the state partition and the second copy say together of codes and messages, and of the month.
pub fn recall(
    proof: Option<&Proof>,
    sms: &Record,
    session: &Record,
    copy: Option<&Record>,
) -> (Past, MonthTotal) {
    let past = Past::recall(proof, Past::from_record(sms), copy.and_then(Past::from_record));
    let copied = copy.map(MonthTotal::from_copy).unwrap_or_default();
    (past, Budget::after_a_cut(session).max(copied))
}

fn copy_of(past: &Past, month: MonthTotal) -> Record {
    month.add_to(past.to_copy())
}

impl<'a> Persistence<'a> {
    /// Reads both places, and repairs each from the other.
    pub fn open(paths: &Paths, proof: Option<&Proof>, log: &'a Log) -> (Self, Remembered) {
        let store = Store::new(paths.state());
        let read = |file| Record::parse(&store.read(file).unwrap_or_default());
        let (sms, session) = (read(Gate::FILE), read(Session::FILE));
        let (copy, unreadable) = CardRecord::open(paths.card(), OFFSETS);
        let (past, month) = recall(proof, &sms, &session, copy.content());
        // A power cut may have come between this record, which is written first, and the other two.
        let of_trial = Past::from_record(&read(Reach::FILE));
        let past = if of_trial.is_some() { Past::recall(proof, Some(past), of_trial) } else { past };
        let copied = copy.content().map(MonthTotal::from_copy).unwrap_or_default();
        // A code by the clock ends by itself within a minute or two.
        let needs_copy = matches!(proof, Some(Proof::Hotp(_))) && state_is_in_ram(paths);
        let mut open = Self { log, store, copy, past: past.clone(), month, copy_trouble: None, needs_copy };
        open.judge_copy(unreadable.map_or(Ok(()), Err));
        if Past::from_record(&sms).as_ref() != Some(&past)
            && let Err(error) = open.write_past()
        {
            log.warning(&format!("which codes were used: {error}"));
        }
        // The session stores its record again if the copy knows of more.
        let written = open.write_copy(Copies::One);
        open.judge_copy(written);
        (open, Remembered { past, session, copied })
    }

    /// Stores the past of codes and messages durably. If the state is in RAM, and the copy cannot be written, codes by the
    /// clock and commands without a code are obeyed all the same: it survives until the next boot.
    ///
    /// # Errors
    /// Neither place could be written, or only RAM, and the codes count up.
    pub fn remember_past(&mut self, past: Past) -> io::Result<()> {
        self.past = past;
        let stored = self.write_past();
        let lasts =
            if self.needs_copy { stored.and(Err(io::Error::other("the state is in RAM"))) } else { stored };
        self.copy_as_well(lasts, Copies::Both)
    }

    /// Stores the session's record durably; only the month, if the state partition cannot be written.
    ///
    /// # Errors
    /// Neither place could be written.
    pub fn remember_session(&mut self, record: &Record) -> io::Result<()> {
        self.month = Budget::after_a_cut(record);
        let stored = self.store.replace(Session::FILE, &record.to_string());
        self.copy_as_well(stored, Copies::One)
    }

    /// The last error of the second copy, as text.
    pub fn copy_trouble(&self) -> Option<&str> {
        self.copy_trouble.as_deref()
    }

    fn copy_as_well(&mut self, stored: io::Result<()>, copies: Copies) -> io::Result<()> {
        let copied = self.write_copy(copies);
        let is_copied = copied.is_ok();
        self.judge_copy(copied);
        match stored {
            Err(error) if is_copied => {
                self.log.warning(&format!("only the second copy could be written: {error}"));
                Ok(())
            }
            stored => stored,
        }
    }

    fn write_past(&self) -> io::Result<()> {
        self.store.replace(Gate::FILE, &self.past.to_record().to_string())
    }

    fn write_copy(&mut self, copies: Copies) -> io::Result<()> {
        self.copy.write(&copy_of(&self.past, self.month), copies)
    }

    /// Logs an error of the second copy, unless it is the same as the last one.
    fn judge_copy(&mut self, result: io::Result<()>) {
        let trouble = result.err().map(|error| error.to_string());
        if let Some(why) = &trouble
            && self.copy_trouble != trouble
        {
            self.log.warning(&format!("the second copy of codes and budget: {why}"));
        }
        self.copy_trouble = trouble;
    }
}

#[cfg(test)]
#[path = "persistence_tests.rs"]
mod tests;
