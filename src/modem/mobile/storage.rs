//! Where messages are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where messages lie: `<mem>` of TS 27.005 §3.1. The modem's own memory is the larger one.
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

/// The storages that `+CPMS` chooses (TS 27.005 §3.2.2).
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

    /// What a modem has for each of the three, in order of preference: where new messages can be read first.
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
        // It stores them where it cannot read, as far as the names tell: MT is both of the others.
        if choices.is_empty() {
            choices.extend(first(0).map(|read| Self { read, write: write(read), receive: first(2) }));
        }
        choices
    }
}

/// As `+CPMS=` takes them: the first one, and what follows it without a gap.
impl fmt::Display for Memories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, write, receive } = self;
        let names = [Some(*read), *write, write.and(*receive)].into_iter().flatten().map(Storage::name);
        f.write_str(&names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(","))
    }
}

/// The lists of an answer to `+CPMS=?`: the storages for reading, for writing, and for new messages. Quotation marks
/// may be missing, and parentheses around a single name. Storages of other kinds are left out. `None` if the modem
/// does not say.
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
    /// Nowhere: the modem has passed it on without storing it.
    PassedOn,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is chosen first for an answer to `+CPMS=?`; `None` if there is nothing to choose from.
    fn chosen(line: &str) -> Option<String> {
        Some(Memories::choices(&lists(&[line.to_owned()])?).first()?.to_string())
    }

    /// "MM": ModemManager 1d4caa92, src/tests/test-modem-helpers.c. "gammu": 78fd6a92, tests/. A number alone is a gammu
    /// issue.
    #[test]
    fn each_list_of_storages_is_chosen_from() {
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
            (r#"+CPMS: ("BM"),("BM"),("BM")"#, None),          // none that we know: as it is
            (r#"+CPMS: ("TA"),("TA")"#, None),                 // Nordic's nRF9160
        ];
        for (line, expected) in table {
            assert_eq!(chosen(line).as_deref(), expected, "{line}");
        }
        assert_eq!(lists(&["OK".to_owned()]), None);
    }

    #[test]
    fn what_cannot_be_chosen_is_not_named() {
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
