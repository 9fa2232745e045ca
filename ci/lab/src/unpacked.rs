//! Programs of Debian packages that are unpacked in a directory, started by their own dynamic loader: nothing of this
//! machine is used.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How to start a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// What is started: the loader.
    pub loader: PathBuf,
    /// Its arguments, of which the program's own follow.
    pub first: Vec<OsString>,
    /// The directories of its libraries.
    pub libraries: Vec<PathBuf>,
}

/// Finds a program, by its path in the packages.
///
/// # Errors
/// What is missing.
pub fn find(dir: &Path, path: &str) -> Result<Unpacked, String> {
    let program = dir.join(path);
    if !program.is_file() {
        return Err(format!("{} is missing", program.display()));
    }
    let libraries: Vec<PathBuf> = ["lib", "usr/lib"]
        .iter()
        .filter_map(|lib| entry(&dir.join(lib), |_, name| name.ends_with("-linux-gnu")))
        .flat_map(|libraries| {
            let own = ["pulseaudio", "kamailio"].map(|program| libraries.join(program));
            std::iter::once(libraries).chain(own)
        })
        .filter(|libraries| libraries.is_dir())
        .collect();
    // Not the one in lib64: libc6 has an absolute link there, which leads out of `dir`.
    let is_loader = |path: &Path, name: &str| name.starts_with("ld-linux") && !path.is_symlink();
    let loader = libraries
        .iter()
        .find_map(|libraries| entry(libraries, is_loader))
        .ok_or_else(|| format!("{} holds no dynamic loader", dir.display()))?;
    let path = std::env::join_paths(&libraries).map_err(|error| error.to_string())?;
    Ok(Unpacked { loader, first: vec!["--library-path".into(), path, program.into()], libraries })
}

/// The first entry of a directory, by name, that is wanted.
fn entry(dir: &Path, wanted: impl Fn(&Path, &str) -> bool) -> Option<PathBuf> {
    let paths = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let wanted =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|it| wanted(path, it));
    paths.filter(wanted).min()
}
