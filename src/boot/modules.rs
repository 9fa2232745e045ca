//! The kernel modules of the initramfs, which are needed to mount the root.

use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::system::finit_module;

use super::{Fatal, OrFatal};

/// The builder's list: one path a line, each module after those it depends on.
const ORDER: &str = "/modules/order";

/// Loads every module of the initramfs. A module that is loaded already or built in is not an error.
pub fn load() -> Result<(), Fatal> {
    let order = fs::read_to_string(ORDER).or_fatal(&format!("reading {ORDER}"))?;
    order.lines().filter(|line| !line.is_empty()).try_for_each(|path| insert(Path::new(path)))
}

fn insert(path: &Path) -> Result<(), Fatal> {
    let doing = format!("loading {}", path.display());
    let file = File::open(path).or_fatal(&doing)?;
    match finit_module(&file, c"", 0) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).or_fatal(&doing),
    }
}
