//! The storages of messages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A storage: `<mem>` of TS 27.005 §3.1. The modem's own memory is larger than the SIM's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Storage {
    /// `ME`, in the modem.
    Modem,
    /// `SM`, on the SIM card.
    Card,
    /// `MT`, both.
    Both,
}

impl Storage {
    pub(super) const ALL: [Self; 3] = [Self::Modem, Self::Card, Self::Both];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Modem => "ME",
            Self::Card => "SM",
            Self::Both => "MT",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|storage| storage.name() == name)
    }
}

/// A setting of `+CPMS` (TS 27.005 §3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memories {
    /// Where messages are read and deleted, `<mem1>`.
    pub read: Storage,
    /// Where messages are written, `<mem2>`; `None` if the modem has no choice there.
    pub write: Option<Storage>,
    /// Where new messages are stored, `<mem3>`; `None` if the modem has no choice there.
    pub receive: Option<Storage>,
}

impl Memories {
    /// One storage for everything.
    pub const fn all(storage: Storage) -> Self {
        Self { read: storage, write: Some(storage), receive: Some(storage) }
    }

    /// The settings that a modem offers, in order of preference: first those where new messages can be read.
    pub fn choices(lists: &[Vec<Storage>]) -> Vec<Self> {
        let has = |at: usize, storage| lists.get(at).is_some_and(|list| list.contains(&storage));
        let first = |at: usize| Storage::ALL.into_iter().find(|storage| has(at, *storage));
        let write = |storage| if has(1, storage) { Some(storage) } else { first(1) };
        let readable = || Storage::ALL.into_iter().filter(|storage| has(0, *storage));
        if first(2).is_none() {
            return readable().map(|read| Self { read, write: write(read), receive: None }).collect();
        }
        let same = readable().filter(|storage| has(2, *storage));
        let mut choices: Vec<_> =
            same.map(|read| Self { read, write: write(read), receive: Some(read) }).collect();
        // By the names, it stores messages where it cannot read them; but MT is both of the others.
        if choices.is_empty() {
            choices.extend(first(0).map(|read| Self { read, write: write(read), receive: first(2) }));
        }
        choices
    }
}

/// As in `+CPMS=`: the first one, and those that follow it without a gap.
/// The storages that are in force, or requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selection {
    /// The setting of `+CPMS` that the modem has accepted: where new messages arrive.
    pub preferred: Memories,
    /// Where commands read and delete now (`<mem1>`).
    pub read: Storage,
}

impl Selection {
    /// Another storage to read and delete in; where new messages arrive stays the same.
    pub fn reading(self, read: Storage) -> Self {
        Self { read, ..self }
    }

    /// After the modem has refused to read and delete in this storage.
    pub fn without(self, refused: Storage) -> Self {
        let read = if self.preferred.read == refused { self.read } else { self.preferred.read };
        Self { preferred: Memories { read, ..self.preferred }, ..self }
    }

    /// The setting that brings it into force.
    pub fn memories(self) -> Memories {
        Memories { read: self.read, ..self.preferred }
    }
}

impl From<Memories> for Selection {
    fn from(preferred: Memories) -> Self {
        Self { preferred, read: preferred.read }
    }
}

impl fmt::Display for Memories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, write, receive } = self;
        let names = [Some(*read), *write, write.and(*receive)].into_iter().flatten().map(Storage::name);
        f.write_str(&names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(","))
    }
}

