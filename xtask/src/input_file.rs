//! Files that the user names.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::Path,
};

use crate::error::{Context, Error, Result};

/// Opens a file with an end: a regular one, or a disk. Opening a named pipe waits for who writes into it, a device such
/// as `/dev/zero` fills the memory, and a directory can be opened and not read.
/// Errors call it `name`.
pub fn open(path: &Path, name: &str) -> Result<File> {
    let cannot = || format!("cannot read {name}");
    let kind = fs::metadata(path).context(cannot)?.file_type();
    if kind.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory)).context(cannot);
    }
    if !kind.is_file() && !kind.is_block_device() {
        let other = io::Error::new(io::ErrorKind::Unsupported, "it is neither a file nor a disk");
        return Err(Error::caused_by(cannot(), other));
    }
    File::open(path).context(cannot)
}

/// The content of such a file, or of a pipe without a name, as shells make for `<(…)`: there its writer is already.
pub fn read(path: &Path, name: &str) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {name}");
    // What /dev/fd/63 links to is called `pipe:[…]`, and no file has that name (proc_pid_fd(5)).
    let is_anonymous_pipe =
        fs::metadata(path).is_ok_and(|it| it.file_type().is_fifo()) && path.canonicalize().is_err();
    let mut file = if is_anonymous_pipe { File::open(path).context(cannot)? } else { open(path, name)? };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).context(cannot)?;
    Ok(bytes)
}
