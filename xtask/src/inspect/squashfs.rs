//! The root's squashfs: its nodes, where their bytes lie, and what each costs compressed.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    ops::Range,
    sync::Arc,
};

use backhand::{FilesystemReader, InnerNode, NodeHeader, Squashfs, SquashfsFileReader};

use super::region::Region;
use crate::error::{Context, Error, Result};

/// What stands in an inode for "no fragment" (Documentation/filesystems/squashfs.rst).
const NO_FRAGMENT: usize = 0xffff_ffff;

/// A node of the root.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// The numbers of user and group.
    pub owner: (u32, u32),
    /// Bytes of the compressed blocks that are its own; of a shared one, its share.
    pub compressed: f64,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File(Arc<[u8]>),
    /// A symbolic link to this target.
    Symlink(String),
    /// A directory.
    Directory,
    /// A device, FIFO or socket, which the builder makes none of.
    Special,
}

/// Nodes and regions, in bytes of the squashfs.
#[derive(Debug)]
pub struct Root {
    /// By path.
    pub nodes: BTreeMap<String, Node>,
    /// Without what is unused.
    pub regions: Vec<(Range<usize>, Region)>,
    /// Bytes that it uses.
    pub length: usize,
    /// Bytes of superblock and tables, which belong to no file.
    pub tables: usize,
    /// Every time stamp in it.
    pub time: u32,
}

impl Root {
    /// Reads a squashfs at the beginning of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let damaged = || "the root is not a whole squashfs".to_owned();
        let squashfs = Squashfs::from_reader_with_offset(Cursor::new(bytes), 0).context(damaged)?;
        let superblock = squashfs.superblock;
        let length = superblock.bytes_used as usize;
        let tables = superblock.inode_table as usize..length;
        if tables.start > tables.end || tables.end > bytes.len() {
            return Err(Error::new(damaged()));
        }
        let fs = squashfs.into_filesystem_reader().context(damaged)?;
        let blocks = Blocks::of(&fs)?;
        let mut nodes = BTreeMap::new();
        for node in fs.files() {
            let path = path(&node.fullpath);
            let (kind, compressed) = match &node.inner {
                InnerNode::File(file) => {
                    let mut content = Vec::new();
                    let read = fs.file(file).reader_checked().context(damaged)?.read_to_end(&mut content);
                    read.context(|| format!("{path} of the root cannot be read"))?;
                    (Kind::File(content.into()), blocks.cost(&fs, file, &path))
                }
                InnerNode::Symlink(link) => (Kind::Symlink(link.link.to_string_lossy().into_owned()), 0.0),
                InnerNode::Dir(_) => (Kind::Directory, 0.0),
                _ => (Kind::Special, 0.0),
            };
            let NodeHeader { permissions: mode, uid, gid, .. } = node.header;
            nodes.insert(path, Node { kind, mode, owner: (uid, gid), compressed });
        }
        // Magic, version and the places of the tables: 96 bytes (squashfs_fs.h, struct squashfs_super_block).
        let mut regions = vec![(0..96, Region::Superblock), (tables.clone(), Region::RootTables)];
        regions.extend(
            blocks
                .0
                .into_iter()
                .map(|(range, users)| (range.0..range.1, Region::RootFiles(users.into_keys().collect()))),
        );
        Ok(Self { nodes, regions, length, tables: 96 + tables.len(), time: fs.mod_time })
    }
}

fn path(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Compressed blocks by their ranges: path → bytes of the file in it.
struct Blocks(BTreeMap<(usize, usize), BTreeMap<String, u64>>);

impl Blocks {
    fn of(fs: &FilesystemReader) -> Result<Self> {
        let mut blocks: BTreeMap<(usize, usize), BTreeMap<String, u64>> = BTreeMap::new();
        for node in fs.files() {
            let InnerNode::File(file) = &node.inner else { continue };
            for (range, bytes) in ranges(fs, file)? {
                blocks.entry(range).or_default().insert(path(&node.fullpath), bytes);
            }
        }
        Ok(Self(blocks))
    }

    fn cost(&self, fs: &FilesystemReader, file: &SquashfsFileReader, path: &str) -> f64 {
        let shares = ranges(fs, file).unwrap_or_default().into_iter().map(|(range, _)| {
            let users = self.0.get(&range);
            let all: u64 = users.iter().flat_map(|it| it.values()).sum();
            let own = users.and_then(|it| it.get(path)).copied().unwrap_or_default();
            (range.1 - range.0) as f64 * own as f64 / all.max(1) as f64
        });
        shares.sum()
    }
}

/// The compressed blocks of a file, each with the bytes of the file in it.
fn ranges(fs: &FilesystemReader, file: &SquashfsFileReader) -> Result<Vec<((usize, usize), u64)>> {
    let block = u64::from(fs.block_size);
    let mut at = file.blocks_start() as usize;
    let mut left = file.file_len() as u64;
    let mut ranges = Vec::new();
    for size in file.block_sizes() {
        let end = at + size.size() as usize;
        let bytes = left.min(block);
        left -= bytes;
        // A block of zeros is not stored.
        if end > at {
            ranges.push(((at, end), bytes));
        }
        at = end;
    }
    if file.frag_index() != NO_FRAGMENT {
        let fragment = fs.fragments.as_ref().and_then(|it| it.get(file.frag_index()));
        let fragment = fragment.ok_or_else(|| Error::new("the root is not a whole squashfs"))?;
        let start = fragment.start as usize;
        ranges.push(((start, start + fragment.size.size() as usize), left));
    }
    Ok(ranges)
}
