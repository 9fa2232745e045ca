//! The phases of an image, each a task: unpack → cross-compile → root → initramfs → boot → disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use dialbox::site::Site;

use super::{
    boot, disk, gates, gzip, initramfs, outline, report,
    root::{self, Ingredients},
    squashfs,
    tree::Tree,
    unpack::{self, Entry, not_there},
};
use crate::{
    context::BuildContext,
    cross::{self, Built},
    debian::fetch,
    error::{Context, Result},
    manifest::LockedManifest,
    task::{self, Inputs, Output, WorkDir},
};

/// A site, as text and as what it means.
#[derive(Debug, Clone, Copy)]
pub struct SiteSource<'a> {
    /// The file's content.
    pub text: &'a str,
    /// Its meaning.
    pub site: &'a Site,
}

/// Makes what is not there yet; the output holds the files that go into `out/`.
///
/// The compiler works mostly on one processor; meanwhile the other unpacks, assembles, checks and
/// compresses all that does not wait for it.
pub fn build(ctx: &BuildContext, locked: &LockedManifest, site: SiteSource) -> Result<Output> {
    outline::check(ctx, &locked.manifest.recipes, site)?;
    fetch_what_is_missing(ctx, locked)?;
    let (built, packages) = thread::scope(|scope| {
        let built = scope.spawn(|| {
            let toolchain = unpack::tool(ctx, locked, locked.manifest.tool("toolchain")?)?;
            cross::build(ctx, locked, &toolchain)
        });
        let packages = Packages::unpack(ctx, locked).and_then(|it| it.compress().map(|()| it));
        (built.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), packages)
    });
    let phases = Phases { packages: packages?, site, built: built? };
    let root = phases.root()?;
    let initramfs = phases.initramfs()?;
    let boot = phases.boot(&initramfs)?;
    phases.disk(&root, &boot)
}

/// One download for everything, with one progress bar, before anything else begins.
fn fetch_what_is_missing(ctx: &BuildContext, locked: &LockedManifest) -> Result<()> {
    let mut missing = unpack::missing(ctx, &locked.image_packages());
    if !unpack::is_tool_there(ctx, locked, locked.manifest.tool("toolchain")?) {
        missing.extend(locked.tool_packages("toolchain"));
    }
    if !missing.is_empty() {
        fetch::packages(ctx, &missing)?;
    }
    Ok(())
}

/// The image's packages, unpacked: what the phases before the compiler is done work on.
struct Packages<'a> {
    ctx: &'a BuildContext,
    locked: &'a LockedManifest,
    unpacked: BTreeMap<String, Output>,
    /// What every phase depends on: this program, the image's data, the packages.
    inputs: Inputs,
}

impl<'a> Packages<'a> {
    fn unpack(ctx: &'a BuildContext, locked: &'a LockedManifest) -> Result<Self> {
        let unpacked = unpack::packages(ctx, &locked.image_packages())?;
        let mut inputs = Inputs::from_builder(ctx)?.text("epoch", &locked.epoch.to_string());
        for part in ["image.toml", "recipes"] {
            inputs = inputs.path(&format!("image/{part}"), &ctx.image_dir().join(part))?;
        }
        for (package, output) in &unpacked {
            inputs = inputs.output(package, output);
        }
        Ok(Self { ctx, locked, unpacked, inputs })
    }

    /// Checks what the packages bring and compresses it, for the block cache of the `root` phase.
    fn compress(&self) -> Result<()> {
        let inputs = self.inputs().path("overlay", &self.ctx.overlay_dir())?;
        let done = task::run(self.ctx, "compress", inputs, |_| {
            let tree = self.tree()?;
            gates::check_files(&tree, &self.locked.manifest.recipes, &self.build_paths())?;
            squashfs::write(&tree, self.locked.time_stamp(), &self.block_cache())?;
            Ok(format!("{} files from packages and overlay", tree.files().count()))
        });
        done.map(drop)
    }

    fn tree(&self) -> Result<Tree> {
        root::from_packages(self.ctx, &self.ingredients()?)
    }

    fn inputs(&self) -> Inputs {
        self.inputs.clone()
    }

    fn ingredients(&self) -> Result<Ingredients<'_>> {
        Ingredients::read(self.locked, &self.unpacked)
    }

    fn boot_files(&self) -> Result<BTreeMap<String, Arc<[u8]>>> {
        let mut files = BTreeMap::new();
        for recipe in &self.locked.manifest.recipes {
            for package in recipe.packages.iter().filter(|it| !it.boot.is_empty()) {
                let contents = unpack::read(&package.id.name, &self.unpacked[&package.id.name])?;
                for (name, path) in &package.boot {
                    let Some(Entry::File(content, _)) = contents.get(path) else {
                        return Err(not_there(path, &recipe.name, &[self.locked.package(&package.id)?]));
                    };
                    files.insert(name.clone(), content.read()?);
                }
            }
        }
        Ok(files)
    }

    fn block_cache(&self) -> PathBuf {
        self.ctx.cache.join("squashfs-blocks")
    }

    fn build_paths(&self) -> Vec<String> {
        let paths = [&self.ctx.workspace, &self.ctx.cargo_home, &self.ctx.cache];
        // "/" or "/root" alone would be found in any image.
        let long = paths.into_iter().filter(|it| it.components().count() > 2);
        long.map(|it| it.display().to_string()).collect()
    }
}

