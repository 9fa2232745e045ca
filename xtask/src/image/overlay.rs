//! `overlay/`: files copied into the root unchanged.

use std::{fs, os::unix::fs::PermissionsExt};

use super::tree::{Node, Origin, Source, Tree};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::Recipe,
    task,
};

/// Adds the files that a recipe claims.
pub fn add(ctx: &BuildContext, tree: &mut Tree, recipe: &Recipe) -> Result<()> {
    let overlay = ctx.overlay_dir();
    let origin = Origin::new(&recipe.name, Source::Overlay);
    for claimed in &recipe.overlay {
        let place = overlay.join(claimed);
        if place.symlink_metadata().is_err() {
            let name = &recipe.name;
            return Err(Error::new(format!("recipe `{name}` names overlay/{claimed}, which is not there"))
                .hint(format!("correct `overlay` in image/recipes/{name}.toml, or add the file")));
        }
        for file in task::files_below(&place)? {
            let inside = format!("/{}", file.strip_prefix(&overlay).unwrap_or(&file).display());
            let unreadable = || format!("cannot read {}", ctx.short(&file));
            let kind = fs::symlink_metadata(&file).context(unreadable)?;
            let node = if kind.is_symlink() {
                Node::symlink(fs::read_link(&file).context(unreadable)?.to_string_lossy(), &origin)
            } else {
                // git keeps only the x bit; the umask of a checkout must not reach the image.
                let mode = if kind.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
                Node::file(fs::read(&file).context(unreadable)?, mode, &origin)
            };
            tree.add(&inside, node)?;
        }
    }
    Ok(())
}

/// Without this check, a file that no recipe claims would silently be missing from the image.
pub fn refuse_unclaimed(ctx: &BuildContext, recipes: &[Recipe]) -> Result<()> {
    let overlay = ctx.overlay_dir();
    let claimed: Vec<&String> = recipes.iter().flat_map(|it| &it.overlay).collect();
    for file in task::files_below(&overlay)? {
        let path = file.strip_prefix(&overlay).unwrap_or(&file).to_string_lossy().into_owned();
        if !claimed.iter().any(|it| **it == path || it.ends_with('/') && path.starts_with(it.as_str())) {
            return Err(Error::new(format!("overlay/{path} belongs to no recipe"))
                .hint(format!("add \"{path}\" to `overlay` in the recipe it serves, or remove the file")));
        }
    }
    Ok(())
}
