//! The root tree: what the recipes ask for, taken from packages, overlay, compiler and site.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use dialbox::site::Site;

use super::{
    elf::{self, Elf},
    modules::{Chosen, Modules},
    overlay,
    tree::{Kind, Node, Origin, Source, Tree},
    unpack::{self, Contents, Entry, not_there},
};
use crate::{
    bail,
    context::BuildContext,
    cross::Built,
    error::{Context, Error, Result},
    manifest::{LockedManifest, Recipe},
    task::Output,
};

/// Where Debian's armel keeps shared libraries, in the order of the dynamic loader.
pub const LIBRARY_DIRS: [&str; 4] =
    ["/lib/arm-linux-gnueabi", "/usr/lib/arm-linux-gnueabi", "/lib", "/usr/lib"];

/// The packages that the root tree is made of, read.
#[derive(Debug)]
pub struct Ingredients<'a> {
    /// What is wanted.
    pub locked: &'a LockedManifest,
    /// Package name → its files.
    pub packages: BTreeMap<String, Contents>,
}

impl<'a> Ingredients<'a> {
    /// Reads what packages hold that were unpacked.
    pub fn read(locked: &'a LockedManifest, unpacked: &BTreeMap<String, Output>) -> Result<Self> {
        let read = |(name, output): (&String, &Output)| Ok((name.clone(), unpack::read(name, output)?));
        Ok(Self { locked, packages: unpacked.iter().map(read).collect::<Result<_>>()? })
    }
}

/// What the recipes take from packages and overlay, with the libraries it needs: all of the root
/// that does not wait for the compiler.
pub fn from_packages(ctx: &BuildContext, ingredients: &Ingredients) -> Result<Tree> {
    let recipes = &ingredients.locked.manifest.recipes;
    let mut tree = Tree::default();
    for recipe in recipes {
        add_recipe(ctx, &mut tree, recipe, ingredients)?;
    }
    add_modules(&mut tree, ingredients)?;
    let stub_libraries = ingredients.locked.manifest.stub_libraries().map(String::as_str).collect();
    add_libraries(&mut tree, ingredients, &stub_libraries)?;
    Ok(tree)
}

/// What one recipe takes from packages, with all the libraries it needs: nothing of ours stands in for any.
pub fn of_recipe(ctx: &BuildContext, recipe: &Recipe, ingredients: &Ingredients) -> Result<Tree> {
    let mut tree = Tree::default();
    add_recipe(ctx, &mut tree, recipe, ingredients)?;
    add_libraries(&mut tree, ingredients, &BTreeSet::new())?;
    Ok(tree)
}

/// Adds our own programs, which need no libraries, and what the site renders.
pub fn complete(
    tree: &mut Tree,
    locked: &LockedManifest,
    built: &Built,
    text: &str,
    site: &Site,
) -> Result<()> {
    let programs = &built.programs.dir;
    for recipe in &locked.manifest.recipes {
        for binary in root_programs(recipe) {
            let program = fs::read(programs.join(binary));
            let program = program.context(|| format!("there is no program `{binary}` in src/bin"))?;
            let origin = Origin::new(&recipe.name, Source::Cargo);
            tree.add(&program_path(binary), Node::file(program, 0o755, &origin))?;
        }
    }
    for recipe in &locked.manifest.recipes {
        for soname in &recipe.stub_libraries {
            let library = fs::read(built.stub_libraries.dir.join(soname));
            let library = library.context(|| format!("cannot read the stub library {soname}"))?;
            let origin = Origin::new(&recipe.name, Source::StubLibrary);
            tree.add(&stub_library_path(soname), Node::file(library, 0o644, &origin))?;
        }
    }
    add_build_facts(tree, locked.epoch)?;
    add_site(tree, text, site)
}

/// Our programs in the root. The kernel starts `init` out of the initramfs; the root never sees it.
pub fn root_programs(recipe: &Recipe) -> impl Iterator<Item = &String> {
    recipe.binaries.iter().filter(|it| *it != "init")
}

/// Where one of our programs lies on the box.
pub fn program_path(name: &str) -> String {
    format!("/usr/sbin/{name}")
}

/// Where the stub library of a soname lies on the box.
pub fn stub_library_path(soname: &str) -> String {
    let [_, libraries, ..] = LIBRARY_DIRS;
    format!("{libraries}/{soname}")
}

