//! The messages that the modem stores: the inbox finds them, reads each, reports it, and deletes it when the owner
//! discards it. A modem with a full storage reports no new message, so the inbox keeps the storages empty, and lists
//! them even without a URC.

mod selection;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::cnmi::Cnmi;
use super::listing::{self, Reading};
use super::step::Step;
use super::storage::{Memories, Place, Selection, Storage};
use crate::modem::at::response::Final;
use crate::modem::at::values::{fields, values};

/// How often a garbled message is read.
const READ_TRIES: u32 = 3;
/// The most messages that are tracked from URCs; beyond that the storages are listed.
const READ_AT_MOST: usize = 300;

/// The modem's messages.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Commands that come before all others, in order.
    plan: VecDeque<Step>,
    /// Settings of `+CPMS` that the modem offers and has not refused, the best first.
    choices: VecDeque<Memories>,
    /// Storages that can be read and have not been refused, the best first.
    storages: Vec<Storage>,
    /// `None` until the modem has accepted a setting of `+CPMS`: nothing is read or deleted before.
    selection: Option<Selection>,
    /// How often a storage was selected: an index seen before may belong to another one.
    visit: u32,
    /// Settings of `+CNMI` that the modem offers and has not refused, the best first.
    cnmi: VecDeque<Cnmi>,
    must_acknowledge: bool,
    known: BTreeMap<(Storage, u16), Known>,
    /// Storages to be listed.
    look: BTreeSet<Storage>,
    /// What the last listing of each storage left out: the log has it once.
    left_out: BTreeMap<Storage, LeftOut>,
}

/// The state of a place in a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// To be read, after so many failed tries.
    Waiting { tries: u32 },
    /// A message that was reported.
    Reported(Reported),
    /// It could not be read.
    Unreadable,
}

/// A message that was reported to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reported {
    pdu: String,
    /// The visit in which it was seen last.
    seen: u32,
    fate: Fate,
}

/// What becomes of a reported message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    /// To be deleted, if it is still there.
    Discarded,
    /// The modem was told to delete it.
    Deleting,
}

/// The result of reading a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// A message that was not reported before.
    Message(Place, String),
    /// An empty place, or a message that was reported.
    Nothing,
    /// The answer makes no sense.
    Garbled,
}

/// What a listing left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LeftOut {
    #[default]
    Nothing,
    /// So many entries that could not be parsed.
    Entries(usize),
    /// Everything: it was in text mode.
    TextMode,
}

/// The result of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Messages that were not reported before.
    pub new: Vec<(Place, String)>,
    /// What was left out, if it differs from the last time.
    pub left_out: Option<LeftOut>,
}

impl Inbox {
    /// The modem is ready: configures it, and lists its storages.
    pub fn begin(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        let plan = [Step::PduMode, Step::Storages, Step::ReportOptions].into();
        *self = Self { plan, left_out, visit: self.visit + 1, ..Self::default() };
    }

    /// Repeats the settings, in case the modem has lost them, and lists every storage.
    pub fn refresh(&mut self) {
        if !self.plan.is_empty() {
            return;
        }
        self.plan.push_back(Step::PduMode);
        self.plan.extend(self.selection.map(|selection| Step::SetStorages(selection.preferred)));
        self.plan.extend(self.cnmi.front().copied().map(Step::Cnmi));
        self.look.extend(&self.storages);
    }

    /// A message may have come: lists the preferred storage.
    pub fn look(&mut self) {
        self.look.extend(self.storage());
    }

    /// Whether the modem is configured and can send a message.
    pub fn is_set_up(&self) -> bool {
        self.plan.is_empty()
    }

    /// The preferred storage, for `dialctl status`.
    pub fn storage(&self) -> Option<Storage> {
        self.selection.map(|selection| selection.preferred.read)
    }

    /// A reported message is no longer needed.
    pub fn discard(&mut self, place: Place) {
        match place {
            Place::NotStored if self.must_acknowledge => self.plan.push_back(Step::Acknowledge),
            Place::NotStored => {}
            Place::Stored(storage, index) => {
                if let Some(Known::Reported(message)) = self.known.get_mut(&(storage, index))
                    && message.fate == Fate::Kept
                {
                    message.fate = Fate::Discarded;
                }
            }
        }
    }

    /// Whether discarded messages are still to be deleted.
    pub fn has_discarded(&self) -> bool {
        self.known.values().any(Known::is_discarded)
    }

