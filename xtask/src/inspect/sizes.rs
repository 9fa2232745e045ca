//! What an image costs: by file, by component, by recipe.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{squashfs::Kind, subject::Subject};

/// A file of the image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizedFile {
    /// `/bin/busybox`, `boot:/kernel.img`, `initramfs:/init`
    pub name: String,
    /// The recipe that asked for it.
    pub recipe: String,
    /// The Debian package, or `dialbox`.
    pub component: String,
    /// Its version.
    pub version: String,
    /// Where it came from, as text.
    pub origin: String,
    /// Its length.
    pub bytes: u64,
    /// What it takes on the card: of the root, its compressed blocks and its share of those that it has with others. What
    /// is in the initramfs takes nothing: `boot:/initramfs.gz` does.
    pub compressed: u64,
}

/// The files of a group together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub files: u64,
    /// Their lengths.
    pub bytes: u64,
    /// What they take on the card.
    pub compressed: u64,
}

/// Where a box spends its time until it works, in seconds since the kernel's start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BootTimes {
    /// Whether they were measured with this image.
    pub of_this_image: bool,
    /// Names and times, in order.
    pub steps: Vec<(String, f64)>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The image's file.
    pub image: String,
    /// Bytes of the image.
    pub bytes: u64,
    /// Bytes of the squashfs; of these, superblock and tables.
    pub squashfs: (u64, u64),
    /// By recipe.
    pub recipes: BTreeMap<String, Sum>,
    /// By component, named with its version.
    pub components: BTreeMap<String, Sum>,
    /// Component, version, licences, texts, source package; empty if they are not beside the image.
    pub licences: Vec<[String; 5]>,
    /// If the boot was measured.
    pub boot: Option<BootTimes>,
    /// The most expensive one first.
    pub files: Vec<SizedFile>,
}

impl Report {
    /// The report about an image. `licences` is the text of `licences.tsv`.
    pub fn new(subject: &Subject, licences: &str, boot: Option<BootTimes>) -> Self {
        let files = files(subject);
        let (mut recipes, mut components) = (BTreeMap::new(), BTreeMap::new());
        for file in &files {
            add(&mut recipes, file.recipe.clone(), file);
            add(&mut components, format!("{} {}", file.component, file.version), file);
        }
        let fields = |line: &str| {
            let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            fields.try_into().ok()
        };
        Self {
            image: subject.image.display().to_string(),
            bytes: subject.bytes.len() as u64,
            squashfs: (subject.card.root.0 as u64, subject.card.root.1 as u64),
            recipes,
            components,
            licences: licences.lines().skip(1).filter_map(fields).collect(),
            boot,
            files,
        }
    }

    /// All files together.
    pub fn total(&self) -> Sum {
        let mut sums = BTreeMap::new();
        self.files.iter().for_each(|file| add(&mut sums, String::new(), file));
        sums.remove("").unwrap_or_default()
    }
}

fn add(sums: &mut BTreeMap<String, Sum>, key: String, file: &SizedFile) {
    let sum = sums.entry(key).or_default();
    sum.files += 1;
    sum.bytes += file.bytes;
    sum.compressed += file.compressed;
}

fn files(subject: &Subject) -> Vec<SizedFile> {
    let mut files = Vec::new();
    for (name, node) in &subject.card.nodes {
        let Kind::File(content) = &node.kind else { continue };
        let listed = subject.listed.get(name);
        let of = |field: Option<&String>| field.cloned().unwrap_or_else(|| "unknown".into());
        files.push(SizedFile {
            name: name.clone(),
            recipe: of(listed.map(|it| &it.recipe)),
            component: of(listed.map(|it| &it.component)),
            version: of(listed.map(|it| &it.version)),
            origin: of(listed.map(|it| &it.origin)),
            bytes: content.len() as u64,
            compressed: node.compressed.round() as u64,
        });
    }
    files.sort_by_key(|it| (std::cmp::Reverse(it.compressed), it.name.clone()));
    files
}

/// The sums in falling order of what they take on the card.
pub fn ranked(sums: &BTreeMap<String, Sum>) -> Vec<(&String, &Sum)> {
    let mut ranked: Vec<_> = sums.iter().collect();
    ranked.sort_by_key(|(name, sum)| (std::cmp::Reverse(sum.compressed), *name));
    ranked
}
