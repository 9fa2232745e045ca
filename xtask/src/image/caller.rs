//! Debian's wvdial with its libraries, as a squashfs, which `test` writes into the empty root B of a box that calls
//! another one. It is never part of the image.

use std::{path::PathBuf, slice};

use super::{
    gates,
    root::{self, Ingredients, Plan, Stage},
    squashfs::{self, XzBlocks},
};
use crate::unpack;
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

/// Makes it unless it is in the cache; returns its path.
pub fn make(ctx: &BuildContext, locked: &LockedManifest) -> Result<PathBuf> {
    let recipe = locked.manifest.tool(TOOL)?;
    let packages = locked.tool_packages(TOOL);
    let missing = unpack::missing(ctx, &packages);
    if !missing.is_empty() {
        fetch::packages(ctx, &missing)?;
    }
    let unpacked = unpack::packages(ctx, &packages)?;
    let inputs = Inputs::from_builder(ctx)?
        .text("epoch", &locked.epoch.to_string())
        .path("image/tools/caller.toml", &ctx.image_dir().join("tools/caller.toml"))?;
    let output = task::run(ctx, TOOL, unpacked.add_to(inputs), |out| {
        let plan = Plan { ctx, recipes: slice::from_ref(recipe), layers: &[], baked: None };
        let from = Ingredients { locked, packages: unpacked.contents()? };
        let tree = root::draw(&plan, Stage::Unpacked(&from))?;
        gates::check(&tree, plan.recipes, &[], |_| false)?;
        // A separate block cache: the image's keeps only the blocks of the last image.
        let cache = XzBlocks::load(&ctx.cache.join("caller-blocks"));
        let squashfs = squashfs::write(&tree, locked.time_stamp(), cache)?;
        out.write(FILE, &squashfs)?;
        Ok(format!("{} files, squashfs of {} kB", tree.files().count(), squashfs.len() / 1000))
    })?;
    Ok(output.dir()?.join(FILE))
}
