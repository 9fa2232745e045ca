//! The root tree: what the recipes ask for, taken from packages, overlay, compiler and site.

use std::{collections::BTreeMap, fs, sync::Arc};

use super::{
    access, modems,
    modules::{Chosen, Modules},
    overlay::Overlay,
    tree::{Kind, Node, Origin, Source, Tree},
};
use crate::debian::contents::{Contents, Entry};
use crate::unpack::not_there;
use crate::{
    bail,
    context::BuildContext,
    cross::Built,
    elf::{self, Cpu},
    error::{Context, Error, Result},
    manifest::{Layer, LockedManifest, PackageId, Recipe},
    shared_library::Needed,
    site::SiteSource,
};

/// The inputs of a root.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The paths of the checkout.
    pub ctx: &'a BuildContext,
    /// The recipes of the image.
    pub recipes: &'a [Recipe],
    /// Where their files and programs are.
    pub layers: &'a [Layer],
    /// The site and build date; `None` for a root that is not a box's.
    pub baked: Option<Baked<'a>>,
}

/// A box's site, and the date of its image.
#[derive(Debug, Clone, Copy)]
pub struct Baked<'a> {
    /// Its site.
    pub site: &'a SiteSource,
    /// The date of its image, seconds since 1970.
    pub epoch: u64,
}

/// The available inputs besides the checkout.
#[derive(Debug, Clone, Copy)]
pub enum Stage<'a> {
    /// None: files that recipes name are pending, and their libraries and link targets are left out.
    Outline,
    /// The packages. Programs and stub libraries are pending until [`add_compiled`].
    Unpacked(&'a Ingredients<'a>),
}

/// The packages of the root tree, opened.
#[derive(Debug)]
pub struct Ingredients<'a> {
    /// Where each package comes from.
    pub locked: &'a LockedManifest,
    /// Its files.
    pub packages: &'a BTreeMap<PackageId, Contents>,
}

/// The tree, as far as it is known.
pub fn draw(plan: &Plan, stage: Stage) -> Result<Tree> {
    let mut tree = Tree::default();
    let mut links = Links::default();
    let overlay = Overlay::read(plan.layers)?;
    for recipe in plan.recipes {
        match stage {
            Stage::Outline => add_named_files(&mut tree, recipe)?,
            Stage::Unpacked(from) => add_packages(&mut tree, recipe, from, &mut links)?,
        }
        for program in root_programs(recipe) {
            let origin = Origin::new(&recipe.name, Source::Program(program.clone()));
            let home = plan.layers.iter().take(recipe.level + 1).rfind(|it| it.has_program(program));
            let origin = home.map_or(origin.clone(), |it| origin.of_layer(it));
            tree.add(&program_path(program), Node::pending(0o755, &origin))?;
        }
        for soname in &recipe.stub_libraries {
            let origin = Origin::new(&recipe.name, Source::StubLibrary(soname.clone()));
            tree.add(&stub_library_path(soname), Node::pending(0o644, &origin))?;
        }
        overlay.add(&mut tree, recipe)?;
        add_own(&mut tree, recipe)?;
    }
    modems::add_switches(&mut tree)?;
    access::add_users(&mut tree, plan.recipes)?;
    if let Stage::Unpacked(from) = stage {
        // After all that recipes name: what a link points to may be named by a later one.
        add_targets(&mut tree, links)?;
        add_modules(&mut tree, plan, from)?;
        add_libraries(&mut tree, from)?;
        access::set_modes(&mut tree, plan.recipes)?;
        access::set_owners(&mut tree, plan.recipes)?;
    }
    if let Some(baked) = &plan.baked {
        add_build_facts(&mut tree, baked.epoch)?;
        add_site(&mut tree, baked.site)?;
    }
    Ok(tree)
}

