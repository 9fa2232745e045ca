//! Files and directories that only their owner can read. They are created with their mode: a process
//! that opens a file before a chmod can read what is written later.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Creates a file; fails if there is one.
pub fn create_new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Creates a file, replacing one that is there.
pub fn create_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => create_new_file(path),
    }
}

/// Creates a directory unless it exists. Its parents get the usual mode.
pub fn create_dir(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created,
    }
}

/// The same, and removes other users' access to an existing directory.
pub fn claim_dir(path: &Path) -> io::Result<()> {
    create_dir(path)?;
    match fs::metadata(path)?.permissions().mode() & 0o077 {
        0 => Ok(()),
        // Fails on a directory of another user, who could change its content.
        _ => fs::set_permissions(path, Permissions::from_mode(0o700)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_mode_of_an_existing_file_is_not_inherited() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        create_file(&file).unwrap();
        assert_eq!(mode(&file), 0o600);

        let cache = dir.path().join("target/cache");
        claim_dir(&cache).unwrap();
        assert_eq!(mode(&cache), 0o700);
        fs::set_permissions(&cache, Permissions::from_mode(0o755)).unwrap();
        claim_dir(&cache).unwrap();
        assert_eq!(mode(&cache), 0o700);
    }
}
