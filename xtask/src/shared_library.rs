//! Which shared libraries a program needs and where the dynamic loader finds them: one rule for the package lock, which
//! searches the archive's packages, and the image, which searches the locked ones.

use std::{fmt, sync::Arc};

use crate::usr_merge;

/// A dependency of a dynamic ELF file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// A library of this soname (`DT_NEEDED`).
    Library(String),
    /// The same, with absolute directories where the loader looks first (`DT_RUNPATH`, or `DT_RPATH` without it).
    LibraryWithPath(String, Arc<[String]>),
    /// The dynamic loader at this path (`PT_INTERP`).
    Loader(String),
}

impl Needed {
    /// The file's name; the lock lists libraries by it.
    pub fn name(&self) -> &str {
        match self {
            Self::Library(soname) | Self::LibraryWithPath(soname, _) => soname,
            Self::Loader(path) => path.rsplit('/').next().unwrap_or(path),
        }
    }

    /// The absolute path that provides it, among these. In a distribution with merged directories a loader may be below
    /// `/usr`.
    pub fn find<'p>(&self, mut paths: impl Iterator<Item = &'p str> + Clone) -> Option<&'p str> {
        match self {
            Self::Library(soname) => paths.find(|path| directory(path, soname).is_some_and(is_searched)),
            Self::LibraryWithPath(soname, first) => {
                let all = paths.clone();
                let mut own = first.iter().filter_map(|searched| {
                    let other = usr_merge::other(searched);
                    let is_own = |it: &str| it == searched || Some(it) == other.as_deref();
                    all.clone().find(|path| directory(path, soname).is_some_and(is_own))
                });
                own.next().or_else(|| Self::Library(soname.clone()).find(paths))
            }
            Self::Loader(loader) => {
                paths.find(|path| path == loader || path.strip_prefix("/usr") == Some(loader))
            }
        }
    }
}

/// The directory of a library at this path, if it has this file name.
fn directory<'p>(path: &'p str, soname: &str) -> Option<&'p str> {
    path.strip_suffix(soname)?.strip_suffix('/')
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(name) | Self::LibraryWithPath(name, _) | Self::Loader(name) => f.write_str(name),
        }
    }
}

/// ld.so(8): the trusted directories, and Debian's multiarch ones.
fn is_searched(directory: &str) -> bool {
    let below_lib = directory.strip_prefix("/usr").unwrap_or(directory);
    match below_lib.strip_prefix("/lib/") {
        Some(triplet) => triplet.contains("-linux-gnu") && !triplet.contains('/'),
        None => matches!(below_lib, "/lib" | "/lib64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_found_where_the_loader_looks() {
        let paths = [
            "/lib/arm-linux-gnueabi/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
            "/usr/lib/arm-linux-gnueabi/pulseaudio/libp.so.1",
            "/usr/lib/pppd/2.4.9/libpcap.so.0.8",
            "/usr/share/libdbus-1.so.3",
        ];
        let library = |soname: &str| Needed::Library(soname.into()).find(paths.into_iter());
        assert_eq!(library("libc.so.6"), Some("/lib/arm-linux-gnueabi/libc.so.6"));
        assert_eq!(library("ld-linux-x86-64.so.2"), Some("/lib64/ld-linux-x86-64.so.2"));
        for elsewhere in ["libpcap.so.0.8", "libdbus-1.so.3", "libp.so.1", "c.so.6"] {
            assert_eq!(library(elsewhere), None);
        }
    }

    #[test]
    fn a_files_own_directories_come_before_those_of_all() {
        let paths = [
            "/usr/lib/arm-linux-gnueabi/libp.so.1",
            "/usr/lib/arm-linux-gnueabi/pulseaudio/libp.so.1",
            "/usr/lib/arm-linux-gnueabi/libc.so.6",
        ];
        for (soname, own, found) in [
            ("libp.so.1", "/usr/lib/arm-linux-gnueabi/pulseaudio", Some(paths[1])),
            ("libp.so.1", "/lib/arm-linux-gnueabi/pulseaudio", Some(paths[1])),
            ("libp.so.1", "/usr/lib/elsewhere", Some(paths[0])),
            ("libc.so.6", "/usr/lib/arm-linux-gnueabi/pulseaudio", Some(paths[2])),
            ("libq.so.1", "/usr/lib/arm-linux-gnueabi/pulseaudio", None),
        ] {
            let needed = Needed::LibraryWithPath(soname.into(), [own.to_owned()].into());
            assert_eq!(needed.find(paths.into_iter()), found, "{soname} in {own}");
        }
    }

    #[test]
    fn the_loader_is_at_its_path() {
        let loader = Needed::Loader("/lib/ld-linux.so.3".into());
        assert_eq!(loader.name(), "ld-linux.so.3");
        for (paths, found) in [
            (["/lib/arm-linux-gnueabi/ld-linux.so.3", "/lib/ld-linux.so.3"], Some("/lib/ld-linux.so.3")),
            (["/lib/arm-linux-gnueabi/ld-linux.so.3", "/lib/ld-linux.so.2"], None),
            (["/lib64/ld-linux.so.3", "/usr/lib/ld-linux.so.3"], Some("/usr/lib/ld-linux.so.3")),
        ] {
            assert_eq!(loader.find(paths.into_iter()), found, "{paths:?}");
        }
    }
}
