//! From what the recipes name to exact packages: versions, then the libraries that the named
//! files need, found among what their packages depend on.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::{
    debian::{
        index::{Entry, Index},
        listing::Listing,
    },
    error::{Error, Result},
    manifest::{LockedPackage, Manifest, Package, PackageId, Recipe},
    shared_library::Needed,
};

/// What the resolver needs from the archive.
pub trait Archive {
    /// The packages that a recipe may choose from.
    fn index(&self, id: &PackageId) -> Result<&Index>;
    /// Announces the packages that will be needed, so that they can be fetched together.
    fn prepare(&self, packages: &[(&PackageId, &Entry)]) -> Result<()>;
    /// The files of a package.
    fn listing(&self, id: &PackageId, entry: &Entry) -> Result<Rc<Listing>>;
}

/// What is to be locked.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// For which recipes.
    pub recipes: Recipes<'a>,
    /// What is locked already, and stays as it is.
    pub locked: &'a [LockedPackage],
}

/// Some recipes of a manifest.
#[derive(Debug, Clone, Copy)]
pub enum Recipes<'a> {
    /// Every one.
    All,
    /// Those of one layer.
    OfLevel(usize),
    /// Those of these names.
    Named(&'a BTreeSet<String>),
}

impl Recipes<'_> {
    /// Whether this is one of them.
    pub fn has(&self, recipe: &Recipe) -> bool {
        match self {
            Self::All => true,
            Self::OfLevel(level) => recipe.level == *level,
            Self::Named(names) => names.contains(&recipe.name),
        }
    }
}

/// Every package that the recipes of the scope name, and those with the libraries of the named files; sorted, each with the
/// recipes that need it.
pub fn resolve(manifest: &Manifest, archive: &dyn Archive, scope: &Scope) -> Result<Vec<LockedPackage>> {
    let locked = as_locked(archive, scope.locked)?;
    let chosen = choose_named(manifest, archive, scope.recipes, &locked)?;
    archive.prepare(&chosen.iter().collect::<Vec<_>>())?;
    let mut resolver =
        Resolver { manifest, archive, chosen, locked, used: BTreeMap::new(), providers: BTreeMap::new() };
    let stub_libraries = manifest.stub_libraries().cloned().collect();
    // Tools, on this machine or on a box, get no stub libraries.
    let recipes = manifest.recipes.iter().map(|it| (it, &stub_libraries));
    let tools = manifest.tools.iter().map(|it| (it, const { &BTreeSet::new() }));
    for (recipe, stub_libraries) in recipes.chain(tools).filter(|(it, _)| scope.recipes.has(it)) {
        for package in &recipe.packages {
            resolver
                .add(&recipe.name, package, stub_libraries)
                .map_err(|error| unlockable(recipe, package, error))?;
        }
    }
    let mut packages: Vec<LockedPackage> =
        resolver.used.into_iter().map(|(id, used)| used.lock(id)).collect();
    packages.sort();
    Ok(packages)
}

/// What the indices say of the locked packages, as those versions.
fn as_locked(archive: &dyn Archive, locked: &[LockedPackage]) -> Result<BTreeMap<PackageId, Entry>> {
    let mut entries = BTreeMap::new();
    for package in locked {
        // A tool of this machine has a suite or an architecture whose index is not read here.
        let Ok(index) = archive.index(&package.id()) else { continue };
        if let Some(newest) = index.versions(&package.name).first() {
            entries.insert(package.id(), newest.as_locked(package));
        }
    }
    Ok(entries)
}

fn choose_named(
    manifest: &Manifest,
    archive: &dyn Archive,
    recipes: Recipes,
    locked: &BTreeMap<PackageId, Entry>,
) -> Result<BTreeMap<PackageId, Entry>> {
    let mut chosen: BTreeMap<PackageId, Entry> = BTreeMap::new();
    for recipe in manifest.all().filter(|it| recipes.has(it)) {
        for package in &recipe.packages {
            let odd = |error| unlockable(recipe, package, error);
            let entry = match locked.get(&package.id) {
                Some(locked) => fits(package, locked).map_err(odd)?,
                None => archive.index(&package.id).and_then(|index| choose(index, package)).map_err(odd)?,
            };
            let first = chosen.entry(package.id.clone()).or_insert_with(|| entry.clone());
            if first != entry {
                let other = &first.version;
                let error = Error::new(format!(
                    "another recipe takes version {other} of it, this one {}",
                    entry.version
                ));
                return Err(odd(error.hint("give both recipes the same `version`")));
            }
        }
    }
    Ok(chosen)
}

