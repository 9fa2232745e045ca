//! The initramfs: our `init`, the modules that it needs to mount the root, and the record of what is on the card.

use std::io::{self, Read, Write};

use cpio::newc::{Builder, ModeFileType, Reader, trailer};
use dialbox::card::layout;
use flate2::{Compression, GzBuilder, read::GzDecoder};

use super::modules::Chosen;
use crate::error::{Context, Result};

/// A gzip'd cpio archive that the kernel unpacks.
pub fn write(init: &[u8], modules: &Chosen, card: &[u8], epoch: u32) -> Result<Vec<u8>> {
    let mut archive = Archive { bytes: Vec::new(), next_inode: 1, epoch };
    let made: io::Result<()> = (|| {
        for directory in ["dev", "modules", "proc", "root", "run", "sys"] {
            archive.add(directory, ModeFileType::Directory, 0o755, &[])?;
        }
        // The kernel opens it as init's first console (init/main.c, console_on_rootfs).
        archive.add_console()?;
        archive.add("init", ModeFileType::Regular, 0o755, init)?;
        archive.add(layout::PATH.trim_start_matches('/'), ModeFileType::Regular, 0o644, card)?;
        let mut order = String::new();
        for module in &modules.modules {
            let path = format!("modules/{}.ko", module.name);
            order += &format!("/{path}\n");
            archive.add(&path, ModeFileType::Regular, 0o644, &module.content)?;
        }
        archive.add("modules/order", ModeFileType::Regular, 0o644, order.as_bytes())?;
        archive.bytes = trailer(std::mem::take(&mut archive.bytes))?;
        Ok(())
    })();
    made.context(|| "cannot write the initramfs".into())?;
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let compressed = gzip.write_all(&archive.bytes).and_then(|()| gzip.finish());
    compressed.context(|| "cannot compress the initramfs".into())
}

/// How many modules an archive made by [`write`] holds.
pub fn count_modules(archive: &[u8]) -> io::Result<u64> {
    let mut count = 0;
    for_each(archive, |name, _| count += u64::from(name.ends_with(".ko")))?;
    Ok(count)
}

/// The record of what is on the card, from an archive made by [`write`]; empty if it has none.
pub fn card_record(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut record = Vec::new();
    for_each(archive, |name, content| {
        if name == layout::PATH.trim_start_matches('/') {
            record = content.to_vec();
        }
    })?;
    Ok(record)
}

fn for_each(archive: &[u8], mut visit: impl FnMut(&str, &[u8])) -> io::Result<()> {
    let mut contents = Vec::new();
    GzDecoder::new(archive).read_to_end(&mut contents)?;
    let mut rest = contents.as_slice();
    loop {
        let mut reader = Reader::new(rest)?;
        if reader.entry().is_trailer() {
            return Ok(());
        }
        let mut content = Vec::new();
        reader.read_to_end(&mut content)?;
        visit(reader.entry().name(), &content);
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
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
        gzip.write_all(&trailer(archive.bytes).unwrap()).unwrap();
        let mut compressed = gzip.finish().unwrap();
        assert_eq!(count_modules(&compressed).unwrap(), 2);
        compressed.truncate(compressed.len() / 2);
        assert!(count_modules(&compressed).is_err());
    }
}