/// Modules for the initramfs, in loading order.
pub fn early_modules(ingredients: &Ingredients) -> Result<Chosen> {
    let recipes = &ingredients.locked.manifest.recipes;
    let wanted = recipes.iter().flat_map(|it| &it.initramfs_modules).map(String::as_str);
    kernel(ingredients)?.0.choose(wanted)
}

fn add_recipe(ctx: &BuildContext, tree: &mut Tree, recipe: &Recipe, from: &Ingredients) -> Result<()> {
    for package in &recipe.packages {
        let contents = contents(from, &package.id.name)?;
        let origin = Origin::new(&recipe.name, Source::Package(package.id.name.clone()));
        for path in &package.files {
            if add_from_package(tree, contents, path, &origin)? == 0 {
                let locked = from.locked.package(&package.id)?;
                return Err(not_there(path, &recipe.name, &[locked]));
            }
        }
    }
    add_own(ctx, tree, recipe)
}

/// What a recipe brings without any package: directories, links, files of the overlay.
pub fn add_own(ctx: &BuildContext, tree: &mut Tree, recipe: &Recipe) -> Result<()> {
    let origin = Origin::new(&recipe.name, Source::Builder);
    for directory in &recipe.directories {
        tree.add_directory(directory, &origin)?;
    }
    overlay::add(ctx, tree, recipe)?;
    for (target, paths) in &recipe.links {
        for path in paths {
            tree.add(path, Node::symlink(target, &origin))?;
        }
    }
    Ok(())
}

/// Adds a file, a link with what it points to, or all below a directory. How many were there?
fn add_from_package(tree: &mut Tree, contents: &Contents, path: &str, origin: &Origin) -> Result<usize> {
    let exact = contents.get(path).map(|entry| (path, entry));
    let below = path.ends_with('/').then(|| contents.below(path)).into_iter().flatten();
    let mut count = 0;
    for (path, entry) in exact.into_iter().chain(below) {
        count += 1;
        match entry {
            Entry::File(content, mode) => tree.add(path, Node::file(content.read()?, *mode, origin))?,
            Entry::Symlink(target) => {
                tree.add(path, Node::symlink(target, origin))?;
                let end = beside(path, target);
                if tree.get(&end).is_none() {
                    add_from_package(tree, contents, &end, origin)?;
                }
            }
        }
    }
    Ok(count)
}

