//! What a card with rot in it holds: no format of the card's copies leads out of its partition or is read differently
//! when it is written again, a mended partition table has the builder's partitions, and a file of the store holds no
//! content that is longer than it.
#![no_main]

use dialbox::boot::mbr::{self, Sector};
use dialbox::card::boot_manifest::BootManifest;
use dialbox::card::fat::{self, Geometry};
use dialbox::card::layout::{Card, Extent};
use dialbox::card::verity::{Superblock, Uuid, Verity};
use dialbox::card::{BLOCK, Hash};
use dialbox::state::file_slots;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[kind, a, b], rest)) = bytes.split_first_chunk() else { return };
    match kind % 5 {
        0 => superblock(rest, u64::from(u16::from_le_bytes([a, b]))),
        1 => boot_manifest(rest),
        2 => file_system(rest, u64::from(u16::from_le_bytes([a, b]))),
        3 => stored(rest, usize::from(a % 4)),
        _ => partition_table(rest, u64::from(u32::from_le_bytes([0, 0, a, b]))),
    }
});

fn superblock(bytes: &[u8], number: u64) {
    let mut block = [0; BLOCK];
    let length = bytes.len().min(BLOCK);
    block[..length].copy_from_slice(&bytes[..length]);
    let Some(superblock) = Superblock::decode(&block) else { return };
    assert_eq!(Superblock::decode(&superblock.encode()).as_ref(), Some(&superblock));
    let Some(verity) = Verity::new(Hash([7; 32]), superblock) else { return };
    assert!(verity.data_blocks() < verity.blocks());
    let _ = (verity.expected(number), verity.expected(verity.blocks()), verity.expected(u64::MAX));
}

fn boot_manifest(bytes: &[u8]) {
    let Ok(manifest) = BootManifest::decode(bytes) else { return };
    let again = manifest.encode();
    assert_eq!(
        again.as_deref().map(BootManifest::decode),
        Some(Ok(manifest)),
        "what was read is not too long"
    );
}

/// The input is a boot sector's fields, some of an allocation table, and a root directory.
fn file_system(bytes: &[u8], partition_sectors: u64) {
    let Some((fields, rest)) = bytes.split_first_chunk::<13>() else { return };
    let mut sector: Sector = [0; 512];
    sector[11..24].copy_from_slice(fields);
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    let partition = partition_sectors * 512;
    let Some(geometry) = Geometry::parse(&sector, partition) else { return };
    let (table, directory) = rest.split_at(rest.len() / 2);
    let files = fat::files(directory);
    let places = geometry.places(table, &files);
    assert_eq!(places.len(), files.len());
    let mut taken: Vec<_> = places.iter().flatten().flatten().map(|it| it.at..it.at + it.length).collect();
    taken.sort_unstable_by_key(|bytes| bytes.start);
    assert!(taken.iter().all(|bytes| bytes.end <= partition), "{taken:?}");
    assert!(taken.windows(2).all(|pair| pair[0].end <= pair[1].start), "{taken:?}");
}

/// A file with so many pages in each of its slots.
fn stored(bytes: &[u8], pages: usize) {
    let mut file = bytes.to_vec();
    if pages > 0 {
        file.resize(pages * file_slots::SHORTEST, 0);
    }
    assert!(file_slots::content(&file).is_none_or(|text| text.len() <= file.len()));
}

fn partition_table(bytes: &[u8], disk_sectors: u64) {
    const MIB: u32 = 2048;
    let partitions = [(8, 12), (20, 16), (36, 16), (52, 8)]
        .map(|(start, length)| Extent { start: start * MIB, length: length * MIB });
    let superblock = Superblock { uuid: Uuid([2; 16]), salt: [1; 32], data_blocks: 9 };
    let Some(root) = Verity::new(Hash([7; 32]), superblock) else { return };
    let built = Card { root, partitions, signature: 1 };
    let mut sector: Sector = [0; 512];
    let length = bytes.len().min(512);
    sector[512 - length..].copy_from_slice(&bytes[..length]);
    let Some(mended) = mbr::mend(&sector, &built, None, disk_sectors) else { return };
    assert!(mbr::leaves_free(&mended, &dialbox::state::slots::RESERVED));
    if disk_sectors >= u64::from(60 * MIB) {
        assert_eq!(mbr::mend(&mended, &built, None, disk_sectors), None, "it is right now");
    }
}
