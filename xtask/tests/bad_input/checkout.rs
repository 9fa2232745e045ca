//! A small checkout in a temporary directory, on which the real `xtask` works.
//!
//! Its packages are tiny and are in the download directory. A few lines of shell replace the cargo
//! that cross-compiles, which would take a minute and is not under test; all the rest is real.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::package::deb;

const IMAGE: &str = r#"name = "small"
architecture = "armel"
suite = "bookworm"
recipes = ["kernel", "base"]
tools = ["toolchain"]

[suites.bookworm]
components = ["main"]

[disk]
boot-mib = 9
root-mib = 1
state-mib = 1
signature = 1
"#;

const KERNEL: &str = r#"summary = "the kernel"

[[package]]
name = "linux-image"
kernel = "6.1.0"

[package.boot]
"kernel.img" = "/boot/vmlinuz"
"#;

const BASE: &str = r#"summary = "init, a shell and a service"
binaries = ["init", "service"]
overlay = ["etc/"]

[[package]]
name = "busybox"
files = ["/bin/busybox"]

[links]
"/bin/busybox" = ["/bin/sh"]
"#;

const TOOLCHAIN: &str = r#"summary = "what the compiler needs"

[[package]]
name = "rust-src"
files = ["/usr/"]
"#;

/// In Debian's machine-readable format.
const COPYRIGHT: &[u8] = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
                           Files: *\nCopyright: many\nLicense: GPL-2\n";

const CARGO: &str = r#"#!/bin/sh
case $1 in tree | fetch) exit 0 ;; esac
while [ $# -gt 0 ]; do
    case $1 in
        --manifest-path) workspace=${2%/Cargo.toml} ;;
        --package) package=$2 ;;
        --target-dir) made=$2/arm-unknown-linux-musleabi ;;
    esac
    shift
done
mkdir -p "$made/release/deps" "$made/device"
if [ "$package" = std ]; then
    exec touch "$made/release/deps/libstd.rlib"
