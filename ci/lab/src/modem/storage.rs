//! A modem's message storages, and their limits: TS 27.005 §3.2.2.

use super::profile::Profile;
use super::refusal::Cms;

/// `<stat>` of a received message in PDU mode: TS 27.005 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 0
    Unread = 0,
    /// 1
    Read = 1,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub status: Status,
    /// In hex, the centre's address before it.
    pub pdu: String,
}

/// One storage. It keeps its messages without power.
#[derive(Debug, Clone)]
struct Storage {
    name: &'static str,
    places: Vec<Option<Stored>>,
}

/// All of a modem's storages, and which is used for what.
#[derive(Debug, Clone)]
pub struct Storages {
    all: Vec<Storage>,
    /// The storages for `+CMGL`, `+CMGR` and `+CMGD`; for `+CMGW`; and for received messages.
    chosen: [usize; 3],
    first_index: usize,
}

impl Storages {
    /// Empty ones, as the model has them.
    pub fn new(profile: &Profile) -> Self {
        let described = profile.mobile.map_or(&[][..], |mobile| mobile.storages);
        let all = described.iter().map(|&(name, room)| Storage { name, places: vec![None; room] });
        let first_index = profile.mobile.map_or(0, |mobile| mobile.first_index);
        Self { all: all.collect(), chosen: [0; 3], first_index }
    }

    /// As it is after a start.
    pub fn forget_choice(&mut self) {
        self.chosen = [0; 3];
    }

    /// How many messages all of them hold.
    pub fn messages(&self) -> usize {
        self.all.iter().map(Storage::used).sum()
    }

    /// `+CPMS=`: the first, and the others that are named.
    pub fn choose(&mut self, names: &[&str]) -> Result<(), Cms> {
        let find = |name: &&str| self.all.iter().position(|storage| storage.name == *name);
        let chosen: Option<Vec<usize>> = names.iter().map(find).collect();
        let chosen = chosen.ok_or(Cms::NotAllowed)?;
        for (slot, storage) in self.chosen.iter_mut().zip(chosen) {
            *slot = storage;
        }
        Ok(())
    }

    /// Name, number of messages and size of the three selected ones.
    pub fn chosen(&self) -> Vec<(&'static str, usize, usize)> {
        let chosen = self.chosen.iter().filter_map(|&at| self.all.get(at));
        chosen.map(|storage| (storage.name, storage.used(), storage.places.len())).collect()
    }

    /// Stores a received message; returns the storage's name and the index.
    pub fn arrive(&mut self, pdu: String) -> Result<(&'static str, usize), Cms> {
        let first_index = self.first_index;
        let storage = self.all.get_mut(self.chosen[2]).ok_or(Cms::NotSupported)?;
        let free = storage.places.iter().position(Option::is_none).ok_or(Cms::MemoryFull)?;
        storage.places[free] = Some(Stored { status: Status::Unread, pdu });
        Ok((storage.name, free + first_index))
    }

    /// Index and message of everything in the storage to read from.
    pub fn list(&self) -> Vec<(usize, Stored)> {
        let storage = self.all.get(self.chosen[0]);
        let places = storage.into_iter().flat_map(|storage| storage.places.iter().enumerate());
        places.filter_map(|(at, stored)| Some((at + self.first_index, stored.clone()?))).collect()
    }

    /// Reads a message, which sets its status to read.
    pub fn read(&mut self, index: usize) -> Result<Stored, Cms> {
        let stored = self.place(index)?.as_mut().ok_or(Cms::InvalidIndex)?;
        let shown = stored.clone();
        stored.status = Status::Read;
        Ok(shown)
    }

    /// Deletes a message; deleting nothing is no error.
    pub fn delete(&mut self, index: usize) -> Result<(), Cms> {
        *self.place(index)? = None;
        Ok(())
    }

    /// Fills the storage for received messages with copies of this one.
    pub fn fill(&mut self, pdu: &str) {
        while self.arrive(pdu.to_owned()).is_ok() {}
    }

    /// The valid indices.
    pub fn indices(&self) -> Option<(usize, usize)> {
        let room = self.all.get(self.chosen[0])?.places.len();
        Some((self.first_index, self.first_index + room.saturating_sub(1)))
    }

    fn place(&mut self, index: usize) -> Result<&mut Option<Stored>, Cms> {
        let storage = self.all.get_mut(self.chosen[0]).ok_or(Cms::NotSupported)?;
        let at = index.checked_sub(self.first_index).ok_or(Cms::InvalidIndex)?;
        storage.places.get_mut(at).ok_or(Cms::InvalidIndex)
    }
}

impl Storage {
    fn used(&self) -> usize {
        self.places.iter().flatten().count()
    }
}
