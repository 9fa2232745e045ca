//! The crates that are linked into the device's programs: this project's dependencies and those of the standard library.
//!
//! `cargo tree` knows them, with features and target resolved as for the build, and their licences. (`cargo metadata`
//! would also name what other members of the workspace use, and download it.) The texts are in the crates' sources, which
//! cargo has unpacked to compile them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::sysroot::STD;
use super::{RUSTC_COMMIT, RUSTC_RELEASE, TARGET, cargo_home, layer_programs, places};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    invocation::{Invocation, Place},
    manifest::{LINKED, LockedManifest, Package, PackageId},
    task::{self, Inputs, Output},
};

pub(super) const TASK: &str = "crates";
const LIST: &str = "crates.tsv";
const TEXTS: &str = "texts";

/// A crate of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    /// `serde`
    pub name: String,
    /// `1.0.229`
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
    /// Of the registry's archive, in hexadecimal.
    pub sha256: String,
    /// Licences and notices: name of the file and its text.
    pub texts: Vec<(String, String)>,
}

/// The parts of a `Cargo.lock` that are read.
#[derive(Debug, Deserialize)]
struct CargoLock {
    #[serde(default, rename = "package")]
    packages: Vec<LockedCrate>,
}

#[derive(Debug, Deserialize)]
struct LockedCrate {
    name: String,
    version: String,
    checksum: Option<String>,
}

pub(super) fn inputs(ctx: &BuildContext, locked: &LockedManifest, toolchain: &Output) -> Result<Inputs> {
    let mut inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("builder", include_str!("crates.rs"))
        .invocation("tree of the programs", &programs_tree())
        .invocation("tree of the standard library", &library_tree())
        .invocation("tree of a layer's programs", &layer_tree())
        .output("toolchain", toolchain)
        .text("packages", &linked_packages(locked)?.iter().map(|it| it.to_string()).collect::<String>());
    for name in ["Cargo.toml", "Cargo.lock"] {
        inputs = inputs.path(name, &ctx.workspace.join(name))?;
    }
    for (layer, _) in layer_programs::with_programs(locked) {
        inputs = layer_programs::package_inputs(inputs, layer)?;
    }
    Ok(inputs)
}

pub(super) fn build(ctx: &BuildContext, locked: &LockedManifest, toolchain: &Output) -> Result<Output> {
    task::run_shared(ctx, TASK, inputs(ctx, locked, toolchain)?, |out| {
        let library = library(toolchain)?;
        let places = places(ctx)?.with(Place::Library, &library);
        let mut lines = BTreeSet::new();
        let mut roots = vec![
            (programs_tree(), ctx.workspace.clone(), places.clone()),
            (library_tree(), library.clone(), places.clone()),
        ];
        for (layer, _) in layer_programs::with_programs(locked) {
            let package = layer.package_dir();
            roots.push((layer_tree(), package.clone(), places.clone().with(Place::Layer, package)));
        }
        for (tree, root, places) in roots {
            let listed = tree.output(ctx, &places, "list the crates of the device's programs")?;
            refuse_foreign_paths(&listed, &root)?;
            let checksums = checksums(&root.join("Cargo.lock"))?;
            for (name, version, licence) in listed.lines().filter_map(from_registry) {
                let sha256 = checksums.get(&(name.to_owned(), version.to_owned())).ok_or_else(|| {
                    Error::new(format!(
                        "crate {name} {version} has no checksum in {}/Cargo.lock",
                        root.display()
                    ))
                    .hint("only crates of a registry can be listed in the bill of materials")
                })?;
                lines.insert(format!("{name}\t{version}\t{}\t{sha256}\n", expression(licence)));
                keep_texts(ctx, name, version, &out.join(TEXTS))?;
            }
        }
        for id in linked_packages(locked)? {
            let text = copyright(toolchain.dir()?, id)?;
            out.write(&copyright_file(id), &text)?;
        }
        let count = lines.len();
        out.write(LIST, lines.into_iter().collect::<String>().as_bytes())?;
        Ok(format!("{count} crates"))
    })
}

