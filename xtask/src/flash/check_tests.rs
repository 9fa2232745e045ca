use std::{collections::BTreeMap, sync::Arc};

use dialbox::card::provisioned::{COPY, encode};

use super::*;
use crate::{image::disk, manifest::Disk};

const DISK: Disk = Disk { boot_mib: 4, root_mib: 4, state_mib: 4, signature: 1 };

/// A card in memory, with blocks that cannot be read.
struct InMemory {
    bytes: Vec<u8>,
    unreadable: Vec<u64>,
}

impl Medium for InMemory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        panic!("a check writes nothing")
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let blocks = at / BLOCK as u64..(at + bytes.len() as u64) / BLOCK as u64;
        if self.unreadable.iter().any(|block| blocks.contains(block)) {
            return Err(io::Error::other("I/O error"));
        }
        bytes.copy_from_slice(&self.bytes[at as usize..][..bytes.len()]);
        Ok(())
    }
}

fn image() -> Vec<u8> {
    let file = |bytes: &[u8]| Arc::from(bytes);
    let files = BTreeMap::from([
        ("kernel.img".to_owned(), file(&[7; 9000])),
        (SITE.to_owned(), file(site_of('a').as_bytes())),
    ]);
    let boot = boot::write(&files, DISK.boot_mib, 1_780_000_000, 1).unwrap();
    disk::write(&DISK, &boot, &[3; 5 * BLOCK], 0).unwrap()
}

fn found(change: impl Fn(&mut InMemory)) -> Findings {
    let image = image();
    let mut card = InMemory { bytes: image.clone(), unreadable: vec![] };
    change(&mut card);
    check(&mut card, &image).unwrap()
}

/// Where a partition begins.
fn start(number: usize) -> usize {
    bytes(&partitions(&image()).unwrap()[number - 1]).start as usize
}

#[test]
fn what_a_box_and_its_owner_change_is_no_fault() {
    assert_eq!(found(|_| {}), Findings { faults: vec![], remarks: vec![Remark::NoSecondRoot] });
    let used = found(|card| {
        let (from, to) = (start(2), start(3));
        card.bytes.copy_within(from..from + 5 * BLOCK, to);
        // The second copy, the state, and the length of its partition.
        card.bytes[4 << 20] ^= 1;
        let state = start(4);
        card.bytes[state + 1024] ^= 1;
        card.bytes[446 + 3 * 16 + 12] ^= 1;
        let at = card.bytes.windows(6).position(|it| it == b"dialer").unwrap();
        card.bytes[at] ^= 1;
    });
    assert_eq!(used, Findings { faults: vec![], remarks: vec![Remark::Edited] });
}

/// Zeros are what it would have to hold.
#[test]
fn a_block_that_cannot_be_read_is_never_as_it_should_be() {
    let block = |number: usize| (start(number) / BLOCK) as u64;
    let root = |name, number: usize| Fault::Root { name, blocks: 1, first: block(number), files: vec![] };
    let unreadable = found(|card| {
        let (from, to) = (start(2), start(3));
        card.bytes.copy_within(from..from + 5 * BLOCK, to);
        card.unreadable = vec![block(2), block(3)];
    });
    assert_eq!(unreadable.faults, [root("root A", 2), root("root B", 3)]);
    let not_made = found(|card| card.unreadable = vec![block(3)]);
    assert!(matches!(&not_made.faults[..], [Fault::Root { name: "root B", .. }]), "{not_made:?}");
    let table = found(|card| card.unreadable = vec![0]);
    assert_eq!(table.faults, [Fault::Table]);
}

#[test]
fn a_pulled_card_is_no_whole_one() {
    let all = |card: &mut InMemory| card.unreadable = (0..card.bytes.len() as u64 / BLOCK as u64).collect();
    assert!(found(all).faults.contains(&Fault::Table));
}

#[test]
fn a_fault_is_named_by_what_it_belongs_to() {
    let faults = |change: &dyn Fn(&mut InMemory)| found(change).faults;
    let block = |number: usize, of: usize| (start(number) / BLOCK + of) as u64;
    assert_eq!(faults(&|card| card.bytes[446 + 16 + 8] ^= 1), [Fault::Partition("root A")]);
    assert_eq!(faults(&|card| card.bytes[510] = 0), [Fault::Table]);
    let kernel = |card: &InMemory| card.bytes.windows(9).position(|it| it == [7; 9]).unwrap();
    let file = [Fault::File("kernel.img".to_owned())];
    assert_eq!(
        faults(&|card| {
            let at = kernel(card);
            card.bytes[at + 8999] ^= 1;
        }),
        file
    );
    let boot = start(1);
    let faulty = faults(&|card| card.bytes[boot..][..512].fill(0));
    assert!(matches!(&faulty[..], [Fault::Fat(_)]), "{faulty:?}");
    let root =
        |name, number, blocks, of| Fault::Root { name, blocks, first: block(number, of), files: vec![] };
    assert_eq!(faults(&|card| card.unreadable = vec![block(2, 1), block(2, 4)]), [root("root A", 2, 2, 1)]);
    assert_eq!(
        faults(&|card| {
            let (from, to) = (start(2), start(3));
            card.bytes.copy_within(from..from + 3 * BLOCK, to);
        }),
        [root("root B", 3, 2, 3)]
    );
}

