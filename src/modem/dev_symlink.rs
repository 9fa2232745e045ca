//! The link in `/dev` to the port for data: pppd and the person at the bench need not search for it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::site::Port;

/// A link such as `/dev/modem`, kept only if the site does not name that path itself: then somebody
/// else keeps it.
#[derive(Debug)]
pub struct DevSymlink {
    path: PathBuf,
    file: Option<PathBuf>,
}

impl DevSymlink {
    /// The link of that name.
    pub fn new(paths: &Paths, name: &str, port: &Port) -> Self {
        let path = Path::new("/dev").join(name);
        let is_port = matches!(port, Port::Device(device) if Path::new(device.as_str()) == path);
        let file = (!is_port).then(|| paths.path(&path));
        Self { path, file }
    }

    /// As the box sees it, such as `/dev/modem`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The port it leads to now.
    pub fn target(&self) -> Option<PathBuf> {
        fs::read_link(self.file.as_ref()?).ok()
    }

    /// Points it to a port.
    pub fn point_to(&self, port: &Path) -> io::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| self.target().as_deref() != Some(port)) else {
            return Ok(());
        };
        let new = file.with_extension("new");
        let _ = fs::remove_file(&new); // left by a service that was killed just here
        symlink(port, &new)?;
        fs::rename(new, file)
    }

    /// Takes it away.
    pub fn remove(&self) -> io::Result<()> {
        match self.file.as_ref().map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
