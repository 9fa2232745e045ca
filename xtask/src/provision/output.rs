//! Files of cards: complete under their names, or not there.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{base::Base, changes::Changes};
use crate::{error::Error, private};

/// A file that gets its name when it is complete; dropped before, it is removed. Only its owner can read it.
#[derive(Debug)]
pub struct NewFile {
    part: PathBuf,
    whole: PathBuf,
    file: BufWriter<File>,
}

impl NewFile {
    /// Creates it beside the place where it will be.
    pub fn create(whole: PathBuf) -> io::Result<Self> {
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let part = whole.with_file_name(format!(".{name}.part"));
        let file = BufWriter::with_capacity(64 << 10, private::create_file(&part)?);
        Ok(Self { part, whole, file })
    }

    /// Gives it its name.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.part, &self.whole)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After `finish` there is nothing left to remove.
        let _ = fs::remove_file(&self.part);
    }
}

/// Writes `NAME.blocks`; returns its name.
pub fn write_blocks(out: &Path, name: &str, base: &Base, changes: &Changes) -> io::Result<String> {
    let file = format!("{name}.blocks");
    let mut new = NewFile::create(out.join(&file))?;
    new.write_all(&changes.encode(&base.id))?;
    new.finish()?;
    Ok(file)
}

/// Writes `NAME.img`, without the blocks that are all zeros, and `NAME.img.bmap`; returns the image's name.
pub fn write_image(out: &Path, name: &str, base: &Base, changes: &Changes) -> io::Result<String> {
    let file = format!("{name}.img");
    let image = NewFile::create(out.join(&file))?;
    image.file.get_ref().set_len(base.source.size)?;
    for (at, run) in &base.runs {
        let bytes = base.source.bytes(&(*at..*at + *run)).unwrap_or_default();
        image.file.get_ref().write_all_at(bytes, *at)?;
    }
    for (at, block) in &changes.blocks {
        image.file.get_ref().write_all_at(block, *at)?;
    }
    let mut map = NewFile::create(out.join(format!("{file}.bmap")))?;
    map.write_all(base.bmap(changes).as_bytes())?;
    // An image beside another one's map would be refused: the old pair or the new one, but for the moment between.
    image.finish()?;
    map.finish()?;
    Ok(file)
}

/// What could not be written.
pub fn failed(what: &Path, error: io::Error) -> Error {
    Error::caused_by(format!("cannot write {}", what.display()), error)
        .fact("it was not written; the files before it are whole")
}
