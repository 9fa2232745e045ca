//! What the dialer must not forget, on the state partition and in the second copy beside it.
//!
//! The state partition is written first, then the copy, then the order runs. One of the two is enough.
//! After a power cut between the writes, and after the loss of one place, the next start takes the later
//! code and the higher charge of both, and writes what is missing. A code goes into both slots of the copy
//! before its order runs: a slot that goes bad later does not make the one count that was written before.
//! The budget goes into one, as it is written most often; a slot that goes bad then costs a claim.

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

/// What was known when the dialer started.
#[derive(Debug)]
pub struct Remembered {
    /// Of codes and messages.
    pub past: Past,
    /// Of the link and the month: what [`Session`] has stored.
    pub session: Record,
    /// Of the month, in the second copy.
    pub copied: MonthTotal,
}

/// The two places.
#[derive(Debug)]
pub struct Persistence<'a> {
    log: &'a Log,
    store: Store,
    copy: SecondCopy,
    past: Past,
    month: MonthTotal,
    copy_trouble: Option<String>,
}

/// The blocks of the second copy on a card that nobody has used yet, and where they lie; for the builder.
///
/// # Errors
/// They do not fit.
pub fn new_card() -> Result<[(u64, [u8; BLOCK]); 2], TooLong> {
    let [first, second] = slots::blocks(&copy_of(&Past::NewCard, MonthTotal::default()))?;
    Ok([(OFFSETS[0], first), (OFFSETS[1], second)])
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
        let (copy, unreadable) = SecondCopy::open(paths.card());
        let (past, month) = recall(proof, &sms, &session, copy.content());
        let copied = copy.content().map(MonthTotal::from_copy).unwrap_or_default();
        let mut open = Self { log, store, copy, past: past.clone(), month, copy_trouble: None };
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

    /// When this returns, what is known of codes and messages survives.
    ///
    /// # Errors
    /// Neither place could be written.
    pub fn remember_past(&mut self, past: Past) -> io::Result<()> {
        self.past = past;
        let stored = self.write_past();
        self.copy_as_well(stored, Copies::Both)
    }

    /// When this returns, what the session wants to remember survives; of the month alone, if the state
    /// partition cannot be written.
    ///
    /// # Errors
    /// Neither place could be written.
    pub fn remember_session(&mut self, record: &Record) -> io::Result<()> {
        self.month = Budget::after_a_cut(record);
        let stored = self.store.replace(Session::FILE, &record.to_string());
        self.copy_as_well(stored, Copies::One)
    }

    /// Why the second copy could not be read or written last, for a person.
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

    /// A card that is bad for long is logged once.
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
