//! The symlink in `/dev` to the data port, for pppd and for people.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::site::Port;

/// A symlink such as `/dev/modem`. If the site itself names that path, another program maintains it.
#[derive(Debug)]
pub struct DevSymlink {
    path: PathBuf,
    file: Option<PathBuf>,
}

impl DevSymlink {
    /// The symlink of that name.
    pub fn new(paths: &Paths, name: &str, port: &Port) -> Self {
        let path = Path::new("/dev").join(name);
        let is_port = matches!(port, Port::Device(device) if Path::new(device.as_str()) == path);
        let file = (!is_port).then(|| paths.path(&path));
        Self { path, file }
    }

    /// Its path on the box, such as `/dev/modem`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The port that it points to now.
    pub fn target(&self) -> Option<PathBuf> {
        fs::read_link(self.file.as_ref()?).ok()
    }

    /// Points it at a port.
    pub fn point_to(&self, port: &Path) -> io::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| self.target().as_deref() != Some(port)) else {
            return Ok(());
        };
        let new = file.with_extension("new");
        let _ = fs::remove_file(&new); // left by a service that was killed between these two calls
        symlink(port, &new)?;
        fs::rename(new, file)
    }

    /// Removes it.
    pub fn remove(&self) -> io::Result<()> {
        match self.file.as_ref().map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
