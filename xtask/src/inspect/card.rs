//! An image taken apart. What follows from other parts of it, as the hash tree does, is made again and compared: only then
//! a difference in it is explained by a difference in these.

use std::{collections::BTreeMap, io::Cursor, ops::Range, sync::Arc};

use dialbox::{
    card::{
        BLOCK,
        boot_manifest::{BootFile, BootManifest},
        layout,
        tree::Tree,
        verity::Superblock,
    },
    state::slots,
};
use mbrman::MBR;

use super::{
    fat::Boot,
    provisioned,
    region::{Map, Region},
    squashfs::{Kind, Node, Root},
};
use crate::{
    error::{Error, Result},
    image::{disk::SECTOR, initramfs},
};

/// An image.
#[derive(Debug)]
pub struct Card {
    /// What each byte belongs to.
    pub map: Map,
    /// Files of all places by name: `/bin/busybox`, `boot:/kernel.img`, `initramfs:/init`, `provisioned:/site.toml`.
    /// Directories and links of the root, too.
    pub nodes: BTreeMap<String, Node>,
    /// Start and length of the partitions, in bytes.
    pub partitions: [(usize, usize); 4],
    /// The MBR's disk signature.
    pub signature: [u8; 4],
    /// Bytes of the squashfs, and of its tables alone.
    pub root: (usize, usize),
    /// Every time stamp of the root.
    pub time: u32,
    /// What does not follow from the parts that it should follow from, one sentence each.
    pub faults: Vec<(Region, String)>,
}

/// Beginning and end of the partition table in the MBR: the disk signature, two bytes, four entries.
const TABLE: Range<usize> = 440..510;

impl Card {
    /// Takes an image apart.
    pub fn read(image: &[u8]) -> Result<Self> {
        let (signature, partitions) = partitions(image)?;
        let part = |number: usize| &image[partitions[number].0..partitions[number].0 + partitions[number].1];
        let boot = Boot::read(part(0))?;
        let root = Root::read(part(1))?;
        let mut faults = Vec::new();
        let mut regions = vec![(TABLE, Region::PartitionTable)];
        for at in slots::OFFSETS.into_iter().chain(slots::ATTEMPTS) {
            regions.push((at as usize..at as usize + slots::BLOCK, Region::SecondCopy));
        }
        let shifted = |by: usize| {
            move |(range, region): (Range<usize>, Region)| (range.start + by..range.end + by, region)
        };
        let [boot_at, root_at, b_at, state_at] = partitions.map(|(start, _)| start);
        regions.extend(boot.regions.into_iter().map(shifted(boot_at)));
        regions.extend(root.regions.into_iter().map(shifted(root_at)));
        let behind = hashes(part(1), root.length, &boot.files, &mut faults);
        regions.extend(behind.into_iter().map(shifted(root_at)));
        let sectors = |bytes: usize| (bytes / SECTOR as usize) as u32;
        let root_a = layout::Extent { start: sectors(root_at), length: sectors(partitions[1].1) };
        let provisioned = provisioned::read(image, root_a, &mut faults);
        regions.extend(provisioned.regions);
        regions.push((b_at..b_at + partitions[2].1, Region::RootB));
        regions.push((state_at..state_at + partitions[3].1, Region::State));
        let mut nodes = root.nodes;
        nodes.extend(provisioned.site.map(|site| (provisioned::NAME.to_owned(), file(site))));
        for (name, content) in boot.files {
            if name == "initramfs.gz" {
                add_initramfs(&mut nodes, &content)?;
            }
            nodes.insert(format!("boot:/{name}"), file(content));
        }
        Ok(Self {
            map: Map::new(regions, image.len()),
            nodes,
            partitions,
            signature,
            root: (root.length, root.tables),
            time: root.time,
            faults,
        })
    }

    /// A file's content.
    pub fn file(&self, name: &str) -> Option<&Arc<[u8]>> {
        match &self.nodes.get(name)?.kind {
            Kind::File(content) => Some(content),
            _ => None,
        }
    }
}

fn file(content: Arc<[u8]>) -> Node {
    let compressed = content.len() as f64;
    Node { kind: Kind::File(content), mode: 0o644, owner: (0, 0), compressed }
}

fn add_initramfs(nodes: &mut BTreeMap<String, Node>, archive: &[u8]) -> Result<()> {
    let files = initramfs::files(archive)
        .map_err(|why| Error::new("the initramfs on the boot partition cannot be read").fact(why))?;
    for (name, content) in files {
        // What it costs is counted at boot:/initramfs.gz.
        let node = Node { compressed: 0.0, ..file(content.into()) };
        nodes.insert(format!("initramfs:/{name}"), node);
    }
    Ok(())
}

/// The disk signature, and start and length of the four partitions, in bytes.
type Table = ([u8; 4], [(usize, usize); 4]);

/// The partition table; all partitions are in the image.
fn partitions(image: &[u8]) -> Result<Table> {
    let not_ours = || {
        Error::new("it is not an image of dialbox: it has no partition table with four partitions")
            .hint("name a file that `cargo xtask build-image` has made")
    };
    let mbr = MBR::read_from(&mut Cursor::new(image), SECTOR as u32).map_err(|_| not_ours())?;
    let parts = [1, 2, 3, 4].map(|number| {
        let part = &mbr[number];
        (part.starting_lba as usize * SECTOR as usize, part.sectors as usize * SECTOR as usize)
    });
    if parts.iter().any(|(_, length)| *length == 0) {
        return Err(not_ours());
    }
    let end = parts.iter().map(|(start, length)| start + length).max().unwrap_or_default();
    if end > image.len() {
        return Err(Error::new("it was cut short")
            .fact(format!("its partitions end at {end} bytes, it has {}", image.len()))
            .hint("build it again: cargo xtask build-image"));
    }
    Ok((mbr.header.disk_signature, parts))
}

/// What lies behind the squashfs. It is made again from what it follows from.
fn hashes(
    partition: &[u8],
    squashfs: usize,
    boot: &[(String, Arc<[u8]>)],
    faults: &mut Vec<(Region, String)>,
) -> Vec<(Range<usize>, Region)> {
    let tree_at = squashfs.next_multiple_of(BLOCK);
    let superblock = partition.get(tree_at..).and_then(|it| it.first_chunk()).and_then(Superblock::decode);
    let built = superblock.and_then(|it| Tree::build(&partition[..tree_at], it.salt, it.uuid));
    let Some(tree) = built else {
        faults.push((Region::HashTree, "there is no hash tree behind the root".into()));
        return Vec::new();
    };
    let area = tree.hash_area();
    let manifest_at = tree_at + area.len();
    if partition.get(tree_at..manifest_at) != Some(&area) {
        faults.push((Region::HashTree, "the hash tree is not that of the root before it".into()));
    }
    let files = boot.iter().filter(|(name, _)| name != "site.toml");
    let mut files: Vec<_> = files.filter_map(|(name, content)| BootFile::new(name, content)).collect();
    files.sort_by(|one, other| one.name().cmp(other.name()));
    let manifest = BootManifest { files }.encode().unwrap_or_default();
    let manifest_end = manifest_at + manifest.len();
    if partition.get(manifest_at..manifest_end) != Some(&manifest) {
        faults.push((
            Region::BootManifest,
            "the hashes of the boot files are not those of the boot partition".into(),
        ));
    }
    vec![(tree_at..manifest_at, Region::HashTree), (manifest_at..manifest_end, Region::BootManifest)]
}
