//! What the last build has left in `out/`.

use std::{
    fs::{self, File},
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use fatfs::{FileSystem, FsOptions};
use mbrman::MBR;

use super::{disk::SECTOR, initramfs};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::Manifest,
};

/// Sizes and counts of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Bytes of the image.
    pub image: u64,
    /// Bytes of the compressed image.
    pub compressed: u64,
    /// Bytes of the program `dialbox`.
    pub program: u64,
    /// Kernel modules in the initramfs.
    pub early_modules: u64,
}

impl Built {
    /// Reads the files; `None` if there is no image.
    pub fn read(ctx: &BuildContext, out: &Path) -> Result<Option<Self>> {
        let name = Manifest::load(ctx)?.name;
        if !out.join(format!("{name}.img")).is_file() {
            return Ok(None);
        }
        let built = Self::of_image(out, &name);
        let cannot = || format!("cannot look at the last build in {}", ctx.short(out));
        built.map(Some).map_err(|it| it.context(cannot()).hint("cargo xtask build-image"))
    }

    fn of_image(out: &Path, name: &str) -> Result<Self> {
        let size = |ending: &str| -> Result<u64> {
            let file = format!("{name}.{ending}");
            Ok(out.join(&file).metadata().context(|| format!("cannot find {file}"))?.len())
        };
        let image = File::open(out.join(format!("{name}.img")));
        let initramfs = image.and_then(|mut image| initramfs_of(&mut image));
        let early_modules = initramfs.and_then(|it| initramfs::count_modules(&it));
        Ok(Self {
            image: size("img")?,
            compressed: size("img.gz")?,
            program: program(&out.join(format!("{name}.files.tsv")), "/usr/sbin/dialbox")?,
            early_modules: early_modules.context(|| format!("cannot read the initramfs of {name}.img"))?,
        })
    }
}

/// Bytes of a program, from the list of the root's files.
fn program(list: &Path, path: &str) -> Result<u64> {
    let text = fs::read_to_string(list).context(|| "cannot read the list of the root's files".into())?;
    let bytes = text.lines().find_map(|line| line.strip_prefix(path)?.split('\t').nth(1)?.parse().ok());
    bytes.ok_or_else(|| Error::new(format!("the image has no {path}")))
}

/// The named file on the boot partition, which is the first one.
fn initramfs_of(image: &mut File) -> io::Result<Vec<u8>> {
    let mbr = MBR::read_from(image, SECTOR as u32).map_err(io::Error::other)?;
    let boot = &mbr[1];
    image.seek(SeekFrom::Start(u64::from(boot.starting_lba) * SECTOR))?;
    let mut partition = Vec::new();
    image.take(u64::from(boot.sectors) * SECTOR).read_to_end(&mut partition)?;
    let files = FileSystem::new(Cursor::new(partition), FsOptions::new())?;
    let mut archive = Vec::new();
    files.root_dir().open_file("initramfs.gz")?.read_to_end(&mut archive)?;
    Ok(archive)
}
