//! What differs between two images, and why: every byte that differs is counted for a cause.
//!
//! A cause is not believed because of the place alone: a byte of the hash tree is explained by a changed root only if the
//! tree is that of the root before it, a block of a file that has the same content in both images only if it lies at
//! another place or is packed in another way, and a byte of unused space is never explained.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use serde::Serialize;

use super::{
    card::Card,
    change::How,
    provisioned,
    region::Region,
    site_keys,
    squashfs::{Kind, Node},
    subject::Subject,
};
use crate::image::{
    access::{GROUP, PASSWD, owner_name},
    inventory::list::Listed,
};

/// A component at two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentChange {
    /// The Debian package, or `dialbox`.
    pub name: String,
    /// Its version in the first image, if it is there.
    pub from: Option<String>,
    /// Its version in the second one.
    pub to: Option<String>,
}

/// A file, link or directory that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// `/usr/sbin/pppd`, `boot:/kernel.img`, `initramfs:/init`, `provisioned:/site.toml`
    pub name: String,
    /// How.
    pub how: How,
    /// Bytes in the first image and in the second one.
    pub bytes: (Option<u64>, Option<u64>),
    /// Permission bits in both, if they differ.
    pub mode: Option<(String, String)>,
    /// User and group in both, if they differ.
    pub owner: Option<(String, String)>,
    /// What it belongs to and where it came from, if there is a list of the image's files.
    pub origin: Option<String>,
}

/// A key of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// `modem.pin`; the whole text is `*` if it cannot be read.
    pub key: String,
    /// How. The value is not told.
    pub how: How,
}

/// Bytes that differ for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Of what.
    pub part: String,
    /// Why.
    pub why: String,
    /// How many.
    pub bytes: u64,
}

/// Bytes without a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// The first one.
    pub at: u64,
    /// How many of the region differ.
    pub bytes: u64,
    /// Where they are and what is wrong.
    pub why: String,
}

/// Two images compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Bytes of the images.
    pub sizes: (u64, u64),
    /// Bytes that differ; of one that is longer, all behind the other's end.
    pub bytes: u64,
    /// The partition table, in words.
    pub layout: Vec<String>,
    /// Packages of other versions.
    pub components: Vec<ComponentChange>,
    /// The site.
    pub site: Vec<KeyChange>,
    /// Files.
    pub files: Vec<FileChange>,
    /// All explained bytes.
    pub causes: Vec<Cause>,
    /// The others.
    pub unexplained: Vec<Unexplained>,
}

impl Difference {
    /// Compares two images.
    pub fn new(one: &Subject, other: &Subject) -> Self {
        let files = files(one, other);
        let (card, card2) = (&one.card, &other.card);
        let mut difference = Self {
            sizes: (one.bytes.len() as u64, other.bytes.len() as u64),
            layout: layout(card, card2),
            components: components(&one.listed, &other.listed),
            site: site(card, card2),
            ..Self::default()
        };
        let changed = Changed::new(&files, card, card2);
        let mut causes: BTreeMap<(String, String), u64> = BTreeMap::new();
        for range in segments(card, card2, one.bytes.len().max(other.bytes.len())) {
            let (regions, ranges) = (changed.regions(range.start), changed.ranges(range.start));
            let (bytes, strange) = count(&one.bytes, &other.bytes, &range, &regions);
            difference.bytes += bytes;
            if strange > 0 {
                difference.add_unexplained(&range, strange, "a byte of unused space is not zero");
            }
            if bytes == strange {
                continue;
            }
            match changed.cause(&regions, ranges) {
                Ok(why) => {
                    let part = part(&regions).kind().to_owned();
                    *causes.entry((part, why.to_owned())).or_default() += bytes - strange;
                }
                Err(why) => {
                    let why = format!("{}: {why}", part(&regions).kind());
                    difference.add_unexplained(&range, bytes - strange, &why);
                }
            }
        }
        difference.causes =
            causes.into_iter().map(|((part, why), bytes)| Cause { part, why, bytes }).collect();
        difference.causes.sort_by_key(|it| std::cmp::Reverse(it.bytes));
        difference.files = files;
        difference
    }

    /// Whether no byte differs.
    pub fn is_equal(&self) -> bool {
        self.bytes == 0
    }

    fn add_unexplained(&mut self, range: &Range<usize>, bytes: u64, why: &str) {
        self.unexplained.push(Unexplained { at: range.start as u64, bytes, why: why.to_owned() });
    }
}

/// The regions of a byte in both images; behind an image's end there is nothing.
type Pair<'a> = (&'a Region, &'a Region);

/// What the bytes of a pair of regions are called by.
fn part<'a>(pair: &Pair<'a>) -> &'a Region {
    if *pair.1 == Region::Unused { pair.0 } else { pair.1 }
}

