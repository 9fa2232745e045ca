//! `overlay/` of the checkout and of the layers: files copied into the root unchanged.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use super::tree::{Node, Origin, Source, Tree};
use crate::{
    error::{Context, Error, Result},
    manifest::{Layer, Recipe},
    task,
};

/// The files of all layers, by their path below `overlay/`.
#[derive(Debug)]
pub struct Overlay<'a>(BTreeMap<String, Claimable<'a>>);

/// A file that a recipe may claim.
#[derive(Debug)]
struct Claimable<'a> {
    file: PathBuf,
    /// Whose file it is.
    layer: &'a Layer,
    /// The lowest layer that has a file of this name: its recipes, and those above, may claim it.
    level: usize,
}

impl<'a> Overlay<'a> {
    /// Lists the files. Two of one name are an error, unless the upper layer says that it replaces the lower one.
    pub fn read(layers: &'a [Layer]) -> Result<Self> {
        let mut files: BTreeMap<String, Claimable> = BTreeMap::new();
        for (level, layer) in layers.iter().enumerate() {
            let directory = layer.overlay_dir();
            let mut replaced: Vec<&String> = layer.raw.replace_overlay.iter().collect();
            let found = if directory.exists() { task::files_below(&directory)? } else { Vec::new() };
            for file in found {
                let path = file.strip_prefix(&directory).unwrap_or(&file).to_string_lossy().into_owned();
                let replaces = replaced.iter().position(|it| **it == path).map(|at| replaced.remove(at));
                match (files.get_mut(&path), replaces) {
                    (None, None) => drop(files.insert(path, Claimable { file, layer, level })),
                    // What a layer has replaced belongs to that layer: a second one does not know of it.
                    (Some(below), Some(_)) if std::ptr::eq(below.layer, &layers[below.level]) => {
                        (below.file, below.layer) = (file, layer);
                    }
                    (Some(below), _) => return Err(two_files(&path, below.layer, layer)),
                    (None, Some(_)) => {
                        return Err(no_target(layer, &path).fact("nothing below it has a file of that name"));
                    }
                }
            }
            if let Some(path) = replaced.first() {
                let missing = layer.shown(&format!("overlay/{path}"));
                return Err(no_target(layer, path).fact(format!("there is no {missing}")));
            }
        }
        Ok(Self(files))
    }

    /// Adds the files that a recipe claims.
    pub fn add(&self, tree: &mut Tree, recipe: &Recipe) -> Result<()> {
        for claimed in &recipe.overlay {
            let mut claimed_files =
                self.0.iter().filter(|(path, it)| claims(recipe, claimed, path, it)).peekable();
            if claimed_files.peek().is_none() {
                let name = &recipe.name;
                return Err(Error::new(format!(
                    "recipe `{name}` names overlay/{claimed}, which is not there"
                ))
                .hint(format!("correct `overlay` in {}, or add the file", recipe.file)));
            }
            for (path, Claimable { file, layer, .. }) in claimed_files {
                let unreadable = || format!("cannot read {}", layer.shown(&format!("overlay/{path}")));
                let origin = Origin::new(&recipe.name, Source::Overlay).of_layer(layer);
                let kind = fs::symlink_metadata(file).context(unreadable)?;
                let node = if kind.is_symlink() {
                    Node::symlink(fs::read_link(file).context(unreadable)?.to_string_lossy(), &origin)
                } else {
                    // git keeps only the x bit; the umask of a checkout must not reach the image.
                    let mode = if kind.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
                    Node::file(fs::read(file).context(unreadable)?, mode, &origin)
                };
                tree.add(&format!("/{path}"), node)?;
            }
        }
        Ok(())
    }

    /// Without this check, a file that no recipe claims would silently be missing from the image. The files of a recipe
    /// that a layer leaves out are left out with it.
    pub fn refuse_unclaimed<'r>(&self, recipes: impl Iterator<Item = &'r Recipe> + Clone) -> Result<()> {
        for (path, file) in &self.0 {
            let mut all =
                recipes.clone().flat_map(|recipe| recipe.overlay.iter().map(move |it| (recipe, it)));
            if !all.any(|(recipe, claimed)| claims(recipe, claimed, path, file)) {
                let shown = file.layer.shown(&format!("overlay/{path}"));
                return Err(Error::new(format!("{shown} belongs to no recipe")).hint(format!(
                    "add \"{path}\" to `overlay` in the recipe it serves, or remove the file"
                )));
            }
        }
        Ok(())
    }
}

fn claims(recipe: &Recipe, claimed: &str, path: &str, file: &Claimable) -> bool {
    let named = claimed == path || claimed.ends_with('/') && path.starts_with(claimed);
    named && file.level <= recipe.level
}

fn no_target(layer: &Layer, path: &str) -> Error {
    Error::new(format!("{} lists `{path}` under `replace-overlay`", layer.file()))
        .hint("correct the path, which is written without overlay/, or take it out")
}

fn two_files(path: &str, below: &Layer, layer: &Layer) -> Error {
    let shown = |layer: &Layer| layer.shown(&format!("overlay/{path}"));
    Error::new(format!("two layers have the file overlay/{path}"))
        .fact(format!("{} and {}", shown(below), shown(layer)))
        .hint(match below.is_checkout() {
            true => {
                format!("list \"{path}\" under `replace-overlay` in {}, or remove it there", layer.file())
            }
            false => "remove one of the two".into(),
        })
}