/// The lists in the answer to `+CPMS=?`: the storages for reading, for writing, and for new messages. Quotation marks
/// may be missing, and parentheses around a single name. Storages of other kinds are left out. `None` if the answer has
/// no list.
pub(super) fn lists(answer: &[String]) -> Option<Vec<Vec<Storage>>> {
    let text = answer.iter().find_map(|line| line.strip_prefix("+CPMS:"))?;
    let mut depth = 0u32;
    let between_lists = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    let names = |list: &str| {
        let words = list.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.filter_map(Storage::from_name).collect()
    };
    Some(text.split(between_lists).map(names).collect())
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// At this index of this storage.
    Stored(Storage, u16),
    /// The modem has delivered it without storing it.
    NotStored,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first choice for an answer to `+CPMS=?`; `None` if there is no choice.
    fn chosen(line: &str) -> Option<String> {
        Some(Memories::choices(&lists(&[line.to_owned()])?).first()?.to_string())
    }

    /// "MM": ModemManager 1d4caa92, src/tests/test-modem-helpers.c. "gammu": 78fd6a92, tests/. A number alone is a gammu
    /// issue.
    #[test]
    fn the_best_setting_of_each_list_comes_first() {
        let table = [
            (r#"+CPMS: ("ME","MT"),("ME","SM","MT"),("SM","MT")"#, Some(r#""MT","MT","MT""#)), // MM
            (r#"+CPMS: "ME","MT","SM""#, Some(r#""ME","MT","SM""#)), // MM, mixed: one for each
            (r#"+CPMS: (),(),()"#, None),                            // MM, empty
            (r#"+CPMS: ("ME","MT"),"ME",("SM")"#, Some(r#""ME","ME","SM""#)), // MM
            (r#"+CPMS:     (  "ME"  ,  "MT"  )   ,  "ME" ,   (  "SM"  )"#, Some(r#""ME","ME","SM""#)), // MM
            (r#"+CPMS: (),,(  )"#, None),                            // MM
            (r#"+CPMS: ("ME","SM","MT"),("ME","SM","MT"),("SM","MT")"#, Some(r#""SM","SM","SM""#)), // Cinterion MC75i, 1206
            (r#"+CPMS: (ME", "SR"), ("ME", "SR"), ("ME")"#, Some(r#""ME","ME","ME""#)), // gammu, at-cpms-sr/generic
            (r#"+CPMS: "SM","SM","SM""#, Some(r#""SM","SM","SM""#)), // gammu, at-cpms-sm/iwow
            (
                r#"+CPMS: ("SM", "ME", "SM_P", "ME_P", "MT"), ("SM", "ME", "SM_P", "ME_P", "MT"), ("SM", "ME")"#,
                Some(r#""ME","ME","ME""#),
            ), // gammu, at-cpms/alcatel-s320
            (r#"+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")"#, Some(r#""ME","ME","ME""#)), // Brovi E3372-325, 829
            (r#"+CPMS: "#, None), // gammu, at-cpms/samsung-j700
            (r#"+CPMS: ("ME","SM","SR"),("ME","SM")"#, Some(r#""ME","ME""#)), // gammu, atgen/get-sms.c
            (r#"+CPMS: ("ME","MT","SM","SR"),("ME","MT","SM","SR"),("ME","SM")"#, Some(r#""ME","ME","ME""#)), // Huawei E303, gammu, atgen/smsd-incoming-cmti.c
            (r#"+CPMS: ("ME"),("ME")"#, Some(r#""ME","ME""#)), // gammu, atgen/smsd-incoming-cmt.c
            (
                r#"+CPMS: ("SM","MT","ME","SR"),("SM","MT","ME","SR"),("SM","MT","ME","SR")"#,
                Some(r#""ME","ME","ME""#),
            ), // Option GTM 382, wammu#27
            (r#"+CPMS: ("BM"),("BM"),("BM")"#, None),          // none that we know: unchanged
            (r#"+CPMS: ("TA"),("TA")"#, None),                 // Nordic's nRF9160
        ];
        for (line, expected) in table {
            assert_eq!(chosen(line).as_deref(), expected, "{line}");
        }
        assert_eq!(lists(&["OK".to_owned()]), None);
    }

    #[test]
    fn a_storage_without_a_choice_is_not_named() {
        let read = Storage::Card;
        let without = Memories { read, write: None, receive: Some(Storage::Modem) };
        assert_eq!(without.to_string(), "\"SM\"");
        assert_eq!(Memories::all(read).to_string(), "\"SM\",\"SM\",\"SM\"");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(line in "(\\+CPMS: ?)?\\PC{0,40}") {
            chosen(&line);
        }
    }
}
