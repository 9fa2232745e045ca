//! Checks a card by the hashes that it has itself, without its image: the record in its initramfs, the hash trees of its
//! roots, and the manifest of its boot files. They find rot; somebody who writes the card can change them with the rest.

use std::ops::Range;

use dialbox::{
    card::{
        boot_manifest::{BootManifest, hash_of_block},
        layout::{self, Card},
        tree::{Check, Tree},
    },
    record::Record,
};
use mbrman::MBRPartitionEntry;

use super::{
    BLOCK,
    check::{Fault, Findings, NAMES, Remark, bad_blocks, bytes, files, partitions, read},
    medium::Medium,
    owners::Owners,
    provisioned::Copies,
    twin::bad_copies,
};
use crate::{
    error::{Error, Result},
    image::{
        boot_files::{INITRAMFS, SITE},
        initramfs,
    },
};

/// Checks it.
///
/// # Errors
/// Without partition table, boot partition or initramfs there is nothing to check the rest by.
pub fn check(medium: &mut dyn Medium) -> Result<Findings> {
    let table = partitions(&read(medium, 0..BLOCK as u64)).map_err(|_| lost("partition table"))?;
    let fits = |part: &MBRPartitionEntry| bytes(part).end <= medium.size();
    if !table[..3].iter().all(fits) {
        return Err(lost("partition table that fits its size"));
    }
    let boot = files(&read(medium, bytes(&table[0]))).map_err(|_| lost("readable boot partition"))?;
    let archive = boot.iter().find(|(name, _)| name == INITRAMFS).ok_or_else(|| lost(INITRAMFS))?;
    let record = initramfs::card_record(&archive.1).map_err(|_| lost("good initramfs.gz"))?;
    let record = Record::parse(&String::from_utf8_lossy(&record));
    let card = Card::from_record(&record).ok_or_else(|| lost("record of itself in its initramfs.gz"))?;

    let mut found = Findings::default();
    for (index, name) in NAMES.into_iter().enumerate() {
        let (here, made) = (&table[index], card.partitions[index]);
        let grown = index == 3 && made.length < here.sectors;
        if here.starting_lba != made.start || here.sectors != made.length && !grown {
            found.faults.push(Fault::Partition(name));
        }
    }
    let [root_a, root_b] = [1, 2].map(|index| place(card.partitions[index]));
    let root = read(medium, root_a.clone());
    let (bad, owners) = bad_of_root(&card, &root);
    found.faults.extend(bad_blocks("root A", root_a.start, &bad, &owners));
    let behind = |root| <[u8]>::get(root, card.root.blocks() as usize * BLOCK..).unwrap_or_default();
    let manifest = behind(&root);
    match BootManifest::decode(manifest) {
        Ok(manifest) => found.faults.extend(bad_files(&manifest, &boot)),
        Err(_) => found.faults.push(Fault::Manifest),
    }
    let copies = Copies::read(&root);
    if let (Some(name), Some(site)) = (copies.name(), &copies.site) {
        found.remarks.push(Remark::Provisioned(name));
        let is_here = boot.iter().any(|(name, bytes)| name == SITE && bytes == site.as_bytes());
        found.remarks.extend((!is_here).then_some(Remark::Edited));
    }
    found.faults.extend(copies.damage.map(Fault::Provisioned));
    let twin = read(medium, root_b.clone());
    if twin[..BLOCK].iter().all(|byte| *byte == 0) {
        found.remarks.push(Remark::NoSecondRoot);
    } else {
        let (mut bad, mut owners) = bad_of_root(&card, &twin);
        let manifest = [manifest, behind(&twin)].into_iter().find(|it| BootManifest::decode(it).is_ok());
        bad.extend(bad_copies(&twin, &card.root, manifest.unwrap_or_default(), &mut owners));
        found.faults.extend(bad_blocks("root B", root_b.start, &bad, &owners));
    }
    Ok(found)
}

fn lost(what: &str) -> Error {
    Error::new(format!("the card has no {what}"))
        .fact("it cannot be checked by its own hashes")
        .hint("compare it with its image: cargo xtask flash --check --image FILE DEVICE; or write it again")
}

