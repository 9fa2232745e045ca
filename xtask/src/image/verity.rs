//! The hash tree behind the root's squashfs, by which the box verifies what it reads.

use dialbox::card::{
    BLOCK, Hash,
    tree::Tree,
    verity::{Salt, Uuid},
};

use crate::error::{Error, Result};

/// A squashfs with zeros up to the next whole block: the kernel's verity knows no shorter one. (veritysetup leaves a
/// tail out.)
pub fn whole_blocks(mut squashfs: Vec<u8>) -> Vec<u8> {
    squashfs.resize(squashfs.len().next_multiple_of(BLOCK), 0);
    squashfs
}

/// The tree. Salt and UUID follow from the content and the lock's epoch, so that two builds are equal and two images are
/// not.
pub fn tree(data: &[u8], epoch: u64) -> Result<Tree> {
    let salt = Hash::of(&[b"dialbox root", &epoch.to_le_bytes(), data]).0;
    Tree::build(data, salt, uuid(&salt)).ok_or_else(|| {
        Error::new(format!("no hash tree can be made of a root of {} bytes", data.len()))
            .hint("take recipes out of image/image.toml until the root is smaller than 64 GiB")
    })
}

/// A UUID that follows from content.
pub fn content_uuid(content: &[u8]) -> Uuid {
    uuid(&Hash::of(&[b"dialbox content", content]).0)
}

/// Version 8 and variant 10 (RFC 9562 §5.8): the other bits are ours.
fn uuid(salt: &Salt) -> Uuid {
    let mut uuid: [u8; 16] = std::array::from_fn(|index| salt[index]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    Uuid(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_builds_have_the_same_tree_and_another_content_or_epoch_has_another_salt() {
        let verity = |data: &[u8], epoch| {
            let tree = tree(&whole_blocks(data.to_vec()), epoch).unwrap();
            (tree.verity().clone(), tree.hash_area())
        };
        assert_eq!(verity(b"root", 1), verity(b"root", 1));
        for other in [verity(b"toor", 1), verity(b"root", 2)] {
            let (one, other) = (verity(b"root", 1).0, other.0);
            assert_ne!(one.superblock().salt, other.superblock().salt);
            assert_ne!(one.superblock().uuid, other.superblock().uuid);
        }
    }

    #[test]
    fn a_squashfs_ends_with_a_whole_block() {
        for (length, blocks) in [(1, 1), (BLOCK, 1), (BLOCK + 1, 2)] {
            let padded = whole_blocks(vec![7; length]);
            assert_eq!(padded.len(), blocks * BLOCK);
            assert!(padded[length..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn its_uuid_is_of_version_8() {
        let text = uuid(&[0xff; 32]).to_string();
        assert_eq!(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