/// The site of a box.
fn site_of(name: char) -> String {
    format!("role='dialer'\nhostname='{name}'\n[operator]\nname='x'\napn='x'\n")
}

/// Writes a site where `provision` does.
fn provision(card: &mut [u8], text: &str) {
    let copy = encode(text).unwrap();
    let site = start(3) - AREA as usize;
    card[site..][..copy.len()].copy_from_slice(&copy);
    card[site + COPY..][..copy.len()].copy_from_slice(&copy);
    let old = site_of('a');
    let at = card.windows(old.len()).position(|it| it == old.as_bytes()).unwrap();
    card[at..][..text.len()].copy_from_slice(text.as_bytes());
}

#[test]
fn a_provisioned_card_is_told_from_an_edited_one_and_from_that_of_another_box() {
    let (of_b, of_c) = (site_of('b'), site_of('c'));
    let plain = image();
    let provisioned = |text: &str| {
        let mut card = plain.clone();
        provision(&mut card, text);
        card
    };
    let edited = |mut card: Vec<u8>, old: &str| {
        let at = card.windows(old.len()).position(|it| it == old.as_bytes()).unwrap();
        card[at] ^= 1;
        card
    };
    let rotten = |mut card: Vec<u8>, copies: &[usize]| {
        copies.iter().for_each(|copy| card[start(3) - AREA as usize + copy * COPY + 20] ^= 1);
        card
    };
    let for_b = || Remark::Provisioned("b".to_owned());
    let wrong = |wrong| vec![Fault::Provisioned(wrong)];
    let other = |card: &str, image: &str| wrong(Wrong::Other(card.to_owned(), image.to_owned()));
    for (case, card, image, faults, remarks) in [
        ("with its base", provisioned(&of_b), &plain, vec![], vec![for_b()]),
        ("edited", edited(provisioned(&of_b), &of_b), &plain, vec![], vec![for_b(), Remark::Edited]),
        ("with its own image", provisioned(&of_b), &provisioned(&of_b), vec![], vec![]),
        (
            "its own, edited",
            edited(provisioned(&of_b), &of_b),
            &provisioned(&of_b),
            vec![],
            vec![Remark::Edited],
        ),
        ("of another box", provisioned(&of_c), &provisioned(&of_b), other("c", "b"), vec![]),
        (
            "another site",
            provisioned(&of_b.replace("apn='x'", "apn='y'")),
            &provisioned(&of_b),
            other("b", "b"),
            vec![],
        ),
        (
            "not provisioned",
            plain.clone(),
            &provisioned(&of_b),
            wrong(Wrong::Missing("b".to_owned())),
            vec![],
        ),
        ("one copy", rotten(provisioned(&of_b), &[1]), &plain, wrong(Wrong::OneCopy), vec![for_b()]),
        (
            "both copies",
            rotten(provisioned(&of_b), &[0, 1]),
            &provisioned(&of_b),
            wrong(Wrong::BothCopies),
            vec![],
        ),
    ] {
        let mut card = InMemory { bytes: card, unreadable: vec![] };
        let mut found = check(&mut card, image).unwrap();
        found.remarks.retain(|it| *it != Remark::NoSecondRoot);
        assert_eq!(found, Findings { faults, remarks }, "{case}");
    }
}

/// A file system that rot has changed is reported; it neither stops the check nor makes it run for ever.
#[test]
fn a_garbled_file_system_is_a_fault() {
    let image = image();
    let boot = slice(&image, &bytes(&partitions(&image).unwrap()[0]));
    for at in (0..64).chain((512..4096).step_by(509)).chain((4096..24 << 10).step_by(2039)) {
        for value in [0, 1, 0xff] {
            let (mut card, mut found) = (boot.to_vec(), Findings::default());
            card[at..][..4].fill(value);
            check_boot(&card, boot, None, &mut found).unwrap();
            assert!(found.faults.len() <= 1, "{at} {found:?}");
        }
    }
}

#[test]
fn an_image_without_partitions_is_an_error_and_not_a_bad_card() {
    let mut card = InMemory { bytes: image(), unreadable: vec![] };
    assert!(check(&mut card, &[0; BLOCK]).is_err());
    assert!(check(&mut card, &image()[..9 << 20]).is_err());
}
