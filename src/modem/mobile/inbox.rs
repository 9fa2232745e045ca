//! The messages that the modem holds: found, read one by one, handed over, and deleted when their
//! reader says so. A storage that is full tells of no message any more, so it is kept empty, and
//! looked at even when nothing was said.

mod selection;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::cnmi::Cnmi;
use super::listing::{self, Reading};
use super::step::Step;
use super::storage::{Memories, Place, Storage};
use crate::modem::at::response::Final;
use crate::modem::at::values::{fields, values};

/// How often a message is read that comes garbled.
const READ_TRIES: u32 = 3;
/// So many messages that were told of are read one by one; if there are more, the storage is listed.
const READ_AT_MOST: usize = 300;

/// The modem's messages.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Commands of its own that wait, in order.
    plan: VecDeque<Step>,
    /// Choices of `+CPMS` that the modem has and that have not been refused, the best first.
    choices: VecDeque<Memories>,
    /// Storages that can be read and have not been refused, the best first.
    storages: Vec<Storage>,
    /// The choice that is in force.
    preferred: Option<Memories>,
    /// Where commands read and delete now (`<mem1>`).
    selected: Option<Storage>,
    /// How often that was chosen: what was seen before may have been somewhere else.
    visit: u32,
    /// Settings that the modem admits and has not refused, the best first.
    cnmi: VecDeque<Cnmi>,
    must_acknowledge: bool,
    known: BTreeMap<(Storage, u16), Known>,
    /// Storages to be looked at.
    look: BTreeSet<Storage>,
    /// What the last listing of a storage left out: the log says that once.
    left_out: BTreeMap<Storage, LeftOut>,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// To be read; so many tries were in vain.
    Waiting { tries: u32 },
    /// Handed over; when it was seen there last.
    Reported { pdu: String, seen: u32 },
    /// To be deleted, if it is still there.
    Discarded { pdu: String, seen: u32 },
    /// Deleted, as far as the modem has said.
    Deleting { pdu: String },
    /// It could not be read.
    Unreadable,
}

/// What a message is, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// One that was not handed over before.
    Message(Place, String),
    /// Nothing new: an empty place, or a message that was handed over.
    Nothing,
    /// The answer makes no sense.
    Garbled,
}

/// What a listing has left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LeftOut {
    #[default]
    Nothing,
    /// So many entries that could not be understood.
    Entries(usize),
    /// All: it was in text mode.
    TextMode,
}

/// What came of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Messages that were not handed over before.
    pub new: Vec<(Place, String)>,
    /// What was left out, if that is another than the last time.
    pub left_out: Option<LeftOut>,
}

impl Inbox {
    /// The modem is ready: everything is set up, and what lies there is looked at.
    pub fn begin(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        let plan = [Step::PduMode, Step::Storages, Step::ReportOptions].into();
        *self = Self { plan, left_out, visit: self.visit + 1, ..Self::default() };
    }

    /// The settings are made again, in case the modem has forgotten them, and every storage is
    /// looked at.
    pub fn refresh(&mut self) {
        if !self.plan.is_empty() {
            return;
        }
        self.plan.push_back(Step::PduMode);
        self.plan.extend(self.preferred.map(Step::SetStorages));
        self.plan.extend(self.cnmi.front().copied().map(Step::Cnmi));
        self.look.extend(&self.storages);
    }

    /// Something may have come, or may have been missed.
    pub fn look(&mut self) {
        self.look.extend(self.storage());
    }

    /// Whether the modem is set up and can take a message to send.
    pub fn is_set_up(&self) -> bool {
        self.plan.is_empty()
    }

    /// For `dialctl status`.
    pub fn storage(&self) -> Option<Storage> {
        self.preferred.map(|memories| memories.read)
    }

    /// A message that was handed over is not needed any more.
    pub fn discard(&mut self, place: Place) {
        match place {
            Place::PassedOn if self.must_acknowledge => self.plan.push_back(Step::Acknowledge),
            Place::PassedOn => {}
            Place::Stored(storage, index) => {
                if let Some(Known::Reported { pdu, seen }) = self.known.get(&(storage, index)) {
                    let (pdu, seen) = (pdu.clone(), *seen);
                    self.known.insert((storage, index), Known::Discarded { pdu, seen });
                }
            }
        }
    }

    /// Whether messages that were discarded are still to be deleted.
    pub fn has_discarded(&self) -> bool {
        self.known.values().any(|known| matches!(known, Known::Discarded { .. }))
    }

    /// What to ask before a message is sent: settings, and what makes room. `is_ready` tells whether a step may be
    /// taken now.
    pub fn urgent(&mut self, is_ready: impl Fn(&Step) -> bool) -> Option<Step> {
        if let Some(at) = self.plan.iter().position(&is_ready) {
            return self.plan.remove(at);
        }
        let (place, step) =
            self.nearest(|inbox, place| inbox.deletion(place).filter(|step| is_ready(step)))?;
        if self.selected != Some(place.0) {
            return Some(self.select(place.0));
        }
        if let Step::Delete(..) = step
            && let Some(known) = self.known.get_mut(&place)
            && let Known::Discarded { pdu, .. } = known
        {
            *known = Known::Deleting { pdu: std::mem::take(pdu) };
        }
        Some(step)
    }

