//! Which root is mounted: a copy that is verified, else the good blocks of all copies, else what can be mounted at all.
//!
//! The hash tree is checked before a copy is used, and what the boot will read is read through it. Reading all of it
//! would cost seconds on a Pi 1; the scrub does that. An error in a block that only a running program needs is EIO for
//! that program.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, unmount};

use super::dm::{self, Mapping, Target};
use super::root::{SEALED, mount_at};
use super::{Fatal, OrFatal, block};
use crate::card::composition::{self, Composition, Piece};
use crate::card::tree::{Check, Tree};
use crate::card::verity::{Superblock, Verity};
use crate::card::{BLOCK, Block};
use crate::log::Log;

/// What is read before a root is used: programs and files without which no service starts. They stay in the page cache.
const NEEDED: [&str; 5] =
    ["/bin/busybox", "/etc/inittab", "/etc/init.d/rcS", "/etc/init.d/role", "/usr/sbin/dialbox"];

/// How far the mounted root can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootCheck {
    /// What is read from it is what the builder has written, or an error.
    Verified,
    /// As many blocks are bad in all copies. Reading them is an error.
    Damaged(usize),
    /// As many blocks are bad in all copies, and are read as they are.
    Ignored(usize),
    /// Nothing is checked.
    Unverified,
}

impl fmt::Display for RootCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified => f.write_str("verified"),
            Self::Damaged(lost) => write!(f, "blocks bad in every copy: {lost}"),
            Self::Ignored(lost) => write!(f, "blocks bad in every copy, used as they are: {lost}"),
            Self::Unverified => f.write_str("NOT verified"),
        }
    }
}

/// The mounted root.
#[derive(Debug)]
pub struct Sealed {
    /// The partitions with its copies: one, or all that it is composed of.
    pub devices: Vec<PathBuf>,
    /// Their letters: `A`, `B`, `A+B`.
    pub copy: String,
    /// What it is worth.
    pub check: RootCheck,
    /// Why no better one was used; empty if it is the first one and verified.
    pub trouble: Vec<String>,
}

/// Mounts a root: one of the candidates, tried in this order of their numbers. While it reads, `progress` is called again
/// and again. `verity` is what the initramfs says of it, or why it says nothing.
///
/// # Errors
/// No copy can be mounted, not even without verification.
pub fn mount(
    candidates: &[PathBuf],
    order: &[usize],
    verity: Result<&Verity, &str>,
    progress: &mut dyn FnMut(),
    log: &Log,
) -> Result<Sealed, Fatal> {
    let mut trouble = Vec::new();
    let mut refuse = |reason: String| {
        log.error(&format!("root refused: {reason}"));
        trouble.push(reason);
    };
    let found = match verity {
        Ok(verity) => find_verified(candidates, order, verity, progress, &mut refuse),
        Err(why) => {
            refuse(why.to_owned());
            None
        }
    };
    let found = found.or_else(|| find_plain(candidates, order, &mut refuse));
    let (copies, check) =
        found.ok_or_else(|| Fatal::new(format!("no usable root ({})", trouble.join("; "))))?;
    let copy: Vec<String> = copies.iter().map(|copy| letter(*copy).to_string()).collect();
    let devices = copies.iter().filter_map(|copy| candidates.get(*copy).cloned()).collect();
    Ok(Sealed { devices, copy: copy.join("+"), check, trouble })
}

fn letter(copy: usize) -> char {
    (b'A'..=b'Z').nth(copy).map_or('?', char::from)
}

/// Copies, and what the root made of them is worth.
type Found = Option<(Vec<usize>, RootCheck)>;

fn find_verified(
    candidates: &[PathBuf],
    order: &[usize],
    verity: &Verity,
    progress: &mut dyn FnMut(),
    refuse: &mut impl FnMut(String),
) -> Found {
    for (copy, device) in in_order(candidates, order) {
        progress();
        let mounted = check_tree(device, verity).map_err(|why| format!("{}: {why}", device.display()));
        match mounted.and_then(|()| mount_verified(&format!("root-{copy}"), device, verity, "")) {
            Ok(()) => return Some((vec![copy], RootCheck::Verified)),
            Err(why) => refuse(why),
        }
    }
    let Some(composition) = compose(candidates, verity, progress) else {
        refuse("no copy is of the root that this initramfs belongs to".to_owned());
        return None;
    };
    find_composed(candidates, verity, &composition, refuse)
}

/// A root of the good blocks of all copies; the lost ones are only read as they are if it does not work without.
fn find_composed(
    candidates: &[PathBuf],
    verity: &Verity,
    composition: &Composition,
    refuse: &mut impl FnMut(String),
) -> Found {
    let Composition { pieces, lost } = composition;
    let device = match dm::create("root-pieces", &linear_targets(candidates, pieces)) {
        Ok(device) => device,
        Err(error) => {
            refuse(format!("a root of {} pieces: {error}", pieces.len()));
            return None;
        }
    };
    let mut copies: Vec<usize> = pieces.iter().map(|piece| piece.copy).collect();
    copies.sort_unstable();
    copies.dedup();
    let check = if lost.is_empty() { RootCheck::Verified } else { RootCheck::Damaged(lost.len()) };
    let attempts = [("root-composed", "", check), ("root-damaged", IGNORE, RootCheck::Ignored(lost.len()))];
    for (name, options, check) in attempts {
        match mount_verified(name, &device, verity, options) {
            Ok(()) => return Some((copies, check)),
            Err(why) => refuse(format!("composed of all copies: {why}")),
        }
    }
    None
}

