//! The two slots of a file of the store: each holds a whole content, and they are overwritten in turn, in place. Pure.
//!
//! ext4 overwrites allocated blocks without a transaction of its journal, and fdatasync(2) then waits for the data alone
//! (fs/ext4/fsync.c, `ext4_fsync_journal`). So what was stored depends on no later transaction: one that is torn makes
//! the kernel and e2fsck drop the whole journal, with all that was not yet written to its place (fs/jbd2/recovery.c,
//! `do_one_pass`, EFSBADCRC in PASS_SCAN). And one block is written instead of some twenty.
//!
//! A slot: a line `dialbox1 SEQUENCE LENGTH CHECKSUM`, the content, and anything.

use sha1::{Digest, Sha1};

/// What a card programs together at least, and the unit of the kernel's page cache: the slots share none.
const PAGE: usize = 4096;
/// The length of the shortest file.
pub const SHORTEST: usize = 2 * PAGE;
/// The first word of a slot; the figure is the format's version.
const MAGIC: &str = "dialbox1";
/// Bytes of the longest first line.
const LONGEST_HEAD: usize = 100;

/// The content of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot<'a> {
    sequence: u64,
    content: &'a str,
}

/// How a content gets into a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is the file's content.
    None,
    /// By writing these bytes at these offsets; the file's length stays.
    InPlace(Vec<(u64, Vec<u8>)>),
    /// By a new file in its place.
    NewFile,
}

/// The text that a file of the store holds: that of the newer good slot, or all of a file without slots, which is
/// another program's. `None` if it holds none.
pub fn content(file: &[u8]) -> Option<&str> {
    let newest = newest(file).map(|(_, slot)| slot.content);
    newest.or_else(|| {
        let text = str::from_utf8(file).ok()?;
        (!text.starts_with(MAGIC) && !text.contains('\0')).then_some(text)
    })
}

/// The bytes of a new file. It has a second slot from the beginning, so that none has to be allocated later.
pub(super) fn new_file(content: &str) -> Vec<u8> {
    let mut bytes = slot_bytes(0, content);
    bytes.resize(bytes.len().next_multiple_of(PAGE) * 2, 0);
    bytes
}

/// How this becomes the content of a file.
pub(super) fn change(file: &[u8], content: &str) -> Change {
    let Some((newest, slot)) = newest(file) else { return Change::NewFile };
    if slot.content == content {
        return Change::None;
    }
    let length = file.len() / 2;
    let new = slot_bytes(slot.sequence.saturating_add(1), content);
    if new.len() > length {
        return Change::NewFile;
    }
    let at = (1 - newest) * length;
    let old = &file[at..at + length];
    let pages = new.chunks(PAGE).enumerate().map(|(number, page)| (number * PAGE, page));
    let changed = pages.filter(|(offset, page)| !old[*offset..].starts_with(page));
    Change::InPlace(changed.map(|(offset, page)| ((at + offset) as u64, page.to_vec())).collect())
}

/// The number of the newest good slot, and what it holds.
fn newest(file: &[u8]) -> Option<(usize, Slot<'_>)> {
    let length = file.len() / 2;
    if length == 0 || !length.is_multiple_of(PAGE) || file.len() != 2 * length {
        return None;
    }
    let slots = file.chunks(length).enumerate().filter_map(|(at, bytes)| Some((at, parse(bytes)?)));
    slots.max_by_key(|(_, slot)| slot.sequence)
}

fn parse(bytes: &[u8]) -> Option<Slot<'_>> {
    let end = bytes.iter().take(LONGEST_HEAD).position(|byte| *byte == b'\n')?;
    let head = str::from_utf8(&bytes[..end]).ok()?;
    let [MAGIC, sequence, length, _] = head.split(' ').collect::<Vec<_>>()[..] else { return None };
    let sequence = sequence.parse().ok()?;
    let content = bytes[end + 1..].get(..length.parse().ok()?)?;
    let content = str::from_utf8(content).ok()?;
    (head == first_line(sequence, content)).then_some(Slot { sequence, content })
}

fn slot_bytes(sequence: u64, content: &str) -> Vec<u8> {
    format!("{}\n{content}", first_line(sequence, content)).into_bytes()
}