/// Adds the compiled files to a tree of the second stage, which completes it.
pub fn add_compiled(tree: &mut Tree, built: &Built) -> Result<()> {
    tree.fill(|origin| {
        let file = match origin {
            Origin::Recipe { source: Source::Program(name), layer, .. } => {
                built.programs_of(layer.as_deref())?.dir()?.join(name)
            }
            Origin::Recipe { source: Source::StubLibrary(soname), .. } => {
                built.stub_libraries.dir()?.join(soname)
            }
            other => bail!("a file of {other} is not compiled, and was not unpacked"),
        };
        fs::read(&file).context(|| format!("cannot read {}", file.display()))
    })
}

/// Our programs in the root. `init` is in the initramfs only.
fn root_programs(recipe: &Recipe) -> impl Iterator<Item = &String> {
    recipe.binaries.iter().filter(|it| *it != "init")
}

/// Where one of our programs lies on the box.
fn program_path(name: &str) -> String {
    format!("/usr/sbin/{name}")
}

/// Where the stub library of a soname lies on the box: where Debian's armel keeps libraries.
pub fn stub_library_path(soname: &str) -> String {
    format!("/usr/lib/arm-linux-gnueabi/{soname}")
}

/// Modules for the initramfs, in loading order, and the package that has them.
pub fn early_modules(recipes: &[Recipe], ingredients: &Ingredients) -> Result<(Chosen, PackageId)> {
    let wanted = recipes.iter().flat_map(|it| &it.initramfs_modules).map(String::as_str);
    let kernel = Kernel::find(recipes, ingredients)?;
    Ok((kernel.modules.choose(wanted, &[])?, kernel.package.clone()))
}

fn add_named_files(tree: &mut Tree, recipe: &Recipe) -> Result<()> {
    for package in &recipe.packages {
        let origin = Origin::new(&recipe.name, Source::Package(package.id.clone()));
        for path in package.files.iter().filter(|it| !it.ends_with('/')) {
            tree.add(path, Node::pending(0o644, &origin))?;
        }
    }
    Ok(())
}

/// Links of packages whose targets are still to be added: the package, the absolute path of the target, the origin.
type Links<'a> = Vec<(&'a Contents, String, Origin)>;

fn add_packages<'a>(
    tree: &mut Tree,
    recipe: &Recipe,
    from: &Ingredients<'a>,
    links: &mut Links<'a>,
) -> Result<()> {
    for package in &recipe.packages {
        let contents = contents(from, &package.id)?;
        let origin = Origin::new(&recipe.name, Source::Package(package.id.clone()));
        for path in &package.files {
            if add_from_package(tree, contents, path, &origin, links)? == 0 {
                let locked = from.locked.package(&package.id)?;
                return Err(not_there(path, &recipe.name, &[locked]));
            }
        }
    }
    Ok(())
}

/// Adds what the links point to, as far as it is not there yet, and what that points to.
fn add_targets(tree: &mut Tree, mut links: Links) -> Result<()> {
    while let Some((contents, target, origin)) = links.pop() {
        if tree.get(&target).is_none() {
            add_from_package(tree, contents, &target, &origin, &mut links)?;
        }
    }
    Ok(())
}

/// What a recipe adds without a file: directories and links.
fn add_own(tree: &mut Tree, recipe: &Recipe) -> Result<()> {
    let origin = Origin::new(&recipe.name, Source::Builder);
    for directory in &recipe.directories {
        tree.add_directory(directory, &origin)?;
    }
    for (target, paths) in &recipe.links {
        for path in paths {
            tree.add(path, Node::symlink(target, &origin))?;
        }
    }
    Ok(())
}