fn place(extent: layout::Extent) -> Range<u64> {
    let sectors = |count: u32| u64::from(count) * 512;
    sectors(extent.start)..sectors(extent.start) + sectors(extent.length)
}

/// The numbers of the bad blocks of squashfs and tree, and whose they are.
fn bad_of_root(card: &Card, root: &[u8]) -> (Vec<u64>, Owners) {
    let (blocks, _) = root.as_chunks::<BLOCK>();
    let block = |number: u64| blocks.get(number as usize);
    let verity = &card.root;
    let mut tree = Tree::new(verity.clone());
    let mut bad = Vec::new();
    // From the top down: each block of the tree is checked before those below it.
    for number in verity.hash_blocks() {
        if block(number).is_none_or(|block| tree.add(number, block) != Check::Good) {
            bad.push(number);
        }
    }
    // What hangs below a bad block of the tree cannot be checked.
    let is_bad = |number: &u64| block(*number).is_none_or(|block| tree.check(*number, block) == Check::Bad);
    bad.extend((0..=verity.data_blocks()).filter(is_bad));
    bad.sort_unstable();
    let squashfs = root.get(..verity.hash_offset() as usize).unwrap_or_default();
    (bad, Owners::read(squashfs))
}

fn bad_files(manifest: &BootManifest, here: &[(String, Vec<u8>)]) -> Vec<Fault> {
    let is_good = |name: &str, length: u32, hashes: &[dialbox::card::Hash]| {
        let content = here.iter().find(|(other, _)| other == name).map(|(_, content)| content);
        content.is_some_and(|content| {
            let blocks = content.chunks(BLOCK).map(hash_of_block);
            content.len() == length as usize && blocks.eq(hashes.iter().copied())
        })
    };
    let bad = manifest.files.iter().filter(|file| !is_good(file.name(), file.length(), file.blocks()));
    bad.map(|file| Fault::File(file.name().to_owned())).collect()
}

#[cfg(test)]
pub mod tests {
    use std::{collections::BTreeMap, fs::File, os::unix::fs::FileExt, sync::Arc};

    use dialbox::card::provisioned::{COPY, encode};

    use super::*;
    use crate::{
        flash::{medium::ImageFile, provisioned::Wrong, twin},
        image::{
            block_cache::BlockCache,
            boot, boot_files, disk,
            tree::{Node, Origin, Tree},
            verity,
        },
        manifest::Disk,
    };

    const DISK: Disk = Disk { boot_mib: 4, root_mib: 4, state_mib: 4, signature: 1 };
    /// With two levels of hashes.
    const BLOCKS: usize = 200;

    pub fn card() -> Vec<u8> {
        let data: Vec<u8> = (0..BLOCKS * BLOCK).map(|at| (at / BLOCK + at) as u8).collect();
        let tree = verity::tree(&data, 1).unwrap();
        let record = disk::Layout::from_disk(&DISK).card(tree.verity().clone(), 1).to_record().to_string();
        let mut packed = Tree::default();
        packed.add(layout::PATH, Node::file(record.as_bytes(), 0o644, &Origin::Root)).unwrap();
        packed.add("/dev", Node::directory(&Origin::Root)).unwrap();
        let initramfs = initramfs::write(&packed, 0, &BlockCache::default()).unwrap();
        let files = BTreeMap::from([
            (INITRAMFS.to_owned(), Arc::from(initramfs)),
            ("kernel.img".to_owned(), Arc::from([7; 9000])),
            (boot_files::SITE.to_owned(), Arc::from(*b"role = 'dialer'")),
        ]);
        let fat = boot::write(&files, DISK.boot_mib, 1_780_000_000, 1).unwrap();
        let root = [data, tree.hash_area(), boot_files::manifest(&files).unwrap()].concat();
        disk::write(&DISK, &fat, &root, 0).unwrap()
    }

    pub const ROOT_A: usize = 12 << 20;
    pub const ROOT_B: usize = 16 << 20;

