//! Files and directories that only their owner can read. They are created with their mode: a process
//! that opens a file before a chmod can read what is written later.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Creates a file; fails if there is one.
pub fn create_new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Creates a file, replacing a file or a link that is there, and nothing else.
pub fn create_file(path: &Path) -> io::Result<File> {
    refuse_others(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => create_new_file(path),
    }
}

/// Writes a file whole: what was there before stays if that fails.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    refuse_others(path)?;
    write_and(path, bytes, rename)
}

/// Writes a file whole; fails if anything is there, also if it was made a moment ago.
pub fn write_new_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new_by(path, bytes, |part, whole| Ok(renameat_with(CWD, part, CWD, whole, RenameFlags::NOREPLACE)?))
}

fn write_new_by(
    path: &Path,
    bytes: &[u8],
    rename_new: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    match write_and(path, bytes, rename_new) {
        // The file system has no such rename (renameat2(2)), NFS for example.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            let write = |mut file: File| file.write_all(bytes).and_then(|()| file.sync_all());
            write(create_new_file(path)?).inspect_err(|_| drop(fs::remove_file(path)))
        }
        written => written,
    }
}

fn write_and(path: &Path, bytes: &[u8], name_it: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let write = || {
        let mut file = create_file(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        name_it(&part, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&part)))
}

/// The same where a link leads, which stays. When this returns, the file is on the disk under its name.
pub fn write_linked_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = if path.is_symlink() { path.canonicalize()? } else { path.to_owned() };
    write_file(&file, bytes)?;
    File::open(directory_of(&file))?.sync_all()
}

/// The directory that a file is in.
pub fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a file that is complete its name, in the place of a file or a link, and of nothing else.
pub fn rename(part: &Path, whole: &Path) -> io::Result<()> {
    refuse_others(whole)?;
    fs::rename(part, whole)
}

/// Fails if there is a device, a pipe or a socket: whoever is root would replace `/dev/null` for all programs.
pub fn refuse_others(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(kind) if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(kind) if !kind.is_file() && !kind.is_symlink() => {
            Err(io::Error::new(ErrorKind::Unsupported, "it is a device, a pipe or a socket"))
        }
        _ => Ok(()),
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
    fn nothing_but_a_file_or_a_link_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        fs::create_dir(at("directory")).unwrap();
        fs::write(at("file"), "before").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        for (name, kind) in [("socket", ErrorKind::Unsupported), ("directory", ErrorKind::IsADirectory)] {
            fs::write(at("part"), "").unwrap();
            for refused in [
                create_file(&at(name)).map(drop),
                write_file(&at(name), b"x"),
                rename(&at("part"), &at(name)),
            ] {
                assert_eq!(refused.unwrap_err().kind(), kind, "{name}");
            }
            assert!(
                fs::symlink_metadata(at(name)).unwrap().file_type()
                    != at("file").metadata().unwrap().file_type()
            );
        }
        write_file(&at("link"), b"new").unwrap();
        assert_eq!(fs::read(at("link")).unwrap(), b"new");
        assert_eq!(fs::read(at("file")).unwrap(), b"before");
        write_file(&at("file"), b"after").unwrap();
        assert_eq!(fs::read(at("file")).unwrap(), b"after");
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["directory", "file", "link", "part", "socket"]);
    }

    #[test]
    fn a_new_file_replaces_nothing_whatever_the_file_system_knows() {
        let unknown = |_: &Path, _: &Path| Err(ErrorKind::InvalidInput.into());
        let dir = tempfile::tempdir().unwrap();
        for (number, write) in
            [(&|path: &Path| write_new_file(path, b"new")) as &dyn Fn(&Path) -> io::Result<()>, &|path| {
                write_new_by(path, b"new", unknown)
            }]
            .into_iter()
            .enumerate()
        {
            let (file, link) =
                (dir.path().join(format!("file{number}")), dir.path().join(format!("link{number}")));
            write(&file).unwrap();
            assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"new".to_vec(), 0o600));
            fs::write(&file, "of somebody else").unwrap();
            std::os::unix::fs::symlink("nowhere", &link).unwrap();
            for taken in [&file, &link, &dir.path().to_owned()] {
                assert_eq!(write(taken).unwrap_err().kind(), ErrorKind::AlreadyExists, "{}", taken.display());
            }
            assert_eq!(fs::read(&file).unwrap(), b"of somebody else");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "parts are left");
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
