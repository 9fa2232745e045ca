//! Which shared libraries a program needs and where the dynamic loader finds them: one rule for the package lock, which
//! searches the archive's packages, and the image, which searches the locked ones.

use std::fmt;

/// A dependency of a dynamic ELF file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// A library of this soname (`DT_NEEDED`).
    Library(String),
    /// The dynamic loader at this path (`PT_INTERP`).
    Loader(String),
}

impl Needed {
    /// The file's name; the lock lists libraries by it.
    pub fn name(&self) -> &str {
        match self {
            Self::Library(soname) => soname,
            Self::Loader(path) => path.rsplit('/').next().unwrap_or(path),
        }
    }

    /// The first of these absolute paths that provides it. In a distribution with merged directories a loader may be
    /// below `/usr`.
    pub fn find<'p>(&self, mut paths: impl Iterator<Item = &'p str>) -> Option<&'p str> {
        match self {
            Self::Library(soname) => paths.find(|path| {
                path.strip_suffix(soname.as_str())
                    .and_then(|it| it.strip_suffix('/'))
                    .is_some_and(is_searched)
            }),
            Self::Loader(loader) => {
                paths.find(|path| path == loader || path.strip_prefix("/usr") == Some(loader))
            }
        }
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(name) | Self::Loader(name) => f.write_str(name),
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