fi
for source in "$workspace"/src/bin/*.rs; do
    cp "$source" "$made/device/$(basename "$source" .rs)"
    cp "$source" "$made/release/$(basename "$source" .rs)"
done
"#;

/// A checkout that builds, until a test breaks it.
pub struct Checkout {
    dir: TempDir,
    packages: BTreeMap<String, Vec<u8>>,
}

impl Checkout {
    pub fn new() -> Self {
        let mut it = Self { dir: tempfile::tempdir().unwrap(), packages: BTreeMap::new() };
        let pin = format!("[toolchain]\nchannel = \"{}\"\n", env!("XTASK_RUSTC_RELEASE"));
        for (path, text) in [
            ("image/image.toml", IMAGE),
            ("image/recipes/kernel.toml", KERNEL),
            ("image/recipes/base.toml", BASE),
            ("image/tools/toolchain.toml", TOOLCHAIN),
            ("image/boot/config.txt", "kernel=kernel.img\n"),
            ("image/boot/cmdline.txt", "quiet\n"),
            ("image/modems/lines.toml", include_str!("../../../image/modems/lines.toml")),
            ("image/sites/dialer.toml", include_str!("../../../image/sites/dialer.toml")),
            ("overlay/etc/inittab", "::sysinit:/bin/true\n"),
            ("src/bin/init.rs", "fn main() {}\n"),
            ("src/bin/service.rs", "fn main() {}\n"),
            ("Cargo.toml", "[workspace]\n"),
            ("Cargo.lock", "version = 4\n"),
            ("rust-toolchain.toml", &pin),
            ("../cargo", CARGO),
        ] {
            it.write(path, text);
        }
        fs::set_permissions(it.path("../cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        it.package(
            "linux-image",
            &[
                ("/boot/vmlinuz", b"kernel"),
                ("/lib/modules/6.1.0/modules.builtin", b""),
                ("/usr/share/doc/linux-image/copyright", b"This is Linux."),
                ("/usr/share/doc/busybox/copyright", COPYRIGHT),
            ],
        );
        it.package("busybox", &[("/bin/busybox", b"a shell")]);
        let library = format!("/usr/src/rustc-{}/library/Cargo.toml", env!("XTASK_RUSTC_RELEASE"));
        let c =
            ["rcrt1.o", "crti.o", "crtn.o", "libc.a"].map(|it| format!("/usr/lib/arm-linux-musleabi/{it}"));
        let gcc = ["libgcc.a", "libgcc_eh.a"].map(|it| format!("/usr/lib/gcc/arm-linux-gnueabi/12/{it}"));
        let lock = library.replace("Cargo.toml", "Cargo.lock");
        let copyright = "/usr/share/doc/rust-src/copyright".to_owned();
        let files = [&library, &lock, &copyright].into_iter().chain(&c).chain(&gcc);
        it.package("rust-src", &files.map(|it| (it.as_str(), &b""[..])).collect::<Vec<_>>());
        it
    }

    /// A path in the checkout.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("checkout").join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a text of a file, which must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}:\n{text}");
        self.write(path, text.replace(from, to));
    }

    pub fn link(&self, path: &str, target: &str) {
        symlink(target, self.path(path)).unwrap();
    }

    /// Puts a package with these files into the lock and the download directory.
    pub fn package(&mut self, name: &str, files: &[(&str, &[u8])]) {
        self.package_of_bytes(name, deb(files));
    }

    /// The same, for arbitrary bytes.
    pub fn package_of_bytes(&mut self, name: &str, deb: Vec<u8>) {
        self.write(&format!("../downloads/{name}.deb"), &deb);
        self.packages.insert(name.to_owned(), deb);
        let recipe = |name: &str| match name {
            "linux-image" => "kernel",
            "rust-src" => "toolchain",
            "wvdial" => "caller",
            _ => "base",
        };
        let entry = |(name, deb): (&String, &Vec<u8>)| {
            format!(
                "\n[[package]]\nname = \"{name}\"\nsuite = \"bookworm\"\narchitecture = \"armel\"\n\
                 version = \"1\"\npath = \"pool/{name}.deb\"\nsize = {}\nsha256 = \"{}\"\nrecipes = [\"{}\"]\n",
                deb.len(),
                sha256(deb),
                recipe(name)
            )
        };
        let entries: String = self.packages.iter().map(entry).collect();
        self.write("image/packages.lock", format!("epoch = 1700000000\n{entries}"));
    }

    /// The sites of two boxes in `sites.toml`, each the example's with its own host name.
    pub fn fleet(&self) {
        let site = fs::read_to_string(self.path("image/sites/dialer.toml")).unwrap();
        let hostname = site.lines().find(|it| it.starts_with("hostname")).unwrap();
        self.write("cabin.toml", site.replace(hostname, "hostname = \"{name}\""));
        self.write("sites.toml", "template = \"cabin.toml\"\n[box.cabin-17]\n[box.cabin-18]\n");
    }

    /// The content of a path on the mirror.
    pub fn downloads(&self) -> BTreeMap<String, Vec<u8>> {
        self.packages.iter().map(|(name, deb)| (format!("/pool/{name}.deb"), deb.clone())).collect()
    }

    /// `cargo xtask build-image`, as a user in the checkout starts it.
    pub fn build_image(&self) -> Command {
        let mut xtask = self.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
        xtask.arg("build-image");
        xtask
    }

    /// The same with the local packages and no mirror.
    pub fn build_image_offline(&self) -> Command {
        let mut xtask = self.build_image();
        xtask.args(["--offline", "--downloads"]).arg(self.path("../downloads"));
        xtask
    }

    /// The same with a limit on the file size, in blocks of 512 bytes: the kernel refuses the write,
    /// as on a full disk.
    pub fn build_image_on_a_small_disk(&self, blocks: u32) -> Command {
        let mut shell = self.xtask(Command::new("sh"));
        shell.args(["-c", "ulimit -f \"$1\"; shift; exec \"$@\"", "sh"]);
        shell.arg(blocks.to_string()).arg(env!("CARGO_BIN_EXE_xtask")).arg("build-image");
        shell.args(["--offline", "--downloads"]).arg(self.path("../downloads"));
        shell
    }

    /// The program in the checkout, without the environment of the test.
    pub fn xtask(&self, mut program: Command) -> Command {
        program.current_dir(self.path("")).env("CARGO", self.path("../cargo"));
        program
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("DIALBOX_MIRROR")
            .env_remove("DIALBOX_CACHE")
            .env("NO_PROXY", "127.0.0.1");
        program
    }

    /// Runs it, which must succeed.
    pub fn succeeds(&self, mut command: Command) -> String {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", self.words(&output));
        self.words(&output)
    }

    /// Runs it, which must fail and leave no partial file. Returns the error.
    pub fn refuses(&self, mut command: Command) -> String {
        let before = self.out();
        let output = command.output().unwrap();
        let words = self.words(&output);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(output.stdout.is_empty());
        assert_eq!(self.out(), before, "out/ has changed: {words}");
        assert_eq!(names(&self.path("target/dialbox/work")), [""; 0], "half-made: {words}");
        let at = words.find("error: ").unwrap_or_else(|| panic!("no error in {words}"));
        words[at..].to_owned()
    }

    /// The error of `cargo xtask build-image` for the broken checkout.
    pub fn error(&self) -> String {
        self.refuses(self.build_image_offline())
    }

    /// The files in `out/`, names and hashes, without Imager's manifest, which names the directory.
    pub fn out(&self) -> Vec<(String, String)> {
        let hash = |name: &String| sha256(&fs::read(self.path("out").join(name)).unwrap());
        let files = files(&self.path("out")).into_iter();
        files
            .filter(|name| !name.ends_with(".rpi-imager-manifest"))
            .map(|name| (name.clone(), hash(&name)))
            .collect()
    }

    fn words(&self, output: &Output) -> String {
        String::from_utf8_lossy(&output.stderr).replace(&self.dir.path().display().to_string(), "")
    }
}

/// The files below a directory, sorted; none if it is not there.
fn files(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for name in names(dir) {
        match dir.join(&name).is_dir() {
            true => all.extend(files(&dir.join(&name)).into_iter().map(|below| format!("{name}/{below}"))),
            false => all.push(name),
        }
    }
    all
}

/// The names in a directory, sorted; none if it is not there.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