    /// How to get rid of what lies at a place. What was not seen there since the storage was chosen is seen first: an
    /// index alone may by now be that of another message, or of another storage.
    fn deletion(&self, (storage, index): (Storage, u16)) -> Option<Step> {
        let Known::Discarded { seen, .. } = self.known.get(&(storage, index))? else { return None };
        let is_seen = *seen == self.visit && self.selected == Some(storage);
        Some(if is_seen { Step::Delete(storage, index) } else { Step::Read(storage, index) })
    }

    /// What to ask when nothing is to be sent.
    pub fn next(&mut self, is_ready: impl Fn(&Step) -> bool) -> Option<Step> {
        let may_list = |storage: &Storage| is_ready(&Step::List(*storage));
        let step = |inbox: &Self, place| inbox.reading(place).filter(|step| is_ready(step));
        if let Some((place, step)) = self.nearest(step) {
            let waiting = self.known.iter().filter(|(at, it)| at.0 == place.0 && it.is_new()).count();
            return Some(match self.selected == Some(place.0) {
                false => self.select(place.0),
                // One listing shows them all.
                true if waiting > 1 && may_list(&place.0) => {
                    self.look.remove(&place.0);
                    Step::List(place.0)
                }
                true => step,
            });
        }
        if let Some(here) = self.selected.filter(|here| self.look.contains(here) && may_list(here)) {
            self.look.remove(&here);
            return Some(Step::List(here));
        }
        let elsewhere = self.look.iter().copied().find(may_list).or(self.storage());
        elsewhere.filter(|storage| self.selected != Some(*storage)).map(|storage| self.select(storage))
    }

    fn reading(&self, (storage, index): (Storage, u16)) -> Option<Step> {
        let is_waiting = matches!(self.known.get(&(storage, index)), Some(Known::Waiting { .. }));
        is_waiting.then_some(Step::Read(storage, index))
    }

    /// What waits until its step may be taken again.
    pub fn waiting(&self) -> impl Iterator<Item = Step> + '_ {
        let places = self.known.keys().flat_map(|place| [self.deletion(*place), self.reading(*place)]);
        let looks = self.look.iter().copied().map(Step::List);
        self.plan.iter().copied().chain(places.flatten()).chain(looks)
    }

    /// A place with something to be done, and that; in the storage where we are if there is one.
    fn nearest(
        &self,
        step: impl Fn(&Self, (Storage, u16)) -> Option<Step>,
    ) -> Option<((Storage, u16), Step)> {
        let mut found = self.known.keys().filter_map(|place| Some((*place, step(self, *place)?))).peekable();
        let first = *found.peek()?;
        found.find(|((storage, _), _)| self.selected == Some(*storage)).or(Some(first))
    }

    /// Goes to another storage; where new messages arrive stays as it is.
    fn select(&self, storage: Storage) -> Step {
        let preferred = self.preferred.unwrap_or(Memories::all(storage));
        Step::SelectStorage(Memories { read: storage, ..preferred })
    }

    /// A storage has something new, or is full (`^SMMEMFULL` is Huawei's).
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

    /// A message is seen at a place. Gives it back if it is a new one.
    fn found(&mut self, place: (Storage, u16), pdu: &str) -> Option<String> {
        let (seen, pdu) = (self.visit, pdu.to_owned());
        let is_same = |it: &String| *it == pdu;
        match self.known.get(&place) {
            Some(Known::Reported { pdu: it, .. }) if is_same(it) => {
                self.known.insert(place, Known::Reported { pdu, seen });
                None
            }
            // It was refused to delete it, or it was not, whatever the modem has said: once more.
            Some(Known::Discarded { pdu: it, .. } | Known::Deleting { pdu: it }) if is_same(it) => {
                self.known.insert(place, Known::Discarded { pdu, seen });
                None
            }
            _ => {
                self.known.insert(place, Known::Reported { pdu: pdu.clone(), seen });
                Some(pdu)
            }
        }
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
            if cnmi.passes_on() {
                self.plan.push_back(Step::Service);
            }
        } else {
            self.cnmi.retain(|other| *other != cnmi);
            self.plan.extend(self.cnmi.front().copied().map(Step::Cnmi));
        }
    }

    /// The answer to `+CSMS?`: under service 1 a message that is passed on must be acknowledged
    /// (TS 27.005 §3.2.1).
    pub fn service(&mut self, answer: &[String]) {
        self.must_acknowledge =
            values(answer, "+CSMS").and_then(|values| values.first().copied()) == Some("1");
    }

    /// The answer to `+CMGL=4`. What it gives of a message is enough: it need not be read by itself.
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
                    // It is to be deleted: a listing may show that it is there.
                    Some(Known::Discarded { .. }) => {
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

    /// The answer to `+CMGD`. Whether it is gone, as far as the modem says.
    pub fn deleted(&mut self, storage: Storage, index: u16, result: &Final) -> bool {
        let place = (storage, index);
        let is_gone = *result == Final::Ok && matches!(self.known.get(&place), Some(Known::Deleting { .. }));
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
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