/// Adds a file, a link, or everything below a directory; returns the number of entries.
fn add_from_package<'a>(
    tree: &mut Tree,
    contents: &'a Contents,
    path: &str,
    origin: &Origin,
    links: &mut Links<'a>,
) -> Result<usize> {
    let exact = contents.get(path).map(|entry| (path.to_owned(), entry));
    let below = if path.ends_with('/') { contents.below(path) } else { Vec::new() };
    let mut count = 0;
    for (path, entry) in exact.into_iter().chain(below) {
        count += 1;
        // The recipe names it twice: alone, and with its directory.
        if tree.get(&path).is_some_and(|there| there.origin == *origin) {
            continue;
        }
        match entry {
            Entry::File(content, mode) => tree.add(&path, Node::file(content.read()?, *mode, origin))?,
            Entry::Symlink(target) => {
                tree.add(&path, Node::symlink(target, origin))?;
                links.push((contents, beside(&path, target), origin.clone()));
            }
        }
        access::keep_modes(tree, contents, &path, origin);
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

/// The kernel that a recipe names.
struct Kernel<'a> {
    recipe: &'a str,
    package: &'a PackageId,
    release: &'a str,
    modules: Modules,
    /// The text of `modules.builtin`.
    builtin: String,
}

impl<'a> Kernel<'a> {
    fn find(recipes: &'a [Recipe], from: &Ingredients) -> Result<Self> {
        let packages = recipes.iter().flat_map(|it| it.packages.iter().map(move |package| (it, package)));
        let mut kernels =
            packages.filter_map(|(it, package)| Some((it, &package.id, package.kernel.as_ref()?)));
        let Some((recipe, package, release)) = kernels.next() else {
            bail!("no recipe names a kernel package (`kernel = …`)")
        };
        let contents = contents(from, package)?;
        let prefix = format!("/lib/modules/{release}/");
        let files = contents.below(&prefix).into_iter().filter_map(|(path, entry)| match entry {
            Entry::File(content, _) => Some((path[prefix.len()..].to_owned(), content.clone())),
            Entry::Symlink(_) => None,
        });
        let builtin = match contents.get(&format!("{prefix}modules.builtin")) {
            Some(Entry::File(content, _)) => String::from_utf8_lossy(&content.read()?).into_owned(),
            _ => bail!("package {} holds no kernel {release}", package.name),
        };
        let modules = Modules::new(release, &builtin, files);
        Ok(Self { recipe: &recipe.name, package, release, modules, builtin })
    }
}

/// The initramfs' modules are left out: every boot loads them before it mounts the root.
fn add_modules(tree: &mut Tree, plan: &Plan, from: &Ingredients) -> Result<()> {
    if plan.baked.is_none() {
        return Ok(()); // a tool runs on another kernel
    }
    let kernel = Kernel::find(plan.recipes, from)?;
    let directory = format!("/lib/modules/{}", kernel.release);
    let early = kernel
        .modules
        .choose(plan.recipes.iter().flat_map(|it| &it.initramfs_modules).map(String::as_str), &[])?;
    let mut all = Vec::new();
    for recipe in plan.recipes {
        let chosen = kernel.modules.choose(recipe.modules.iter().map(String::as_str), &early.modules);
        let chosen =
            chosen.map_err(|it| it.context(format!("recipe `{}` cannot be carried out", recipe.name)))?;
        let origin = Origin::new(&recipe.name, Source::Package(kernel.package.clone()));
        for module in chosen.modules {
            let path = format!("{directory}/{}", module.path);
            if tree.get(&path).is_none() {
                tree.add(&path, Node::file(module.content.clone(), 0o644, &origin))?;
            }
        }
        all.extend(recipe.modules.iter().map(String::as_str));
    }
    let chosen = kernel.modules.choose(all.into_iter(), &early.modules)?;
    let origin = Origin::new(kernel.recipe, Source::Builder);
    for (name, text) in [
        ("modules.dep", chosen.dep()),
        ("modules.alias", chosen.alias()),
        ("modules.softdep", chosen.softdep()),
        ("modules.builtin", kernel.builtin),
    ] {
        tree.add(&format!("{directory}/{name}"), Node::file(text.into_bytes(), 0o644, &origin))?;
    }
    Ok(())
}

/// The version in `status`, and the earliest date that the box accepts.
fn add_build_facts(tree: &mut Tree, epoch: u64) -> Result<()> {
    let facts = format!("version={}\nepoch={epoch}\n", env!("CARGO_PKG_VERSION"));
    let origin = Origin::new("base", Source::Builder);
    tree.add("/etc/dialbox/build", Node::file(facts.into_bytes(), 0o644, &origin))
}

/// Adds the site and the files rendered from it; they come last and replace others.
fn add_site(tree: &mut Tree, source: &SiteSource) -> Result<()> {
    let origin = Origin::Site;
    tree.put("/etc/dialbox/site.toml", Node::file(source.text.as_bytes(), 0o600, &origin))?;
    for file in source.site.render() {
        let mode = u16::try_from(file.mode).unwrap_or(0o600);
        tree.put(&file.path, Node::file(file.content.into_bytes(), mode, &origin))?;
    }
    Ok(())
}

/// Adds the shared libraries that the programs need, those that these need, and the loader.
fn add_libraries(tree: &mut Tree, from: &Ingredients) -> Result<()> {
    // The image gates refuse what is built for another processor; modules need no libraries.
    let is_program = |path: &str, content: &[u8]| {
        elf::is_elf(content) && !path.ends_with(".ko") && matches!(elf::cpu(content), Ok(Cpu::Arm(_)))
    };
    let programs = tree.files().filter(|(path, _, content)| is_program(path, content));
    let mut open: Vec<(String, String, Arc<[u8]>)> = programs
        .map(|(path, node, content)| (path.to_owned(), node.origin.recipe().to_owned(), content.clone()))
        .collect();
    while let Some((path, recipe, content)) = open.pop() {
        let needs =
            elf::needs(&path, &content).map_err(|error| error.context(format!("{path} is broken")))?;
        for needed in needs {
            if is_there(tree, &needed) {
                continue;
            }
            let Some((package, library)) = find_in_packages(from, &needed) else {
                return Err(Error::new(format!("{path} needs {needed}, which no locked package has"))
                    .fact(format!("recipe `{recipe}` brings {path}"))
                    .hint("cargo xtask lock"));
            };
            let origin = Origin::new(&recipe, Source::Package(package.clone()));
            let mut links = Links::default();
            add_from_package(tree, contents(from, package)?, library, &origin, &mut links)?;
            add_targets(tree, links)?;
            let end = tree.resolve(library).unwrap_or_else(|_| library.to_owned());
            if let Some(Node { kind: Kind::File(content), .. }) = tree.get(&end) {
                open.push((end.clone(), recipe.clone(), content.clone()));
            }
        }
    }
    Ok(())
}

/// The kernel opens a program's loader at exactly its path; the loader searches for the libraries.
fn is_there(tree: &Tree, needed: &Needed) -> bool {
    match needed {
        Needed::Loader(path) => tree.resolve(path).is_ok(),
        _ => needed.find(tree.paths()).is_some(),
    }
}

/// The packages that the package lock lists for this library, then those that recipes name.
fn find_in_packages<'a>(from: &'a Ingredients, needed: &'a Needed) -> Option<(&'a PackageId, &'a str)> {
    let providers: Vec<PackageId> = from.locked.providers(needed.name()).collect();
    let locked_for_it = providers.iter().filter_map(|id| from.packages.get_key_value(id));
    let mut all = locked_for_it.chain(from.packages);
    match needed {
        Needed::Loader(path) => {
            all.find_map(|(id, contents)| contents.get(path).map(|_| (id, path.as_str())))
        }
        _ => all.find_map(|(id, contents)| Some((id, needed.find(contents.paths())?))),
    }
}

fn contents<'a>(from: &Ingredients<'a>, package: &PackageId) -> Result<&'a Contents> {
    let contents = from.packages.get(package);
    contents.ok_or_else(|| Error::new(format!("package {} was not unpacked", package.name)))
}
