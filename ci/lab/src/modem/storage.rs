//! Where messages lie in a modem, and that there is an end to the room: TS 27.005 §3.2.2.

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

/// A message in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub status: Status,
    /// In hex, the centre's address before it.
    pub pdu: String,
}

/// One storage. It keeps what it has when the power goes.
#[derive(Debug, Clone)]
struct Storage {
    name: &'static str,
    places: Vec<Option<Stored>>,
}

/// All of a modem's, and which is used for what.
#[derive(Debug, Clone)]
pub struct Storages {
    all: Vec<Storage>,
    /// Which are meant by `+CMGL`, `+CMGR`, `+CMGD`; by `+CMGW`; and by what arrives.
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

    /// How many lie in all of them.
    pub fn messages(&self) -> usize {
        self.all.iter().map(Storage::used).sum()
    }

    /// `+CPMS=`: the first, and what else is named.
    pub fn choose(&mut self, names: &[&str]) -> Result<(), Cms> {
        let find = |name: &&str| self.all.iter().position(|storage| storage.name == *name);
        let chosen: Option<Vec<usize>> = names.iter().map(find).collect();
        let chosen = chosen.ok_or(Cms::NotAllowed)?;
        for (slot, storage) in self.chosen.iter_mut().zip(chosen) {
            *slot = storage;
        }
        Ok(())
    }

    /// Name, messages and room of the three that are chosen.
    pub fn chosen(&self) -> Vec<(&'static str, usize, usize)> {
        let chosen = self.chosen.iter().filter_map(|&at| self.all.get(at));
        chosen.map(|storage| (storage.name, storage.used(), storage.places.len())).collect()
    }

    /// Puts down what has arrived; its storage's name and its index there.
    pub fn arrive(&mut self, pdu: String) -> Result<(&'static str, usize), Cms> {
        let first_index = self.first_index;
        let storage = self.all.get_mut(self.chosen[2]).ok_or(Cms::NotSupported)?;
        let free = storage.places.iter().position(Option::is_none).ok_or(Cms::MemoryFull)?;
        storage.places[free] = Some(Stored { status: Status::Unread, pdu });
        Ok((storage.name, free + first_index))
    }

    /// Index and message of all that lie in the storage to read from.
    pub fn list(&self) -> Vec<(usize, Stored)> {
        let storage = self.all.get(self.chosen[0]);
        let places = storage.into_iter().flat_map(|storage| storage.places.iter().enumerate());
        places.filter_map(|(at, stored)| Some((at + self.first_index, stored.clone()?))).collect()
    }

    /// Reads a message, which is read from then on.
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

    /// Fills what arrives next with copies of this message.
    pub fn fill(&mut self, pdu: &str) {
        while self.arrive(pdu.to_owned()).is_ok() {}
    }

    /// The indices there are.
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