/// Where a link at `path` points, written as an absolute path.
fn beside(path: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut steps: Vec<&str> = directory.split('/').collect();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The initramfs' modules are not here again: every boot loads them before it sees the root.
fn add_modules(tree: &mut Tree, from: &Ingredients) -> Result<()> {
    let (modules, release, builtin) = kernel(from)?;
    let recipes = &from.locked.manifest.recipes;
    let mut all = Vec::new();
    for recipe in recipes {
        let chosen = modules.choose(recipe.modules.iter().map(String::as_str));
        let chosen =
            chosen.map_err(|it| it.context(format!("recipe `{}` cannot be carried out", recipe.name)))?;
        let origin = Origin::new(&recipe.name, Source::Package("kernel".into()));
        for module in chosen.modules {
            let path = format!("/lib/modules/{release}/{}", module.path);
            if tree.get(&path).is_none() {
                tree.add(&path, Node::file(module.content, 0o644, &origin))?;
            }
        }
        all.extend(recipe.modules.iter().map(String::as_str));
    }
    let chosen = modules.choose(all.into_iter())?;
    let origin = Origin::new("kernel", Source::Builder);
    for (name, text) in [
        ("modules.dep", chosen.dep()),
        ("modules.alias", chosen.alias()),
        ("modules.softdep", chosen.softdep()),
        ("modules.builtin", builtin),
    ] {
        tree.add(&format!("/lib/modules/{release}/{name}"), Node::file(text.into_bytes(), 0o644, &origin))?;
    }
    Ok(())
}

/// The kernel's modules, its release and its list of built-in ones.
fn kernel(from: &Ingredients) -> Result<(Modules, String, String)> {
    let packages = from.locked.manifest.recipes.iter().flat_map(|it| &it.packages);
    let mut kernels = packages.filter_map(|it| Some((&it.id.name, it.kernel.as_ref()?)));
    let Some((package, release)) = kernels.next() else {
        bail!("no recipe names a kernel package (`kernel = …`)")
    };
    let contents = contents(from, package)?;
    let prefix = format!("/lib/modules/{release}/");
    let files = contents.below(&prefix).filter_map(|(path, entry)| match entry {
        Entry::File(content, _) => Some((path[prefix.len()..].to_owned(), content.clone())),
        Entry::Symlink(_) => None,
    });
    let builtin = match contents.get(&format!("{prefix}modules.builtin")) {
        Some(Entry::File(content, _)) => String::from_utf8_lossy(&content.read()?).into_owned(),
        _ => bail!("package {package} holds no kernel {release}"),
    };
    Ok((Modules::new(release, &builtin, files), release.clone(), builtin))
}

/// What the box says of itself in `status`, and the earliest date it believes in.
fn add_build_facts(tree: &mut Tree, epoch: u64) -> Result<()> {
    let facts = format!("version={}\nepoch={epoch}\n", env!("CARGO_PKG_VERSION"));
    let origin = Origin::new("base", Source::Builder);
    tree.add("/etc/dialbox/build", Node::file(facts.into_bytes(), 0o644, &origin))
}

/// Adds the site and what it renders; its files come last and win.
pub fn add_site(tree: &mut Tree, text: &str, site: &Site) -> Result<()> {
    let origin = Origin::new("site", Source::Site);
    tree.put("/etc/dialbox/site.toml", Node::file(text.as_bytes(), 0o600, &origin))?;
    for file in site.render() {
        let mode = u16::try_from(file.mode).unwrap_or(0o600);
        tree.put(&file.path, Node::file(file.content.into_bytes(), mode, &origin))?;
    }
    Ok(())
}

/// Adds the shared libraries that the programs need, and those that these need, and the loader; but
/// not those that have `stub_libraries`.
fn add_libraries(tree: &mut Tree, from: &Ingredients, stub_libraries: &BTreeSet<&str>) -> Result<()> {
    let elves = |(path, node, content): (&str, &Node, &Arc<[u8]>)| {
        (elf::is_elf(content) && !path.ends_with(".ko"))
            .then(|| (path.to_owned(), node.origin.recipe.clone(), content.clone()))
    };
    let mut open: Vec<(String, String, Arc<[u8]>)> = tree.files().filter_map(elves).collect();
    while let Some((path, recipe, content)) = open.pop() {
        // A file of another word size is a matter for the gates.
        let Ok(program) = Elf::parse(&content) else { continue };
        let mut needs: Vec<(String, Option<Found>)> = Vec::new();
        for soname in program.needed()? {
            if stub_libraries.contains(soname.as_str()) {
                continue;
            }
            let found = find_library(tree, from, &soname);
            needs.push((soname, found));
        }
        if let Some(loader) = program.interpreter() {
            let found = find_at(tree, from, &loader);
            needs.push((loader, found));
        }
        for (name, found) in needs {
            let Some(found) = found else {
                return Err(Error::new(format!("{path} needs {name}, which no locked package has"))
                    .fact(format!("recipe `{recipe}` brings {path}"))
                    .hint("cargo xtask lock"));
            };
            let Found::InPackage(package, library) = found else { continue };
            let origin = Origin::new(&recipe, Source::Package(package.to_owned()));
            let contents = contents(from, package)?;
            add_from_package(tree, contents, &library, &origin)?;
            let end = tree.resolve(&library).unwrap_or(library);
            if let Some(Node { kind: Kind::File(content), .. }) = tree.get(&end) {
                open.push((end.clone(), recipe.clone(), content.clone()));
            }
        }
    }
    Ok(())
}

enum Found<'a> {
    InTree,
    InPackage(&'a str, String),
}

fn find_library<'a>(tree: &Tree, from: &'a Ingredients, soname: &str) -> Option<Found<'a>> {
    LIBRARY_DIRS.iter().find_map(|dir| find_at(tree, from, &format!("{dir}/{soname}")))
}

fn find_at<'a>(tree: &Tree, from: &'a Ingredients, path: &str) -> Option<Found<'a>> {
    if tree.get(path).is_some() {
        return Some(Found::InTree);
    }
    let holder = from.packages.values().find(|it| it.get(path).is_some())?;
    Some(Found::InPackage(&holder.package, path.to_owned()))
}

fn contents<'a>(from: &'a Ingredients, package: &str) -> Result<&'a Contents> {
    from.packages.get(package).ok_or_else(|| Error::new(format!("package {package} was not unpacked")))
}
