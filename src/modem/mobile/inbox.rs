//! The messages that the modem holds: found, read one by one, handed over, and deleted when their
//! reader says so. A storage that is full tells of no message any more, so it is kept empty, and
//! looked at even when nothing was said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::cnmi::Cnmi;
use super::step::Step;
use super::storage::{self, Memories, Place, Storage};
use crate::modem::at::response::Final;
use crate::modem::at::values::{fields, values};

/// How often a message is read that comes garbled.
const READ_TRIES: u32 = 3;

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
    /// Settings that the modem admits and has not refused, the best first.
    cnmi: VecDeque<Cnmi>,
    must_acknowledge: bool,
    known: BTreeMap<(Storage, u16), Known>,
    /// Storages to be looked at.
    look: BTreeSet<Storage>,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// To be read; so many tries were in vain.
    Waiting { tries: u32 },
    /// Handed over.
    Reported { pdu: String },
    /// To be deleted.
    Discarded { pdu: String },
    /// Deleted, as far as the modem has said.
    Deleting { pdu: String },
    /// It could not be read; the next listing gives it another chance.
    Unreadable,
}

/// What a message is, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// A message from the network.
    Message(Place, String),
    /// One that was written here, or an empty place.
    Nothing,
    /// The answer makes no sense.
    Garbled,
}

impl Inbox {
    /// The modem is ready: everything is set up, and what lies there is looked at.
    pub fn begin(&mut self) {
        *self = Self { plan: [Step::PduMode, Step::Storages, Step::ReportOptions].into(), ..Self::default() };
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
                if let Some(Known::Reported { pdu }) = self.known.get(&(storage, index)) {
                    let pdu = pdu.clone();
                    self.known.insert((storage, index), Known::Discarded { pdu });
                }
            }
        }
    }

    /// Whether messages that were discarded are still to be deleted.
    pub fn has_discarded(&self) -> bool {
        self.known.values().any(|known| matches!(known, Known::Discarded { .. }))
    }

    /// What to ask before a message is sent: settings, and what makes room.
    pub fn urgent(&mut self) -> Option<Step> {
        if let Some(step) = self.plan.pop_front() {
            return Some(step);
        }
        let (storage, index) = self.nearest(|known| matches!(known, Known::Discarded { .. }))?;
        if self.selected != Some(storage) {
            return Some(self.select(storage));
        }
        if let Some(Known::Discarded { pdu }) = self.known.remove(&(storage, index)) {
            self.known.insert((storage, index), Known::Deleting { pdu });
        }
        Some(Step::Delete(index))
    }

    /// What to ask when nothing is to be sent.
    pub fn next(&mut self) -> Option<Step> {
        if let Some((storage, index)) = self.nearest(|known| matches!(known, Known::Waiting { .. })) {
            let is_here = self.selected == Some(storage);
            return Some(if is_here { Step::Read(index) } else { self.select(storage) });
        }
        if self.selected.is_some_and(|selected| self.look.remove(&selected)) {
            return Some(Step::List);
        }
        let elsewhere = self.look.first().copied().or(self.storage());
        elsewhere.filter(|storage| self.selected != Some(*storage)).map(|storage| self.select(storage))
    }

    /// Goes to another storage; where new messages arrive stays as it is.
    fn select(&self, storage: Storage) -> Step {
        let preferred = self.preferred.unwrap_or(Memories::all(storage));
        Step::SelectStorage(Memories { read: storage, ..preferred })
    }

    /// A message of which this is so, in the storage where we are if there is one.
    fn nearest(&self, is_so: impl Fn(&Known) -> bool) -> Option<(Storage, u16)> {
        let mut paths = self.known.iter().filter(|(_, known)| is_so(known)).map(|(place, _)| *place);
        let first = paths.next()?;
        let mut all = std::iter::once(first).chain(paths);
        all.find(|(storage, _)| self.selected == Some(*storage)).or(Some(first))
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
            Some((storage, index)) if self.storages.contains(&storage) => self.found((storage, index), None),
            _ => self.look.extend(&self.storages),
        }
        true
    }

    /// A message is reported, or listed with its content.
    fn found(&mut self, place: (Storage, u16), listed: Option<&str>) {
        let is_same = |pdu: &String| listed == Some(pdu.as_str());
        let known = match self.known.remove(&place) {
            Some(Known::Reported { pdu }) if is_same(&pdu) => Known::Reported { pdu },
            // The modem had said that it was deleted, or refused to: once more.
            Some(Known::Discarded { pdu } | Known::Deleting { pdu }) if is_same(&pdu) => {
                Known::Discarded { pdu }
            }
            _ => Known::Waiting { tries: 0 },
        };
        self.known.insert(place, known);
    }

    /// The answer to `+CPMS=?`.
    pub fn storages(&mut self, answer: &[String]) {
        // One that does not say has a card, and may have more.
        let is_unknown = [Storage::Card, Storage::Modem];
        match storage::lists(answer) {
            Some(lists) => {
                self.choices = Memories::choices(&lists).into();
                let readable = lists.first().map(Vec::as_slice).unwrap_or_default();
                self.storages =
                    Storage::ALL.into_iter().filter(|storage| readable.contains(storage)).collect();
            }
            None => {
                self.choices = is_unknown.map(Memories::all).into();
                self.storages = is_unknown.to_vec();
            }
        }
        // MT shows what lies in the others.
        if self.storages.len() > 1 && self.choices.front().is_none_or(|best| best.read != Storage::Both) {
            self.storages.retain(|storage| *storage != Storage::Both);
        }
        self.use_best_choice();
    }

    fn use_best_choice(&mut self) {
        match self.choices.front() {
            Some(memories) => self.plan.push_front(Step::SetStorages(*memories)),
            // It knows no choice: there is one storage, by whatever name.
            None => {
                self.storages = vec![Storage::Both];
                (self.preferred, self.selected) = (Some(Memories::all(Storage::Both)), Some(Storage::Both));
            }
        }
    }

    /// The answer to the setting of all three storages.
    pub fn storages_set(&mut self, memories: Memories, result: &Final) {
        if *result == Final::Ok {
            (self.preferred, self.selected) = (Some(memories), Some(memories.read));
            // What came before may lie in any.
            self.look.extend(&self.storages);
        } else if self.preferred.is_none() {
            self.choices.retain(|other| *other != memories);
            self.use_best_choice();
        }
    }

    /// The answer to the setting of the storage to read and delete in. One that is refused is none.
    pub fn storage_selected(&mut self, storage: Storage, result: &Final) {
        if *result == Final::Ok {
            self.selected = Some(storage);
            return;
        }
        self.storages.retain(|other| *other != storage);
        self.look.remove(&storage);
        self.known.retain(|(place, _), _| *place != storage);
        if let (Some(preferred), Some(selected)) = (&mut self.preferred, self.selected)
            && preferred.read == storage
        {
            preferred.read = selected;
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

    /// The answer to `+CMGL=4`: a line `<index>,<stat>,…` and a PDU for each message (TS 27.005
    /// §4.1). Whether it made sense.
    pub fn listed(&mut self, answer: &[String]) -> bool {
        let mut listed = Vec::new();
        let mut lines = answer.iter();
        while let Some(line) = lines.next() {
            let Some(values) = fields(line, "+CMGL") else {
                return false;
            };
            // In text mode, which the modem should not be in, the second value is in words.
            let index = values.first().and_then(|index| index.parse().ok());
            let is_pdu_mode = values.get(1).is_some_and(|stat| stat.parse::<u8>().is_ok());
            let (Some(index), true, Some(pdu)) = (index, is_pdu_mode, lines.next()) else {
                return false;
            };
            listed.push((index, pdu));
        }
        let Some(selected) = self.selected else { return true };
        self.known
            .retain(|(storage, index), _| *storage != selected || listed.iter().any(|(it, _)| it == index));
        for (index, pdu) in listed {
            self.found((selected, index), Some(pdu));
        }
        true
    }

    /// The answer to `+CMGR` (TS 27.005 §4.2).
    pub fn read(&mut self, index: u16, result: &Final, answer: &[String]) -> Read {
        let Some(selected) = self.selected else { return Read::Nothing };
        let place = (selected, index);
        let reading = if *result == Final::Ok { reading(answer) } else { Reading::Empty };
        let known = match &reading {
            Reading::Message(pdu) => Known::Reported { pdu: pdu.clone() },
            // Written here by somebody, and in the way of what comes.
            Reading::Written(pdu) => Known::Discarded { pdu: pdu.clone() },
            Reading::Empty => {
                self.known.remove(&place);
                return Read::Nothing;
            }
            Reading::Garbled => match self.known.get(&place) {
                Some(Known::Waiting { tries }) if *tries + 1 < READ_TRIES => {
                    Known::Waiting { tries: tries + 1 }
                }
                Some(Known::Waiting { .. }) => Known::Unreadable,
                _ => Known::Waiting { tries: 1 },
            },
        };
        self.known.insert(place, known);
        match reading {
            Reading::Message(pdu) => Read::Message(Place::Stored(selected, index), pdu),
            Reading::Written(_) | Reading::Empty => Read::Nothing,
            Reading::Garbled => Read::Garbled,
        }
    }

    /// The answer to `+CMGD`.
    pub fn deleted(&mut self, index: u16, result: &Final) {
        let Some(place) = self.selected.map(|selected| (selected, index)) else { return };
        if *result == Final::Ok && matches!(self.known.get(&place), Some(Known::Deleting { .. })) {
            self.known.remove(&place);
        }
    }
}

/// What lies at a place.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// A message from the network.
    Message(String),
    /// One that was written on this side of it.
    Written(String),
    Empty,
    Garbled,
}

