//! `image/packages.lock`: the exact packages, and whether they still fit the recipes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::{Deserialize, Serialize};

use super::{Manifest, Package, PackageId};
use crate::{
    context::BuildContext,
    error::{Attempt, Error, Result},
};

/// The lock file, sorted by package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Seconds since 1970: the date of the newest signed index the lock was made from. Every
    /// time stamp in the image is this one, and no box believes in an earlier date.
    pub epoch: u64,
    /// Every package that is used.
    #[serde(default, rename = "package")]
    pub packages: Vec<LockedPackage>,
}

/// One package, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPackage {
    /// `libpcap0.8`
    pub name: String,
    /// `bookworm`
    pub suite: String,
    /// Whose index it was found in: `armel`.
    pub architecture: String,
    /// `1.10.3-1`
    pub version: String,
    /// Below the mirror: `pool/main/libp/libpcap/…`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Hexadecimal.
    pub sha256: String,
    /// The recipes that name it, or whose programs need its libraries.
    pub recipes: Vec<String>,
    /// Sonames it is here for; empty when a recipe names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
}

/// A manifest whose every package is known to the byte.
#[derive(Debug)]
pub struct LockedManifest {
    /// What is wanted.
    pub manifest: Manifest,
    /// Every time stamp in the image, seconds since 1970.
    pub epoch: u64,
    packages: Vec<LockedPackage>,
}

impl LockedPackage {
    /// What recipes call it.
    pub fn id(&self) -> PackageId {
        PackageId {
            name: self.name.clone(),
            suite: self.suite.clone(),
            architecture: self.architecture.clone(),
        }
    }

    /// `ppp_2.4.9-1+1.1+b1_armel.deb`
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// A recipe names it; otherwise it is here for its libraries.
    pub fn is_named(&self) -> bool {
        self.libraries.is_empty()
    }
}

impl Lock {
    /// Reads `image/packages.lock`.
    pub fn load(ctx: &BuildContext) -> Result<Self> {
        let file = ctx.lock_file();
        if !file.exists() {
            return Err(Error::new("there is no image/packages.lock").next("cargo xtask lock"));
        }
        super::read(&file, "image/packages.lock")
    }

    /// The file's text.
    pub fn to_toml(&self) -> Result<String> {
        let body = toml::to_string(self).attempt(|| "cannot write the lock as TOML".into())?;
        Ok(format!("# Made by `cargo xtask lock` from the signed indices of the Debian archive.\n{body}"))
    }

    /// Replaces `image/packages.lock`, or leaves it as it was.
    pub fn save(&self, ctx: &BuildContext) -> Result<()> {
        let file = ctx.lock_file();
        let fresh = file.with_extension("lock.new");
        let text = self.to_toml()?;
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &file))
            .attempt(|| "cannot write image/packages.lock".into())
    }

    /// What choosing `packages` instead changes, one line a package. Empty: nothing.
    pub fn changes(&self, packages: &[LockedPackage]) -> Vec<String> {
        let old: BTreeMap<PackageId, &LockedPackage> = self.packages.iter().map(|it| (it.id(), it)).collect();
        let new: BTreeMap<PackageId, &LockedPackage> = packages.iter().map(|it| (it.id(), it)).collect();
        let ids: BTreeSet<&PackageId> = old.keys().chain(new.keys()).collect();
        let change = |id: &PackageId| match (old.get(id), new.get(id)) {
            (None, Some(new)) => {
                Some(format!("+ {} {} ({}, {})", id.name, new.version, id.suite, id.architecture))
            }
            (Some(old), None) => {
                Some(format!("- {} {} ({}, {})", id.name, old.version, id.suite, id.architecture))
            }
            (Some(old), Some(new)) if old.version != new.version => Some(format!(
                "  {} {} -> {} ({}, {})",
                id.name, old.version, new.version, id.suite, id.architecture
            )),
            (Some(old), Some(new)) if old.sha256 != new.sha256 || old.path != new.path => {
                Some(format!("  {} {} is another file now", id.name, new.version))
            }
            (Some(old), Some(new)) if old != new => {
                Some(format!("  {} {} is used for {} now", id.name, new.version, new.recipes.join(", ")))
            }
            _ => None,
        };
        ids.into_iter().filter_map(change).collect()
    }

    /// Where the lock and the recipes disagree, one line a package. Empty: they fit.
    pub fn differences(&self, manifest: &Manifest) -> Vec<String> {
        let mut wanted: BTreeMap<PackageId, (&Package, Vec<&str>)> = BTreeMap::new();
        for recipe in manifest.all() {
            for package in &recipe.packages {
                let entry = wanted.entry(package.id.clone()).or_insert((package, Vec::new()));
                entry.1.push(&recipe.name);
            }
        }
        let mut differences = Vec::new();
        for locked in self.packages.iter().filter(|it| it.is_named()) {
            let PackageId { name, suite, architecture } = locked.id();
            match wanted.remove(&locked.id()) {
                None => differences
                    .push(format!("{name} ({suite}, {architecture}) is locked, but no recipe names it")),
                Some((Package { version: Some(version), .. }, _)) if *version != locked.version => {
                    differences.push(format!(
                        "{name} is locked at {}, but its recipe wants {version}",
                        locked.version
                    ))
                }
                Some(_) => {}
            }
        }
        let missing = wanted.into_iter().map(|(id, (_, recipes))| {
            format!(
                "{} ({}, {}) is not locked; recipe {} names it",
                id.name,
                id.suite,
                id.architecture,
                recipes.join(", ")
            )
        });
        differences.extend(missing);
        let recipes: Vec<&str> = manifest.all().map(|it| it.name.as_str()).collect();
        let orphans = self.packages.iter().filter(|it| !it.is_named());
        let orphans = orphans.filter(|it| !it.recipes.iter().any(|name| recipes.contains(&name.as_str())));
        differences.extend(orphans.map(|it| format!("{} is locked for recipes that are gone", it.name)));
        differences
    }
}

impl Manifest {
    /// Binds every package to the lock; fails, naming the packages, when they do not fit.
    pub fn lock(self, lock: Lock) -> Result<LockedManifest> {
        let differences = lock.differences(&self);
        if differences.is_empty() {
            return Ok(LockedManifest { manifest: self, epoch: lock.epoch, packages: lock.packages });
        }
        let stale = Error::new("image/packages.lock does not fit the recipes");
        Err(differences.iter().fold(stale, Error::fact).next("cargo xtask lock"))
    }
}

impl LockedManifest {
    /// The locked package that a recipe names.
    pub fn package(&self, id: &PackageId) -> Result<&LockedPackage> {
        let found = self.packages.iter().find(|it| it.id() == *id);
        found.ok_or_else(|| Error::new(format!("{} is not locked", id.name)).next("cargo xtask lock"))
    }

    /// Packages of the image's recipes, named or for their libraries.
    pub fn image_packages(&self) -> Vec<&LockedPackage> {
        let names: Vec<&str> = self.manifest.recipes.iter().map(|it| it.name.as_str()).collect();
        self.of(&names)
    }

    /// Packages of one tool.
    pub fn tool_packages(&self, tool: &str) -> Vec<&LockedPackage> {
        self.of(&[tool])
    }

    fn of(&self, recipes: &[&str]) -> Vec<&LockedPackage> {
        let wanted = |it: &&LockedPackage| it.recipes.iter().any(|name| recipes.contains(&name.as_str()));
        self.packages.iter().filter(wanted).collect()
    }
}