/// The phases that need the programs, the site, or what another phase made.
struct Phases<'a> {
    packages: Packages<'a>,
    site: SiteSource<'a>,
    built: Built,
}

impl Phases<'_> {
    fn root(&self) -> Result<Output> {
        let Packages { ctx, locked, .. } = self.packages;
        let inputs = self
            .packages
            .inputs()
            .output("programs", &self.built.programs)
            .output("stub-libraries", &self.built.stub_libraries)
            .text("site.toml", self.site.text)
            .path("overlay", &ctx.overlay_dir())?;
        task::run(ctx, "root", inputs, |out| {
            let mut tree = self.packages.tree()?;
            root::complete(&mut tree, locked, &self.built, self.site.text, self.site.site)?;
            gates::check(&tree, &locked.manifest.recipes, &self.packages.build_paths())?;
            let squashfs =
                squashfs::write(&tree, self.packages.locked.time_stamp(), &self.packages.block_cache())?;
            out.write("root.squashfs", &squashfs)?;
            out.write("files.tsv", report::files(&tree).as_bytes())?;
            out.write("recipes.tsv", report::recipes(&tree, &locked.manifest.recipes).as_bytes())?;
            Ok(format!("{} files, squashfs of {} kB", tree.files().count(), squashfs.len() / 1000))
        })
    }

    fn initramfs(&self) -> Result<Output> {
        let init = self.built.programs.dir.join("init");
        let inputs = self.packages.inputs().path("init", &init)?;
        task::run(self.packages.ctx, "initramfs", inputs, |out| {
            let modules = root::early_modules(&self.packages.ingredients()?)?;
            let init = fs::read(&init).context(|| "cannot read the program init".into())?;
            let bytes = initramfs::write(&init, &modules, self.packages.locked.time_stamp())?;
            out.write("initramfs.gz", &bytes)?;
            Ok(format!("{} modules, {} kB", modules.modules.len(), bytes.len() / 1000))
        })
    }

    fn boot(&self, initramfs: &Output) -> Result<Output> {
        let Packages { ctx, locked, .. } = self.packages;
        let files = ctx.image_dir().join("boot");
        let inputs = self
            .packages
            .inputs()
            .output("initramfs", initramfs)
            .text("site.toml", self.site.text)
            .path("image/boot", &files)?;
        task::run(ctx, "boot", inputs, |out| {
            let mut content = self.packages.boot_files()?;
            for name in ["config.txt", "cmdline.txt"] {
                content.insert(name.into(), read(&files.join(name))?);
            }
            content.insert("initramfs.gz".into(), read(&initramfs.dir.join("initramfs.gz"))?);
            content.insert("site.toml".into(), Arc::from(self.site.text.as_bytes()));
            let disk = &locked.manifest.disk;
            let fat = boot::write(&content, disk.boot_mib, locked.epoch, disk.signature)?;
            out.write("boot.fat", &fat)?;
            Ok(format!("{} files", content.len()))
        })
    }

    fn disk(&self, root: &Output, boot: &Output) -> Result<Output> {
        let Packages { ctx, locked, .. } = self.packages;
        let inputs = self.packages.inputs().output("root", root).output("boot", boot);
        let name = &locked.manifest.name;
        task::run(ctx, "disk", inputs, |out| {
            let layout = &locked.manifest.disk;
            let root_image = read(&root.dir.join("root.squashfs"))?;
            let image = disk::write(layout, &read(&boot.dir.join("boot.fat"))?, &root_image)?;
            let image = image.as_slice();
            let (compressed, sums) = thread::scope(|scope| {
                // The root is compressed already, and better.
                let stored = disk::Layout::from_disk(layout).root(root_image.len());
                let compressed = scope.spawn(move || gzip::compress(image, &stored));
                let sums = write_described(out, name, image, &root.dir);
                (compressed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), sums)
            });
            let compressed = compressed.context(|| "cannot compress the image".into())?;
            let sums = sums? + &summed(out, &format!("{name}.img.gz"), &compressed)?;
            out.write("SHA256SUMS", sums.as_bytes())?;
            Ok(format!("{} MB, compressed {:.1} MB", image.len() / 1_000_000, compressed.len() as f64 / 1e6))
        })
    }
}

fn read(path: &Path) -> Result<Arc<[u8]>> {
    fs::read(path).map(Into::into).context(|| format!("cannot read {}", path.display()))
}

/// Writes the image and what describes it; returns their lines for `SHA256SUMS`.
fn write_described(out: &WorkDir, name: &str, image: &[u8], root: &Path) -> Result<String> {
    let used = disk::used(image);
    let file = format!("{name}.img");
    let mut sums = sum_line(&out.write_runs(&file, image, &used)?, &file);
    sums += &summed(out, &format!("{name}.img.bmap"), disk::bmap(image, &used).as_bytes())?;
    for table in ["files.tsv", "recipes.tsv"] {
        sums += &summed(out, &format!("{name}.{table}"), &read(&root.join(table))?)?;
    }
    Ok(sums)
}

/// Writes a file and returns its line for `SHA256SUMS`.
fn summed(out: &WorkDir, name: &str, bytes: &[u8]) -> Result<String> {
    Ok(sum_line(&out.write(name, bytes)?, name))
}

fn sum_line(digest: &str, name: &str) -> String {
    format!("{digest}  {name}\n")
}
