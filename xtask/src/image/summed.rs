//! The files of `out/`, and their lines for `SHA256SUMS`.

use std::fs;

use super::disk;
use crate::{
    error::{Context, Result},
    task::{Output, WorkDir},
};

/// Their list, as `sha256sum --check` reads it.
pub const SUMS: &str = "SHA256SUMS";

/// Files of a task that are listed.
pub struct Summed<'a> {
    out: &'a WorkDir,
    lines: String,
}

impl<'a> Summed<'a> {
    /// None yet.
    pub fn new(out: &'a WorkDir) -> Self {
        Self { out, lines: String::new() }
    }

    /// Writes a file.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let digest = self.out.write(name, bytes)?;
        self.add(&digest, name);
        Ok(())
    }

    /// Writes the image; blocks that nothing uses are left out of the file.
    pub fn write_image(&mut self, name: &str, image: &[u8]) -> Result<()> {
        let digest = self.out.write_runs(name, image, &disk::used(image))?;
        self.add(&digest, name);
        Ok(())
    }

    /// Copies another task's files.
    pub fn copy(&mut self, from: &Output) -> Result<()> {
        let dir = from.dir()?;
        for name in from.names()? {
            let path = dir.join(&name);
            let bytes = fs::read(&path).context(|| format!("cannot read {}", path.display()))?;
            self.write(&name, &bytes)?;
        }
        Ok(())
    }

    /// Writes the list.
    pub fn finish(self) -> Result<()> {
        self.out.write(SUMS, self.lines.as_bytes()).map(drop)
    }

    fn add(&mut self, digest: &str, name: &str) {
        self.lines += &format!("{digest}  {name}\n");
    }
}
