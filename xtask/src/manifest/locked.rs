//! A manifest with its locks: that of the checkout, and those of the layers above it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Layer, Lock, LockedPackage, Manifest, PackageId};
use crate::{
    context::BuildContext,
    error::{Error, Result},
};

/// The tool whose packages are linked into the device's programs.
pub const LINKED: &str = "toolchain";

/// A manifest with a SHA-256 for every package.
#[derive(Debug)]
pub struct LockedManifest {
    /// The validated manifest.
    pub manifest: Manifest,
    /// Every time stamp in the image, seconds since 1970.
    pub epoch: u64,
    /// The date of each suite's signed index that the locks were made from, seconds since 1970.
    pub releases: BTreeMap<String, u64>,
    /// What was taken instead of locked packages, one line each. If it is empty, this is what is locked.
    pub substitutes: Vec<String>,
    packages: Vec<LockedPackage>,
}

impl Manifest {
    /// Whether something of a locked package is in the image.
    pub fn delivers(&self, package: &LockedPackage) -> bool {
        package.recipes.iter().any(|it| self.has_in_image(it))
    }

    /// Whether something of a recipe's or tool's packages is in the image.
    fn has_in_image(&self, recipe: &str) -> bool {
        recipe == LINKED || self.recipes.iter().any(|it| it.name == recipe)
    }

    /// With the locks of all its layers, which have been checked.
    pub(super) fn bind(self, whole: Lock) -> LockedManifest {
        let Lock { epoch, releases, packages } = whole;
        LockedManifest { manifest: self, epoch, releases, substitutes: Vec::new(), packages }
    }
}

impl Lock {
    /// The locks below a layer, put together; nothing below the checkout.
    pub fn below(ctx: &BuildContext, level: usize) -> Result<Self> {
        let mut whole = Self::default();
        for level in 0..level {
            whole.put_above(&Manifest::load_up_to(ctx, level)?, level)?;
        }
        Ok(whole)
    }

    /// Adds the lock of the manifest's uppermost layer, which must fit its recipes.
    fn put_above(&mut self, manifest: &Manifest, level: usize) -> Result<()> {
        let layer = &manifest.layers[level];
        let lock = match Self::load(layer)? {
            Some(lock) => lock,
            None if manifest.named_packages(level).is_empty() => return Ok(()),
            None => {
                let missing = format!("there is no {}", layer.shown(&layer.lock()));
                return Err(Error::new(missing).hint(layer.lock_command()));
            }
        };
        lock.check(manifest, level)?;
        self.join(lock, layer)
    }

    /// A box cannot have two versions of one package, so a layer locks what is locked below it as it is there.
    fn join(&mut self, upper: Self, layer: &Layer) -> Result<()> {
        self.epoch = self.epoch.max(upper.epoch);
        for (suite, date) in upper.releases {
            let known = self.releases.entry(suite).or_default();
            *known = date.max(*known);
        }
        for package in upper.packages {
            let id = package.id();
            match self.packages.iter().find(|it| it.id() == id) {
                Some(below) if below.sha256 != package.sha256 => {
                    let file = layer.shown(&layer.lock());
                    return Err(Error::new(format!("{file} does not fit the lock below it"))
                        .fact(format!(
                            "{id} is locked at {} there, and at {} below",
                            package.version, below.version
                        ))
                        .hint(layer.lock_command()));
                }
                _ => self.merge(package),
            }
        }
        self.packages.sort();
        Ok(())
    }

    /// Adds a package, or the recipes that need it.
    fn merge(&mut self, package: LockedPackage) {
        let id = package.id();
        match self.packages.iter_mut().find(|it| it.id() == id) {
            None => self.packages.push(package),
            Some(known) => {
                known.recipes.extend(package.recipes);
                known.recipes.sort();
                if known.libraries.is_empty() || package.libraries.is_empty() {
                    known.libraries.clear(); // a recipe names it
                } else {
                    known.libraries.extend(package.libraries);
                }
            }
        }
    }

    /// Removes what only recipes of this layer need that another layer leaves out.
    fn leave_out(&mut self, manifest: &Manifest, level: usize) {
        let gone: BTreeSet<&str> =
            manifest.left_out.iter().filter(|it| it.level == level).map(|it| it.name.as_str()).collect();
        let packages = std::mem::take(&mut self.packages);
        self.packages = only_for(packages.into_iter(), |name| !gone.contains(name));
    }

