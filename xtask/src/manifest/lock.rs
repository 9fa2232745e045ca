//! `packages.lock` of the checkout or of a layer: the exact packages, and whether they still match the recipes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Layer, Manifest, Package, PackageId, Recipe, SourceId};
use crate::error::{Context, Result};

/// The lock file, sorted by package.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Seconds since 1970: the date of the newest signed index that the lock was made from. Every time stamp in the
    /// image is this one, and no box accepts an earlier date.
    pub epoch: u64,
    /// The date of each suite's signed index, seconds since 1970. The next lock refuses an older one: its signature is
    /// just as good, and it would hide later security updates.
    #[serde(default)]
    pub releases: BTreeMap<String, u64>,
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
    /// The architecture of the index that lists it: `armel`.
    pub architecture: String,
    /// `1.10.3-1`
    pub version: String,
    /// Below the mirror: `pool/main/libp/libpcap/…`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Hexadecimal.
    pub sha256: String,
    /// The name of its source package, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The version of its source package, if that is another one.
    #[serde(default, rename = "source-version", skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// Further sources of what is in it, each as `name version`.
    #[serde(default, rename = "built-using", skip_serializing_if = "Vec::is_empty")]
    pub built_using: Vec<String>,
    /// The recipes that name it, or whose programs need its libraries.
    pub recipes: Vec<String>,
    /// The libraries (sonames) that it is locked for; empty if a recipe names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
}

impl LockedPackage {
    /// The names that recipes use for it.
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

    /// `armel`, or `all`: of the package itself.
    pub fn own_architecture(&self) -> &str {
        let stem = self.file_name().trim_end_matches(".deb");
        stem.rsplit_once('_').map_or(&self.architecture, |(_, architecture)| architecture)
    }

    /// What it was built from.
    pub fn source_id(&self) -> SourceId {
        SourceId {
            name: self.source.as_ref().unwrap_or(&self.name).clone(),
            version: self.source_version.as_ref().unwrap_or(&self.version).clone(),
        }
    }

    /// All sources of what is in it.
    pub fn sources(&self) -> impl Iterator<Item = SourceId> {
        let others = self.built_using.iter().filter_map(|it| SourceId::parse(it));
        std::iter::once(self.source_id()).chain(others)
    }

    /// The same without what does not matter to the image.
    fn without_sources(&self) -> Self {
        Self { source: None, source_version: None, built_using: Vec::new(), ..self.clone() }
    }

    /// Whether a recipe names it; otherwise it is locked for its libraries.
    pub fn is_named(&self) -> bool {
        self.libraries.is_empty()
    }
}

impl LockedPackage {
    /// Why it differs from what a recipe names, if it does.
    fn misfit(&self, recipe: &Recipe, package: &Package) -> Option<String> {
        let (id, locked) = (&package.id, &self.version);
        match &package.version {
            Some(wanted) if wanted != locked => {
                Some(format!("{id} is locked at {locked}, but recipe {} wants {wanted}", recipe.name))
            }
            _ if self.is_named() && self.recipes.contains(&recipe.name) => None,
            _ => Some(format!("{id} is not locked for recipe {}, which names it", recipe.name)),
        }
    }
}

impl Lock {
    /// Reads a layer's lock; `None` if there is none.
    pub fn load(layer: &Layer) -> Result<Option<Self>> {
        let file = layer.dir.join(layer.lock());
        file.exists().then(|| super::read(&file, &layer.shown(&layer.lock()))).transpose()
    }

    /// The file's text.
    pub fn to_toml(&self) -> Result<String> {
        super::lock_text(self)
    }

    /// Replaces a layer's lock as a whole, or leaves it unchanged.
    pub fn save(&self, layer: &Layer) -> Result<()> {
        super::replace(&layer.dir.join(layer.lock()), &self.to_toml()?)
            .context(|| format!("cannot write {}", layer.shown(&layer.lock())))
    }

    /// The differences to a selection of `packages`, one line each; empty if there are none.
    pub fn changes(&self, packages: &[LockedPackage]) -> Vec<String> {
        let old: BTreeMap<PackageId, &LockedPackage> = self.packages.iter().map(|it| (it.id(), it)).collect();
        let new: BTreeMap<PackageId, &LockedPackage> = packages.iter().map(|it| (it.id(), it)).collect();
        let ids: BTreeSet<&PackageId> = old.keys().chain(new.keys()).collect();
        let change = |id: &PackageId| match (old.get(id), new.get(id)) {
            (None, Some(new)) => Some(format!("+ {id} {}", new.version)),
            (Some(old), None) => Some(format!("- {id} {}", old.version)),
            (Some(old), Some(new)) if old.version != new.version => {
                Some(format!("  {id} {} -> {}", old.version, new.version))
            }
            (Some(old), Some(new)) if old.sha256 != new.sha256 || old.path != new.path => {
                Some(format!("  {id} {} is another file now", new.version))
            }
            (Some(old), Some(new)) if old.without_sources() != new.without_sources() => {
                Some(format!("  {id} {} is used for {} now", new.version, new.recipes.join(", ")))
            }
            _ => None,
        };
        ids.into_iter().filter_map(change).collect()
    }