/// Which parts of the images differ in content.
struct Changed<'a> {
    names: BTreeSet<&'a str>,
    cards: (&'a Card, &'a Card),
    has_root: bool,
    has_boot: bool,
}

impl<'a> Changed<'a> {
    fn new(files: &'a [FileChange], one: &'a Card, other: &'a Card) -> Self {
        let names: BTreeSet<&str> = files.iter().map(|it| it.name.as_str()).collect();
        let has_root = names.iter().any(|it| it.starts_with('/')) || one.time != other.time;
        let has_boot = names.iter().any(|it| it.starts_with("boot:"));
        Self { names, cards: (one, other), has_root, has_boot }
    }

    fn regions(&self, at: usize) -> Pair<'a> {
        let region = |card: &'a Card| card.map.at(at).map_or(&Region::Unused, |(_, region)| region);
        (region(self.cards.0), region(self.cards.1))
    }

    fn ranges(&self, at: usize) -> (Option<&'a Range<usize>>, Option<&'a Range<usize>>) {
        let range = |card: &'a Card| card.map.at(at).map(|(range, _)| range);
        (range(self.cards.0), range(self.cards.1))
    }

    /// Why bytes of these regions differ; the error says why nothing explains it.
    fn cause(
        &self,
        pair: &Pair,
        ranges: (Option<&Range<usize>>, Option<&Range<usize>>),
    ) -> Result<&'static str, &'static str> {
        let (one, other) = self.cards;
        let at_same_place = pair.0 == pair.1 && ranges.0 == ranges.1;
        let has_moved = one.partitions != other.partitions || one.signature != other.signature;
        let is_fault =
            |region: &Region| [one, other].iter().any(|it| it.faults.iter().any(|(of, _)| of == region));
        match part(pair) {
            Region::PartitionTable | Region::FatHeader if has_moved => Ok("another size or signature"),
            Region::PartitionTable => Err("the table says the same in both"),
            Region::FatHeader => Err("size and signature are the same in both"),
            Region::FatTable if self.has_boot || has_moved => Ok("files of the boot partition changed"),
            Region::FatTable => Err("the same files lie at other places"),
            Region::FatDirectory if self.has_boot || has_moved => Ok("files of the boot partition changed"),
            Region::FatDirectory if one.time != other.time => Ok("another date of the package lock"),
            Region::FatDirectory => Err("the same files have other entries"),
            Region::BootFile(name) if self.names.contains(format!("boot:/{name}").as_str()) => {
                Ok("they changed")
            }
            Region::BootFile(_) if at_same_place => Err("the file is the same in both"),
            Region::BootFile(_) => Ok("moved by a file before them"),
            Region::RootFiles(users) if users.iter().any(|it| self.names.contains(it.as_str())) => {
                Ok("they changed")
            }
            Region::RootFiles(_) if at_same_place => Ok("the same content, packed in another way"),
            Region::RootFiles(_) if self.has_root => Ok("moved by a file before them"),
            Region::RootFiles(_) => Ok("the same content, packed in another order"),
            Region::Superblock | Region::RootTables if self.has_root => Ok("files of the root changed"),
            Region::Superblock | Region::RootTables => Err("the root's files are the same in both"),
            Region::HashTree if is_fault(&Region::HashTree) => {
                Err("it does not belong to the root before it")
            }
            Region::HashTree => Ok("it follows from the root"),
            Region::BootManifest if is_fault(&Region::BootManifest) => Err("they are not of the boot files"),
            Region::BootManifest => Ok("they follow from the boot files, or moved with the root"),
            Region::ProvisionedSite if is_fault(&Region::ProvisionedSite) => Err("a copy of it is damaged"),
            Region::ProvisionedSite if self.names.contains(provisioned::NAME) => Ok("it changed"),
            Region::ProvisionedSite if has_moved => Ok("moved with the end of root A"),
            Region::ProvisionedSite => Err("it is the same in both"),
            Region::SecondCopy | Region::RootB | Region::State => Ok("a box has written it"),
            Region::Unused => Err("nothing lies there"),
        }
    }
}

/// Ranges in each of which both images have one region.
fn segments(one: &Card, other: &Card, length: usize) -> Vec<Range<usize>> {
    let ends = [one, other].into_iter().flat_map(|it| it.map.iter().map(|(range, _)| range.end));
    let ends: BTreeSet<usize> = ends.chain([length]).collect();
    let mut at = 0;
    let segment = |end: usize| std::mem::replace(&mut at, end)..end;
    ends.into_iter().filter(|end| *end > 0).map(segment).collect()
}