    fn found(change: impl Fn(&mut Vec<u8>)) -> Result<Findings> {
        let mut bytes = card();
        change(&mut bytes);
        let file: File = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        check(&mut ImageFile::of(file, bytes.len() as u64))
    }

    fn faults(change: impl Fn(&mut Vec<u8>)) -> Vec<Fault> {
        found(change).unwrap().faults
    }

    fn root(name: &'static str, blocks: usize, first: usize) -> Vec<Fault> {
        vec![Fault::Root { name, blocks, first: (first / BLOCK) as u64, files: vec![] }]
    }

    #[test]
    fn a_card_with_an_edited_site_and_a_twin_is_whole() {
        assert_eq!(found(|_| {}).unwrap(), Findings { faults: vec![], remarks: vec![Remark::NoSecondRoot] });
        let used = found(|card| {
            let at = card.windows(6).position(|it| it == b"dialer").unwrap();
            card[at] ^= 1;
            twin::tests::make(card);
        });
        assert_eq!(used.unwrap(), Findings::default());
    }

    #[test]
    fn a_provisioned_card_names_its_box_and_has_hashes_of_its_site() {
        const SITE: &str = "role='dialer'\nhostname='cabin-17'\n[operator]\nname='x'\napn='x'\n";
        let provision = |card: &mut Vec<u8>| {
            let copy = encode(SITE).unwrap();
            for at in [ROOT_B - 2 * COPY, ROOT_B - COPY] {
                card[at..][..copy.len()].copy_from_slice(&copy);
            }
        };
        let found = found(provision).unwrap();
        // `site.toml` on the boot partition is still the image's.
        let remarks = vec![Remark::Provisioned("cabin-17".to_owned()), Remark::Edited, Remark::NoSecondRoot];
        assert_eq!(found, Findings { faults: vec![], remarks });
        let rotten = |card: &mut Vec<u8>| {
            provision(card);
            card[ROOT_B - COPY + 30] ^= 1;
        };
        assert_eq!(faults(rotten), [Fault::Provisioned(Wrong::OneCopy)]);
    }

    #[test]
    fn rot_is_found_in_each_part() {
        assert_eq!(faults(|card| card[ROOT_A + 7 * BLOCK + 9] ^= 1), root("root A", 1, ROOT_A + 7 * BLOCK));
        // The superblock, and the hashes of the last blocks, which then cannot be checked.
        assert_eq!(
            faults(|card| card[ROOT_A + BLOCKS * BLOCK] ^= 1),
            root("root A", 1, ROOT_A + BLOCKS * BLOCK)
        );
        let leaf = ROOT_A + (BLOCKS + 3) * BLOCK;
        assert_eq!(faults(|card| card[leaf] ^= 1), root("root A", 1, leaf));
        let twin = |card: &mut Vec<u8>| {
            twin::tests::make(card);
            card[ROOT_B + 199 * BLOCK] ^= 1;
        };
        assert_eq!(faults(twin), root("root B", 1, ROOT_B + 199 * BLOCK));
        let kernel = |card: &mut Vec<u8>| {
            let at = card.windows(9).position(|it| it == [7; 9]).unwrap();
            card[at + 8999] ^= 1;
        };
        assert_eq!(faults(kernel), [Fault::File("kernel.img".to_owned())]);
        assert_eq!(faults(|card| card[ROOT_A + (BLOCKS + 4) * BLOCK + 30] ^= 1), [Fault::Manifest]);
        assert_eq!(faults(|card| card[446 + 16 + 12] ^= 1), [Fault::Partition("root A")]);
    }

    #[test]
    fn what_has_no_hashes_is_an_error() {
        for (change, why) in [
            (&(|card: &mut Vec<u8>| card[510] = 0) as &dyn Fn(&mut Vec<u8>), "partition table"),
            (&|card| card[8 << 20..][..512].fill(0), "boot partition"),
            (&|card| card.truncate(9 << 20), "fits its size"),
        ] {
            let error = found(change).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