    /// Refuses a lock that does not fit the recipes of its layer, and names the packages.
    pub(super) fn check(&self, manifest: &Manifest, level: usize) -> Result<()> {
        let differences = self.differences(manifest, level);
        if differences.is_empty() {
            return Ok(());
        }
        let layer = &manifest.layers[level];
        let stale = Error::new(format!("{} does not fit the recipes", layer.shown(&layer.lock())));
        Err(differences.iter().fold(stale, Error::fact).hint(layer.lock_command()))
    }
}

/// The packages that recipes of these names need, each with these recipes only.
fn only_for(
    packages: impl Iterator<Item = LockedPackage>,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<LockedPackage> {
    let strip = |mut package: LockedPackage| {
        package.recipes.retain(|name| is_wanted(name));
        package
    };
    packages.map(strip).filter(|it| !it.recipes.is_empty()).collect()
}

impl LockedManifest {
    /// Reads `image/` and the layers with their locks, and binds them.
    pub fn load(ctx: &BuildContext) -> Result<Self> {
        let manifest = Manifest::load(ctx)?;
        let mut whole = Lock::default();
        for level in 0..manifest.layers.len() {
            whole.put_above(&Manifest::load_up_to(ctx, level)?, level)?;
            whole.leave_out(&manifest, level);
        }
        Ok(manifest.bind(whole))
    }

    /// What an image needs, without the tools of the tests.
    pub fn for_the_image(&self) -> Vec<LockedPackage> {
        only_for(self.packages.iter().cloned(), |name| self.manifest.has_in_image(name))
    }

    /// What an image needs, with these packages for these recipes instead of the locked ones.
    pub fn with_substitutes(self, recipes: &BTreeSet<String>, chosen: Vec<LockedPackage>) -> Self {
        let old = Lock { packages: self.for_the_image(), ..Lock::default() };
        let staying = only_for(old.packages.iter().cloned(), |name| !recipes.contains(name));
        let mut new = Lock { packages: staying, ..Lock::default() };
        chosen.into_iter().for_each(|it| new.merge(it));
        new.packages.sort();
        Self { substitutes: old.changes(&new.packages), packages: new.packages, ..self }
    }

    /// Every time stamp in a file system. The formats hold 32 bits, which end in 2106.
    pub fn time_stamp(&self) -> u32 {
        u32::try_from(self.epoch).unwrap_or(u32::MAX)
    }

    /// The locked package that a recipe names.
    pub fn package(&self, id: &PackageId) -> Result<&LockedPackage> {
        let found = self.packages.iter().find(|it| it.id() == *id);
        found.ok_or_else(|| Error::new(format!("{} is not locked", id.name)).hint("cargo xtask lock"))
    }

    /// The packages that are locked for a library of this name.
    pub fn providers(&self, library: &str) -> impl Iterator<Item = PackageId> {
        let provides = move |it: &&LockedPackage| it.libraries.iter().any(|it| it == library);
        self.packages.iter().filter(provides).map(LockedPackage::id)
    }

    /// Packages of the image's recipes, named or for their libraries.
    pub fn image_packages(&self) -> Vec<&LockedPackage> {
        let names: Vec<&str> = self.manifest.recipes.iter().map(|it| it.name.as_str()).collect();
        self.packages_for(&names)
    }

    /// Packages of which something is in the image: those of its recipes, and what its programs are linked with.
    pub fn delivered_packages(&self) -> impl Iterator<Item = &LockedPackage> {
        self.packages.iter().filter(|it| self.manifest.delivers(it))
    }

    /// The lowest layer with a recipe that needs a package.
    pub fn level_of(&self, package: &LockedPackage) -> usize {
        let needing = self.manifest.all().filter(|it| package.recipes.contains(&it.name));
        needing.map(|it| it.level).min().unwrap_or_default()
    }

    /// All packages, those of tools too.
    pub fn all_packages(&self) -> &[LockedPackage] {
        &self.packages
    }

    /// Packages of one tool.
    pub fn tool_packages(&self, tool: &str) -> Vec<&LockedPackage> {
        self.packages_for(&[tool])
    }

    fn packages_for(&self, recipes: &[&str]) -> Vec<&LockedPackage> {
        let wanted = |it: &&LockedPackage| it.recipes.iter().any(|name| recipes.contains(&name.as_str()));
        self.packages.iter().filter(wanted).collect()
    }
}