fn unlockable(recipe: &Recipe, package: &Package, error: Error) -> Error {
    error.context(format!("recipe `{}`: {} cannot be locked", recipe.name, package.id.name))
}

struct Resolver<'a> {
    manifest: &'a Manifest,
    archive: &'a dyn Archive,
    /// The packages that recipes name.
    chosen: BTreeMap<PackageId, Entry>,
    /// The packages that are locked already.
    locked: BTreeMap<PackageId, Entry>,
    used: BTreeMap<PackageId, Used>,
    /// The package with a library that this package needs.
    providers: BTreeMap<(PackageId, Needed), Holder>,
}

/// A package that is being resolved.
struct Used {
    entry: Entry,
    named: bool,
    recipes: BTreeSet<String>,
    libraries: BTreeSet<String>,
}

/// A package and its content.
#[derive(Clone)]
struct Holder {
    id: PackageId,
    entry: Entry,
    listing: Rc<Listing>,
}

impl Used {
    fn lock(self, id: PackageId) -> LockedPackage {
        let (id_name, version) = (id.name.clone(), self.entry.version.clone());
        LockedPackage {
            name: id.name,
            suite: id.suite,
            architecture: id.architecture,
            version: self.entry.version,
            path: self.entry.path,
            size: self.entry.size,
            sha256: self.entry.sha256,
            source: (self.entry.source.name != id_name).then_some(self.entry.source.name),
            source_version: (self.entry.source.version != version).then_some(self.entry.source.version),
            built_using: self.entry.built_using.iter().map(ToString::to_string).collect(),
            recipes: self.recipes.into_iter().collect(),
            libraries: if self.named { Vec::new() } else { self.libraries.into_iter().collect() },
        }
    }
}

impl Resolver<'_> {
    /// Adds a package; libraries with a stub are not searched for.
    fn add(&mut self, recipe: &str, package: &Package, stub_libraries: &BTreeSet<String>) -> Result<()> {
        let entry = self.chosen[&package.id].clone(); // choose_named went over the same recipes
        let listing = self.archive.listing(&package.id, &entry)?;
        let needs =
            wanted_files(package, &listing)?.into_iter().flat_map(|path| listing.needs(path).to_vec());
        let needs: Vec<Needed> = needs.collect();
        let holder = Holder { id: package.id.clone(), entry, listing };
        self.note(recipe, &holder).named = true;
        self.add_libraries(recipe, holder, needs, stub_libraries.clone())
    }

    /// Libraries need further libraries. Those in `seen` are already chosen.
    fn add_libraries(
        &mut self,
        recipe: &str,
        holder: Holder,
        needs: Vec<Needed>,
        mut seen: BTreeSet<String>,
    ) -> Result<()> {
        let mut todo: Vec<(Holder, Needed)> =
            needs.into_iter().map(|needed| (holder.clone(), needed)).collect();
        while let Some((holder, needed)) = todo.pop() {
            if !seen.insert(needed.name().to_owned()) {
                continue;
            }
            let provider = self.provider(&holder, &needed)?;
            self.note(recipe, &provider).libraries.insert(needed.name().to_owned());
            let path = provider.listing.find(&needed).unwrap_or_default();
            let needs = provider.listing.needs(path).to_vec();
            todo.extend(needs.into_iter().map(|needed| (provider.clone(), needed)));
        }
        Ok(())
    }

    fn note(&mut self, recipe: &str, holder: &Holder) -> &mut Used {
        let used = self.used.entry(holder.id.clone()).or_insert_with(|| Used {
            entry: holder.entry.clone(),
            named: false,
            recipes: BTreeSet::new(),
            libraries: BTreeSet::new(),
        });
        used.recipes.insert(recipe.to_owned());
        used
    }

    fn provider(&mut self, holder: &Holder, needed: &Needed) -> Result<Holder> {
        let key = (holder.id.clone(), needed.clone());
        if let Some(known) = self.providers.get(&key) {
            return Ok(known.clone());
        }
        let found = self.search(holder, needed)?;
        self.providers.insert(key, found.clone());
        Ok(found)
    }

    /// A package, its dependencies, and then their dependencies. dpkg-shlibdeps makes the packages of needed libraries
    /// direct dependencies, so the search is short.
    fn search(&self, holder: &Holder, needed: &Needed) -> Result<Holder> {
        let of_suite = |suite: &str| PackageId { suite: suite.to_owned(), ..holder.id.clone() };
        let mut seen = BTreeSet::from([holder.entry.name.as_str()]);
        let mut level = vec![(holder.id.suite.as_str(), &holder.entry)];
        while !level.is_empty() {
            for (suite, entry) in &level {
                let id = PackageId { name: entry.name.clone(), ..of_suite(suite) };
                let entry = self.chosen.get(&id).or_else(|| self.locked.get(&id)).unwrap_or(entry);
                let listing = self.archive.listing(&id, entry)?;
                if listing.find(needed).is_some() {
                    return Ok(Holder { id, entry: (*entry).clone(), listing });
                }
            }
            let mut next = Vec::new();
            for (suite, entry) in &level {
                let suites = self.manifest.library_suites(suite).into_iter();
                let indices = suites.map(|it| Ok((it, self.archive.index(&of_suite(it))?)));
                next.extend(Index::dependencies(entry, &indices.collect::<Result<Vec<_>>>()?));
            }
            next.retain(|(_, it)| seen.insert(&it.name));
            next.sort_by_key(|(_, it)| (std::cmp::Reverse(likeness(needed.name(), &it.name)), &it.name));
            level = next;
        }
        Err(Error::new(format!(
            "no package that {} depends on has the library {}",
            holder.id.name,
            needed.name()
        ))
        .fact(format!("searched in {}", self.manifest.library_suites(&holder.id.suite).join(", ")))
        .hint("name the suite that has it in `libraries` of this one, in image/image.toml"))
    }
}

