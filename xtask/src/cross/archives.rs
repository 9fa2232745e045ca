//! The files of a cargo home that a build without a network needs: the archives of all crates of some `Cargo.lock`s, and
//! the entries of their registry's index.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{cargo_home, crates, layer_programs, places};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    invocation::{Invocation, Place},
    manifest::LockedManifest,
    task::{Output, digest_file},
};

/// Downloads the crates of the checkout, of the standard library and of layers, and lists their files by their place in a
/// cargo home.
pub fn of_crates(
    ctx: &BuildContext,
    locked: &LockedManifest,
    toolchain: &Output,
) -> Result<BTreeMap<String, PathBuf>> {
    let library = crates::library(toolchain)?;
    let mut roots = vec![(Place::Workspace, ctx.workspace.clone()), (Place::Library, library)];
    let layers = layer_programs::with_programs(locked);
    roots.extend(layers.iter().map(|(layer, _)| (Place::Layer, layer.package_dir())));
    let mut wanted = BTreeMap::new();
    for (place, root) in roots {
        let places = places(ctx)?.with(place, &root);
        fetch(place).output(ctx, &places, "download the crates")?;
        wanted.extend(crates::checksums(&root.join("Cargo.lock"))?);
    }
    let registry = ctx.cargo_home.join("registry");
    let mut files = BTreeMap::new();
    for cache in directories(&registry.join("cache"))? {
        let name = cache.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut names = BTreeSet::new();
        for ((crate_name, version), sha256) in &wanted {
            let file = format!("{crate_name}-{version}.crate");
            let path = cache.join(&file);
            // Another registry may have a crate of the same name.
            if path.is_file() && digest_file(&path)? == *sha256 {
                files.insert(format!("registry/cache/{name}/{file}"), path);
                names.insert(crate_name);
            }
        }
        let index = registry.join("index").join(&name);
        let entries = names.iter().map(|it| format!(".cache/{}", index_path(it)));
        for entry in entries.chain(["config.json".into()]) {
            let path = index.join(&entry);
            if path.is_file() {
                files.insert(format!("registry/index/{name}/{entry}"), path);
            }
        }
    }
    for (name, version) in wanted.keys() {
        let end = format!("/{name}-{version}.crate");
        if !files.keys().any(|it| it.ends_with(&end)) {
            let error = Error::new(format!("cargo has downloaded no archive of the crate {name} {version}"));
            let looked = cargo_home::sources_of_crates(ctx);
            let error =
                looked.iter().fold(error, |error, it| error.fact(format!("it uses {}", it.display())));
            return Err(error.hint("take `[source]` out of the user's cargo configuration"));
        }
    }
    Ok(files)
}

fn fetch(place: Place) -> Invocation {
    Invocation::new(Place::Cargo, "/")
        .env("CARGO_HOME", Place::CargoHome.to_string())
        .env("RUSTC", Place::Rustc.to_string())
        // The standard library's manifest uses unstable features.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fetch", "--quiet", "--locked", "--color", "never"])
        .args(["--manifest-path".to_owned(), format!("{place}/Cargo.toml")])
}

fn directories(path: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(path).context(cannot)? {
        found.push(entry.context(cannot)?.path());
    }
    found.retain(|it| it.is_dir());
    found.sort();
    Ok(found)
}

/// Where an index has a crate (The Cargo Book, "Registry Index", "Index files").
fn index_path(name: &str) -> String {
    let name = name.to_lowercase();
    match name.len() {
        1 | 2 => format!("{}/{name}", name.len()),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_crate_in_the_index_is_that_of_cargo() {
        for (name, path) in [("a", "1/a"), ("ab", "2/ab"), ("abc", "3/a/abc"), ("Cargo", "ca/rg/cargo")] {
            assert_eq!(index_path(name), path);
        }
    }
}
