//! The boot manifest: the files of the boot partition, with the hash of each of their blocks.
//!
//! It lies in the root's partition, at the first block behind the hash tree. It has its own hash against rot; against
//! somebody who writes the card there is none. `initramfs.gz` is one of its files and holds the root hash, so the root
//! cannot hold the manifest.

use std::ops::Range;

use super::{BLOCK, Hash};

/// A file that the Pi's firmware or the kernel reads. The site's is not among them: its owner edits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootFile {
    name: String,
    length: u32,
    blocks: Vec<Hash>,
}

impl BootFile {
    /// `None` if its name is empty or longer than 255 bytes, or it is longer than a file of a FAT.
    pub fn new(name: &str, content: &[u8]) -> Option<Self> {
        u8::try_from(name.len()).ok().filter(|length| *length > 0)?;
        let length = u32::try_from(content.len()).ok()?;
        let blocks = content.chunks(BLOCK).map(hash_of_block).collect();
        Some(Self { name: name.to_owned(), length, blocks })
    }

    /// Its name in the root directory of the boot partition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its length in bytes.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// The [hash](hash_of_block) of each of its blocks.
    pub fn blocks(&self) -> &[Hash] {
        &self.blocks
    }
}

/// The hash of a file's block; a last one that is shorter counts as filled up with zeros.
pub fn hash_of_block(block: &[u8]) -> Hash {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    Hash::of(&[block, &ZEROS[block.len().min(BLOCK)..]])
}

/// All boot files, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootManifest {
    /// The files.
    pub files: Vec<BootFile>,
}

/// Why bytes are no manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoManifest {
    /// They do not begin as one.
    Foreign,
    /// It is damaged.
    Damaged,
}

// Numbers are little-endian. The last figure of the magic is the format's version.
const MAGIC: [u8; 8] = *b"dialfil1";
/// Bytes of the whole manifest, its hash included.
const LENGTH: Range<usize> = 8..12;
const COUNT: Range<usize> = 12..16;
const FIRST_FILE: usize = COUNT.end;
const HASH: usize = size_of::<Hash>();
/// Bytes of the longest manifest, of 120 MiB of files: what is read into memory on the word of a damaged block.
const LONGEST: usize = 1 << 20;

