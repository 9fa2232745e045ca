//! Locked packages, unpacked once: as a plain tar for the root tree, as files for a tool.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::{LazyLock, OnceLock},
};

use crate::{
    context::BuildContext,
    debian::{
        contents::{self, Contents, TAR},
        deb, fetch,
    },
    error::{Context, Error, Result},
    manifest::{LockedManifest, LockedPackage, PackageId, Recipe},
    parallel,
    task::{self, Inputs, Output},
};

/// Packages in the cache, unpacked. Their content is listed on demand, once.
#[derive(Debug)]
pub struct Unpacked {
    outputs: BTreeMap<PackageId, Output>,
    contents: OnceLock<BTreeMap<PackageId, Contents>>,
}

impl Unpacked {
    /// The content of the packages.
    pub fn contents(&self) -> Result<&BTreeMap<PackageId, Contents>> {
        if let Some(contents) = self.contents.get() {
            return Ok(contents);
        }
        let open = |(id, output): (&PackageId, _)| Ok((id.clone(), Contents::open(output)?));
        let contents: BTreeMap<_, _> = self.outputs.iter().map(open).collect::<Result<_>>()?;
        Ok(self.contents.get_or_init(|| contents))
    }

    /// Adds every package to the inputs of a task.
    pub fn add_to(&self, inputs: Inputs) -> Inputs {
        self.outputs.iter().fold(inputs, |inputs, (id, output)| inputs.output(id.to_string(), output))
    }
}

/// Unpacks the packages that are not in the cache.
pub fn packages(ctx: &BuildContext, packages: &[&LockedPackage]) -> Result<Unpacked> {
    let all_there = packages.iter().all(|it| is_unpacked(ctx, it));
    let phase = (!all_there).then(|| ctx.progress.phase("unpack"));
    let mut queue = packages.to_vec();
    // The kernel comes first: it takes as long as all the others together.
    queue.sort_by_key(|it| std::cmp::Reverse(it.size));
    // Two threads: the decompressor is the bottleneck, and the compiler runs at the same time.
    let unpack = |it: &&LockedPackage| Ok((it.id(), plain_tar(ctx, it)?));
    let outputs: BTreeMap<_, _> = parallel::map(2, &queue, unpack)?.into_iter().collect();
    if let Some(phase) = phase {
        phase.done(format!("{} packages", outputs.len()));
    }
    Ok(Unpacked { outputs, contents: OnceLock::new() })
}

/// The packages that were not unpacked before.
pub fn missing<'a>(ctx: &BuildContext, packages: &[&'a LockedPackage]) -> Vec<&'a LockedPackage> {
    packages.iter().copied().filter(|it| !is_unpacked(ctx, it)).collect()
}

fn is_unpacked(ctx: &BuildContext, package: &LockedPackage) -> bool {
    task::is_made(ctx, &tar_task(package), &tar_inputs(package))
}

/// Whether a tool has been unpacked before.
pub fn is_tool_there(ctx: &BuildContext, locked: &LockedManifest, recipe: &Recipe) -> bool {
    task::is_made(ctx, &recipe.name, &tool_inputs(recipe, &locked.tool_packages(&recipe.name)))
}

/// A tool that has been unpacked before.
pub fn find_tool(ctx: &BuildContext, locked: &LockedManifest, recipe: &Recipe) -> Option<Output> {
    task::find(ctx, &recipe.name, &tool_inputs(recipe, &locked.tool_packages(&recipe.name)))
}