/// The checksum is against damage, not against an attacker, who could compute it, too.
fn first_line(sequence: u64, content: &str) -> String {
    let length = content.len();
    let checksum = Sha1::new().chain_update(format!("{sequence} {length} ")).chain_update(content).finalize();
    let checksum: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{MAGIC} {sequence} {length} {checksum}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The file after so much of a change: pages that the card has written.
    fn changed(mut file: Vec<u8>, content: &str, written: impl Fn(usize) -> bool) -> Vec<u8> {
        match change(&file, content) {
            Change::None => {}
            Change::NewFile => return new_file(content),
            Change::InPlace(pages) => {
                for (number, (at, bytes)) in pages.into_iter().enumerate() {
                    if written(number) {
                        file[usize::try_from(at).unwrap()..][..bytes.len()].copy_from_slice(&bytes);
                    }
                }
            }
        }
        file
    }

    #[test]
    fn a_content_is_written_over_the_one_before_the_last() {
        let mut file = new_file("first\n");
        assert_eq!((file.len(), content(&file)), (2 * PAGE, Some("first\n")));
        for (number, text) in ["second\n", "third\n", "", "fifth\n"].into_iter().enumerate() {
            let Change::InPlace(pages) = change(&file, text) else { panic!("{text:?}") };
            let at = if number % 2 == 0 { PAGE } else { 0 };
            assert_eq!(pages.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [at as u64]);
            file = changed(file, text, |_| true);
            assert_eq!(content(&file), Some(text));
            assert_eq!(change(&file, text), Change::None);
        }
    }

    #[test]
    fn what_does_not_fit_needs_a_new_file_with_room_for_it() {
        let long = "x".repeat(PAGE);
        assert_eq!(change(&new_file("short"), &long), Change::NewFile);
        let file = new_file(&long);
        assert_eq!((file.len(), content(&file)), (4 * PAGE, Some(long.as_str())));
    }

    #[test]
    fn of_a_long_content_the_changed_pages_are_written() {
        let lines: Vec<String> = (0..500).map(|line| format!("{line} some boot\n")).collect();
        let mut file = new_file(&lines[..400].concat());
        for end in 401..403 {
            file = changed(file, &lines[..end].concat(), |_| true);
        }
        let Change::InPlace(pages) = change(&file, &lines[..403].concat()) else { panic!() };
        assert_eq!(pages.len(), 2, "the first, with the checksum, and the last");
    }

    #[test]
    fn a_damaged_slot_leaves_the_other_and_two_leave_nothing() {
        let mut file = changed(new_file("old\n"), "new\n", |_| true);
        file[PAGE + 3] ^= 1;
        assert_eq!(content(&file), Some("old\n"));
        file = changed(file, "newer\n", |_| true);
        assert_eq!(content(&file), Some("newer\n"), "the damaged one was overwritten");
        file[3] ^= 1;
        file[PAGE + 3] ^= 1;
        assert_eq!(content(&file), None);
        assert_eq!(change(&file, "again\n"), Change::NewFile);
    }

    #[test]
    fn every_flipped_bit_of_a_slot_is_noticed() {
        let good = slot_bytes(7, "used=1\n");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_file_without_slots_is_read_and_one_that_is_no_text_is_not() {
        assert_eq!(content(b"1784000000\n"), Some("1784000000\n"));
        assert_eq!(content(b""), Some(""));
        for bad in [&b"\xff"[..], &[0; 2 * PAGE], b"dialbox1 0 3 00\nabc"] {
            assert_eq!(content(bad), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_cut_leaves_the_old_or_the_new_content(lengths in prop::collection::vec(0..6000_usize, 1..5), seed: u64) {
            let text = |(number, length): (usize, usize)| format!("{number}\n").repeat(length / 2);
            let contents: Vec<_> = lengths.into_iter().enumerate().map(text).collect();
            let (last, before) = contents.split_last().unwrap();
            let file = before.iter().fold(new_file(""), |file, text| changed(file, text, |_| true));
            let old = content(&file).map(str::to_owned);
            let cut = changed(file, last, |page| seed >> (page % 64) & 1 == 1);
            let found = content(&cut);
            prop_assert!(found == old.as_deref() || found == Some(last.as_str()), "{found:?}");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), pages in 1..3_usize) {
            let _ = content(&bytes);
            bytes.resize(2 * pages * PAGE, 0);
            let _ = (content(&bytes), change(&bytes, "x"));
        }
    }
}
