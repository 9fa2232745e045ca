//! The root tree as a squashfs. Blocks are compressed on all processors and kept for the next build: a second site
//! differs in one block, and compresses one block.

use std::{
    io::{Cursor, Write},
    path::Path,
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

use super::{
    block_cache::BlockCache,
    tree::{self, Owner, Tree},
};
use crate::{
    elf,
    error::{Context, Error, Result},
    parallel,
};

/// Larger blocks compress better, but cost memory and latency at run time; the kernel accepts 4 KiB to 1 MiB.
const BLOCK: u32 = 256 << 10;

/// How blocks are compressed. Part of each block's key.
const METHOD: &[u8] = include_bytes!("squashfs.rs");

/// xz with a cache.
#[derive(Debug)]
pub struct XzBlocks(BlockCache);

/// Writes `tree` as a squashfs, and the block cache for the next build.
pub fn write(tree: &Tree, epoch: u32, cache: &'static XzBlocks) -> Result<Vec<u8>> {
    if let Some((path, node)) = tree.pending().next() {
        let error = Error::new(format!("{path} has no content"));
        return Err(error.fact(format!("it comes from {}", node.origin)));
    }
    cache.compress_blocks(tree)?;
    let squashfs = write_known(tree, epoch, cache)?;
    cache.0.save()?;
    Ok(squashfs)
}

/// Compresses the files that are not pending, so that [`write`] finds most blocks in the cache.
pub fn compress_ahead(tree: &Tree, epoch: u32, cache: &'static XzBlocks) -> Result<()> {
    cache.compress_blocks(tree)?;
    // The ends of files share blocks, which only the writer can compose.
    write_known(tree, epoch, cache).map(drop)
}

fn write_known(tree: &Tree, epoch: u32, cache: &'static XzBlocks) -> Result<Vec<u8>> {
    let write = || {
        let mut fs = FilesystemWriter::default();
        fs.set_kind(Kind::new_v4(cache));
        fs.set_block_size(BLOCK);
        fs.set_time(epoch);
        fs.set_compressor(FilesystemCompressor::new(Compressor::Xz, None)?);
        fs.set_root_mode(0o755);
        for (path, node) in tree.iter() {
            let Owner { user, group } = node.owner;
            let header =
                NodeHeader { permissions: node.mode, uid: user.into(), gid: group.into(), mtime: epoch };
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

impl XzBlocks {
    /// With the cache in this file. It is never freed: backhand requires a compressor with a static lifetime.
    pub fn load(file: &Path) -> &'static Self {
        Box::leak(Box::new(Self(BlockCache::load(file))))
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
        self.0.get(BlockCache::key(METHOD, bytes), || xz(bytes, filter))
    }
}

impl CompressionAction for XzBlocks {
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
