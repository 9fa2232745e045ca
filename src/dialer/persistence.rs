//! The dialer's persistent state, on the state partition and in the second copy.
//!
//! The state partition is written first, then the copy, then the order runs. One of the two is enough. After a power
//! cut between the writes, and after the loss of one place, the next start uses the later code and the higher charge of
//! both, and repairs the other place. A code goes into both slots of the copy before its order runs: if one slot is
//! damaged later, the other must not hold an older code. The budget, which is written most often, goes into one slot; a
//! damaged slot costs at most a claim.

use std::io;

use crate::log::Log;
use crate::paths::Paths;
use crate::ppp::{Budget, MonthTotal, Session};
use crate::record::Record;
use crate::site::Proof;
use crate::sms::gate::Gate;
use crate::sms::past::Past;
use crate::state::slots::{self, BLOCK, Copies, OFFSETS, TooLong};
use crate::state::{SecondCopy, Store};

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
    copy: SecondCopy,
    past: Past,
    month: MonthTotal,
    copy_trouble: Option<String>,
}

/// The blocks of the second copy on a new card, with their offsets; for the builder.
///
/// # Errors
/// They do not fit.
pub fn new_card() -> Result<[(u64, [u8; BLOCK]); 2], TooLong> {
    let [first, second] = slots::blocks(&copy_of(&Past::NewCard, MonthTotal::default()))?;
    Ok([(OFFSETS[0], first), (OFFSETS[1], second)])
}

fn copy_of(past: &Past, month: MonthTotal) -> Record {
    month.add_to(past.to_copy())
}

impl<'a> Persistence<'a> {
    /// Reads both places, and repairs each from the other.
    pub fn open(paths: &Paths, proof: Option<&Proof>, log: &'a Log) -> (Self, Remembered) {
        let store = Store::new(paths.state());
        let read = |file| Record::parse(&store.read(file).unwrap_or_default());
        let (stored, session) = (Past::from_record(&read(Gate::FILE)), read(Session::FILE));
        let (copy, unreadable) = SecondCopy::open(paths.card());
        let past = Past::recall(proof, stored.clone(), copy.content().and_then(Past::from_record));
        let copied = copy.content().map(MonthTotal::from_copy).unwrap_or_default();
        let month = Budget::after_a_cut(&session).max(copied);
        let mut open = Self { log, store, copy, past: past.clone(), month, copy_trouble: None };
        open.judge_copy(unreadable.map_or(Ok(()), Err));
        if stored.as_ref() != Some(&past)
            && let Err(error) = open.write_past()
        {
            log.warning(&format!("which codes were used: {error}"));
        }
        // The session stores its record again if the copy knows of more.
        let written = open.write_copy(Copies::One);
        open.judge_copy(written);
        (open, Remembered { past, session, copied })
    }

    /// Stores the past of codes and messages durably.
    ///
    /// # Errors
    /// Neither place could be written.
    pub fn remember_past(&mut self, past: Past) -> io::Result<()> {
        self.past = past;
        let stored = self.write_past();
        self.copy_as_well(stored, Copies::Both)
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