impl BootManifest {
    /// Magic, length, number of files; for each file the length of its name in a byte, the name, its length in four
    /// bytes, the hashes of its blocks; and the SHA-256 of all that.
    ///
    /// `None` if it is longer than 1 MiB.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = [&MAGIC[..], &[0; FIRST_FILE - MAGIC.len()]].concat();
        for file in &self.files {
            bytes.push(u8::try_from(file.name.len()).ok()?);
            bytes.extend_from_slice(file.name.as_bytes());
            bytes.extend_from_slice(&file.length.to_le_bytes());
            file.blocks.iter().for_each(|hash| bytes.extend_from_slice(&hash.0));
        }
        let length = bytes.len() + HASH;
        if length > LONGEST {
            return None;
        }
        bytes[LENGTH].copy_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
        bytes[COUNT].copy_from_slice(&u32::try_from(self.files.len()).ok()?.to_le_bytes());
        let hash = Hash::of(&[&bytes]);
        bytes.extend_from_slice(&hash.0);
        Some(bytes)
    }

    /// Blocks of the copy of the boot files: a header, the manifest, and each file from the beginning of a block.
    ///
    /// A manifest that is too long to be written has no copy; it counts as one of the header alone.
    pub fn copy_blocks(&self) -> u64 {
        let manifest = self.encode().map_or(0, |bytes| bytes.len().div_ceil(BLOCK));
        let files: usize = self.files.iter().map(|file| file.blocks.len()).sum();
        1 + (manifest + files) as u64
    }

    /// How many bytes to read, by the first ones of a manifest.
    ///
    /// # Errors
    /// It is none, or has an impossible length.
    pub fn length(beginning: &[u8]) -> Result<usize, NoManifest> {
        if beginning.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(NoManifest::Foreign);
        }
        let length = beginning.get(LENGTH).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.filter(|length| (FIRST_FILE + HASH..=LONGEST).contains(length)).ok_or(NoManifest::Damaged)
    }

    /// Reads a manifest; what follows it is ignored.
    ///
    /// # Errors
    /// It is none, it is cut off, or its hash is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoManifest> {
        let length = Self::length(bytes)?;
        let whole = bytes.get(..length).ok_or(NoManifest::Damaged)?;
        let (content, hash) = whole.split_last_chunk::<HASH>().ok_or(NoManifest::Damaged)?;
        if Hash::of(&[content]) != Hash(*hash) {
            return Err(NoManifest::Damaged);
        }
        Self::read(content).ok_or(NoManifest::Damaged)
    }

    fn read(content: &[u8]) -> Option<Self> {
        let count = u32::from_le_bytes(content.get(COUNT)?.try_into().ok()?);
        let mut rest = Rest(content.get(FIRST_FILE..)?);
        let mut files = Vec::new();
        for _ in 0..count {
            let name_length = rest.take(1)?[0];
            let name = std::str::from_utf8(rest.take(name_length.into())?).ok()?.to_owned();
            let length = u32::from_le_bytes(rest.take(4)?.try_into().ok()?);
            let hashes = rest.take((length as usize).div_ceil(BLOCK).checked_mul(HASH)?)?;
            let blocks = hashes.as_chunks().0.iter().copied().map(Hash).collect();
            files.push(BootFile { name, length, blocks });
        }
        rest.0.is_empty().then_some(Self { files })
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn manifest() -> BootManifest {
        let files = [("cmdline.txt", &b"quiet\n"[..]), ("empty", b""), ("kernel.img", &[7; 2 * BLOCK + 1])];
        let files = files.map(|(name, content)| BootFile::new(name, content).unwrap());
        BootManifest { files: files.into() }
    }

    #[test]
    fn a_manifest_is_read_back_whatever_follows_it() {
        let mut bytes = manifest().encode().unwrap();
        assert_eq!(BootManifest::length(&bytes), Ok(bytes.len()));
        bytes.resize(BLOCK, 0);
        assert_eq!(BootManifest::decode(&bytes), Ok(manifest()));
        let blocks: Vec<_> = manifest().files.iter().map(|file| file.blocks().len()).collect();
        assert_eq!(blocks, [1, 0, 3]);
    }

    #[test]
    fn a_copy_has_a_header_the_manifest_and_whole_blocks_of_files() {
        assert_eq!(manifest().copy_blocks(), 1 + 1 + (1 + 3));
    }

    #[test]
    fn the_last_block_of_a_file_is_hashed_with_zeros_behind_it() {
        let mut block = [0; BLOCK];
        block[0] = 7;
        assert_eq!(manifest().files[2].blocks()[2], hash_of_block(&block));
    }

    #[test]
    fn a_file_has_a_name_that_fits() {
        assert_eq!(BootFile::new("", b""), None);
        assert_eq!(BootFile::new(&"x".repeat(256), b""), None);
        assert!(BootFile::new(&"x".repeat(255), b"").is_some());
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let bytes = manifest().encode().unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(BootManifest::decode(&changed).is_err(), "byte {at}");
            assert!(BootManifest::decode(&bytes[..at]).is_err(), "{at} bytes");
        }
        assert_eq!(BootManifest::decode(&[0; BLOCK]), Err(NoManifest::Foreign));
    }

    #[test]
    fn a_manifest_longer_than_a_box_would_read_is_not_written() {
        let files = vec![BootFile::new("large", &vec![0; 130 << 20]).unwrap()];
        assert_eq!(BootManifest { files }.encode(), None);
    }

    proptest! {
        /// A hash that is right for content that is wrong: what the length of a file says must not be believed.
        #[test]
        fn no_bytes_make_it_panic(mut content in prop::collection::vec(any::<u8>(), FIRST_FILE..200)) {
            content[..MAGIC.len()].copy_from_slice(&MAGIC);
            let length = u32::try_from(content.len() + HASH).unwrap();
            content[LENGTH].copy_from_slice(&length.to_le_bytes());
            content[COUNT].copy_from_slice(&1u32.to_le_bytes());
            let hash = Hash::of(&[&content]);
            content.extend_from_slice(&hash.0);
            let _ = BootManifest::decode(&content);
        }
    }
}