fn linear_targets(candidates: &[PathBuf], pieces: &[Piece]) -> Vec<Target> {
    let bytes = |blocks: u64| blocks * BLOCK as u64;
    let target = |piece: &Piece| {
        let (start, end) = (bytes(piece.blocks.start), bytes(piece.blocks.end));
        let mapping = Mapping::Linear(candidates.get(piece.copy)?.clone(), start);
        Some(Target { start, length: end - start, mapping })
    };
    pieces.iter().filter_map(target).collect()
}

/// One optional argument of the target: a bad block is logged, and read as it is.
const IGNORE: &str = " 1 ignore_corruption";

/// The candidates in this order, each with its number.
fn in_order<'a>(candidates: &'a [PathBuf], order: &[usize]) -> impl Iterator<Item = (usize, &'a PathBuf)> {
    order.iter().filter_map(|copy| Some((*copy, candidates.get(*copy)?)))
}

fn find_plain(candidates: &[PathBuf], order: &[usize], refuse: &mut impl FnMut(String)) -> Found {
    for (copy, device) in in_order(candidates, order) {
        let mounted = block::wait_for(device).or_fatal(&device.display().to_string());
        match mounted.and_then(|()| mount_squashfs(device)) {
            Ok(()) => return Some((vec![copy], RootCheck::Unverified)),
            Err(why) => refuse(why.to_string()),
        }
    }
    None
}

/// Checks superblock and hash tree of a copy: some 20 blocks for a root of 10 MB.
fn check_tree(device: &Path, verity: &Verity) -> Result<(), String> {
    block::wait_for(device).map_err(|error| error.to_string())?;
    let mut bytes = vec![0; (verity.blocks() - verity.data_blocks()) as usize * BLOCK];
    let read = File::open(device).and_then(|file| file.read_exact_at(&mut bytes, verity.hash_offset()));
    read.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is shorter than its root".to_owned(),
        _ => format!("reading its hash tree: {error}"),
    })?;
    let (superblock, tree) = bytes.as_chunks::<BLOCK>().0.split_first().ok_or("it has no superblock")?;
    match Superblock::decode(superblock) {
        None => return Err("it has no superblock of dm-verity".to_owned()),
        Some(found) if found.uuid != verity.superblock().uuid => return Err("it is another root".to_owned()),
        Some(found) if found != *verity.superblock() => return Err("its superblock is damaged".to_owned()),
        Some(_) => {}
    }
    let mut checked = Tree::new(verity.clone());
    for (number, block) in verity.hash_blocks().zip(tree) {
        if checked.add(number, block) != Check::Good {
            return Err(format!("block {number}, of its hash tree, is bad"));
        }
    }
    Ok(())
}

fn compose(candidates: &[PathBuf], verity: &Verity, progress: &mut dyn FnMut()) -> Option<Composition> {
    let files: Vec<Option<File>> = candidates.iter().map(|device| File::open(device).ok()).collect();
    composition::compose(verity, files.len(), |copy, number| {
        progress();
        let mut block: Block = [0; BLOCK];
        let file = files.get(copy)?.as_ref()?;
        file.read_exact_at(&mut block, number * BLOCK as u64).ok().map(|()| block)
    })
}

/// Sets up the target on a device with data and tree, mounts it, and reads what the boot needs.
fn mount_verified(name: &str, device: &Path, verity: &Verity, options: &str) -> Result<(), String> {
    let shown = device.display().to_string();
    let arguments = verity.target_arguments(&shown) + options;
    let target = Target { start: 0, length: verity.hash_offset(), mapping: Mapping::Verity(arguments) };
    let mapped = dm::create(name, &[target]).map_err(|error| format!("{shown}: dm-verity: {error}"))?;
    let mounted = mount_squashfs(&mapped)
        .map_err(|why| why.to_string())
        .and_then(|()| read_needed().inspect_err(|_| unmount_sealed()));
    mounted.map_err(|why| {
        // One that something still uses costs some memory.
        let _ = dm::remove(name);
        format!("{shown}: {why}")
    })
}

fn mount_squashfs(device: &Path) -> Result<(), Fatal> {
    let name = device.display().to_string();
    mount_at(&name, SEALED, "squashfs", MountFlags::RDONLY, c"")?;
    // It is a link to busybox, which need not resolve from here; a root without it cannot start.
    let init = fs::symlink_metadata(format!("{SEALED}/sbin/init"));
    init.map(drop).or_fatal(&name).inspect_err(|_| unmount_sealed())
}

fn unmount_sealed() {
    // If it cannot be unmounted, the next one is mounted over it.
    let _ = unmount(SEALED, UnmountFlags::DETACH);
}

fn read_needed() -> Result<(), String> {
    NEEDED
        .into_iter()
        .try_for_each(|path| read_all(&format!("{SEALED}{path}")).map_err(|error| format!("{path}: {error}")))
}

fn read_all(path: &str) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
