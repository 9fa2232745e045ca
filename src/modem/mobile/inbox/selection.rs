//! Which storages the modem has, and which are selected (TS 27.005 §3.2.2).

use super::Inbox;
use crate::modem::at::response::Final;
use crate::modem::mobile::step::Step;
use crate::modem::mobile::storage::{self, Memories, Selection, Storage};

impl Inbox {
    /// The answer to `+CPMS=?`.
    pub fn storages(&mut self, answer: &[String]) {
        // A modem that does not say has a card, and may have a memory of its own.
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
        // MT lists the messages of the others.
        if self.storages.len() > 1 && self.choices.front().is_none_or(|best| best.read != Storage::Both) {
            self.storages.retain(|storage| *storage != Storage::Both);
        }
        self.use_best_choice();
    }

    fn use_best_choice(&mut self) {
        match self.choices.front() {
            Some(memories) => self.plan.push_front(Step::SetStorages(*memories)),
            // No choice: there is one storage, whatever its name.
            None => {
                self.storages = vec![Storage::Both];
                self.selection = Some(Memories::all(Storage::Both).into());
            }
        }
    }

    /// The answer to the setting of all three storages.
    pub fn storages_set(&mut self, memories: Memories, result: &Final) {
        if *result == Final::Ok {
            self.selection = Some(memories.into());
            self.visit += 1;
            // Earlier messages may be in any of them.
            self.look.extend(&self.storages);
        } else if self.selection.is_none() {
            self.choices.retain(|other| *other != memories);
            self.use_best_choice();
        }
    }

    /// The answer to [`Step::SelectStorage`]. A storage that is refused is not used again.
    pub fn storage_selected(&mut self, requested: Selection, result: &Final) {
        if *result == Final::Ok {
            self.selection = Some(requested);
            self.visit += 1;
            return;
        }
        let refused = requested.read;
        self.selection = self.selection.map(|selection| selection.without(refused));
        self.storages.retain(|other| *other != refused);
        self.look.remove(&refused);
        self.known.retain(|(place, _), _| *place != refused);
    }
}
