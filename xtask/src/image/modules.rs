//! The kernel's modules: those that the recipes name, with their dependencies, and the indices
//! that modprobe reads (`depmod` makes them on a PC; the package has none).

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    io::Read,
    rc::Rc,
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
    /// Those that were read, by name.
    known: RefCell<BTreeMap<String, Rc<Module>>>,
    /// Alias → name, of all modules; made when it is needed, since it reads all of them.
    aliases: OnceCell<BTreeMap<String, String>>,
}

/// A selection of modules, closed under dependency, in loading order.
#[derive(Debug, Default)]
pub struct Chosen {
    /// In loading order.
    pub modules: Vec<Rc<Module>>,
    /// Of a module, the chosen ones that are loaded before it though it also works without them.
    before: BTreeMap<String, Vec<String>>,
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

/// What is chosen, while it is being chosen.
struct Choice<'a> {
    /// The names that were asked for.
    wanted: Vec<String>,
    /// Modules that are loaded already when the chosen ones are.
    loaded: &'a [Rc<Module>],
    chosen: Chosen,
    /// Names of modules whose dependencies are being chosen: softdeps may go in circles.
    open: Vec<String>,
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
            known: RefCell::default(),
            aliases: OnceCell::new(),
        }
    }

    /// The wanted modules, all their dependencies, and what their softdeps name, each after what is loaded before it.
    /// `loaded`: modules that are loaded already then.
    pub fn choose<'a>(&self, wanted: impl Iterator<Item = &'a str>, loaded: &[Rc<Module>]) -> Result<Chosen> {
        let wanted: Vec<String> = wanted.map(|name| name.replace('-', "_")).collect();
        let mut choice =
            Choice { wanted: wanted.clone(), loaded, chosen: Chosen::default(), open: Vec::new() };
        for name in &wanted {
            self.visit(name, None, &mut choice)?;
        }
        Ok(choice.chosen)
    }

    fn visit(&self, name: &str, needed_by: Option<&str>, choice: &mut Choice) -> Result<()> {
        if self.builtin.contains(name) || choice.chosen.modules.iter().any(|it| it.name == name) {
            return Ok(());
        }
        let Some(module) = self.module(name)? else {
            let error = Error::new(format!("kernel {} has no module {name}", self.release));
            return Err(match needed_by {
                Some(other) => error.fact(format!("{other} depends on it")),
                None => error.hint("correct its name in the recipe (`modules` or `initramfs-modules`)"),
            });
        };
        choice.open.push(name.to_owned());
        for needed in &module.depends {
            self.visit(needed, Some(name), choice)?;
        }
        let (before, behind) = softdeps(&module.softdeps);
        for wanted in before {
            if let Some(soft) = self.visit_softdep(&wanted, choice)? {
                choice.chosen.before.entry(name.to_owned()).or_default().push(soft);
            }
        }
        choice.open.pop();
        choice.chosen.modules.push(module);
        for wanted in behind {
            self.visit_softdep(&wanted, choice)?;
        }
        Ok(())
    }

    /// A module by its name; it is read once.
    fn module(&self, name: &str) -> Result<Option<Rc<Module>>> {
        if let Some(module) = self.known.borrow().get(name) {
            return Ok(Some(module.clone()));
        }
        let Some((path, packed, content)) = self.all.get(name) else { return Ok(None) };
        let content = unpack(packed, content.read()?)
            .map_err(|it| it.context(format!("cannot unpack module {packed} of kernel {}", self.release)))?;
        let module = Rc::new(self.read(name, path, content)?);
        self.known.borrow_mut().insert(name.to_owned(), module.clone());
        Ok(Some(module))
    }

    /// Chooses the module that a softdep names, by its name or one of its aliases; returns its name if it is chosen. What
    /// the kernel does not have is left out, as modprobe leaves it out (modprobe.d(5)).
    fn visit_softdep(&self, wanted: &str, choice: &mut Choice) -> Result<Option<String>> {
        let name = wanted.replace('-', "_");
        let is_it = |it: &&Rc<Module>| it.name == name || it.aliases.iter().any(|alias| alias == wanted);
        if self.builtin.contains(&name) || choice.loaded.iter().any(|it| is_it(&it)) {
            return Ok(None);
        }
        if let Some(there) = choice.chosen.modules.iter().find(is_it) {
            return Ok(Some(there.name.clone()));
        }
        let name = match self.all.contains_key(&name) {
            true => Some(name),
            false => self.with_alias(wanted, &choice.wanted)?,
        };
        let Some(name) = name.filter(|it| !choice.open.contains(it)) else { return Ok(None) };
        self.visit(&name, None, choice)?;
        Ok(Some(name))
    }

    /// The module with an alias: one that is wanted anyway, else the first one by name.
    fn with_alias(&self, alias: &str, wanted: &[String]) -> Result<Option<String>> {
        for name in wanted {
            if self.module(name)?.is_some_and(|it| it.aliases.iter().any(|known| known == alias)) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(self.aliases()?.get(alias).cloned())
    }

    fn aliases(&self) -> Result<&BTreeMap<String, String>> {
        if let Some(aliases) = self.aliases.get() {
            return Ok(aliases);
        }
        let mut aliases = BTreeMap::new();
        for (name, (path, packed, content)) in &self.all {
            let module = self.read(name, path, unpack(packed, content.read()?)?)?;
            for alias in module.aliases {
                aliases.entry(alias).or_insert_with(|| name.clone());
            }
        }
        Ok(self.aliases.get_or_init(|| aliases))
    }

    fn read(&self, name: &str, path: &str, content: Arc<[u8]>) -> Result<Module> {
        let mut module = Module {
            name: name.to_owned(),
            path: path.to_owned(),
            content: content.clone(),
            depends: Vec::new(),
            aliases: Vec::new(),
            softdeps: Vec::new(),
        };
        for (key, value) in info(path, &content)? {
            match key.as_str() {
                "depends" => module
                    .depends
                    .extend(value.split(',').filter(|it| !it.is_empty()).map(|it| it.replace('-', "_"))),
                "alias" => module.aliases.push(value),
                "softdep" => module.softdeps.push(value),
                "vermagic" if value.split(' ').next() != Some(&self.release) => {
                    bail!("module {path} is for kernel {value}, not for {}", self.release)
                }
                _ => {}
            }
        }
        Ok(module)
    }
}

