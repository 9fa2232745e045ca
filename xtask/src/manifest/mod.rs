//! The contents of the image: raw files → [`Manifest`] (validated) → [`LockedManifest`] (every package has a SHA-256).
//! Only the last can be built.

mod lock;
mod raw;
mod source_id;
mod sources;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::Path,
};

use serde::{Deserialize, Serialize};

pub use lock::{LINKED, Lock, LockedManifest, LockedPackage};
pub use raw::{RawDisk as Disk, read};
use raw::{RawImage, RawRecipe, RawSuite};
pub use source_id::SourceId;
pub use sources::{LockedSource, SourceFile, SourceLock};

use crate::{
    bail,
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
}

/// A Debian suite.
#[derive(Debug, Default)]
pub struct Suite {
    /// Its components that recipes use.
    pub components: Vec<String>,
    /// Where the libraries of its packages are searched, in this order.
    pub libraries: Vec<String>,
}

/// One capability of the box, with its files and their sources.
#[derive(Debug, Default)]
pub struct Recipe {
    /// The file's name without `.toml`.
    pub name: String,
    /// Its purpose, in one line.
    pub summary: String,
    /// Debian packages.
    pub packages: Vec<Package>,
    /// Kernel modules for the root, by name; their dependencies are added.
    pub modules: Vec<String>,
    /// Kernel modules for the initramfs.
    pub initramfs_modules: Vec<String>,
    /// Programs of the root package `dialbox`.
    pub binaries: Vec<String>,
    /// Files (or, ending in `/`, directories) of `overlay/` that belong to it.
    pub overlay: Vec<String>,
    /// Empty directories and mount points, absolute.
    pub directories: Vec<String>,
    /// Libraries that may hold code for newer processors, because they select it at run time.
    pub chooses_by_cpu: Vec<String>,
    /// Programs that are not position-independent; all others must be.
    pub fixed_address: Vec<String>,
    /// Sonames of libraries that `image/stub-libraries/` replaces.
    pub stub_libraries: Vec<String>,
    /// Symbolic links: target → absolute paths of the links.
    pub links: BTreeMap<String, Vec<String>>,
    /// Permission bits of files and directories, by absolute path.
    pub modes: BTreeMap<String, u16>,
}

/// A Debian package and what is taken from it.
#[derive(Debug, Clone)]
pub struct Package {
    /// The exact package.
    pub id: PackageId,
    /// The pinned version, if there is one.
    pub version: Option<String>,
    /// Absolute paths of files, or of directories (ending in `/`) with all below them.
    pub files: Vec<String>,
    /// Name on the boot partition → absolute path in the package.
    pub boot: BTreeMap<String, String>,
    /// The kernel release, if this package holds the kernel and its modules.
    pub kernel: Option<String>,
}

/// A package of a suite, for an architecture (`all` packages: the one that asks).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageId {
    /// `ppp`
    pub name: String,
    /// `bookworm`
    pub suite: String,
    /// `armel`: whose index is searched; the package itself may be `all`.
    pub architecture: String,
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.suite, self.architecture)
    }
}

impl Manifest {
    /// Reads `image/` and checks everything that can be checked without the packages.
    pub fn load(ctx: &BuildContext) -> Result<Self> {
        let dir = ctx.image_dir();
        let image: RawImage = read(&dir.join("image.toml"), "image/image.toml")?;
        let recipes = load_recipes(&dir, "recipes", &image.recipes, &image)?;
        let tools = load_recipes(&dir, "tools", &image.tools, &image)?;
        let manifest = Self {
            name: image.name,
            disk: image.disk,
            suites: suites(image.suites, &image.suite)?,
            recipes,
            tools,
        };
        manifest.check_claims()?;
        Ok(manifest)
    }

    /// Every recipe: those of the image, then the tools.
    pub fn all(&self) -> impl Iterator<Item = &Recipe> {
        self.recipes.iter().chain(&self.tools)
    }

    /// Libraries of the image that are not Debian's.
    pub fn stub_libraries(&self) -> impl Iterator<Item = &String> {
        self.recipes.iter().flat_map(|it| &it.stub_libraries)
    }

    /// Where the libraries of a suite's packages are searched, in this order.
    pub fn library_suites<'a>(&'a self, suite: &'a str) -> Vec<&'a str> {
        self.suites.get(suite).map_or(vec![suite], |it| it.libraries.iter().map(String::as_str).collect())
    }

