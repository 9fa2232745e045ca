//! The kernel's modules: those that the recipes name, with their dependencies, and the indices
//! that modprobe reads (`depmod` makes them on a PC; the package has none).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    io::Read,
    sync::Arc,
};

use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;

use crate::debian::contents::Content;
use crate::{
    bail,
    elf::Elf,
    error::{Context, Error, Result},
};

/// Every module of a kernel package, by name.
#[derive(Debug)]
pub struct Modules {
    release: String,
    /// Name → path on the box below `/lib/modules/<release>/`, the same in the package, and content.
    all: BTreeMap<String, (String, String, Content)>,
    builtin: BTreeSet<String>,
}

/// A selection of modules, closed under dependency, in loading order.
#[derive(Debug)]
pub struct Chosen {
    /// In loading order.
    pub modules: Vec<Module>,
}

/// One module, as its `.modinfo` describes it.
#[derive(Debug)]
pub struct Module {
    /// With underscores, as the kernel calls it.
    pub name: String,
    /// Below `/lib/modules/<release>/`.
    pub path: String,
    /// The `.ko` file.
    pub content: Arc<[u8]>,
    /// Names of the modules that it depends on directly.
    depends: Vec<String>,
    aliases: Vec<String>,
    softdeps: Vec<String>,
}

impl Modules {
    /// `builtin`: the text of `modules.builtin`; `files`: path below `/lib/modules/<release>/` → content.
    pub fn new(release: &str, builtin: &str, files: impl Iterator<Item = (String, Content)>) -> Self {
        let all = files.filter_map(|(path, content)| {
            let plain = plain_name(&path);
            Some((module_name(plain)?, (plain.to_owned(), path.clone(), content)))
        });
        Self {
            release: release.to_owned(),
            all: all.collect(),
            builtin: builtin.lines().filter_map(module_name).collect(),
        }
    }

    /// The wanted modules and all their dependencies, each after its own dependencies.
    pub fn choose<'a>(&self, wanted: impl Iterator<Item = &'a str>) -> Result<Chosen> {
        let mut chosen = Chosen { modules: Vec::new() };
        for name in wanted {
            self.visit(&name.replace('-', "_"), None, &mut chosen.modules)?;
        }
        Ok(chosen)
    }

    fn visit(&self, name: &str, needed_by: Option<&str>, out: &mut Vec<Module>) -> Result<()> {
        if self.builtin.contains(name) || out.iter().any(|it| it.name == name) {
            return Ok(());
        }
        let Some((path, packed, content)) = self.all.get(name) else {
            let error = Error::new(format!("kernel {} has no module {name}", self.release));
            return Err(match needed_by {
                Some(other) => error.fact(format!("{other} depends on it")),
                None => error.hint("correct its name in the recipe (`modules` or `initramfs-modules`)"),
            });
        };
        let content = unpack(packed, content.read()?)
            .map_err(|it| it.context(format!("cannot unpack module {packed} of kernel {}", self.release)))?;
        let module = self.read(name, path, content)?;
        for needed in &module.depends {
            self.visit(needed, Some(name), out)?;
        }
        out.push(module);
        Ok(())
    }

    /// Reads `.modinfo`: `key=value` strings, each ended by a zero byte (include/linux/moduleparam.h).
    fn read(&self, name: &str, path: &str, content: Arc<[u8]>) -> Result<Module> {
        let mut module = Module {
            name: name.to_owned(),
            path: path.to_owned(),
            content: content.clone(),
            depends: Vec::new(),
            aliases: Vec::new(),
            softdeps: Vec::new(),
        };
        let elf = Elf::parse(&content).map_err(|it| it.context(format!("cannot read module {path}")))?;
        let info = elf.section(".modinfo").unwrap_or_default();
        for entry in info.split(|byte| *byte == 0) {
            let entry = String::from_utf8_lossy(entry);
            match entry.split_once('=') {
                Some(("depends", list)) => module
                    .depends
                    .extend(list.split(',').filter(|it| !it.is_empty()).map(|it| it.replace('-', "_"))),
                Some(("alias", alias)) => module.aliases.push(alias.to_owned()),
                Some(("softdep", list)) => module.softdeps.push(list.to_owned()),
                Some(("vermagic", magic)) if magic.split(' ').next() != Some(&self.release) => {
                    bail!("module {path} is for kernel {magic}, not for {}", self.release)
                }
                _ => {}
            }
        }
        Ok(module)
    }
}

