//! Paths, environment and clock of this machine, which are read only here.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{self, Path, PathBuf},
    sync::atomic::AtomicBool,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    cli::{Layers, Sources},
    progress::Progress,
};

/// The clock, the environment and the paths of this machine, read once.
#[derive(Debug)]
pub struct BuildContext {
    /// The checkout.
    pub workspace: PathBuf,
    /// Where cargo puts what it compiles.
    pub target: PathBuf,
    /// Tasks' outputs, unpacked toolchain, private QEMU. May be deleted at any time.
    pub cache: PathBuf,
    /// Downloaded packages, by SHA-256.
    pub downloads: PathBuf,
    /// Use `downloads` only; no network.
    pub offline: bool,
    /// The mirror given by option or environment.
    pub mirror: Option<String>,
    /// Layers given by option, the lowest first.
    pub layers: Vec<PathBuf>,
    /// Where outputs of tasks are shared with other machines.
    pub remote: Option<SharedCache>,
    /// The address of that, if the environment has one.
    pub cache_url: Option<String>,
    /// The machine's apt configuration: where mirrors are taken from if none is given.
    pub apt_dir: PathBuf,
    /// Directories searched for programs (`PATH`).
    pub path: Vec<PathBuf>,
    /// The cargo that runs us.
    pub cargo: PathBuf,
    /// This program.
    pub program: PathBuf,
    /// Where cargo keeps the sources of dependencies: a path that must not reach the image.
    pub cargo_home: PathBuf,
    /// The part of our environment that a compiler inherits: paths and network settings, nothing
    /// that changes its output.
    pub inherited: Vec<(OsString, OsString)>,
    /// Seconds since 1970, to check whether a signature or an index has expired. Never goes into the
    /// image, which has the package lock's epoch.
    pub now: u64,
    /// Progress and messages for the terminal.
    pub progress: Progress,
}

/// A server that shares outputs of tasks.
#[derive(Debug, Default)]
pub struct SharedCache {
    /// The address above `ac` and `cas`, without a slash at its end.
    pub url: String,
    /// Whether outputs are stored there, too.
    pub push: bool,
    /// It failed in this run, and is not asked again.
    pub failed: AtomicBool,
}

impl BuildContext {
    /// The same with layers above the checkout.
    pub fn with_layers(sources: &Sources, layers: &Layers) -> Self {
        Self { layers: layers.layer.clone(), ..Self::new(sources) }
    }

    /// Reads all of it from this machine.
    pub fn new(sources: &Sources) -> Self {
        let workspace = checkout(&env::current_dir().unwrap_or_default());
        let target = env::var_os("CARGO_TARGET_DIR")
            .filter(|it| !it.is_empty())
            .map_or_else(|| workspace.join("target"), PathBuf::from);
        // cargo is also started in other directories.
        let target = path::absolute(&target).unwrap_or(target);
        let cache = target.join("dialbox");
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            downloads: sources.downloads.clone().unwrap_or_else(|| cache.join("downloads")),
            offline: sources.offline,
            mirror: sources
                .mirror
                .clone()
                .or_else(|| env::var("DIALBOX_MIRROR").ok().filter(|it| !it.is_empty())),
            layers: Vec::new(),
            remote: None,
            cache_url: env::var("DIALBOX_CACHE").ok().filter(|it| !it.is_empty()),
            apt_dir: PathBuf::from("/etc/apt"),
            path: env::var_os("PATH").map(|it| env::split_paths(&it).collect()).unwrap_or_default(),
            cargo: env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
            cargo_home: env::var_os("CARGO_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(env::home_dir()?.join(".cargo")))
                .unwrap_or_default(),
            program: env::current_exe().unwrap_or_default(),
            inherited: env::vars_os().filter(|(name, _)| is_inherited(name)).collect(),
            now: now.map_or(0, |it| it.as_secs()),
            progress: Progress::new(),
            workspace,
            target,
            cache,
        }
    }

    /// Takes packages and crates from these directories only.
    pub fn use_only(&mut self, downloads: PathBuf, cargo_home: PathBuf) {
        self.offline = true;
        self.downloads = downloads;
        self.cargo_home = cargo_home;
        self.inherited.retain(|(name, _)| name != "CARGO_NET_OFFLINE");
        self.inherited.push(("CARGO_NET_OFFLINE".into(), "true".into()));
    }

    /// `image/`: the image as data.
    pub fn image_dir(&self) -> PathBuf {
        self.workspace.join("image")
    }

    /// `image/stub-libraries/`: sources of libraries in the place of Debian's.
    pub fn stub_libraries_dir(&self) -> PathBuf {
        self.image_dir().join("stub-libraries")
    }

    /// A path relative to the checkout, for messages.
    pub fn short<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.workspace).unwrap_or(path).display()
    }
}

/// `CARGO_BUILD_*`, `CARGO_PROFILE_*`, `CARGO_TARGET_*`, `RUSTFLAGS` and the like are not in the list, nor are the
/// variables that the cargo which runs us has set.
fn is_inherited(name: &OsStr) -> bool {
    const NAMES: [&str; 6] = ["PATH", "HOME", "TMPDIR", "CARGO_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"];
    const PREFIXES: [&str; 5] =
        ["RUSTUP_", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_"];
    let name = name.to_string_lossy();
    NAMES.contains(&&*name)
        || PREFIXES.iter().any(|it| name.starts_with(it))
        || name.to_ascii_lowercase().ends_with("_proxy")
}

/// The nearest directory at or above `place` that holds `image/image.toml`, else the checkout that
/// this program was compiled in.
fn checkout(place: &Path) -> PathBuf {
    let is_checkout = |it: &&Path| it.join("image/image.toml").is_file();
    let compiled_in = || Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(""));
    place.ancestors().find(is_checkout).unwrap_or_else(compiled_in).to_path_buf()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_compiler_inherits_nothing_that_changes_its_output() {
        for (name, inherited) in [
            ("PATH", true),
            ("RUSTUP_TOOLCHAIN", true),
            ("https_proxy", true),
            ("CARGO_HTTP_CAINFO", true),
            ("RUSTFLAGS", false),
            ("CARGO_ENCODED_RUSTFLAGS", false),
            ("CARGO_INCREMENTAL", false),
            ("CARGO_BUILD_RUSTC_WRAPPER", false),
            ("RUSTC_BOOTSTRAP", false),
            ("RUSTC_LOG", false),
            ("RUSTC_WRAPPER", false),
            ("CARGO_PROFILE_DEVICE_OPT_LEVEL", false),
            ("CARGO_TARGET_ARM_UNKNOWN_LINUX_MUSLEABI_LINKER", false),
            ("SOURCE_DATE_EPOCH", false),
        ] {
            assert_eq!(is_inherited(OsStr::new(name)), inherited, "{name}");
        }
    }

    #[test]
    fn the_checkout_is_the_one_of_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path().join("outer"), dir.path().join("outer/fork/inner"));
        for checkout in [&outer, &inner] {
            fs::create_dir_all(checkout.join("image/recipes")).unwrap();
            fs::write(checkout.join("image/image.toml"), "").unwrap();
        }
        assert_eq!(checkout(&outer), outer);
        assert_eq!(checkout(&outer.join("fork")), outer);
        assert_eq!(checkout(&inner.join("image/recipes")), inner);
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).starts_with(checkout(dir.path())));
    }
}
