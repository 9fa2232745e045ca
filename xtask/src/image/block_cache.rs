//! Compressed blocks of earlier builds, by the hash of their content: another site changes few of them.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Context, Result},
    private,
};

/// The key of a block.
pub type Hash = [u8; 32];

/// Block → compressed block.
#[derive(Debug, Default)]
pub struct BlockCache {
    file: PathBuf,
    known: Mutex<HashMap<Hash, Vec<u8>>>,
    /// Blocks used in this build: the next one is likely to need them again.
    used: Mutex<Vec<Hash>>,
}

impl BlockCache {
    /// The cache in this file, empty if it cannot be read.
    pub fn load(file: &Path) -> Self {
        let known = fs::read(file).map(|bytes| read_checked(&bytes)).unwrap_or_default();
        Self { file: file.to_owned(), known: Mutex::new(known), used: Mutex::default() }
    }

    /// The key of a block that is compressed in this way.
    pub fn key(method: &[u8], block: &[u8]) -> Hash {
        Sha256::new_with_prefix(method).chain_update(block).finalize().into()
    }

    /// The block of that key; it is compressed if it is not known.
    pub fn get(&self, key: Hash, compress: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
        locked(&self.used).push(key);
        if let Some(block) = locked(&self.known).get(&key) {
            return Ok(block.clone());
        }
        let block = compress()?;
        locked(&self.known).insert(key, block.clone());
        Ok(block)
    }

    /// Keeps what was used for the next build.
    pub fn save(&self) -> Result<()> {
        let known = locked(&self.known);
        let mut used = locked(&self.used);
        used.sort_unstable();
        used.dedup();
        let mut bytes = Vec::new();
        for (hash, block) in used.iter().filter_map(|hash| Some((hash, known.get(hash)?))) {
            bytes.extend_from_slice(hash);
            bytes.extend_from_slice(&u32::try_from(block.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(block);
        }
        let fresh: PathBuf = self.file.with_extension("new");
        // The site's secrets are in one of the blocks.
        private::create_file(&fresh)
            .and_then(|mut it| it.write_all(&Sha256::digest(&bytes)).and_then(|()| it.write_all(&bytes)))
            .and_then(|()| fs::rename(&fresh, &self.file))
            .context(|| format!("cannot write {}", self.file.display()))
    }
}

/// Checks a file that [`BlockCache::save`] has written. A file that was changed since counts as empty.
fn read_checked(file: &[u8]) -> HashMap<Hash, Vec<u8>> {
    match file.split_first_chunk::<32>() {
        Some((digest, blocks)) if *digest == <Hash>::from(Sha256::digest(blocks)) => read_blocks(blocks),
        _ => HashMap::new(),
    }
}

/// Hash, length and bytes of each complete block.
fn read_blocks(mut bytes: &[u8]) -> HashMap<Hash, Vec<u8>> {
    let mut known = HashMap::new();
    let mut hash = Hash::default();
    let mut length = [0; 4];
    while bytes.read_exact(&mut hash).is_ok() && bytes.read_exact(&mut length).is_ok() {
        let Some((block, rest)) = bytes.split_at_checked(u32::from_le_bytes(length) as usize) else { break };
        known.insert(hash, block.to_vec());
        bytes = rest;
    }
    known
}

/// A worker that panicked has already ended the build; the data behind its lock is still consistent.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> io::Result<Vec<u8>> {
        panic!("it is compressed again")
    }

    #[test]
    fn a_block_of_the_last_build_is_not_compressed_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("blocks");
        let (used, unused) = (BlockCache::key(b"xz", b"used"), BlockCache::key(b"xz", b"unused"));
        let first = BlockCache::load(&file);
        first.get(unused, || Ok(b"u".to_vec())).unwrap();
        first.get(used, || Ok(b"v".to_vec())).unwrap();
        first.save().unwrap();
        let second = BlockCache::load(&file);
        assert_eq!(second.get(used, none).unwrap(), b"v");
        second.save().unwrap();
        let third = BlockCache::load(&file);
        assert_eq!(third.get(used, none).unwrap(), b"v");
        assert_eq!(third.get(unused, || Ok(b"again".to_vec())).unwrap(), b"again");
        assert_ne!(BlockCache::key(b"gzip", b"used"), used);
    }

    #[test]
    fn a_file_that_was_changed_counts_as_empty() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("blocks");
        let key = BlockCache::key(b"xz", b"block");
        let cache = BlockCache::load(&file);
        cache.get(key, || Ok(vec![7; 100])).unwrap();
        cache.save().unwrap();
        let whole = fs::read(&file).unwrap();
        for at in [0, 40, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, changed).unwrap();
            assert_eq!(BlockCache::load(&file).get(key, || Ok(Vec::new())).unwrap(), [0_u8; 0]);
        }
    }
}
