//! The image from its parts, with its block map and its compressed form.

use std::sync::Arc;

use dialbox::card::{BLOCK, boot_manifest::BootManifest};

use super::{block_cache::BlockCache, disk, gzip, summed::Summed};
use crate::{
    error::{Context, Error, Result},
    manifest::Disk,
    parallel,
    task::WorkDir,
};

/// The bytes of the partitions.
pub struct Parts {
    /// The root's squashfs, in whole blocks.
    pub squashfs: Arc<[u8]>,
    /// Its hash tree.
    pub hashes: Arc<[u8]>,
    /// The manifest of the boot files.
    pub manifest: Arc<[u8]>,
    /// The boot partition.
    pub fat: Arc<[u8]>,
}

impl Parts {
    /// Writes `NAME.img` and `NAME.img.bmap`; returns their sums, the bytes of `NAME.img.gz`, and those of the image.
    pub fn write<'a>(
        &self,
        out: &'a WorkDir,
        name: &str,
        layout: &Disk,
        cache: &BlockCache,
    ) -> Result<(Summed<'a>, Vec<u8>, usize)> {
        // Whole blocks each, but for the last one.
        let root = [&self.squashfs, &self.hashes, &self.manifest].map(|it| &**it).concat();
        let image = disk::write(layout, &self.fat, &root, self.boot_copy()?)?;
        let image = image.as_slice();
        // squashfs has already compressed the root, and better.
        let stored = disk::Layout::from_disk(layout).root(self.squashfs.len());
        let (compressed, summed) = parallel::join(
            || gzip::compress(image, &gzip::parts(image.len(), &stored), cache),
            || {
                let bmap = disk::bmap(layout, image, root.len());
                let mut summed = Summed::new(out);
                summed.write_image(&format!("{name}.img"), image)?;
                summed.write(&format!("{name}.img.bmap"), bmap.as_bytes())?;
                Ok::<_, Error>(summed)
            },
        );
        let compressed = compressed.context(|| "cannot compress the image".into())?;
        cache.save()?;
        Ok((summed?, compressed, image.len()))
    }

    /// Bytes of the copy of the boot files that the box makes.
    fn boot_copy(&self) -> Result<u64> {
        let manifest = BootManifest::decode(&self.manifest);
        let manifest = manifest.map_err(|why| Error::new(format!("the boot manifest is {why:?}")))?;
        Ok(manifest.copy_blocks() * BLOCK as u64)
    }
}