    /// The next command that comes before a message is sent: a setting, or a deletion, which makes room. `is_ready`
    /// says whether a step may be taken now.
    pub fn urgent(&mut self, is_ready: impl Fn(&Step) -> bool) -> Option<Step> {
        if let Some(at) = self.plan.iter().position(&is_ready) {
            return self.plan.remove(at);
        }
        let (selection, visit) = (self.selection?, self.visit);
        let due = self.known.iter_mut().filter_map(|(place, known)| {
            let Known::Reported(message) = known else { return None };
            let step = message.deletion(*place, selection, visit).filter(&is_ready)?;
            Some((place.0, message, step))
        });
        let (storage, message, step) = due.min_by_key(|(storage, ..)| *storage != selection.read)?;
        if storage != selection.read {
            return Some(Step::SelectStorage(selection.reading(storage)));
        }
        if let Step::Delete(..) = step {
            message.fate = Fate::Deleting;
        }
        Some(step)
    }

    /// The next command when no message is to be sent.
    pub fn next(&mut self, is_ready: impl Fn(&Step) -> bool) -> Option<Step> {
        let selection = self.selection?;
        let may_list = |storage: &Storage| is_ready(&Step::List(*storage));
        let due = self.known.iter().filter_map(|(place, known)| Some((place.0, known.reading(*place)?)));
        let due = due.filter(|(_, step)| is_ready(step));
        if let Some((storage, step)) = due.min_by_key(|(storage, _)| *storage != selection.read) {
            let waiting = self.known.iter().filter(|(place, it)| place.0 == storage && it.is_new()).count();
            return Some(match storage == selection.read {
                false => Step::SelectStorage(selection.reading(storage)),
                // One listing has them all.
                true if waiting > 1 && may_list(&storage) => {
                    self.look.remove(&storage);
                    Step::List(storage)
                }
                true => step,
            });
        }
        if self.look.contains(&selection.read) && may_list(&selection.read) {
            self.look.remove(&selection.read);
            return Some(Step::List(selection.read));
        }
        let elsewhere = self.look.iter().copied().find(may_list).unwrap_or(selection.preferred.read);
        (elsewhere != selection.read).then(|| Step::SelectStorage(selection.reading(elsewhere)))
    }