/// The workspace of the standard library in the unpacked toolchain.
pub(super) fn library(toolchain: &Output) -> Result<PathBuf> {
    Ok(toolchain.dir()?.join(format!("usr/src/rustc-{RUSTC_RELEASE}/library")))
}

/// The packages of the toolchain that are linked into the programs: the standard library's source, musl, libgcc. Those
/// that only have the documents of another one are left out.
pub fn linked_packages(locked: &LockedManifest) -> Result<Vec<&PackageId>> {
    let tool = locked.manifest.tool(LINKED)?;
    let has_code = |it: &&Package| it.files.iter().any(|file| !file.starts_with(DOCUMENTS));
    Ok(tool.packages.iter().filter(has_code).map(|it| &it.id).collect())
}

/// The copyright file of a [linked package](linked_packages), from the task's output.
pub fn copyright_of(output: &Output, id: &PackageId) -> Result<Vec<u8>> {
    let file = output.dir()?.join(copyright_file(id));
    fs::read(&file).context(|| format!("cannot read {}", file.display()))
}

const DOCUMENTS: &str = "/usr/share/doc/";

fn copyright_file(id: &PackageId) -> String {
    format!("{}.copyright", id.name)
}

/// A package's copyright file (Debian Policy §12.5) in the unpacked toolchain.
fn copyright(toolchain: &Path, id: &PackageId) -> Result<Vec<u8>> {
    let path = format!("{DOCUMENTS}{}/copyright", id.name);
    let missing = || {
        Error::new(format!("the toolchain has no copyright file of {}", id.name))
            .fact(format!("{path} is not there, or leads out of the toolchain"))
            .hint(format!("add it to `files` of {} in image/tools/{LINKED}.toml", id.name))
    };
    let file = toolchain.join(path.trim_start_matches('/')).canonicalize();
    let inside = |file: &PathBuf| toolchain.canonicalize().is_ok_and(|it| file.starts_with(it));
    let file = file.ok().filter(inside).ok_or_else(missing)?;
    fs::read(&file).context(|| format!("cannot read {}", file.display()))
}

/// Reads what the task has left.
pub fn read(output: &Output) -> Result<Vec<Crate>> {
    let dir = output.dir()?;
    let cannot = || "cannot read the list of crates".to_owned();
    let list = fs::read_to_string(dir.join(LIST)).context(cannot)?;
    let mut crates = Vec::new();
    for line in list.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, version, licence, sha256] = fields[..] else { return Err(Error::new(cannot())) };
        let [name, version, licence, sha256] = [name, version, licence, sha256].map(str::to_owned);
        let mut texts = Vec::new();
        let sources = dir.join(TEXTS).join(format!("{name}-{version}"));
        for file in task::files_below(&sources)? {
            let bytes = fs::read(&file).context(cannot)?;
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            texts.push((file, String::from_utf8_lossy(&bytes).into_owned()));
        }
        crates.push(Crate { name, version, licence, sha256, texts });
    }
    Ok(crates)
}

fn programs_tree() -> Invocation {
    tree(Place::Workspace).args(["--package", "dialbox"])
}

/// As `layer_programs.rs` builds it.
fn layer_tree() -> Invocation {
    tree(Place::Layer)
}

/// A crate of another directory would not be in the keys of the tasks: its changes would be missed.
fn refuse_foreign_paths(listed: &str, root: &Path) -> Result<()> {
    let root = &root.canonicalize().unwrap_or_else(|_| root.to_owned());
    for line in listed.lines() {
        let Some((package, place)) = line.split('\t').next().and_then(|it| it.split_once(" (")) else {
            continue;
        };
        let place = place.trim_end_matches(" (*)").trim_end_matches(')');
        // A procedural macro and a crate of git have something else in parentheses.
        if place.starts_with('/') && !Path::new(place).starts_with(root) {
            return Err(Error::new(format!("{package} is a crate outside of {}", root.display()))
                .fact(format!("it lies in {place}"))
                .hint("use crates of a registry, or move it into the package's directory"));
        }
    }
    Ok(())
}

/// As `sysroot.rs` builds it.
fn library_tree() -> Invocation {
    tree(Place::Library).args(STD).env("RUSTC_BOOTSTRAP", "1")
}

