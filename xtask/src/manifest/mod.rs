//! The contents of the image: raw files → [`Manifest`] (validated) → [`LockedManifest`] (every package has a SHA-256).
//! Only the last can be built.

mod compose;
mod layer;
mod lock;
mod locked;
mod raw;
mod recipe;
mod source_id;
mod sources;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use compose::{Composition, load_recipes};
pub use layer::Layer;
pub use lock::{Lock, LockedPackage};
pub use locked::{LINKED, LockedManifest};
pub use raw::{RawDisk as Disk, read};
use raw::{RawImage, RawSuite};
pub use recipe::{Package, PackageId, Recipe};
pub use source_id::SourceId;
pub use sources::{LockedSource, SourceFile, SourceLock};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
};

/// The image, its recipes and the tools, with every name and path checked.
#[derive(Debug)]
pub struct Manifest {
    /// The base name of the output files.
    pub name: String,
    /// Partition sizes.
    pub disk: Disk,
    /// Debian suites, by name.
    pub suites: BTreeMap<String, Suite>,
    /// What goes into the image, in the order of `image.toml`.
    pub recipes: Vec<Recipe>,
    /// What the builder itself needs, never in the image.
    pub tools: Vec<Recipe>,
    /// The checkout, and the layers above it.
    pub layers: Vec<Layer>,
    /// Recipes that a layer has removed or replaced.
    pub left_out: Vec<Recipe>,
}

/// A Debian suite.
#[derive(Debug, Default)]
pub struct Suite {
    /// Its components that recipes use.
    pub components: Vec<String>,
    /// Where the libraries of its packages are searched, in this order.
    pub libraries: Vec<String>,
}

impl Manifest {
    /// Reads `image/` and the layers, and checks everything that can be checked without the packages.
    pub fn load(ctx: &BuildContext) -> Result<Self> {
        Self::load_up_to(ctx, usize::MAX)
    }

    /// The same without the layers above that one. A layer's lock is made from what lies below it.
    pub fn load_up_to(ctx: &BuildContext, level: usize) -> Result<Self> {
        let dir = ctx.image_dir();
        let image: RawImage = read(&dir.join("image.toml"), "image/image.toml")?;
        let mut layers = layer::load(ctx, &image.layers)?;
        layers.truncate(level.saturating_add(1));
        let mut whole = Composition::new(image, &dir)?;
        let tools = load_recipes(&dir, "tools", &whole.image.tools, &whole.image)?;
        for (level, layer) in layers.iter_mut().enumerate().skip(1) {
            whole.add(layer, level)?;
        }
        let Composition { image, recipes, left_out, .. } = whole;
        let manifest = Self {
            name: image.name,
            disk: image.disk,
            suites: suites(image.suites, &image.suite)?,
            recipes,
            tools,
            layers,
            left_out,
        };
        manifest.check_claims()?;
        Ok(manifest)
    }

    /// Every recipe: those of the image, then the tools.
    pub fn all(&self) -> impl Iterator<Item = &Recipe> {
        self.recipes.iter().chain(&self.tools)
    }

    /// The recipes whose packages are in a layer's own lock. The checkout's has the tools' as well.
    pub fn of_level(&self, level: usize) -> impl Iterator<Item = &Recipe> {
        self.all().filter(move |it| it.level == level)
    }

    /// The layer whose cargo package has this program of a recipe: the recipe's own one, or one below it.
    pub fn home(&self, recipe: &Recipe, program: &str) -> Option<&Layer> {
        self.layers[..=recipe.level].iter().rev().find(|it| it.has_program(program))
    }

    /// The programs that are compiled from a layer's package.
    pub fn programs_of(&self, layer: &Layer) -> Vec<&str> {
        let programs =
            self.recipes.iter().flat_map(|it| it.binaries.iter().map(move |program| (it, program)));
        let here = programs
            .filter(|(recipe, program)| self.home(recipe, program).is_some_and(|it| it.name == layer.name));
        here.map(|(_, program)| program.as_str()).collect()
    }

