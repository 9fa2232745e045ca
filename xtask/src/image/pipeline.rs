//! The phases of an image, each a task: unpack → cross-compile → root → initramfs → boot → disk.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use super::{
    boot,
    boot_files::{self, INITRAMFS},
    disk, finished, firmware, gates, initramfs,
    inventory::{
        self, Place,
        bill::{self, Bill},
        copyright, licences, list, not_locked,
    },
    modems, outline,
    packages::{DrawnRoot, Packages, layer_part},
    report,
    root::{self, Baked, Plan},
    squashfs,
    tree::{Node, Origin},
    verity,
};
use crate::{
    context::BuildContext,
    cross::{self, Built},
    debian::fetch,
    error::{Context, Error, Result},
    manifest::{Layer, LockedManifest, PackageId},
    parallel,
    site::SiteSource,
    task::{self, Inputs, Output},
    unpack,
};

// Files of a phase that another one reads.
const ROOT_FILES: &str = "root-files.json";
const BOOT_FILES: &str = "boot-files.json";
const INITRAMFS_FILES: &str = "initramfs-files.json";
const WARNINGS: &str = "warnings";
const RECIPES: &str = "recipes.tsv";
const SQUASHFS: &str = "root.squashfs";
const HASHES: &str = "root.hashes";
const CARD: &str = "card";
const BOOT_MANIFEST: &str = "boot-manifest";

/// Checks what can be checked before there are packages, and fetches them: one download for all, with one progress bar.
/// Returns those that no mirror has any more.
pub fn prepare(ctx: &BuildContext, locked: &LockedManifest, site: &SiteSource) -> Result<Vec<PackageId>> {
    let plan = plan(ctx, locked, site);
    outline::check(&plan, &locked.manifest, &build_paths(&plan))?;
    let mut missing = unpack::missing(ctx, &locked.image_packages());
    if !unpack::is_tool_there(ctx, locked, locked.manifest.tool("toolchain")?) {
        missing.extend(locked.tool_packages("toolchain"));
    }
    fetch::packages_or_gone(ctx, &missing)
}

/// Runs the phases whose output is not in the cache; the result holds the files for `out/`.
///
/// The compiler mostly uses one processor; meanwhile the other unpacks, builds the root tree and compresses everything
/// that does not depend on the compiler.
pub fn build(ctx: &BuildContext, locked: &LockedManifest, site: &SiteSource) -> Result<Output> {
    let plan = plan(ctx, locked, site);
    let compile = || {
        let toolchain = unpack::tool(ctx, locked, locked.manifest.tool("toolchain")?)?;
        cross::build(ctx, locked, &toolchain)
    };
    let unpack = || Packages::unpack(plan, locked);
    let (built, packages, root) = if cross::is_built(ctx, locked)? {
        (compile()?, unpack()?, None)
    } else {
        let unpack_and_draw = || {
            let packages = unpack()?;
            let root = packages.draw_root()?;
            Ok((packages, Some(root)))
        };
        let (built, drawn) = parallel::join(compile, unpack_and_draw);
        let (packages, root) = drawn?;
        (built?, packages, root)
    };
    let phases = Phases { packages, site, built };
    let root = phases.root(root)?;
    let initramfs = phases.initramfs(&root)?;
    let boot = phases.boot(&initramfs)?;
    let listing = phases.listing(&root, &initramfs, &boot)?;
    let disk = phases.disk(&root, &boot, listing)?;
    for of in [root, initramfs] {
        for warning in String::from_utf8_lossy(&of.read(WARNINGS)?).lines() {
            ctx.progress.line(format!("  warning: {warning}"));
        }
    }
    Ok(disk)
}

fn plan<'a>(ctx: &'a BuildContext, locked: &'a LockedManifest, site: &'a SiteSource) -> Plan<'a> {
    let LockedManifest { manifest, epoch, .. } = locked;
    let baked = Some(Baked { site, epoch: *epoch });
    Plan { ctx, recipes: &manifest.recipes, layers: &manifest.layers, baked }
}

/// Directories of this machine that must not be named in the image.
fn build_paths(plan: &Plan) -> Vec<String> {
    let ctx = plan.ctx;
    let paths = [&ctx.workspace, &ctx.cargo_home, &ctx.cache];
    let paths = paths.into_iter().chain(plan.layers.iter().map(|it| &it.dir));
    // "/" or "/root" alone occurs in any image.
    let long = paths.filter(|it| it.components().count() > 2);
    long.map(|it| it.display().to_string()).collect()
}

/// The phases that need the programs, the site, or the output of another phase.
struct Phases<'a> {
    packages: Packages<'a>,
    site: &'a SiteSource,
    built: Built,
}