impl Chosen {
    /// `modules.dep`: each module's file and those of everything that is loaded before it, each before what it needs
    /// itself. busybox loads them from the last to the first (modutils/modprobe.c, `do_modprobe`), and does not know
    /// `modules.softdep`.
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
        let before = self.before.get(&module.name).into_iter().flatten();
        for name in module.depends.iter().chain(before) {
            let found = self.modules.iter().find(|it| it.name == *name);
            if let Some(needed) = found.filter(|it| !out.iter().any(|seen| seen.name == it.name)) {
                self.collect(needed, out);
                out.push(needed);
            }
        }
    }
}

/// The names of the firmware files that a module may load.
pub fn firmware(path: &str, content: &[u8]) -> Result<Vec<String>> {
    let wanted = info(path, content)?.into_iter().filter(|(key, _)| key == "firmware");
    Ok(wanted.map(|(_, file)| file).collect())
}

/// A module's `.modinfo`: `key=value` strings, each ended by a zero byte (include/linux/moduleparam.h).
fn info(path: &str, content: &[u8]) -> Result<Vec<(String, String)>> {
    let elf = Elf::parse(content).map_err(|it| it.context(format!("cannot read module {path}")))?;
    let entries = elf.section(".modinfo").unwrap_or_default().split(|byte| *byte == 0);
    let entries = entries.map(|entry| String::from_utf8_lossy(entry).into_owned());
    Ok(entries
        .filter_map(|it| it.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect())
}

/// The names in `pre: a b post: c`: those that are loaded before the module, and those behind it.
fn softdeps(lists: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    for list in lists {
        let mut of = &mut before;
        for word in list.split_whitespace() {
            match word {
                "pre:" => of = &mut before,
                "post:" => of = &mut behind,
                name => of.push(name.to_owned()),
            }
        }
    }
    (before, behind)
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

    fn module(name: &str, depends: &[&str]) -> Rc<Module> {
        Rc::new(Module {
            name: name.to_owned(),
            path: format!("{name}.ko"),
            content: Arc::from([].as_slice()),
            depends: depends.iter().map(|name| (*name).to_owned()).collect(),
            aliases: Vec::new(),
            softdeps: Vec::new(),
        })
    }

    #[test]
    fn softdeps_have_two_lists_in_any_order() {
        let names = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        for (text, before, behind) in [
            ("pre: crc32c", ["crc32c"].as_slice(), [].as_slice()),
            ("post: a b pre: c-d", &["c-d"], &["a", "b"]),
            ("pre: a post: b pre: c", &["a", "c"], &["b"]),
            ("pre:", &[], &[]),
        ] {
            assert_eq!(softdeps(&[text.to_owned()]), (names(before), names(behind)), "{text}");
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
            before: BTreeMap::new(),
        };
        let soft = Chosen {
            modules: vec![module("crc", &[]), module("xor", &[]), module("btrfs", &["xor"])],
            before: BTreeMap::from([("btrfs".to_owned(), vec!["crc".to_owned()])]),
        };
        assert_eq!(soft.dep(), "crc.ko:\nxor.ko:\nbtrfs.ko: crc.ko xor.ko\n");
        assert_eq!(
            chosen.dep(),
            "crc.ko:\nconntrack.ko: crc.ko\nnat.ko: conntrack.ko crc.ko\nftp.ko: nat.ko conntrack.ko crc.ko\n"
        );
    }
}