/// Unpacks the files that a tool's recipe names, as files in the output's directory, and the shared libraries of the
/// packages that are locked for their libraries.
pub fn tool(ctx: &BuildContext, locked: &LockedManifest, recipe: &Recipe) -> Result<Output> {
    let packages = locked.tool_packages(&recipe.name);
    let inputs = tool_inputs(recipe, &packages);
    let wanted: Vec<&str> = recipe.packages.iter().flat_map(|it| &it.files).map(String::as_str).collect();
    task::run(ctx, &recipe.name, inputs, |out| {
        let dir = out.dir();
        let debs = fetch::packages(ctx, &packages)?;
        for (package, deb) in packages.iter().zip(debs) {
            deb::for_each(&deb, |path, entry| {
                let named = wanted.iter().any(|it| path == *it || it.ends_with('/') && path.starts_with(it));
                let library = !package.is_named() && path.contains(".so");
                let kind = entry.header().entry_type();
                if !(named || library) || kind.is_dir() {
                    return Ok(());
                }
                deb::place(dir, path, entry)
            })
            .map_err(|error| broken_as_locked(package, error))?;
        }
        for path in &wanted {
            if !dir.join(path.trim_start_matches('/')).exists() {
                return Err(not_there(path, &recipe.name, &packages));
            }
        }
        Ok(format!("{} packages", packages.len()))
    })
}

fn tool_inputs(recipe: &Recipe, packages: &[&LockedPackage]) -> Inputs {
    let files: Vec<&str> = recipe.packages.iter().flat_map(|it| &it.files).map(String::as_str).collect();
    let inputs = unpacker().text("files", &files.join("\n"));
    packages.iter().fold(inputs, |inputs, package| inputs.text(package.id().to_string(), &package.sha256))
}

/// The error for a file that a recipe names but no package has.
pub fn not_there(path: &str, recipe: &str, packages: &[&LockedPackage]) -> Error {
    let names: Vec<&str> = packages.iter().map(|it| it.name.as_str()).collect();
    Error::new(format!("no locked package has {path}"))
        .fact(format!("recipe `{recipe}` asks for it from {}", names.join(", ")))
        .hint("correct the path in the recipe, then run `cargo xtask lock`")
}

fn plain_tar(ctx: &BuildContext, package: &LockedPackage) -> Result<Output> {
    task::run_silently(ctx, &tar_task(package), tar_inputs(package), |out| {
        let deb: PathBuf = fetch::packages(ctx, &[package])?.remove(0);
        let mut data = deb::data(&deb).map_err(|error| broken_as_locked(package, error))?;
        let broken = || format!("cannot unpack {}", package.file_name());
        let mut tar = BufWriter::new(File::create(out.join(TAR)).context(broken)?);
        io::copy(&mut data, &mut tar).and_then(|_| tar.flush()).context(broken)?;
        contents::list(out).map_err(|error| broken_as_locked(package, error.context(broken())))
    })
}

/// A package is unpacked only after its hash was verified.
fn broken_as_locked(package: &LockedPackage, error: Error) -> Error {
    error.fact(format!("it is {}, and has the SHA-256 of image/packages.lock", package.file_name())).hint(
        "if the archive has it no better, choose another `version` in the recipe, then `cargo xtask lock`",
    )
}

fn tar_task(package: &LockedPackage) -> String {
    format!("unpack/{}", package.name)
}

fn tar_inputs(package: &LockedPackage) -> Inputs {
    unpacker().text(package.id().to_string(), &package.sha256)
}

/// The source that unpacks is an input, and not the hash of this program: every change of the builder would unpack 300
/// MB again.
fn unpacker() -> Inputs {
    static SOURCE: LazyLock<Inputs> = LazyLock::new(|| {
        Inputs::default()
            .text("unpack.rs", include_str!("unpack.rs"))
            .text("deb.rs", include_str!("debian/deb.rs"))
            .text("contents.rs", include_str!("debian/contents.rs"))
    });
    SOURCE.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_unpacker_changes_the_key() {
        let package = LockedPackage {
            name: "ppp".into(),
            suite: "bookworm".into(),
            architecture: "armel".into(),
            version: "1".into(),
            path: "pool/ppp.deb".into(),
            size: 1,
            sha256: "a hash".into(),
            source: None,
            source_version: None,
            built_using: Vec::new(),
            recipes: Vec::new(),
            libraries: Vec::new(),
        };
        let key = tar_inputs(&package).key();
        for source in ["unpack.rs", "deb.rs", "contents.rs"] {
            assert_ne!(tar_inputs(&package).text(source, "changed").key(), key, "{source}");
        }
        let package_alone = Inputs::default().text(package.id().to_string(), &package.sha256);
        assert_ne!(package_alone.key(), key);
    }
}