/// A procedural macro runs in the compiler only.
fn tree(directory: Place) -> Invocation {
    Invocation::new(Place::Cargo, "/")
        .env("CARGO_HOME", Place::CargoHome.to_string())
        .env("RUSTC", Place::Rustc.to_string())
        .args(["tree", "--quiet", "--locked", "--color", "never", "--prefix", "none", "--target", TARGET])
        .args(["--edges", "normal,no-proc-macro", "--format", "{p}\t{l}"])
        .args(["--manifest-path".to_owned(), format!("{directory}/Cargo.toml")])
}

/// `name v1.2.3`, a tab, its licence; a package of a path or of git has its place in parentheses.
fn from_registry(line: &str) -> Option<(&str, &str, &str)> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    // cargo marks a package that it has listed before.
    words.next().is_none().then_some((name, version, licence.trim_end_matches(" (*)")))
}

/// `/` is cargo's former `OR`.
fn expression(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

/// SHA-256 of the archives of all crates of a registry, by name and version.
pub(super) fn checksums(lock: &Path) -> Result<BTreeMap<(String, String), String>> {
    let cannot = || format!("cannot read {}", lock.display());
    let lock: CargoLock = toml::from_str(&fs::read_to_string(lock).context(cannot)?).context(cannot)?;
    let checksum = |it: LockedCrate| Some(((it.name, it.version), it.checksum?));
    Ok(lock.packages.into_iter().filter_map(checksum).collect())
}

/// Copies licences and notices of a crate's source.
fn keep_texts(ctx: &BuildContext, name: &str, version: &str, to: &Path) -> Result<()> {
    let source = source(ctx, name, version)?;
    let to = to.join(format!("{name}-{version}"));
    let copy = || {
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&source)? {
            let entry = entry?;
            if is_licence(&entry.file_name().to_string_lossy()) && entry.path().is_file() {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().map_err(|error: std::io::Error| error).context(|| format!("cannot copy the licences of {name}"))
}

/// Where cargo has unpacked a crate, or the user has (`cargo vendor`).
fn source(ctx: &BuildContext, name: &str, version: &str) -> Result<PathBuf> {
    let numbered = format!("{name}-{version}");
    let directories = cargo_home::sources_of_crates(ctx);
    let manifest = format!("version = \"{version}\"");
    let is_here = |dir: &PathBuf| {
        let is_numbered = dir.ends_with(&numbered);
        let text = fs::read_to_string(dir.join("Cargo.toml"));
        text.is_ok_and(|it| is_numbered || it.lines().any(|line| line == manifest))
    };
    let mut candidates = directories.iter().flat_map(|it| [it.join(&numbered), it.join(name)]);
    candidates.find(is_here).ok_or_else(|| {
        let error = Error::new(format!("the source of crate {numbered} is not there, which has its licence"));
        directories
            .iter()
            .fold(error, |error, it| error.fact(format!("looked in {}", it.display())))
            .hint("with a network, run `cargo fetch --locked`, then the same command again")
    })
}

/// Whether a crate's file of this name is a licence or a notice.
pub fn is_licence(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["licen", "copying", "copyright", "notice", "unlicense"].iter().any(|it| name.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_a_registry_are_taken_and_those_of_a_path_are_not() {
        for (line, expected) in [
            ("serde v1.0.229\tMIT OR Apache-2.0", Some(("serde", "1.0.229", "MIT OR Apache-2.0"))),
            ("serde v1.0.229\tMIT OR Apache-2.0 (*)", Some(("serde", "1.0.229", "MIT OR Apache-2.0"))),
            ("dialbox v0.1.0 (/src/dialbox)\tMIT", None),
            ("", None),
        ] {
            assert_eq!(from_registry(line), expected, "{line}");
        }
        assert_eq!(expression("MIT/Apache-2.0"), "MIT OR Apache-2.0");
    }

    #[test]
    fn the_files_of_a_crate_that_matter_are_known_by_their_names() {
        for (name, expected) in [
            ("LICENSE-MIT", true),
            ("COPYING", true),
            ("UNLICENSE", true),
            ("licence.txt", true),
            ("README.md", false),
        ] {
            assert_eq!(is_licence(name), expected, "{name}");
        }
    }
}
