use super::*;
use proptest::prelude::*;

fn record(used: u64) -> Record {
    Record::new().with("used", used)
}

/// The sector of a slot.
fn sector(sequence: u64, used: u64) -> [u8; SECTOR] {
    *Slot { sequence, content: record(used) }.encode().unwrap().first_chunk().unwrap()
}

fn spoiled(mut sector: [u8; SECTOR], at: usize) -> [u8; SECTOR] {
    sector[at] ^= 1;
    sector
}

/// What a card holds that was writing `new` over `old` when the power failed.
fn torn(old: [u8; SECTOR], new: [u8; SECTOR], bytes: usize) -> [u8; SECTOR] {
    let mut sector = old;
    sector[..bytes].copy_from_slice(&new[..bytes]);
    sector
}

#[test]
fn the_newer_of_two_good_slots_counts_and_a_bad_one_is_dropped() {
    let (old, new) = (sector(4, 17), sector(5, 18));
    for (what, first, second, found) in [
        ("in turn", Some(&old), Some(&new), Some(18)),
        ("and back", Some(&new), Some(&old), Some(18)),
        ("the newer one is torn", Some(&old), Some(&torn(sector(3, 16), new, 300)), Some(17)),
        ("torn after its first byte", Some(&old), Some(&torn([0; SECTOR], new, 1)), Some(17)),
        ("the newer one is zeroed", Some(&old), Some(&[0; SECTOR]), Some(17)),
        ("the newer one is erased", Some(&old), Some(&[0xff; SECTOR]), Some(17)),
        ("the newer one cannot be read", Some(&old), None, Some(17)),
        ("the older one is bad", Some(&spoiled(old, 9)), Some(&new), Some(18)),
        ("both are bad", Some(&spoiled(old, 20)), Some(&spoiled(new, 511)), None),
        ("both are zeroed", Some(&[0; SECTOR]), Some(&[0; SECTOR]), None),
        ("neither can be read", None, None, None),
    ] {
        let slots = Slots::decode([first, second]);
        assert_eq!(slots.content(), found.map(record).as_ref(), "{what}");
    }
}

#[test]
fn every_flipped_bit_of_a_slot_is_noticed() {
    let good = sector(7, 1234);
    for bit in 0..SECTOR * 8 {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Slots::decode([Some(&bad), None]).content(), None, "bit {bit}");
    }
}

/// Writes the content as a card would, and returns which slots that took.
fn write(slots: &mut Slots, used: u64, copies: Copies) -> Vec<usize> {
    let mut written = Vec::new();
    while let Some((at, block)) = slots.next(&record(used), copies).unwrap() {
        slots.set(at, Some(&block));
        written.push(at);
    }
    assert_eq!(slots.content(), Some(&record(used)));
    written
}

#[test]
fn the_older_slot_is_written_or_both_and_what_is_there_already_is_not() {
    let [first, second] = blocks(&record(0)).unwrap();
    let mut slots = Slots::decode([first.first_chunk(), second.first_chunk()]);
    for (used, copies, places) in [
        (0, Copies::One, vec![]),
        (0, Copies::Both, vec![]),
        (1, Copies::One, vec![0]),
        (2, Copies::One, vec![1]),
        (2, Copies::One, vec![]),
        (2, Copies::Both, vec![0]),
        (3, Copies::Both, vec![1, 0]),
        (3, Copies::Both, vec![]),
        (4, Copies::One, vec![1]),
    ] {
        assert_eq!(write(&mut slots, used, copies), places, "{used}, {copies:?}");
    }
}

#[test]
fn a_write_that_failed_is_repeated_at_the_same_place_and_the_good_slot_stays() {
    let (old, older) = (sector(9, 18), sector(8, 17));
    let mut slots = Slots::decode([Some(&older), Some(&old)]);
    for _ in 0..3 {
        let (at, _) = slots.next(&record(19), Copies::Both).unwrap().unwrap();
        assert_eq!(at, 0);
        slots.set(at, None);
        assert_eq!(slots.content(), Some(&record(18)));
    }
}

#[test]
fn a_bad_slot_is_made_good_again_and_the_good_one_is_left() {
    for (sectors, places) in [([Some(&sector(5, 18)), None], vec![1]), ([None, None], vec![0, 1])] {
        let mut slots = Slots::decode(sectors);
        assert_eq!(write(&mut slots, 18, Copies::One), places);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let long = |length: usize| Record::new().with("a", "x".repeat(length - "a=\n".len()));
    let slots = Slots::decode([None, None]);
    assert!(slots.next(&long(LONGEST), Copies::One).unwrap().is_some());
    assert_eq!(slots.next(&long(LONGEST + 1), Copies::One), Err(TooLong(LONGEST + 1)));
    assert_eq!(slots.next(&long(70_000), Copies::One), Err(TooLong(70_000)));
}

#[test]
fn the_slots_lie_in_the_reserved_bytes_and_apart() {
    let slots = [OFFSETS[0], ATTEMPTS[0], OFFSETS[1], ATTEMPTS[1]].map(|at| at..at + BLOCK as u64);
    assert!(slots.windows(2).all(|pair| pair[0].end < pair[1].start));
    assert!(RESERVED.start <= slots[0].start && slots[3].end <= RESERVED.end);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in "[ -~]{0,200}", sequence in any::<u64>()) {
        let slot = Slot { sequence, content: Record::new().with("value", value) };
        let block = slot.encode().unwrap();
        prop_assert_eq!(Slot::decode(block.first_chunk().unwrap()), Some(slot));
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_pass_for_a_slot(bytes in prop::collection::vec(any::<u8>(), SECTOR)) {
        let mut sector: [u8; SECTOR] = bytes.try_into().unwrap();
        sector[..MAGIC.len()].copy_from_slice(&MAGIC);
        prop_assert_eq!(Slot::decode(&sector), None);
    }
}