/// A package that is locked already has one version.
fn fits<'a>(package: &Package, locked: &'a Entry) -> Result<&'a Entry> {
    match &package.version {
        Some(wanted) if *wanted != locked.version => Err(Error::new(format!(
            "the lock below has version {} of it, this recipe wants {wanted}",
            locked.version
        ))
        .hint("leave `version` out")),
        _ => Ok(locked),
    }
}

fn choose<'a>(index: &'a Index, package: &Package) -> Result<&'a Entry> {
    let PackageId { name, suite, architecture } = &package.id;
    let versions = index.versions(name);
    let newest = versions.first().copied().ok_or_else(|| {
        let error = Error::new(format!("{suite} has no package `{name}` for {architecture}"));
        match index.similar(name)[..] {
            [] => error,
            ref similar => error.hint(format!("did you mean {}?", similar.join(" or "))),
        }
    })?;
    let Some(wanted) = &package.version else { return Ok(newest) };
    versions.iter().find(|it| it.version == *wanted).copied().ok_or_else(|| {
        let offered: Vec<&str> = versions.iter().map(|it| it.version.as_str()).collect();
        Error::new(format!("{suite} does not have version {wanted} of `{name}`"))
            .fact(format!("it has {}", offered.join(", ")))
            .hint("change `version` in the recipe, or leave it out for the newest")
    })
}

/// The files that the recipe names, each of which the package must have.
fn wanted_files<'a>(package: &Package, listing: &'a Listing) -> Result<Vec<&'a str>> {
    let mut files = Vec::new();
    for wanted in package.files.iter().chain(package.boot.values()) {
        let found = listing.matching(wanted);
        if found.is_empty() {
            let error = Error::new(format!("the package has no {wanted}"));
            return Err(match listing.namesakes(wanted)[..] {
                [] => error,
                ref namesakes => error.hint(format!("did you mean {}?", namesakes.join(" or "))),
            });
        }
        files.extend(found);
    }
    Ok(files)
}

/// How similar a package's name is to the one that Debian Policy 8.1 prescribes for a library's package. It is a guess
/// that only saves reading packages without the library.
fn likeness(soname: &str, package: &str) -> usize {
    let policy = policy_name(soname);
    policy.bytes().zip(package.bytes()).take_while(|(left, right)| left == right).count()
}

/// `libpcap.so.0.8` → `libpcap0.8`, `libfuse3.so.3` → `libfuse3-3`
fn policy_name(soname: &str) -> String {
    let (stem, version) = soname.split_once(".so").unwrap_or((soname, ""));
    let version = version.trim_start_matches('.');
    let hyphen = if stem.ends_with(|it: char| it.is_ascii_digit()) && !version.is_empty() { "-" } else { "" };
    format!("{stem}{hyphen}{version}").to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests;
