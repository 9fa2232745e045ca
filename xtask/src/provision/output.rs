//! Files of cards: complete under their names, or not there.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{base::Base, changes::Changes};
use crate::{
    error::{Error, Result},
    private,
};

/// The end of the name of a file that is not complete.
const PART: &str = ".part";

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
        let part = whole.with_file_name(format!(".{name}{PART}"));
        let file = BufWriter::with_capacity(64 << 10, private::create_file(&part)?);
        Ok(Self { part, whole, file })
    }

    /// From now on it gets this name when it is complete.
    pub fn finish_as(&mut self, whole: PathBuf) {
        self.whole = whole;
    }

    /// Gives it its name.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        private::rename(&self.part, &self.whole)
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
pub fn write_blocks(out: &Path, name: &str, base: &Base, changes: &Changes) -> Result<String> {
    let file = format!("{name}.blocks");
    let write = || {
        let mut new = NewFile::create(out.join(&file))?;
        new.write_all(&changes.encode(&base.id))?;
        new.finish()
    };
    write().map_err(|error| failed(&out.join(&file), error))?;
    Ok(file)
}

/// Writes `NAME.img`, without the blocks that are all zeros, and `NAME.img.bmap`; returns the image's name.
pub fn write_image(out: &Path, name: &str, base: &Base, changes: &Changes) -> Result<String> {
    let (file, map_file) = (format!("{name}.img"), format!("{name}.img.bmap"));
    let write_image = || {
        let image = NewFile::create(out.join(&file))?;
        image.file.get_ref().set_len(base.source.size)?;
        for (at, run) in &base.runs {
            let bytes = base.source.bytes(&(*at..*at + *run)).unwrap_or_default();
            image.file.get_ref().write_all_at(bytes, *at)?;
        }
        for (at, block) in &changes.blocks {
            image.file.get_ref().write_all_at(block, *at)?;
        }
        Ok(image)
    };
    let write_map = || {
        let mut map = NewFile::create(out.join(&map_file))?;
        map.write_all(base.bmap(changes).as_bytes())?;
        Ok(map)
    };
    let not = |file: &str| {
        let file = out.join(file);
        move |error| failed(&file, error)
    };
    let image: NewFile = write_image().map_err(not(&file))?;
    let map: NewFile = write_map().map_err(not(&map_file))?;
    // An image beside another one's map would be refused: the old pair or the new one, but for the moment between.
    image.finish().map_err(not(&file))?;
    map.finish().map_err(not(&map_file))?;
    Ok(file)
}

/// What a file of `--out` is called until it is complete, behind a dot: its name with one of these endings, and
/// [`PART`].
const ENDINGS: [&str; 4] = [".img", ".img.bmap", ".blocks", ".html"];

/// Removes the unfinished files of a run that was killed. They hold secrets, and another run may make other files.
pub fn remove_unfinished(out: &Path) -> io::Result<()> {
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        let name = entry.file_name();
        let whole = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(PART));
        if whole.is_some_and(|it| ENDINGS.iter().any(|ending| it.ends_with(ending)))
            && entry.file_type()?.is_file()
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What could not be written.
pub fn failed(what: &Path, error: io::Error) -> Error {
    Error::caused_by(format!("cannot write {}", what.display()), error)
        .fact("it was not written; the files before it are whole")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{flash::source::Source, provision::base::tests::base_image};

    #[test]
    fn an_image_is_the_base_with_its_changes_and_fits_its_map_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = base_image(dir.path(), "old");
        let base = Base::load(&path).unwrap();
        let changes = base.with_site("new").unwrap();
        let name = write_image(dir.path(), "cabin", &base, &changes).unwrap();
        let mut expected = fs::read(&path).unwrap();
        for (at, block) in &changes.blocks {
            expected[*at as usize..][..block.len()].copy_from_slice(block);
        }
        let image = dir.path().join(name);
        assert!(fs::read(&image).unwrap() == expected);
        // Refuses a map with another hash.
        assert_eq!(Source::load(&image).unwrap().mapped(), base.source.mapped());
        let blocks = dir.path().join(write_blocks(dir.path(), "cabin", &base, &changes).unwrap());
        assert_eq!(Changes::decode(&fs::read(&blocks).unwrap()), Ok((changes, base.id.clone())));
        for file in [image, blocks] {
            assert_eq!(
                fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                file.display()
            );
        }
    }

    #[test]
    fn a_file_that_was_not_finished_leaves_the_one_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cabin.blocks");
        let mut whole = NewFile::create(path.clone()).unwrap();
        whole.write_all(b"whole").unwrap();
        whole.finish().unwrap();
        let mut half = NewFile::create(path.clone()).unwrap();
        half.write_all(b"ha").unwrap();
        drop(half);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
