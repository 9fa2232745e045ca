//! The initramfs: our `init`, the modules that it needs to mount the root, and the record of what is on the card.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use cpio::newc::{Builder, ModeFileType, Reader, trailer};
use dialbox::card::layout;
use flate2::{Compression, read::GzDecoder};

use super::{
    block_cache::BlockCache,
    gzip,
    modules::Chosen,
    tree::{Kind, Node, Origin, Source, Tree},
};
use crate::{
    error::{Context, Result},
    manifest::{PackageId, Recipe},
};

/// What is in it: `init`, the modules of this kernel package, and the record of the card.
pub fn draw(
    init: Arc<[u8]>,
    modules: &Chosen,
    kernel: &PackageId,
    card: Arc<[u8]>,
    recipes: &[Recipe],
) -> Result<Tree> {
    let names =
        |recipe: &&Recipe, name: &str| recipe.initramfs_modules.iter().any(|it| it.replace('-', "_") == name);
    let holds_kernel = |recipe: &&Recipe| recipe.packages.iter().any(|it| it.id == *kernel);
    let kernel_recipe = recipes.iter().find(holds_kernel).map_or("kernel", |it| &it.name);
    let init_recipe = recipes.iter().find(|it| it.binaries.iter().any(|it| it == "init"));
    let made = Origin::new(kernel_recipe, Source::Builder);
    let mut tree = Tree::default();
    for directory in ["/dev", "/modules", "/proc", "/root", "/run", "/sys"] {
        tree.add_directory(directory, &made)?;
    }
    let origin = Origin::new(init_recipe.map_or("base", |it| &it.name), Source::Program("init".into()));
    tree.add("/init", Node::file(init, 0o755, &origin))?;
    tree.add(layout::PATH, Node::file(card, 0o644, &Origin::Root))?;
    let mut order = String::new();
    for module in &modules.modules {
        // A module that others depend on is named by no recipe.
        let recipe = recipes.iter().find(|it| names(it, &module.name)).map_or(kernel_recipe, |it| &it.name);
        let path = format!("/modules/{}.ko", module.name);
        order += &format!("{path}\n");
        let origin = Origin::new(recipe, Source::Package(kernel.clone()));
        tree.add(&path, Node::file(module.content.clone(), 0o644, &origin))?;
    }
    tree.add("/modules/order", Node::file(order.into_bytes(), 0o644, &made))?;
    Ok(tree)
}

/// A gzip'd cpio archive that the kernel unpacks. The record of the card, which has the root's hash, comes last and is
/// compressed on its own: all before it is the same for every site.
pub fn write(tree: &Tree, epoch: u32, cache: &BlockCache) -> Result<Vec<u8>> {
    let mut archive = Archive { bytes: Vec::new(), next_inode: 1, epoch };
    let mut cut = 0;
    let made: io::Result<()> = (|| {
        let (record, others): (Vec<_>, Vec<_>) = tree.iter().partition(|(path, _)| *path == layout::PATH);
        let last = others.len();
        for (at, (path, node)) in others.into_iter().chain(record).enumerate() {
            if at == last {
                cut = archive.bytes.len();
            }
            let (kind, content) = match &node.kind {
                Kind::Directory => (ModeFileType::Directory, &[][..]),
                Kind::File(content) => (ModeFileType::Regular, &content[..]),
                Kind::Symlink(target) => (ModeFileType::Symlink, target.as_bytes()),
                Kind::Pending => return Err(io::Error::other(format!("{path} has no content"))),
            };
            archive.add(path.trim_start_matches('/'), kind, node.mode.into(), content)?;
        }
        // The kernel opens it as init's first console (init/main.c, console_on_rootfs).
        archive.add_console()?;
        archive.bytes = trailer(std::mem::take(&mut archive.bytes))?;
        Ok(())
    })();
    made.context(|| "cannot write the initramfs".into())?;
    let level = Compression::best();
    let ranges = [0..cut, cut..archive.bytes.len()].into_iter().filter(|it| !it.is_empty());
    let parts: Vec<gzip::Part> = ranges.map(|range| gzip::Part { range, level }).collect();
    gzip::compress(&archive.bytes, &parts, cache).context(|| "cannot compress the initramfs".into())
}

/// How many modules an archive made by [`write`] holds.
pub fn count_modules(archive: &[u8]) -> io::Result<u64> {
    Ok(files(archive)?.iter().filter(|(name, _)| name.ends_with(".ko")).count() as u64)
}

/// The record of what is on the card, from an archive made by [`write`]; empty if it has none.
pub fn card_record(archive: &[u8]) -> io::Result<Vec<u8>> {
    let path = layout::PATH.trim_start_matches('/');
    let record = files(archive)?.into_iter().find(|(name, _)| name == path);
    Ok(record.map(|(_, content)| content).unwrap_or_default())
}

/// The regular files of such an archive: names without a `/` at the beginning, and contents.
pub fn files(archive: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut contents = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut contents)?;
    let mut rest = contents.as_slice();
    let mut files = Vec::new();
    loop {
        let mut reader = Reader::new(rest)?;
        if reader.entry().is_trailer() {
            return Ok(files);
        }
        let name = reader.entry().name().to_owned();
        // The upper bits of a mode are the file's type (inode(7)).
        if reader.entry().mode() & 0o170_000 == u32::from(ModeFileType::Regular) {
            let mut content = Vec::new();
            reader.read_to_end(&mut content)?;
            files.push((name, content));
        }
        rest = reader.finish()?;
    }
}

struct Archive {
    bytes: Vec<u8>,
    next_inode: u32,
    epoch: u32,
}

impl Archive {
    fn add(&mut self, path: &str, kind: ModeFileType, mode: u32, content: &[u8]) -> io::Result<()> {
        let entry = self.entry(path, mode).set_mode_file_type(kind);
        self.write(entry, content)
    }

    fn add_console(&mut self) -> io::Result<()> {
        let entry = self.entry("dev/console", 0o600).set_mode_file_type(ModeFileType::Char);
        self.write(entry.rdev_major(5).rdev_minor(1), &[])
    }

    fn entry(&mut self, path: &str, mode: u32) -> Builder {
        let inode = self.next_inode;
        self.next_inode += 1;
        Builder::new(path).ino(inode).mode(mode).mtime(self.epoch)
    }

    fn write(&mut self, entry: Builder, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut writer = entry.write(std::mem::take(&mut self.bytes), length);
        writer.write_all(content)?;
        self.bytes = writer.finish()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_modules_are_counted() {
        let mut archive = Archive { bytes: Vec::new(), next_inode: 1, epoch: 0 };
        archive.add("modules", ModeFileType::Directory, 0o755, &[]).unwrap();
        archive.add_console().unwrap();
        for path in ["init", "modules/squashfs.ko", "modules/overlay.ko", "modules/order"] {
            archive.add(path, ModeFileType::Regular, 0o644, path.as_bytes()).unwrap();
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&trailer(archive.bytes).unwrap()).unwrap();
        let mut compressed = gzip.finish().unwrap();
        assert_eq!(count_modules(&compressed).unwrap(), 2);
        compressed.truncate(compressed.len() / 2);
        assert!(count_modules(&compressed).is_err());
    }
}