/// How many bytes of a range differ, and how many of these are not zero though the image has nothing there.
fn count(one: &[u8], other: &[u8], range: &Range<usize>, regions: &Pair) -> (u64, u64) {
    let slice = |bytes: &'_ [u8]| bytes.get(range.start..range.end.min(bytes.len())).map(<[u8]>::to_vec);
    let (one, other) = (slice(one).unwrap_or_default(), slice(other).unwrap_or_default());
    if one == other {
        return (0, 0);
    }
    let (mut bytes, mut strange) = (0, 0);
    for at in 0..one.len().max(other.len()) {
        let pair = (one.get(at), other.get(at));
        if pair.0 != pair.1 {
            bytes += 1;
            let is_strange = |region: &Region, byte: Option<&u8>| {
                *region == Region::Unused && byte.is_some_and(|it| *it != 0)
            };
            strange += u64::from(is_strange(regions.0, pair.0) || is_strange(regions.1, pair.1));
        }
    }
    (bytes, strange)
}

fn files(one: &Subject, other: &Subject) -> Vec<FileChange> {
    let (nodes, nodes2) = (&one.card.nodes, &other.card.nodes);
    let names: BTreeSet<&String> = nodes.keys().chain(nodes2.keys()).collect();
    let content = |it: &Node| (it.kind.clone(), it.mode, it.owner);
    let change = |name: &&String| {
        let (before, after) = (nodes.get(*name), nodes2.get(*name));
        let how = How::of(before.map(content), after.map(content))?;
        let bytes = |node: Option<&Node>| match &node?.kind {
            Kind::File(content) => Some(content.len() as u64),
            _ => None,
        };
        let listed = other.listed.get(*name).or_else(|| one.listed.get(*name));
        let of_provision = (**name == provisioned::NAME).then(|| "provision, beside root A".to_owned());
        let origin = of_provision.or_else(|| listed.map(|it| it.origin.clone()));
        let mode = |node: &Node| format!("{:04o}", node.mode);
        Some(FileChange {
            name: (*name).clone(),
            how,
            bytes: (bytes(before), bytes(after)),
            mode: differing(before.map(mode), after.map(mode)),
            owner: differing(
                before.map(|node| owner(&one.card, node)),
                after.map(|node| owner(&other.card, node)),
            ),
            origin,
        })
    };
    names.iter().filter_map(change).collect()
}

/// What both images have, and not the same.
fn differing(one: Option<String>, other: Option<String>) -> Option<(String, String)> {
    one.zip(other).filter(|(one, other)| one != other)
}

/// By the names that the image itself has.
fn owner(card: &Card, node: &Node) -> String {
    let read = |path| text(card, &[path]).unwrap_or_default();
    owner_name(&read(PASSWD), &read(GROUP), node.owner)
}

fn components(one: &BTreeMap<String, Listed>, other: &BTreeMap<String, Listed>) -> Vec<ComponentChange> {
    let versions = |listed: &BTreeMap<String, Listed>| -> BTreeMap<String, String> {
        listed.values().map(|it| (it.component.clone(), it.version.clone())).collect()
    };
    // Without a list, nothing is known of versions.
    if one.is_empty() || other.is_empty() {
        return Vec::new();
    }
    let (one, other) = (versions(one), versions(other));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let change = |name: &&String| {
        let (from, to) = (one.get(*name).cloned(), other.get(*name).cloned());
        (from != to).then(|| ComponentChange { name: (*name).clone(), from, to })
    };
    names.iter().filter_map(change).collect()
}

/// Keys of the site that is in force, and of the one that a broken edit falls back to: the provisioned one, else the baked
/// one.
fn site(one: &Card, other: &Card) -> Vec<KeyChange> {
    let in_force = |card: &Card| text(card, &["boot:/site.toml"]);
    let fallback = |card: &Card| text(card, &[provisioned::NAME, "/etc/dialbox/site.toml"]);
    let pairs = [(in_force(one), in_force(other)), (fallback(one), fallback(other))];
    let mut keys = BTreeMap::new();
    for (one, other) in pairs.into_iter().filter_map(|(one, other)| Some((one?, other?))) {
        let changed = site_keys::compare(&one, &other);
        keys.extend(changed.unwrap_or_else(|| {
            How::of(Some(one), Some(other)).map(|how| ("*".into(), how)).into_iter().collect()
        }));
    }
    keys.into_iter().map(|(key, how)| KeyChange { key, how }).collect()
}

/// The text of the first of these files that a card has.
fn text(card: &Card, names: &[&str]) -> Option<String> {
    let file = names.iter().find_map(|name| card.file(name))?;
    Some(String::from_utf8_lossy(file).into_owned())
}

fn layout(one: &Card, other: &Card) -> Vec<String> {
    let names = ["boot", "root A", "root B", "state"];
    let parts = names.iter().zip(one.partitions.iter().zip(&other.partitions));
    let moved =
        parts.filter(|(_, (one, other))| one != other).map(|(name, ((at, length), (at2, length2)))| {
            format!("{name}: {length} bytes at {at} -> {length2} bytes at {at2}")
        });
    let signature = (one.signature != other.signature).then(|| "the disk signature".to_owned());
    moved.chain(signature).collect()
}
