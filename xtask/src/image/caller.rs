//! The real wvdial with all it needs, as a squashfs: `test` writes it into the empty root of a box
//! that calls another one. It is never in the image.

use std::{path::PathBuf, slice};

use super::{
    gates,
    root::{self, Ingredients},
    squashfs, unpack,
};
use crate::{
    context::BuildContext,
    debian::fetch,
    error::Result,
    manifest::LockedManifest,
    task::{self, Inputs},
};

/// `image/tools/caller.toml`
const TOOL: &str = "caller";
const FILE: &str = "caller.squashfs";

/// Makes it, unless it is there; where it lies.
pub fn make(ctx: &BuildContext, locked: &LockedManifest) -> Result<PathBuf> {
    let recipe = locked.manifest.tool(TOOL)?;
    let packages = locked.tool_packages(TOOL);
    let missing = unpack::missing(ctx, &packages);
    if !missing.is_empty() {
        fetch::packages(ctx, &missing)?;
    }
    let unpacked = unpack::packages(ctx, &packages)?;
    let mut inputs = Inputs::from_builder(ctx)?
        .text("epoch", &locked.epoch.to_string())
        .path("image/tools/caller.toml", &ctx.image_dir().join("tools/caller.toml"))?;
    for (package, output) in &unpacked {
        inputs = inputs.output(package, output);
    }
    let output = task::run(ctx, TOOL, inputs, |out| {
        let tree = root::of_recipe(ctx, recipe, &Ingredients::read(locked, &unpacked)?)?;
        gates::check_files(&tree, slice::from_ref(recipe), &[])?;
        gates::every_link_leads_somewhere(&tree, |_| false)?;
        // A block cache of its own: the image's keeps only what the last image asked for.
        let squashfs = squashfs::write(&tree, locked.time_stamp(), &ctx.cache.join("caller-blocks"))?;
        out.write(FILE, &squashfs)?;
        Ok(format!("{} files, squashfs of {} kB", tree.files().count(), squashfs.len() / 1000))
    })?;
    Ok(output.dir.join(FILE))
}
