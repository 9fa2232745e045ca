//! Which storages the modem has, and which are chosen (TS 27.005 §3.2.2).

use super::Inbox;
use crate::modem::at::response::Final;
use crate::modem::mobile::step::Step;
use crate::modem::mobile::storage::{self, Memories, Storage};

impl Inbox {
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
            self.visit += 1;
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
            self.visit += 1;
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
}