    /// The layers above the checkout.
    pub fn upper_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().skip(1)
    }

    /// The site that a layer bakes if no other one is named.
    pub fn site(&self) -> Result<Option<PathBuf>> {
        let mut named = self.layers.iter().filter_map(|it| Some((it, it.raw.site.as_ref()?)));
        let Some((layer, site)) = named.next() else { return Ok(None) };
        if let Some((other, _)) = named.next() {
            return Err(Error::new("two layers name a site")
                .fact(format!("{} and {}", layer.file(), other.file()))
                .hint("take `site` out of one of the two, or give --site"));
        }
        let file = layer.dir.join(site);
        if file.is_file() {
            return Ok(Some(file));
        }
        let (layer, site) = (layer.file(), layer.shown(site));
        Err(Error::new(format!("{layer} names the site {site}, which is not there"))
            .hint("correct `site`, or write the file"))
    }

    /// Libraries of the image that are not Debian's.
    pub fn stub_libraries(&self) -> impl Iterator<Item = &String> {
        self.recipes.iter().flat_map(|it| &it.stub_libraries)
    }

    /// Where the libraries of a suite's packages are searched, in this order.
    pub fn library_suites<'a>(&'a self, suite: &'a str) -> Vec<&'a str> {
        self.suites.get(suite).map_or(vec![suite], |it| it.libraries.iter().map(String::as_str).collect())
    }

    /// The packages that a layer's recipes name, each with the place in its recipe.
    pub fn named_packages(&self, level: usize) -> BTreeMap<PackageId, Vec<(&Recipe, &Package)>> {
        let mut named: BTreeMap<PackageId, Vec<(&Recipe, &Package)>> = BTreeMap::new();
        for recipe in self.of_level(level) {
            for package in &recipe.packages {
                named.entry(package.id.clone()).or_default().push((recipe, package));
            }
        }
        named
    }

    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Result<&Recipe> {
        let tool = self.tools.iter().find(|it| it.name == name);
        tool.ok_or_else(|| Error::new(format!("image/image.toml names no tool `{name}`")))
    }

    /// A file belongs to one recipe; otherwise size report and origin would be wrong.
    fn check_claims(&self) -> Result<()> {
        let mut owners: BTreeMap<&String, &Recipe> = BTreeMap::new();
        for recipe in &self.recipes {
            let files = recipe.packages.iter().flat_map(|it| &it.files);
            let links = recipe.links.values().flatten();
            let own = recipe.binaries.iter().chain(&recipe.stub_libraries).chain(&recipe.overlay);
            for path in files.chain(links).chain(own) {
                if let Some(first) = owners.insert(path, recipe) {
                    let (one, other) = (&first.name, &recipe.name);
                    return Err(Error::new(format!("recipes `{one}` and `{other}` both claim {path}"))
                        .hint(format!("take it out of {} or {}", first.file, recipe.file)));
                }
            }
        }
        let mut set: BTreeMap<(&str, &String), &Recipe> = BTreeMap::new();
        for recipe in &self.recipes {
            let modes = recipe.modes.keys().map(|path| ("mode", path));
            for (what, path) in modes.chain(recipe.owners.keys().map(|path| ("owner", path))) {
                if let Some(first) = set.insert((what, path), recipe) {
                    let (one, other) = (&first.name, &recipe.name);
                    return Err(Error::new(format!(
                        "recipes `{one}` and `{other}` both set the {what} of {path}"
                    ))
                    .hint(format!("take it out of `{what}s` in {} or {}", first.file, recipe.file)));
                }
            }
        }
        Ok(())
    }
}

/// Without an order of its own a suite's libraries are searched in itself, then in the image's suite: backports, and
/// security updates, hold only a part of what their packages depend on.
fn suites(raw: BTreeMap<String, RawSuite>, image: &str) -> Result<BTreeMap<String, Suite>> {
    let known: BTreeSet<String> = raw.keys().cloned().collect();
    let suite = |(name, raw): (String, RawSuite)| {
        let mut libraries = raw.libraries;
        if libraries.is_empty() {
            libraries.push(name.clone());
            libraries.extend((name != image && known.contains(image)).then(|| image.to_owned()));
        }
        if let Some(unknown) = libraries.iter().find(|it| !known.contains(*it)) {
            return Err(Error::new(format!(
                "image/image.toml: the suite `{name}` takes libraries from `{unknown}`, which has no [suites.{unknown}]"
            ))
            .hint("correct the name, or add that table with its `components`"));
        }
        Ok((name, Suite { components: raw.components, libraries }))
    };
    raw.into_iter().map(suite).collect()
}

/// The text of a file that `cargo xtask lock` makes.
fn lock_text(lock: &impl Serialize) -> Result<String> {
    let body = toml::to_string(lock).context(|| "cannot write the lock as TOML".into())?;
    Ok(format!("# Made by `cargo xtask lock` from the signed indices of the Debian archive.\n{body}"))
}

/// Replaces a file as a whole, or leaves it unchanged.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_extension("lock.new");
    fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, file))
}
