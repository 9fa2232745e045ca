//! Recipes, with every name and path checked.

use std::{collections::BTreeMap, fmt};

use dialbox::names::MODEM_PARSER_UID;
use serde::{Deserialize, Serialize};

use super::raw::{RawImage, RawRecipe};
use crate::{
    bail,
    error::{Error, Result},
};

/// One capability of the box, with its files and their sources.
#[derive(Debug, Default, Clone)]
pub struct Recipe {
    /// The file's name without `.toml`.
    pub name: String,
    /// The number of the layer that it is from; 0 is the checkout.
    pub level: usize,
    /// Its file, for messages: `image/recipes/ppp.toml`.
    pub file: String,
    /// Its purpose, in one line.
    pub summary: String,
    /// Debian packages.
    pub packages: Vec<Package>,
    /// Kernel modules for the root, by name; their dependencies are added.
    pub modules: Vec<String>,
    /// Kernel modules for the initramfs.
    pub initramfs_modules: Vec<String>,
    /// Firmware that modules ask for and the image is not to have, as they name it: `rtl_nic/rtl8153a-2.fw`.
    pub without_firmware: Vec<String>,
    /// Programs of the root package `dialbox`.
    pub binaries: Vec<String>,
    /// Files (or, ending in `/`, directories) of `overlay/` that belong to it.
    pub overlay: Vec<String>,
    /// Empty directories and mount points, absolute.
    pub directories: Vec<String>,
    /// Libraries that may hold code for newer processors, because they select it at run time.
    pub chooses_by_cpu: Vec<String>,
    /// Programs that are not position-independent; all others must be.
    pub fixed_address: Vec<String>,
    /// Sonames of libraries that `image/stub-libraries/` replaces.
    pub stub_libraries: Vec<String>,
    /// Symbolic links: target → absolute paths of the links.
    pub links: BTreeMap<String, Vec<String>>,
    /// Permission bits of files and directories, by absolute path.
    pub modes: BTreeMap<String, u16>,
    /// Whose files and directories are, by absolute path: `user`, with the group of that user, or `user:group`.
    pub owners: BTreeMap<String, String>,
    /// Users and groups that its programs want: name → number.
    pub users: BTreeMap<String, u16>,
}

/// A Debian package and what is taken from it.
#[derive(Debug, Clone)]
pub struct Package {
    /// The exact package.
    pub id: PackageId,
    /// The pinned version, if there is one.
    pub version: Option<String>,
    /// Absolute paths of files, or of directories (ending in `/`) with all below them.
    pub files: Vec<String>,
    /// Name on the boot partition → absolute path in the package.
    pub boot: BTreeMap<String, String>,
    /// The kernel release, if this package holds the kernel and its modules.
    pub kernel: Option<String>,
}

/// A package of a suite, for an architecture (`all` packages: the one that asks).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageId {
    /// `ppp`
    pub name: String,
    /// `bookworm`
    pub suite: String,
    /// `armel`: whose index is searched; the package itself may be `all`.
    pub architecture: String,
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.suite, self.architecture)
    }
}

impl Recipe {
    /// Checks what was read from `file`.
    pub(super) fn validate(name: &str, file: String, raw: RawRecipe, image: &RawImage) -> Result<Self> {
        let packages = raw.packages.into_iter().map(|package| {
            let suite = package.suite.unwrap_or_else(|| image.suite.clone());
            if !image.suites.contains_key(&suite) {
                bail!("package `{}`: image/image.toml has no suite `{suite}`", package.name);
            }
            for path in package.files.iter().chain(package.boot.values()) {
                check_absolute(path)?;
            }
            Ok(Package {
                id: PackageId {
                    name: package.name,
                    suite,
                    architecture: package.architecture.unwrap_or_else(|| image.architecture.clone()),
                },
                version: package.version,
                files: package.files,
                boot: package.boot,
                kernel: package.kernel,
            })
        });
        let recipe = Self {
            name: name.to_owned(),
            level: 0,
            file,
            summary: raw.summary,
            packages: packages.collect::<Result<_>>()?,
            modules: raw.modules,
            initramfs_modules: raw.initramfs_modules,
            without_firmware: raw.without_firmware,
            binaries: raw.binaries,
            overlay: raw.overlay,
            directories: raw.directories,
            chooses_by_cpu: raw.chooses_by_cpu,
            fixed_address: raw.fixed_address,
            stub_libraries: raw.stub_libraries,
            links: raw.links,
            modes: raw.modes.into_iter().map(|(path, text)| mode(path, &text)).collect::<Result<_>>()?,
            owners: raw.owners,
            users: raw.users.into_iter().map(user).collect::<Result<_>>()?,
        };
        let own = recipe.directories.iter().chain(recipe.modes.keys()).chain(recipe.owners.keys());
        for path in own.chain(recipe.links.values().flatten()) {
            check_absolute(path)?;
        }
        Ok(recipe)
    }
}

/// `1777`: in octal, as chmod takes it. No program runs with its file's owner, which would mostly be root.
fn mode(path: String, text: &str) -> Result<(String, u16)> {
    let digits = text.len() >= 3 && text.len() <= 4 && text.bytes().all(|it| it.is_ascii_digit());
    match u16::from_str_radix(text, 8) {
        Ok(mode) if digits && mode & 0o6000 == 0 => Ok((path, mode)),
        Ok(_) if digits => {
            Err(Error::new(format!("the mode `{text}` of {path} has a set-user-id or set-group-id bit"))
                .hint("no program of the box runs as its file's owner or group: leave the bit out"))
        }
        _ => Err(Error::new(format!("`{text}`, the mode of {path}, is not one in octal"))
            .hint("write three or four digits, as in \"0600\" or \"1777\"")),
    }
}

/// A name as adduser(8) takes it, and one of the numbers of system users (Debian Policy §9.2.2), but none of those under
/// which the box's services start the parsers of modems and callers: a process can signal others of its user.
fn user((name, id): (String, u16)) -> Result<(String, u16)> {
    let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'-' | b'_');
    let begins = name.starts_with(|it: char| it.is_ascii_lowercase() || it == '_');
    if !begins || name.len() > 32 || !name.bytes().all(is_plain) {
        return Err(Error::new(format!("`{name}` is not a name of a user"))
            .hint("write small letters, digits, `-` and `_`, 32 at most, a letter first"));
    }
    if !(100..MODEM_PARSER_UID).contains(&id.into()) {
        return Err(Error::new(format!("the user {name} has the number {id}"))
            .hint("choose one from 100 to 899, as in `tcpdump = 801`: those from 900 on are of the box's own processes"));
    }
    Ok((name, id))
}

/// Absolute and without `.`, `..` or empty components, so that a file has only one name.
fn check_absolute(path: &str) -> Result<()> {
    let steps = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    match steps {
        Some(steps) if steps.split('/').all(|it| !matches!(it, "" | "." | "..")) => Ok(()),
        _ => Err(Error::new(format!("`{path}` is not a plain absolute path"))
            .hint("write it from the root on, without `.` and `..`, as in /usr/sbin/pppd")),
    }
}
