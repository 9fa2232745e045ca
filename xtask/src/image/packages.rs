//! The image's packages, unpacked, and what is made of them alone.

use std::path::PathBuf;

use super::{
    block_cache::BlockCache,
    firmware, modems,
    root::{self, Ingredients, Plan, Stage},
    squashfs::{self, XzBlocks},
    tree::{Node, Origin, Source, Tree},
};
use crate::{
    debian::contents::Entry,
    error::Result,
    manifest::{Layer, LockedManifest},
    task::Inputs,
    unpack::{self, Unpacked, not_there},
};

/// The image's packages, unpacked: the input of the phases that do not need the compiler.
pub struct Packages<'a> {
    /// What the image is made of.
    pub plan: Plan<'a>,
    /// With exact packages.
    pub locked: &'a LockedManifest,
    /// The packages.
    pub unpacked: Unpacked,
    /// The inputs of every phase: this program, the image's data, the packages.
    inputs: Inputs,
}

/// The root tree without compiled files, and the compressed blocks of the rest.
pub struct DrawnRoot {
    /// The tree.
    pub tree: Tree,
    /// The blocks.
    pub cache: &'static XzBlocks,
}

impl<'a> Packages<'a> {
    /// Unpacks those that are not in the cache.
    pub fn unpack(plan: Plan<'a>, locked: &'a LockedManifest) -> Result<Self> {
        let ctx = plan.ctx;
        let unpacked = unpack::packages(ctx, &locked.image_packages())?;
        let mut inputs = Inputs::from_builder(ctx)?.text("epoch", &locked.epoch.to_string());
        for part in ["image.toml", "recipes"] {
            inputs = inputs.path(&format!("image/{part}"), &ctx.image_dir().join(part))?;
        }
        // By name: where a layer lies must not decide about the key.
        let names: Vec<&str> = plan.layers.iter().map(|it| it.name.as_str()).collect();
        inputs = inputs.text("layers", &names.join(" "));
        for layer in locked.manifest.upper_layers() {
            inputs = layer_part(inputs, layer, "layer.toml")?;
            inputs = layer_part(inputs, layer, "recipes")?;
        }
        Ok(Self { plan, locked, inputs: unpacked.add_to(inputs), unpacked })
    }

    /// Builds the root tree and compresses it while the compiler runs.
    pub fn draw_root(&self) -> Result<DrawnRoot> {
        let root = self.open_root()?;
        squashfs::compress_ahead(&root.tree, self.locked.time_stamp(), root.cache)?;
        Ok(root)
    }

    /// The root tree without compiled files.
    pub fn open_root(&self) -> Result<DrawnRoot> {
        let tree = root::draw(&self.plan, Stage::Unpacked(&self.ingredients()?))?;
        Ok(DrawnRoot { tree, cache: XzBlocks::load(&self.block_cache()) })
    }

    /// What every phase depends on.
    pub fn inputs(&self) -> Inputs {
        self.inputs.clone()
    }

    /// What the root tree is drawn from.
    pub fn ingredients(&self) -> Result<Ingredients<'_>> {
        Ok(Ingredients { locked: self.locked, packages: self.unpacked.contents()? })
    }

    /// The files of packages for the boot partition.
    pub fn boot_files(&self) -> Result<Tree> {
        let mut files = Tree::default();
        let packages = self.unpacked.contents()?;
        for recipe in self.plan.recipes {
            for package in &recipe.packages {
                for (name, path) in &package.boot {
                    let entry = packages.get(&package.id).and_then(|it| it.get(path));
                    let Some(Entry::File(content, _)) = entry else {
                        return Err(not_there(path, &recipe.name, &[self.locked.package(&package.id)?]));
                    };
                    let origin = Origin::new(&recipe.name, Source::Package(package.id.clone()));
                    files.add(&format!("/{name}"), Node::file(content.read()?, 0o644, &origin))?;
                }
            }
        }
        Ok(files)
    }

    /// Refuses firmware that recipes do without and no module of root or initramfs asks for.
    pub fn refuse_unasked_firmware(&self, root: &Tree) -> Result<()> {
        // It costs reading the initramfs' modules.
        if self.plan.recipes.iter().all(|it| it.without_firmware.is_empty()) {
            return Ok(());
        }
        let recipes = modems::with_drivers(self.plan.recipes, self.plan.layers)?;
        let (early, _) = root::early_modules(&recipes, &self.ingredients()?)?;
        firmware::refuse_unasked(root, &early, &recipes)
    }

    fn block_cache(&self) -> PathBuf {
        self.plan.ctx.cache.join("squashfs-blocks")
    }

    /// The compressed parts of an earlier image or initramfs.
    pub fn gzip_cache(&self, of: &str) -> BlockCache {
        BlockCache::load(&self.plan.ctx.cache.join(format!("{of}-blocks")))
    }
}

/// A file or directory of a layer, if it has that.
pub fn layer_part(inputs: Inputs, layer: &Layer, part: &str) -> Result<Inputs> {
    let path = layer.dir.join(part);
    if path.exists() { inputs.path(&format!("layer {}: {part}", layer.name), &path) } else { Ok(inputs) }
}
