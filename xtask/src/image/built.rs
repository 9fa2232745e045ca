//! What the last build left in `out/`.

use std::{
    fs::File,
    io::{Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use fatfs::{FileSystem, FsOptions};
use flate2::read::GzDecoder;
use mbrman::MBR;

use super::disk::SECTOR;
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::Manifest,
};

/// Sizes and counts that a build decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Bytes of the image.
    pub image: u64,
    /// Bytes of the compressed image.
    pub compressed: u64,
    /// Bytes of the program `sms-dialer`.
    pub sms_dialer: u64,
    /// Kernel modules in the initramfs.
    pub early_modules: u64,
}

impl Built {
    /// Looks at the files; `None` if there is no image.
    pub fn read(ctx: &BuildContext, out: &Path) -> Result<Option<Self>> {
        let name = Manifest::load(ctx)?.name;
        let path = out.join(format!("{name}.img"));
        if !path.is_file() {
            return Ok(None);
        }
        let cannot = |file: &str| format!("cannot read {}", ctx.short(&out.join(file)));
        let size =
            |file: String| -> Result<u64> { Ok(out.join(&file).metadata().context(|| cannot(&file))?.len()) };
        Ok(Some(Self {
            image: size(format!("{name}.img"))?,
            compressed: size(format!("{name}.img.gz"))?,
            sms_dialer: program(out, &name, "/usr/sbin/sms-dialer")?,
            early_modules: early_modules(&path).context(|| cannot(&format!("{name}.img")))?,
        }))
    }
}

/// Bytes of a program of the root, by the list of its files.
fn program(out: &Path, image: &str, path: &str) -> Result<u64> {
    let list = out.join(format!("{image}.files.tsv"));
    let text = std::fs::read_to_string(&list).context(|| format!("cannot read {}", list.display()));
    let text = text.map_err(|it| it.hint("cargo xtask build-image"))?;
    let bytes = text.lines().find_map(|line| line.strip_prefix(path)?.split('\t').nth(1)?.parse().ok());
    bytes.ok_or_else(|| Error::new(format!("the image has no {path}")))
}

/// The initramfs of the boot partition lists its modules.
fn early_modules(image: &Path) -> Result<u64> {
    let broken = || "its boot partition has no readable initramfs.gz".to_owned();
    let mut file = File::open(image).context(broken)?;
    let mbr = MBR::read_from(&mut file, SECTOR as u32).context(broken)?;
    let boot = &mbr[1];
    file.seek(SeekFrom::Start(u64::from(boot.starting_lba) * SECTOR)).context(broken)?;
    let mut partition = Vec::new();
    file.take(u64::from(boot.sectors) * SECTOR).read_to_end(&mut partition).context(broken)?;
    let files = FileSystem::new(Cursor::new(partition), FsOptions::new()).context(broken)?;
    let mut archive = files.root_dir().open_file("initramfs.gz").context(broken)?;
    let mut compressed = Vec::new();
    archive.read_to_end(&mut compressed).context(broken)?;
    let mut contents = Cursor::new(Vec::new());
    GzDecoder::new(compressed.as_slice()).read_to_end(contents.get_mut()).context(broken)?;
    let mut count = 0;
    loop {
        let entry = cpio::NewcReader::new(contents).context(broken)?;
        if entry.entry().is_trailer() {
            return Ok(count);
        }
        count += u64::from(entry.entry().name().ends_with(".ko"));
        contents = entry.finish().context(broken)?;
    }
}
