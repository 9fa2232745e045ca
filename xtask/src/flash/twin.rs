//! What lies behind the root in the second root's partition: the copies of the boot files, and the mark.

use dialbox::card::{
    boot_manifest::{BootManifest, hash_of_block},
    twin::{Mark, places},
    verity::Verity,
};

use super::{BLOCK, owners::Owners};

/// The numbers of its blocks that are not what the boot manifest of this root says. `manifest`: the bytes behind the
/// root, which begin with it; without a good one nothing is known. The names of what lies there go to `owners`.
pub fn bad_copies(partition: &[u8], root: &Verity, manifest: &[u8], owners: &mut Owners) -> Vec<u64> {
    let (blocks, _) = partition.as_chunks::<BLOCK>();
    let Ok(decoded) = BootManifest::decode(manifest) else { return Vec::new() };
    let length = BootManifest::length(manifest).unwrap_or_default().next_multiple_of(BLOCK);
    let manifest_blocks = (length / BLOCK) as u64;
    let Some(places) = places(blocks.len() as u64, root.blocks(), &decoded, manifest_blocks) else {
        return Vec::new();
    };
    let mut bad = Vec::new();
    let mut number = places.boot_files;
    for file in &decoded.files {
        let first = number;
        for hash in file.blocks() {
            let is_good = blocks.get(number as usize).is_some_and(|block| hash_of_block(block) == *hash);
            bad.extend((!is_good).then_some(number));
            number += 1;
        }
        owners.add(bytes(first..number), format!("the copy of {}", file.name()));
    }
    let mut whole = manifest[..length.min(manifest.len())].to_vec();
    whole.resize(length, 0);
    let mark = Mark::new(root.root_hash(), &whole).encode();
    let is_marked = blocks.last().is_some_and(|block| mark.as_ref() == Some(block));
    bad.extend((!is_marked).then_some(places.mark));
    owners.add(bytes(places.mark..places.mark + 1), "the mark of the second root".to_owned());
    bad
}

fn bytes(blocks: std::ops::Range<u64>) -> std::ops::Range<u64> {
    blocks.start * BLOCK as u64..blocks.end * BLOCK as u64
}

#[cfg(test)]
pub mod tests {
    use std::{fs::File, os::unix::fs::FileExt};

    use super::*;
    use crate::{
        flash::{
            check::{self, Fault},
            medium::ImageFile,
            own_hashes::{
                self,
                tests::{ROOT_B, card},
            },
        },
        image::boot_files::SITE,
    };

    /// Makes the second root of a card as a box does: a copy of the first one, of the boot files, and the mark.
    pub fn make(card: &mut [u8]) {
        let [boot, root_a, root_b, _] = check::partitions(card).unwrap().map(|part| {
            let range = check::bytes(&part);
            range.start as usize..range.end as usize
        });
        let root = check::verity(&card[boot.clone()]).unwrap();
        let manifest = root_a.start + root.blocks() as usize * BLOCK;
        let length = BootManifest::length(&card[manifest..]).unwrap().next_multiple_of(BLOCK);
        let whole = card[manifest..][..length].to_vec();
        card.copy_within(root_a.start..manifest + length, root_b.start);
        let mut at = root_b.start + manifest + length - root_a.start;
        let mut files = check::files(&card[boot]).unwrap();
        files.retain(|(name, _)| name != SITE);
        files.sort();
        for (_, content) in files {
            card[at..][..content.len()].copy_from_slice(&content);
            at += content.len().next_multiple_of(BLOCK);
        }
        let mark = Mark::new(root.root_hash(), &whole).encode().unwrap();
        card[root_b.end - BLOCK..root_b.end].copy_from_slice(&mark);
    }

    /// What is found with the image and without it.
    fn faults(card: &[u8], image: &[u8]) -> [Vec<Fault>; 2] {
        let file = || -> ImageFile {
            let file: File = tempfile::tempfile().unwrap();
            file.write_all_at(card, 0).unwrap();
            ImageFile::of(file, card.len() as u64)
        };
        [check::check(&mut file(), image).unwrap().faults, own_hashes::check(&mut file()).unwrap().faults]
    }

    #[test]
    fn the_copies_of_the_boot_files_and_the_mark_are_checked_too() {
        let image = card();
        let mut used = image.clone();
        make(&mut used);
        assert_eq!(faults(&used, &image), [vec![], vec![]]);
        let behind = |needle: &[u8]| {
            let found = used[ROOT_B..].windows(needle.len()).position(|it| it == needle).unwrap();
            (ROOT_B + found) / BLOCK
        };
        let kernel = behind(&[7; 900]);
        let mark = behind(b"dialtwn1");
        for (block, name) in [
            (kernel, "the copy of kernel.img"),
            (kernel + 2, "the copy of kernel.img"),
            (kernel - 1, "the copy of initramfs.gz"),
            (mark, "the mark of the second root"),
        ] {
            let mut rotten = used.clone();
            rotten[block * BLOCK + 100] ^= 1;
            let fault =
                Fault::Root { name: "root B", blocks: 1, first: block as u64, files: vec![name.to_owned()] };
            for found in faults(&rotten, &image) {
                assert_eq!(found, std::slice::from_ref(&fault), "{name}");
            }
        }
    }
}