impl Chosen {
    /// `modules.dep`: each module's file and those of everything it needs, each before what it needs itself. busybox loads
    /// them from the last to the first (modutils/modprobe.c, `do_modprobe`).
    pub fn dep(&self) -> String {
        let mut text = String::new();
        for module in &self.modules {
            let mut needed = Vec::new();
            self.collect(module, &mut needed);
            needed.reverse();
            let needed: String = needed.iter().map(|it| format!(" {}", it.path)).collect();
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{}:{needed}", module.path);
        }
        text
    }

    /// `modules.alias`: hot-plug finds a device's driver here.
    pub fn alias(&self) -> String {
        let lines = self
            .modules
            .iter()
            .flat_map(|it| it.aliases.iter().map(move |alias| format!("alias {alias} {}\n", it.name)));
        lines.collect()
    }

    /// `modules.softdep`.
    pub fn softdep(&self) -> String {
        let lines = self
            .modules
            .iter()
            .flat_map(|it| it.softdeps.iter().map(move |list| format!("softdep {} {list}\n", it.name)));
        lines.collect()
    }

    /// What a module needs, each after what it needs itself.
    fn collect<'a>(&'a self, module: &Module, out: &mut Vec<&'a Module>) {
        for name in &module.depends {
            let found = self.modules.iter().find(|it| it.name == *name);
            if let Some(needed) = found.filter(|it| !out.iter().any(|seen| seen.name == it.name)) {
                self.collect(needed, out);
                out.push(needed);
            }
        }
    }
}

/// The endings of compressed modules (`CONFIG_MODULE_COMPRESS_*`; Debian has used xz since Debian 13).
const PACKED: [&str; 3] = [".xz", ".gz", ".zst"];

/// `kernel/fs/ext4/ext4.ko.xz` → `kernel/fs/ext4/ext4.ko`. The root compresses its files itself, and the initramfs as a
/// whole.
fn plain_name(path: &str) -> &str {
    PACKED.iter().find_map(|it| path.strip_suffix(it)).unwrap_or(path)
}

fn unpack(path: &str, content: Arc<[u8]>) -> Result<Arc<[u8]>> {
    let mut plain = Vec::new();
    let packed = &content[..];
    match path.rsplit('.').next() {
        Some("xz") => XzDecoder::new(packed).read_to_end(&mut plain).context(|| "it is broken".into())?,
        Some("gz") => GzDecoder::new(packed).read_to_end(&mut plain).context(|| "it is broken".into())?,
        Some("zst") => bail!("only xz and gzip can be read here"),
        _ => return Ok(content),
    };
    Ok(plain.into())
}

/// `kernel/fs/nls/nls_iso8859-1.ko` → `nls_iso8859_1`
fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    Some(file.strip_suffix(".ko")?.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_module_is_the_same_whatever_packs_it() {
        let plain: Arc<[u8]> = Arc::from(&b"a module"[..]);
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(&plain).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        for (path, packed) in [
            ("kernel/fs/ext4/ext4.ko", plain.to_vec()),
            ("kernel/fs/ext4/ext4.ko.xz", xz.finish().unwrap()),
            ("kernel/fs/ext4/ext4.ko.gz", gzip.finish().unwrap()),
        ] {
            assert_eq!(plain_name(path), "kernel/fs/ext4/ext4.ko");
            assert_eq!(unpack(path, packed.into()).unwrap(), plain);
        }
        let error = unpack("ext4.ko.zst", plain.clone()).unwrap_err().to_string();
        assert_eq!(error, "error: only xz and gzip can be read here");
        assert!(unpack("ext4.ko.xz", plain).is_err());
    }

    fn module(name: &str, depends: &[&str]) -> Module {
        Module {
            name: name.to_owned(),
            path: format!("{name}.ko"),
            content: Arc::from([].as_slice()),
            depends: depends.iter().map(|name| (*name).to_owned()).collect(),
            aliases: Vec::new(),
            softdeps: Vec::new(),
        }
    }

    #[test]
    fn every_module_is_listed_before_what_it_needs_itself() {
        let chosen = Chosen {
            modules: vec![
                module("crc", &[]),
                module("conntrack", &["crc"]),
                module("nat", &["conntrack", "crc"]),
                module("ftp", &["conntrack", "nat"]),
            ],
        };
        assert_eq!(
            chosen.dep(),
            "crc.ko:\nconntrack.ko: crc.ko\nnat.ko: conntrack.ko crc.ko\nftp.ko: nat.ko conntrack.ko crc.ko\n"
        );
    }
}
