//! `sources.lock` of the checkout or of a layer: the source packages of all that is in the image. It is a file of its own because a build does not
//! need it, and `sources` alone reads it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Layer, LockedManifest, LockedPackage, SourceId};
use crate::error::{Context, Error, Result};

/// The file, sorted by package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceLock {
    /// The packages.
    #[serde(default, rename = "source")]
    pub sources: Vec<LockedSource>,
}

/// A file of a source package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// `busybox_1.35.0-4+deb12u1.dsc`
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Hexadecimal.
    pub sha256: String,
}

/// A source package, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSource {
    /// `busybox`
    pub name: String,
    /// `1:1.35.0-4+deb12u1`
    pub version: String,
    /// Where its files are, below the mirror: `pool/main/b/busybox`.
    pub directory: String,
    /// The `.dsc` first.
    #[serde(rename = "file")]
    pub files: Vec<SourceFile>,
}

impl SourceLock {
    /// The files of all layers together. A layer without a file delivers no package of its own.
    pub fn load(layers: &[Layer]) -> Result<Self> {
        let mut all = Self::default();
        for layer in layers {
            let (file, shown) = (layer.dir.join(layer.sources_lock()), layer.shown(&layer.sources_lock()));
            if file.exists() {
                let lock: Self = super::read(&file, &shown)?;
                all.sources.extend(lock.sources);
            } else if layer.is_checkout() {
                return Err(Error::new(format!("there is no {shown}")).hint(layer.lock_command()));
            }
        }
        all.sources.sort();
        all.sources.dedup();
        Ok(all)
    }

    /// Whether the checkout's file is there: one of an earlier version has none.
    pub fn exists(layers: &[Layer]) -> bool {
        layers.first().is_some_and(|it| it.dir.join(it.sources_lock()).exists())
    }

    /// Replaces a layer's file as a whole, or leaves it unchanged.
    pub fn save(&self, layer: &Layer) -> Result<()> {
        let text = super::lock_text(self)?;
        super::replace(&layer.dir.join(layer.sources_lock()), &text)
            .context(|| format!("cannot write {}", layer.shown(&layer.sources_lock())))
    }

    /// Refuses a file that lacks a source of what is in the image.
    pub fn check(&self, locked: &LockedManifest) -> Result<()> {
        let known: BTreeSet<SourceId> = self.sources.iter().map(LockedSource::id).collect();
        let wanted: BTreeSet<SourceId> = locked.delivered_packages().flat_map(|it| it.sources()).collect();
        if wanted.is_subset(&known) {
            return Ok(());
        }
        let missing: Vec<&SourceId> = wanted.difference(&known).collect();
        let lacks = |it: &&LockedPackage| it.sources().any(|source| missing.contains(&&source));
        let level = locked.delivered_packages().filter(lacks).map(|it| locked.level_of(it)).min();
        let layer = &locked.manifest.layers[level.unwrap_or_default()];
        let (sources, packages) = (layer.shown(&layer.sources_lock()), layer.shown(&layer.lock()));
        let stale = Error::new(format!("{sources} does not fit {packages}"));
        Err(missing
            .iter()
            .fold(stale, |error, it| error.fact(format!("{it} is missing")))
            .hint(layer.lock_command()))
    }
}

impl LockedSource {
    /// Name and version.
    pub fn id(&self) -> SourceId {
        SourceId { name: self.name.clone(), version: self.version.clone() }
    }
}
