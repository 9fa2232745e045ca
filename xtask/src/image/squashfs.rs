//! The root tree as a squashfs. Blocks are compressed on all processors and kept for the next build: a second site
//! differs in one block, and compresses one block.

use std::{
    collections::HashMap,
    fs,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

use backhand::{
    BackhandError, FilesystemCompressor, FilesystemWriter, NodeHeader, SuperBlock,
    compression::{CompressionAction, Compressor, DefaultCompressor},
    kind::Kind,
};
use liblzma::{
    stream::{Check, Filters, LzmaOptions, Stream},
    write::XzEncoder,
};
use sha2::{Digest, Sha256};

use super::tree::{self, Tree};
use crate::{
    elf,
    error::{Context, Error, Result},
    parallel, private,
};

/// Larger blocks compress better, but cost memory and latency at run time; the kernel accepts 4 KiB to 1 MiB.
const BLOCK: u32 = 256 << 10;

type Hash = [u8; 32];

/// How blocks are compressed. Part of each block's key.
const METHOD: &[u8] = include_bytes!("squashfs.rs");

/// xz with a cache: block → compressed block.
#[derive(Debug, Default)]
pub struct BlockCache {
    file: PathBuf,
    known: Mutex<HashMap<Hash, Vec<u8>>>,
    /// Blocks used in this build: the next one is likely to need them again.
    used: Mutex<Vec<Hash>>,
}

/// Writes `tree` as a squashfs, and the block cache for the next build.
pub fn write(tree: &Tree, epoch: u32, cache: &'static BlockCache) -> Result<Vec<u8>> {
    if let Some((path, node)) = tree.pending().next() {
        let error = Error::new(format!("{path} has no content"));
        return Err(error.fact(format!("it comes from {}", node.origin)));
    }
    cache.compress_blocks(tree)?;
    let squashfs = write_known(tree, epoch, cache)?;
    cache.save()?;
    Ok(squashfs)
}

/// Compresses the files that are not pending, so that [`write`] finds most blocks in the cache.
pub fn compress_ahead(tree: &Tree, epoch: u32, cache: &'static BlockCache) -> Result<()> {
    cache.compress_blocks(tree)?;
    // The ends of files share blocks, which only the writer can compose.
    write_known(tree, epoch, cache).map(drop)
}

fn write_known(tree: &Tree, epoch: u32, cache: &'static BlockCache) -> Result<Vec<u8>> {
    let write = || {
        let mut fs = FilesystemWriter::default();
        fs.set_kind(Kind::new_v4(cache));
        fs.set_block_size(BLOCK);
        fs.set_time(epoch);
        fs.set_compressor(FilesystemCompressor::new(Compressor::Xz, None)?);
        fs.set_root_mode(0o755);
        for (path, node) in tree.iter() {
            let header = NodeHeader { permissions: node.mode, uid: 0, gid: 0, mtime: epoch };
            match &node.kind {
                tree::Kind::Directory => fs.push_dir(path, header)?,
                tree::Kind::File(content) => fs.push_file(Cursor::new(content.clone()), path, header)?,
                tree::Kind::Symlink(target) => fs.push_symlink(target, path, header)?,
                tree::Kind::Pending => {}
            }
        }
        let mut out = Cursor::new(Vec::new());
        fs.write(&mut out)?;
        Ok::<_, BackhandError>(out.into_inner())
    };
    write().context(|| "cannot write the root as a squashfs".into())
}

/// The kind of a block's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    /// Branch targets become absolute, and instructions are four bytes: 5 % smaller.
    ArmCode,
}

/// One block as an xz stream that the kernel's decoder reads (lib/xz: CRC32, BCJ filter for ARM,
/// a dictionary no larger than the block; fs/squashfs/xz_wrapper.c).
fn xz(block: &[u8], filter: Filter) -> std::io::Result<Vec<u8>> {
    let mut options = LzmaOptions::new_preset(6)?;
    options.dict_size(BLOCK);
    let mut filters = Filters::new();
    if filter == Filter::ArmCode {
        filters.arm();
        options.literal_context_bits(2).literal_position_bits(2);
    }
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32)?;
    let mut encoder = XzEncoder::new_stream(Vec::with_capacity(block.len()), stream);
    encoder.write_all(block)?;
    encoder.finish()
}

impl BlockCache {
    /// The cache in this file, empty if it cannot be read. It is never freed: backhand requires a
    /// compressor with a static lifetime.
    pub fn load(file: &Path) -> &'static Self {
        let known = fs::read(file).map(|bytes| read_checked(&bytes)).unwrap_or_default();
        let cache = Self { file: file.to_owned(), known: Mutex::new(known), used: Mutex::default() };
        Box::leak(Box::new(cache))
    }

    /// Compresses the full blocks of all files that are not known yet, on every processor.
    /// (Tail ends are packed into fragments by the writer, in its own order.)
    fn compress_blocks(&self, tree: &Tree) -> Result<()> {
        let blocks: Vec<(&[u8], Filter)> = tree
            .files()
            .filter(|(_, _, content)| content.len() >= BLOCK as usize)
            .flat_map(|(_, _, content)| {
                let filter = if elf::is_elf(content) { Filter::ArmCode } else { Filter::None };
                content.chunks(BLOCK as usize).map(move |block| (block, filter))
            })
            .collect();
        parallel::map(parallel::processors(), &blocks, |(block, filter)| {
            self.compressed(block, *filter).map(drop)
        })
        .map(drop)
        .context(|| "cannot compress the root".into())
    }

    fn compressed(&self, bytes: &[u8], filter: Filter) -> std::io::Result<Vec<u8>> {
        let hash: Hash = Sha256::new_with_prefix(METHOD).chain_update(bytes).finalize().into();
        locked(&self.used).push(hash);
        if let Some(block) = locked(&self.known).get(&hash) {
            return Ok(block.clone());
        }
        let block = xz(bytes, filter)?;
        locked(&self.known).insert(hash, block.clone());
        Ok(block)
    }

    fn save(&self) -> Result<()> {
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

impl CompressionAction for BlockCache {
    type Error = BackhandError;
    type Compressor = Compressor;
    type FilesystemCompressor = FilesystemCompressor;
    type SuperBlock = SuperBlock;

    fn decompress(
        &self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        compressor: Compressor,
    ) -> Result<(), BackhandError> {
        DefaultCompressor.decompress(bytes, out, compressor)
    }

    fn compress(&self, bytes: &[u8], _: FilesystemCompressor, _: u32) -> Result<Vec<u8>, BackhandError> {
        Ok(self.compressed(bytes, Filter::None)?)
    }

    fn compression_options(
        &self,
        superblock: &mut SuperBlock,
        kind: &Kind,
        fs_compressor: FilesystemCompressor,
    ) -> Result<Option<Vec<u8>>, BackhandError> {
        DefaultCompressor.compression_options(superblock, kind, fs_compressor)
    }
}

/// A worker that panicked has already ended the build; the data behind its lock is still consistent.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