impl Phases<'_> {
    fn root(&self, drawn: Option<DrawnRoot>) -> Result<Output> {
        let Packages { plan, locked, .. } = &self.packages;
        let inputs = self
            .packages
            .inputs()
            .output("programs", &self.built.programs)
            .output("stub-libraries", &self.built.stub_libraries)
            .text("site.toml", &self.site.text)
            .path("overlay", &plan.ctx.workspace.join("overlay"))?;
        let inputs = locked.manifest.upper_layers().try_fold(inputs, |inputs, layer| {
            let inputs = self.built.layers.get(&layer.name).into_iter().fold(inputs, |inputs, programs| {
                inputs.output(format!("layer {}: programs", layer.name), programs)
            });
            layer_part(inputs, layer, "overlay")
        })?;
        task::run(plan.ctx, "root", inputs, |out| {
            let DrawnRoot { mut tree, cache } = drawn.map_or_else(|| self.packages.open_root(), Ok)?;
            root::add_compiled(&mut tree, &self.built)?;
            // All three only read the tree.
            let describe = || {
                gates::check(&tree, plan.recipes, &build_paths(plan), |_| false)?;
                self.packages.refuse_unasked_firmware(&tree)?;
                inventory::encode(&inventory::files(Place::Root, &tree)?)
            };
            let write = || {
                let squashfs = verity::whole_blocks(squashfs::write(&tree, locked.time_stamp(), cache)?);
                verity::tree(&squashfs, locked.epoch).map(|hashes| (squashfs, hashes))
            };
            let (files, written) = parallel::join(describe, write);
            let (files, (squashfs, hashes)) = (files?, written?);
            let disk = &locked.manifest.disk;
            let card = disk::Layout::from_disk(disk).card(hashes.verity().clone(), disk.signature);
            out.write(SQUASHFS, &squashfs)?;
            out.write(HASHES, &hashes.hash_area())?;
            out.write(CARD, card.to_record().to_string().as_bytes())?;
            out.write(ROOT_FILES, &files)?;
            let packages = self.packages.unpacked.contents()?;
            let warnings = firmware::missing(&tree, "the root", plan.recipes, packages)?;
            out.write(WARNINGS, warnings.as_bytes())?;
            out.write(RECIPES, report::recipes(&tree, plan.recipes).as_bytes())?;
            Ok(format!("{} files, squashfs of {} kB", tree.files().count(), squashfs.len() / 1000))
        })
    }

    fn initramfs(&self, root: &Output) -> Result<Output> {
        let inputs = self.packages.inputs().output_file("init", &self.built.programs)?;
        let inputs = inputs.output_file(CARD, root)?;
        let recipes = &modems::with_drivers(self.packages.plan.recipes, self.packages.plan.layers)?;
        let early = recipes.iter().flat_map(|it| &it.initramfs_modules).map(String::as_str);
        let inputs = inputs.text("modules", &early.collect::<Vec<_>>().join(" "));
        task::run(self.packages.plan.ctx, "initramfs", inputs, |out| {
            let (modules, kernel) = root::early_modules(recipes, &self.packages.ingredients()?)?;
            let init = read(&self.built.programs.dir()?.join("init"))?;
            gates::init_is_hardened(&init)?;
            let card = read(&root.dir()?.join(CARD))?;
            let tree = initramfs::draw(init, &modules, &kernel, card, recipes)?;
            let cache = self.packages.gzip_cache("initramfs");
            let bytes = initramfs::write(&tree, self.packages.locked.time_stamp(), &cache)?;
            cache.save()?;
            out.write(INITRAMFS_FILES, &inventory::encode(&inventory::files(Place::Initramfs, &tree)?)?)?;
            // It is loaded before the root is there.
            let packages = self.packages.unpacked.contents()?;
            let warnings = firmware::missing(&tree, "the initramfs", recipes, packages)?;
            out.write(WARNINGS, warnings.as_bytes())?;
            out.write(INITRAMFS, &bytes)?;
            Ok(format!("{} modules, {} kB", modules.modules.len(), bytes.len() / 1000))
        })
    }

    fn boot(&self, initramfs: &Output) -> Result<Output> {
        let Packages { plan: Plan { ctx, .. }, locked, .. } = &self.packages;
        let files = ctx.image_dir().join("boot");
        let inputs = self
            .packages
            .inputs()
            .output("initramfs", initramfs)
            .text("site.toml", &self.site.text)
            .path("image/boot", &files)?;
        task::run(ctx, "boot", inputs, |out| {
            let mut tree = self.packages.boot_files()?;
            let mut add = |name: &str, content: Arc<[u8]>, origin| {
                tree.add(&format!("/{name}"), Node::file(content, 0o644, &origin))
            };
            for name in boot_files::own(ctx)? {
                add(&name, read(&files.join(&name))?, Origin::Boot)?;
            }
            add(INITRAMFS, read(&initramfs.dir()?.join(INITRAMFS))?, Origin::Root)?;
            add(boot_files::SITE, Arc::from(self.site.text.as_bytes()), Origin::Site)?;
            out.write(BOOT_FILES, &inventory::encode(&inventory::files(Place::Boot, &tree)?)?)?;
            let content: BTreeMap<String, Arc<[u8]>> =
                tree.files().map(|(path, _, content)| (path[1..].to_owned(), content.clone())).collect();
            let disk = &locked.manifest.disk;
            let fat = boot::write(&content, disk.boot_mib, locked.epoch, disk.signature)?;
            // A third of it is free clusters.
            out.write_runs("boot.fat", &fat, &disk::used(&fat))?;
            out.write(BOOT_MANIFEST, &boot_files::manifest(&content)?)?;
            Ok(format!("{} files", content.len()))
        })
    }

    fn listing<'a>(
        &'a self,
        root: &'a Output,
        initramfs: &'a Output,
        boot: &'a Output,
    ) -> Result<Listing<'a>> {
        let Packages { plan: Plan { ctx, .. }, locked, .. } = &self.packages;
        let licences = copyright::in_directory(&ctx.workspace, "dialbox")?;
        let parts = [(ROOT_FILES, root), (INITRAMFS_FILES, initramfs), (BOOT_FILES, boot)];
        let mut inputs = self.packages.inputs().output("crates", &self.built.crates);
        let mut layers = Vec::new();
        for layer in &locked.manifest.layers {
            inputs = layer_part(inputs, layer, &layer.lock())?;
            if !layer.is_checkout() {
                let texts = copyright::in_directory(&layer.dir, &layer.name)?;
                inputs = texts.iter().fold(inputs, |inputs, it| inputs.text(&it.name, &it.text));
                layers.push((layer, texts));
            }
        }
        let inputs =
            parts.iter().try_fold(inputs, |inputs, (name, output)| inputs.output_file(name, output))?;
        let inputs = licences.iter().fold(inputs, |inputs, it| inputs.text(&it.name, &it.text));
        let inputs = inputs.text("substitutes", &locked.substitutes.concat());
        Ok(Listing { inputs, parts, licences, layers })
    }

    /// What is in the image, for people and for other programs: lists, bills of materials, licences.
    fn inventory(&self, listing: Listing) -> Result<Output> {
        let Packages { plan: Plan { ctx, .. }, locked, .. } = &self.packages;
        let Listing { inputs, parts, licences, layers } = listing;
        task::run(ctx, "inventory", inputs, |out| {
            let mut files = Vec::new();
            for (name, output) in parts {
                files.extend(inventory::decode(&read(&output.dir()?.join(name))?)?);
            }
            let own = bill::Own::read(locked, &self.built.crates, licences, layers)?;
            let bill = Bill::new(locked, self.packages.unpacked.contents()?, own, files)?;
            let name = &locked.manifest.name;
            out.write(&format!("{name}.files.tsv"), list::write(&bill).as_bytes())?;
            for (ending, text) in inventory::documents(&bill) {
                out.write(&format!("{name}.{ending}"), text.as_bytes())?;
            }
            if let Some(note) = not_locked::note(&locked.substitutes) {
                out.write(&not_locked::file(name), note.as_bytes())?;
            }
            licences::write(&bill, out)?;
            Ok(format!("{} components, {} files", bill.components.len(), bill.files.len()))
        })
    }

    /// The files for `out/`. The inventory is made beside the image, of which nothing follows from it.
    fn disk(&self, root: &Output, boot: &Output, listing: Listing) -> Result<Output> {
        let Packages { plan: Plan { ctx, .. }, locked, .. } = &self.packages;
        let inputs = self.packages.inputs().output("root", root).output("boot", boot);
        let inputs = inputs.text("inventory", &listing.inputs.key());
        let (name, layout) = (&locked.manifest.name, &locked.manifest.disk);
        let cache = self.packages.gzip_cache("image");
        task::run(ctx, "disk", inputs, |out| {
            let make_image = || {
                let (of_root, of_boot) = (root.dir()?, boot.dir()?);
                let parts = finished::Parts {
                    squashfs: read(&of_root.join(SQUASHFS))?,
                    hashes: read(&of_root.join(HASHES))?,
                    manifest: read(&of_boot.join(BOOT_MANIFEST))?,
                    fat: read(&of_boot.join("boot.fat"))?,
                };
                let (mut summed, compressed, bytes) = parts.write(out, name, layout, &cache)?;
                summed.write(&format!("{name}.{RECIPES}"), &read(&of_root.join(RECIPES))?)?;
                let (plain, packed) = (bytes / 1_000_000, compressed.len() as f64 / 1e6);
                Ok::<_, Error>((summed, compressed, format!("{plain} MB, compressed {packed:.1} MB")))
            };
            let (image, inventory) = parallel::join(make_image, || self.inventory(listing));
            let (mut summed, compressed, outcome) = image?;
            summed.copy(&inventory?)?;
            summed.write(&format!("{name}.img.gz"), &compressed)?;
            summed.finish()?;
            Ok(outcome)
        })
    }
}

/// What the inventory is made of.
struct Listing<'a> {
    inputs: Inputs,
    /// The lists of files of the phases, each with its name.
    parts: [(&'static str, &'a Output); 3],
    licences: Vec<copyright::Text>,
    /// Each layer above the checkout, with its licences.
    layers: Vec<(&'a Layer, Vec<copyright::Text>)>,
}

fn read(path: &Path) -> Result<Arc<[u8]>> {
    fs::read(path).map(Into::into).context(|| format!("cannot read {}", path.display()))
}