    /// The steps that wait until they may be taken again.
    pub fn waiting(&self) -> impl Iterator<Item = Step> + '_ {
        let steps = self.selection.into_iter().flat_map(move |selection| {
            let places = self.known.iter().filter_map(move |(place, known)| match known {
                Known::Reported(message) => message.deletion(*place, selection, self.visit),
                _ => known.reading(*place),
            });
            places.chain(self.look.iter().copied().map(Step::List))
        });
        self.plan.iter().copied().chain(steps)
    }

    /// Parses a URC: a storage has a new message, or is full (`^SMMEMFULL` is Huawei's). Returns whether it was one.
    pub fn unsolicited(&mut self, line: &str) -> bool {
        let Some(values) = fields(line, "+CMTI") else {
            let is_full = line.starts_with("+CMS ERROR: 322") || line.starts_with("^SMMEMFULL");
            if is_full {
                self.look.extend(&self.storages);
            }
            return is_full;
        };
        let storage = values.first().and_then(|name| Storage::from_name(name));
        let index = values.get(1).and_then(|index| index.parse().ok());
        match storage.zip(index) {
            Some((storage, index)) if self.storages.contains(&storage) && self.known.len() < READ_AT_MOST => {
                self.known.insert((storage, index), Known::Waiting { tries: 0 });
            }
            _ => self.look.extend(&self.storages),
        }
        true
    }

    /// A message is at this place. Returns it if it was not reported before.
    fn found(&mut self, place: (Storage, u16), pdu: &str) -> Option<String> {
        if let Some(Known::Reported(message)) = self.known.get_mut(&place)
            && message.pdu == pdu
        {
            message.seen = self.visit;
            // The modem has refused the deletion, or has not deleted it, whatever it answered: try again.
            if message.fate == Fate::Deleting {
                message.fate = Fate::Discarded;
            }
            return None;
        }
        let message = Reported { pdu: pdu.to_owned(), seen: self.visit, fate: Fate::Kept };
        self.known.insert(place, Known::Reported(message));
        Some(pdu.to_owned())
    }

    /// The answer to `+CNMI=?`: a set for each of the five values.
    pub fn report_options(&mut self, answer: &[String]) {
        let sets = values(answer, "+CNMI").unwrap_or_default();
        self.cnmi = Cnmi::PREFERENCE.into_iter().filter(|cnmi| cnmi.is_admitted_by(&sets)).collect();
        self.plan.extend(self.cnmi.front().copied().map(Step::Cnmi));
    }

    /// The answer to a setting of `+CNMI`.
    pub fn sets_cnmi(&mut self, cnmi: Cnmi, result: &Final) {
        if *result == Final::Ok {
            if cnmi.delivers() {
                self.plan.push_back(Step::Service);
            }
        } else {
            self.cnmi.retain(|other| *other != cnmi);
            self.plan.extend(self.cnmi.front().copied().map(Step::Cnmi));
        }
    }

    /// The answer to `+CSMS?`: under service 1 a message that the modem delivers without storing must be acknowledged
    /// (TS 27.005 §3.2.1).
    pub fn service(&mut self, answer: &[String]) {
        self.must_acknowledge =
            values(answer, "+CSMS").and_then(|values| values.first().copied()) == Some("1");
    }

    /// The answer to `+CMGL=4`. It has whole messages: none of them need be read by itself.
    pub fn listed(&mut self, storage: Storage, answer: &[String]) -> Listed {
        let listing = listing::listing(answer);
        let is_listed = |index: &u16| listing.messages.iter().any(|(listed, _)| listed == index);
        let is_there = |index: &u16| is_listed(index) || listing.broken.contains(index);
        if !listing.is_text_mode {
            self.known.retain(|(at, index), _| *at != storage || is_there(index));
        } else if !self.plan.contains(&Step::PduMode) {
            self.plan.push_back(Step::PduMode);
        }
        for index in &listing.broken {
            self.known.entry((storage, *index)).or_insert(Known::Waiting { tries: 0 });
        }
        let mut new = Vec::new();
        for (index, pdu) in &listing.messages {
            let place = Place::Stored(storage, *index);
            new.extend(self.found((storage, *index), pdu).map(|pdu| (place, pdu)));
        }
        let left_out = match (listing.is_text_mode, listing.unreadable) {
            (true, _) => LeftOut::TextMode,
            (false, 0) => LeftOut::Nothing,
            (false, entries) => LeftOut::Entries(entries),
        };
        let before = self.left_out.insert(storage, left_out).unwrap_or_default();
        Listed { new, left_out: Some(left_out).filter(|left_out| *left_out != before) }
    }

    /// The answer to `+CMGR`.
    pub fn read(&mut self, storage: Storage, index: u16, result: &Final, answer: &[String]) -> Read {
        let place = (storage, index);
        let reading = if *result == Final::Ok { listing::message(answer, index) } else { Reading::Empty };
        match reading {
            Reading::Message(pdu) => match self.found(place, &pdu) {
                Some(pdu) => Read::Message(Place::Stored(storage, index), pdu),
                None => Read::Nothing,
            },
            Reading::Empty => {
                self.known.remove(&place);
                Read::Nothing
            }
            Reading::Garbled => {
                let tries = match self.known.get(&place) {
                    Some(Known::Waiting { tries }) => tries + 1,
                    // A listing may show whether it is still there.
                    Some(known) if known.is_discarded() => {
                        self.look.insert(storage);
                        return Read::Garbled;
                    }
                    _ => 1,
                };
                let known = if tries < READ_TRIES { Known::Waiting { tries } } else { Known::Unreadable };
                self.known.insert(place, known);
                Read::Garbled
            }
        }
    }

    /// The answer to `+CMGD`. Returns whether the message is deleted, according to the modem.
    pub fn deleted(&mut self, storage: Storage, index: u16, result: &Final) -> bool {
        let place = (storage, index);
        let is_deleting =
            matches!(self.known.get(&place), Some(Known::Reported(Reported { fate: Fate::Deleting, .. })));
        let is_gone = *result == Final::Ok && is_deleting;
        if is_gone {
            self.known.remove(&place);
        }
        is_gone
    }
}

impl Known {
    fn is_new(&self) -> bool {
        matches!(self, Self::Waiting { tries: 0 })
    }

    fn is_discarded(&self) -> bool {
        matches!(self, Self::Reported(Reported { fate: Fate::Discarded, .. }))
    }

    fn reading(&self, (storage, index): (Storage, u16)) -> Option<Step> {
        matches!(self, Self::Waiting { .. }).then_some(Step::Read(storage, index))
    }
}

impl Reported {
    /// The step towards the deletion of a discarded message. One that was not seen since its storage was selected is
    /// read first: its index may now be that of another message, or of another storage.
    fn deletion(&self, place: (Storage, u16), selection: Selection, visit: u32) -> Option<Step> {
        let is_seen = self.seen == visit && selection.read == place.0;
        let step = if is_seen { Step::Delete(place.0, place.1) } else { Step::Read(place.0, place.1) };
        (self.fate == Fate::Discarded).then_some(step)
    }
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