    /// The packages that recipes name, each with the place in its recipe.
    pub fn named_packages(&self) -> BTreeMap<PackageId, Vec<(&Recipe, &Package)>> {
        let mut named: BTreeMap<PackageId, Vec<(&Recipe, &Package)>> = BTreeMap::new();
        for recipe in self.all() {
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
        let mut owners = BTreeMap::new();
        for recipe in &self.recipes {
            let files = recipe.packages.iter().flat_map(|it| &it.files);
            let links = recipe.links.values().flatten();
            let own = recipe.binaries.iter().chain(&recipe.stub_libraries).chain(&recipe.overlay);
            for path in files.chain(links).chain(own) {
                if let Some(first) = owners.insert(path, &recipe.name) {
                    return Err(Error::new(format!(
                        "recipes `{first}` and `{}` both claim {path}",
                        recipe.name
                    ))
                    .hint("take it out of one of the two in image/recipes"));
                }
            }
        }
        let mut modes: BTreeMap<&String, &str> = BTreeMap::new();
        for (path, recipe) in self.recipes.iter().flat_map(|it| it.modes.keys().map(move |path| (path, it))) {
            if let Some(first) = modes.insert(path, &recipe.name) {
                let both = format!("recipes `{first}` and `{}` both set the mode of {path}", recipe.name);
                return Err(Error::new(both).hint("take it out of `modes` in one of the two"));
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

fn load_recipes(dir: &Path, kind: &str, names: &[String], image: &RawImage) -> Result<Vec<Recipe>> {
    let mut seen = BTreeSet::new();
    let mut recipes = Vec::new();
    for name in names {
        if !seen.insert(name) {
            bail!("image/image.toml lists `{name}` twice under `{kind}`");
        }
        let shown = format!("image/{kind}/{name}.toml");
        let path = dir.join(kind).join(format!("{name}.toml"));
        if !path.exists() {
            return Err(Error::new(format!("image/image.toml lists `{name}`, but there is no {shown}"))
                .hint(format!("correct the name under `{kind}` in image/image.toml, or write {shown}")));
        }
        recipes.push(
            Recipe::validate(name, read(&path, &shown)?, image)
                .map_err(|it| it.context(format!("{shown} cannot be used")))?,
        );
    }
    Ok(recipes)
}

impl Recipe {
    fn validate(name: &str, raw: RawRecipe, image: &RawImage) -> Result<Self> {
        let packages = raw.packages.into_iter().map(|package| {
            let suite = package.suite.unwrap_or_else(|| image.suite.clone());
            if !image.suites.contains_key(&suite) {
                bail!("package `{}`: image/image.toml has no suite `{suite}`", package.name);
            }
            for path in package.files.iter().chain(package.boot.values()) {
                check_absolute(path)?;
            }
            Ok(Package {
                id: PackageId {
                    name: package.name,
                    suite,
                    architecture: package.architecture.unwrap_or_else(|| image.architecture.clone()),
                },
                version: package.version,
                files: package.files,
                boot: package.boot,
                kernel: package.kernel,
            })
        });
        let recipe = Self {
            name: name.to_owned(),
            summary: raw.summary,
            packages: packages.collect::<Result<_>>()?,
            modules: raw.modules,
            initramfs_modules: raw.initramfs_modules,
            binaries: raw.binaries,
            overlay: raw.overlay,
            directories: raw.directories,
            chooses_by_cpu: raw.chooses_by_cpu,
            fixed_address: raw.fixed_address,
            stub_libraries: raw.stub_libraries,
            links: raw.links,
            modes: raw.modes.into_iter().map(|(path, text)| mode(path, &text)).collect::<Result<_>>()?,
        };
        let own = recipe.directories.iter().chain(recipe.modes.keys());
        for path in own.chain(recipe.links.values().flatten()) {
            check_absolute(path)?;
        }
        Ok(recipe)
    }
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

/// `1777`: in octal, as chmod takes it. No program runs with its file's owner: all of the box is root's.
fn mode(path: String, text: &str) -> Result<(String, u16)> {
    let digits = text.len() >= 3 && text.len() <= 4 && text.bytes().all(|it| it.is_ascii_digit());
    match u16::from_str_radix(text, 8) {
        Ok(mode) if digits && mode & 0o6000 == 0 => Ok((path, mode)),
        Ok(_) if digits => {
            Err(Error::new(format!("the mode `{text}` of {path} has a set-user-id or set-group-id bit"))
                .hint("everything on the box is root's: leave the bit out"))
        }
        _ => Err(Error::new(format!("`{text}`, the mode of {path}, is not one in octal"))
            .hint("write three or four digits, as in \"0600\" or \"1777\"")),
    }
}

/// Absolute and without `.`, `..` or empty components, so that a file has only one name.
fn check_absolute(path: &str) -> Result<()> {
    let steps = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    match steps {
        Some(steps) if steps.split('/').all(|it| !matches!(it, "" | "." | "..")) => Ok(()),
        _ => Err(Error::new(format!("`{path}` is not a plain absolute path"))
            .hint("write it from the root on, without `.` and `..`, as in /usr/sbin/pppd")),
    }
}