    /// Where a selection of `packages` goes back to an older version though no recipe asks for it, one line each: an
    /// older version has the faults that were mended since.
    pub fn older_versions(
        &self,
        packages: &[LockedPackage],
        manifest: &Manifest,
        level: usize,
        is_older: impl Fn(&str, &str) -> bool,
    ) -> Vec<String> {
        let named = manifest.named_packages(level);
        let is_asked_for = |id: &PackageId| {
            named.get(id).is_some_and(|places| places.iter().any(|(_, package)| package.version.is_some()))
        };
        let older = packages.iter().filter_map(|new| {
            let id = new.id();
            let old = self.packages.iter().find(|it| it.id() == id)?;
            let goes_back = is_older(&new.version, &old.version) && !is_asked_for(&id);
            goes_back.then(|| format!("{id} {} -> {}", old.version, new.version))
        });
        older.collect()
    }

    /// Where a layer's lock and its recipes disagree, one line per package; empty if they match.
    pub fn differences(&self, manifest: &Manifest, level: usize) -> Vec<String> {
        let mut named = manifest.named_packages(level);
        let recipes: BTreeSet<&str> = manifest.of_level(level).map(|it| it.name.as_str()).collect();
        let mut differences = Vec::new();
        for locked in &self.packages {
            let id = locked.id();
            let wants = named.remove(&id).unwrap_or_default();
            if wants.is_empty() && locked.is_named() {
                differences.push(format!("{id} is locked, but no recipe names it"));
            } else if wants.is_empty() && !locked.recipes.iter().any(|it| recipes.contains(it.as_str())) {
                differences.push(format!("{id} is locked for recipes that are gone"));
            }
            differences.extend(wants.iter().filter_map(|(recipe, package)| locked.misfit(recipe, package)));
        }
        for (id, wants) in named {
            let recipes: Vec<&str> = wants.iter().map(|(recipe, _)| recipe.name.as_str()).collect();
            differences.push(format!("{id} is not locked; recipe {} names it", recipes.join(", ")));
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Disk;

    fn id(name: &str) -> PackageId {
        PackageId { name: name.into(), suite: "bookworm".into(), architecture: "armel".into() }
    }

    fn locked(name: &str, version: &str, libraries: &[&str]) -> LockedPackage {
        LockedPackage {
            name: name.into(),
            suite: "bookworm".into(),
            architecture: "armel".into(),
            version: version.into(),
            path: format!("pool/main/{name}_{version}_armel.deb"),
            size: 335_720,
            sha256: format!("{name}-{version}"),
            source: None,
            source_version: None,
            built_using: Vec::new(),
            recipes: vec!["ppp".into()],
            libraries: libraries.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    fn lock() -> Lock {
        let packages =
            vec![locked("libpcap0.8", "1.10.3-1", &["libpcap.so.0.8"]), locked("ppp", "2.4.9-1", &[])];
        let releases = BTreeMap::from([("bookworm".to_owned(), 1_783_764_997)]);
        Lock { epoch: 1_783_764_997, releases, packages }
    }

    /// One recipe, `name`, that takes these packages, each at a version if one is pinned.
    fn manifest(name: &str, packages: &[(&str, Option<&str>)]) -> Manifest {
        let package = |(name, version): &(&str, Option<&str>)| Package {
            id: id(name),
            version: version.map(str::to_owned),
            files: Vec::new(),
            boot: BTreeMap::new(),
            kernel: None,
        };
        let packages = packages.iter().map(package).collect();
        Manifest {
            name: "test".into(),
            disk: Disk { boot_mib: 1, root_mib: 1, state_mib: 1, signature: 1 },
            suites: BTreeMap::new(),
            recipes: vec![Recipe { name: name.into(), packages, ..Recipe::default() }],
            tools: Vec::new(),
            layers: vec![Layer::default()],
            left_out: Vec::new(),
        }
    }

    #[test]
    fn a_matching_lock_binds_every_package() {
        let manifest = manifest("ppp", &[("ppp", Some("2.4.9-1"))]);
        lock().check(&manifest, 0).unwrap();
        let bound = manifest.bind(lock());
        assert_eq!(bound.package(&id("ppp")).unwrap().version, "2.4.9-1");
        assert_eq!(bound.image_packages().len(), 2);
        assert!(bound.package(&id("chat")).is_err());
    }

    #[test]
    fn a_stale_lock_names_every_package_that_differs() {
        let stale = |manifest: Manifest| lock().check(&manifest, 0).unwrap_err().to_string();
        let shown = [
            stale(manifest("ppp", &[("ppp", Some("2.5.0-1"))])),
            stale(manifest("ppp", &[("ppp", None), ("picocom", None)])),
            stale(manifest("dialer", &[("ppp", None), ("libpcap0.8", None)])),
            stale(manifest("other", &[("picocom", None)])),
        ];
        insta::assert_snapshot!(shown.join("\n\n"), @r"
        error: image/packages.lock does not fit the recipes
          ppp (bookworm, armel) is locked at 2.4.9-1, but recipe ppp wants 2.5.0-1
          next: cargo xtask lock

        error: image/packages.lock does not fit the recipes
          picocom (bookworm, armel) is not locked; recipe ppp names it
          next: cargo xtask lock

        error: image/packages.lock does not fit the recipes
          libpcap0.8 (bookworm, armel) is not locked for recipe dialer, which names it
          ppp (bookworm, armel) is not locked for recipe dialer, which names it
          next: cargo xtask lock

        error: image/packages.lock does not fit the recipes
          libpcap0.8 (bookworm, armel) is locked for recipes that are gone
          ppp (bookworm, armel) is locked, but no recipe names it
          picocom (bookworm, armel) is not locked; recipe other names it
          next: cargo xtask lock
        ");
    }

    #[test]
    fn changes_of_a_new_lock_are_listed_by_package() {
        let old = lock();
        assert!(old.changes(&old.packages).is_empty());
        let mut rebuilt = locked("libpcap0.8", "1.10.3-1", &["libpcap.so.0.8"]);
        rebuilt.sha256 = "another".into();
        let mut shared = locked("ppp", "2.4.9-1", &[]);
        shared.recipes.push("dialer".into());
        let shown = [
            old.changes(&[locked("picocom", "3.1-4", &[]), locked("ppp", "2.5.0-1", &[])]),
            old.changes(&[rebuilt, shared]),
        ];
        insta::assert_snapshot!(shown.concat().join("\n"), @r"
        - libpcap0.8 (bookworm, armel) 1.10.3-1
        + picocom (bookworm, armel) 3.1-4
          ppp (bookworm, armel) 2.4.9-1 -> 2.5.0-1
          libpcap0.8 (bookworm, armel) 1.10.3-1 is another file now
          ppp (bookworm, armel) 2.4.9-1 is used for ppp, dialer now
        ");
    }

    #[test]
    fn a_lock_goes_back_to_an_older_version_only_if_a_recipe_asks_for_it() {
        let (newer, older) = ([locked("ppp", "2.5.0-1", &[])], [locked("ppp", "2.4.9-1+b2", &[])]);
        let (free, pinned) =
            (manifest("ppp", &[("ppp", None)]), manifest("ppp", &[("ppp", Some("2.4.9-1+b2"))]));
        let locked = Lock { packages: newer.to_vec(), ..Lock::default() };
        let is_older = |new: &str, old: &str| new < old; // true of these versions
        assert_eq!(
            locked.older_versions(&older, &free, 0, is_older),
            ["ppp (bookworm, armel) 2.5.0-1 -> 2.4.9-1+b2"]
        );
        assert!(locked.older_versions(&older, &pinned, 0, is_older).is_empty());
        assert!(lock().older_versions(&newer, &free, 0, is_older).is_empty());
    }

    #[test]
    fn the_file_is_the_same_after_writing_and_reading() {
        let text = lock().to_toml().unwrap();
        assert_eq!(toml::from_str::<Lock>(&text).unwrap(), lock());
        insta::assert_snapshot!(text, @r#"
        # Made by `cargo xtask lock` from the signed indices of the Debian archive.
        epoch = 1783764997

        [releases]
        bookworm = 1783764997

        [[package]]
        name = "libpcap0.8"
        suite = "bookworm"
        architecture = "armel"
        version = "1.10.3-1"
        path = "pool/main/libpcap0.8_1.10.3-1_armel.deb"
        size = 335720
        sha256 = "libpcap0.8-1.10.3-1"
        recipes = ["ppp"]
        libraries = ["libpcap.so.0.8"]

        [[package]]
        name = "ppp"
        suite = "bookworm"
        architecture = "armel"
        version = "2.4.9-1"
        path = "pool/main/ppp_2.4.9-1_armel.deb"
        size = 335720
        sha256 = "ppp-2.4.9-1"
        recipes = ["ppp"]
        "#);
    }
}
