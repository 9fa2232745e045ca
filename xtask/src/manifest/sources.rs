//! `image/sources.lock`: the source packages of all that is in the image. It is a file of its own because a build does not
//! need it, and `sources` alone reads it.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{LockedManifest, SourceId};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
};

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

const NAME: &str = "image/sources.lock";

impl SourceLock {
    /// Reads the file.
    pub fn load(ctx: &BuildContext) -> Result<Self> {
        if !Self::file(ctx).exists() {
            return Err(Error::new(format!("there is no {NAME}")).hint("cargo xtask lock"));
        }
        super::read(&Self::file(ctx), NAME)
    }

    /// Whether the file is there: a checkout of an earlier version has none.
    pub fn exists(ctx: &BuildContext) -> bool {
        Self::file(ctx).exists()
    }

    /// Replaces the file as a whole, or leaves it unchanged.
    pub fn save(&self, ctx: &BuildContext) -> Result<()> {
        let text = super::lock_text(self)?;
        super::replace(&Self::file(ctx), &text).context(|| format!("cannot write {NAME}"))
    }

    /// Refuses a file that lacks a source of what is in the image.
    pub fn check(&self, locked: &LockedManifest) -> Result<()> {
        let known: BTreeSet<SourceId> = self.sources.iter().map(LockedSource::id).collect();
        let wanted: BTreeSet<SourceId> = locked.delivered_packages().flat_map(|it| it.sources()).collect();
        if wanted.is_subset(&known) {
            return Ok(());
        }
        let stale = Error::new(format!("{NAME} does not fit image/packages.lock"));
        let missing = wanted.difference(&known);
        Err(missing.fold(stale, |error, it| error.fact(format!("{it} is missing"))).hint("cargo xtask lock"))
    }

    fn file(ctx: &BuildContext) -> PathBuf {
        ctx.workspace.join(NAME)
    }
}

impl LockedSource {
    /// Name and version.
    pub fn id(&self) -> SourceId {
        SourceId { name: self.name.clone(), version: self.version.clone() }
    }
}