/// What an answer to `+CMGR` holds: `<stat>,[<alpha>],<length>` and a PDU, whose length counts the
/// octets behind the service centre's address.
fn reading(answer: &[String]) -> Reading {
    let Some(values) = values(answer, "+CMGR") else {
        return if answer.is_empty() { Reading::Empty } else { Reading::Garbled };
    };
    let (stat, length) =
        (values.first().copied(), values.last().and_then(|length| length.parse::<usize>().ok()));
    let pdu = answer.last().filter(|pdu| is_whole(pdu, length));
    match (stat, pdu) {
        (Some("0" | "1"), Some(pdu)) => Reading::Message(pdu.clone()),
        (Some("2" | "3"), _) => Reading::Written(answer.last().cloned().unwrap_or_default()),
        // An empty place, as Huawei's sticks show it.
        _ if length == Some(0) => Reading::Empty,
        _ => Reading::Garbled,
    }
}

/// Whether a PDU in hexadecimal has the length that was announced.
pub(super) fn is_whole(pdu: &str, length: Option<usize>) -> bool {
    let is_hexadecimal = pdu.bytes().all(|digit| digit.is_ascii_hexdigit()) && pdu.len().is_multiple_of(2);
    let service_centre = pdu.get(..2).and_then(|octet| usize::from_str_radix(octet, 16).ok());
    let octets = service_centre.map(|octets| pdu.len() / 2 - 1 - octets.min(pdu.len() / 2 - 1));
    is_hexadecimal && octets.is_some() && octets == length
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
