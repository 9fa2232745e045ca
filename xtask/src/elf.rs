//! The parts of an ELF file that the package lock, the image gates and the search for libraries use.

use std::{collections::BTreeSet, sync::Arc};

use object::{
    Endianness, FileKind,
    elf::{self, FileHeader32, FileHeader64, ProgramHeader32},
    read::elf::{AttributeReader, Dyn, ElfFile32, FileHeader, ProgramHeader, SectionHeader, Sym},
};

use crate::{
    bail,
    error::{Context, Result},
    shared_library::Needed,
};

/// A parsed 32-bit little-endian ELF file.
#[derive(Debug)]
pub struct Elf<'a> {
    file: ElfFile32<'a, Endianness>,
    data: &'a [u8],
}

/// Which processors an ELF file is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Cpu {
    /// ARM, with `Tag_CPU_arch` of its build attributes; `None` where it has none.
    Arm(Option<u64>),
    /// Something else: `e_machine`.
    Other(u16),
}

/// What makes a memory error in a program easier to exploit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It is not position-independent: its addresses cannot be randomized.
    FixedAddress,
    /// No RELRO segment: its tables of pointers stay writable.
    NoRelro,
    /// Its stack is executable. Without the header the kernel makes it so on ARM (arm/kernel/elf.c,
    /// arm_elf_read_implies_exec).
    ExecutableStack,
    /// A segment is writable and executable, or the loader must make one so (DT_TEXTREL).
    WritableCode,
}

/// Whether this is an ELF file.
pub fn is_elf(content: &[u8]) -> bool {
    content.starts_with(&elf::ELFMAG)
}

/// The processor that `content` is for, whatever its word size.
pub fn cpu(content: &[u8]) -> Result<Cpu> {
    match FileKind::parse(content) {
        Ok(FileKind::Elf32) => Elf::parse(content)?.cpu(),
        // e_machine has the same offset in both classes; its byte order is the file's.
        _ => Ok(Cpu::Other(content.get(18..20).map_or(0, |it| u16::from_le_bytes([it[0], it[1]])))),
    }
}

/// The libraries that the dynamic file at `path` needs, whatever its word size.
pub fn needs(path: &str, content: &[u8]) -> Result<Vec<Needed>> {
    match FileKind::parse(content) {
        Ok(FileKind::Elf64) => parse_needs::<FileHeader64<Endianness>>(path, content),
        _ => parse_needs::<FileHeader32<Endianness>>(path, content),
    }
}

fn parse_needs<Header: FileHeader<Endian = Endianness>>(path: &str, content: &[u8]) -> Result<Vec<Needed>> {
    let broken = || "its dynamic section is broken".to_owned();
    let mut names = Names::of(content);
    let header = Header::parse(content).context(broken)?;
    let endian = header.endian().context(broken)?;
    let sections = header.sections(endian, content).context(broken)?;
    let mut needs = Vec::new();
    for segment in header.program_headers(endian, content).context(broken)? {
        if let Some(loader) = segment.interpreter(endian, content).context(broken)? {
            needs.push(Needed::Loader(names.read(loader)?));
        }
    }
    if let Some((dynamic, strings)) = sections.dynamic(endian, content).context(broken)? {
        let strings = sections.strings(endian, content, strings).context(broken)?;
        let mut texts = |tag| -> Result<Vec<String>> {
            let entries = dynamic.iter().filter(|it| it.tag(endian) == tag);
            entries.map(|it| names.read(it.string(endian, strings).context(broken)?)).collect()
        };
        // DT_RPATH counts without DT_RUNPATH only (ld.so(8)).
        let own = match texts(elf::DT_RUNPATH)?.pop() {
            Some(own) => Some(own),
            None => texts(elf::DT_RPATH)?.pop(),
        };
        let own: Arc<[String]> = own.map_or(Vec::new(), |own| run_path(path, &own)).into();
        for soname in texts(elf::DT_NEEDED)? {
            needs.push(match own.is_empty() {
                true => Needed::Library(soname),
                false => Needed::LibraryWithPath(soname, Arc::clone(&own)),
            });
        }
    }
    Ok(needs)
}

/// The absolute directories of a run path; `$ORIGIN` is the file's own (ld.so(8), "Dynamic string tokens"). Debian's
/// packages use no other token.
fn run_path(path: &str, text: &str) -> Vec<String> {
    let origin = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let expanded = text.split(':').map(|it| it.replace("${ORIGIN}", origin).replace("$ORIGIN", origin));
    let plain = expanded.filter(|it| it.starts_with('/') && !it.contains('$')).map(|directory| {
        let mut steps: Vec<&str> = Vec::new();
        for step in directory.split('/') {
            match step {
                "" | "." => {}
                ".." => drop(steps.pop()),
                step => steps.push(step),
            }
        }
        format!("/{}", steps.join("/"))
    });
    plain.collect()
}

/// Reads names. Together they are no longer than the file. Without this bound a table whose entries all name the same
/// long string would take memory by the square of the file's length.
struct Names {
    left: usize,
}

impl Names {
    fn of(content: &[u8]) -> Self {
        Self { left: content.len() }
    }

    fn read(&mut self, name: &[u8]) -> Result<String> {
        match self.left.checked_sub(name.len()) {
            Some(left) => self.left = left,
            None => bail!("its names are longer than the file"),
        }
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

impl<'a> Elf<'a> {
    /// Reads the headers.
    pub fn parse(data: &'a [u8]) -> Result<Self> {
        let file = ElfFile32::parse(data).context(|| "not a whole 32-bit ELF file".into())?;
        Ok(Self { file, data })
    }

    /// Symbols that it needs from the library with that soname, each with its version.
    pub fn wants_of(&self, soname: &str) -> Result<BTreeSet<String>> {
        self.versioned_symbols(|symbol, file| symbol && file == Some(soname.as_bytes()))
    }

    /// Symbols that it exports, each with its version.
    pub fn offers(&self) -> Result<BTreeSet<String>> {
        self.versioned_symbols(|undefined, _| !undefined)
    }

    /// `name@VERSION` of the dynamic symbols, selected by whether they are undefined and by the
    /// library that their version belongs to.
    fn versioned_symbols(&self, wanted: impl Fn(bool, Option<&[u8]>) -> bool) -> Result<BTreeSet<String>> {
        let endian = self.file.endian();
        let broken = || "its dynamic symbols are broken".to_owned();
        let Some(versions) = self.file.elf_section_table().versions(endian, self.data).context(broken)?
        else {
            return Ok(BTreeSet::new());
        };
        let symbols = self.file.elf_dynamic_symbol_table();
        let mut names = Names::of(self.data);
        let mut found = BTreeSet::new();
        for (index, symbol) in symbols.enumerate() {
            let version = versions.version(versions.version_index(endian, index).index()).context(broken)?;
            if let Some(version) = version
                && wanted(symbol.is_undefined(endian), version.file())
            {
                let name = symbols.symbol_name(endian, symbol).context(broken)?;
                found.insert(format!("{}@{}", names.read(name)?, names.read(version.name())?));
            }
        }
        Ok(found)
    }

    /// The protections that are missing in its headers.
    pub fn weaknesses(&self) -> Result<Vec<Weakness>> {
        let endian = self.file.endian();
        let segments = || self.file.elf_program_headers().iter();
        let has = |segment: &ProgramHeader32<Endianness>, flag: elf::ProgramFlags| {
            segment.p_flags(endian).0 & flag.0 == flag.0
        };
        let relro = segments().any(|it| it.p_type(endian) == elf::PT_GNU_RELRO);
        let plain_stack = segments().any(|it| it.p_type(endian) == elf::PT_GNU_STACK && !has(it, elf::PF_X));
        let mut loaded = segments().filter(|it| it.p_type(endian) == elf::PT_LOAD);
        let writable_code = loaded.any(|it| has(it, elf::PF_W) && has(it, elf::PF_X))
            || self.relocates_its_code().context(|| "its dynamic section is broken".into())?;
        let weaknesses = [
            (self.file.elf_header().e_type(endian) != elf::ET_DYN, Weakness::FixedAddress),
            (!relro, Weakness::NoRelro),
            (!plain_stack, Weakness::ExecutableStack),
            (writable_code, Weakness::WritableCode),
        ];
        Ok(weaknesses.into_iter().filter_map(|(open, weakness)| open.then_some(weakness)).collect())
    }

    fn relocates_its_code(&self) -> object::Result<bool> {
        let endian = self.file.endian();
        for segment in self.file.elf_program_headers() {
            let entries = segment.dynamic(endian, self.data)?.unwrap_or_default();
            if entries.iter().any(|it| it.tag(endian) == elf::DT_TEXTREL) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The content of a section.
    pub fn section(&self, name: &str) -> Option<&'a [u8]> {
        let endian = self.file.endian();
        let (_, section) = self.file.elf_section_table().section_by_name(endian, name.as_bytes())?;
        section.data(endian, self.data).ok()
    }

    fn cpu(&self) -> Result<Cpu> {
        let endian = self.file.endian();
        let machine = self.file.elf_header().e_machine(endian);
        if machine != elf::EM_ARM {
            return Ok(Cpu::Other(machine.0));
        }
        let sections = self.file.elf_section_table();
        let broken = || "its .ARM.attributes are broken".to_owned();
        let section = sections.iter().find(|it| it.sh_type(endian) == elf::SHT_ARM_ATTRIBUTES);
        let Some(section) = section else { return Ok(Cpu::Arm(None)) };
        let attributes = section.attributes(endian, self.data).context(broken)?;
        let mut vendors = attributes.subsections().context(broken)?;
        while let Some(vendor) = vendors.next().context(broken)? {
            if vendor.vendor() != b"aeabi" {
                continue;
            }
            let mut scopes = vendor.subsubsections();
            while let Some(scope) = scopes.next().context(broken)? {
                if let Some(arch) = cpu_arch(scope.attributes()).context(broken)? {
                    return Ok(Cpu::Arm(Some(arch)));
                }
            }
        }
        Ok(Cpu::Arm(None))
    }
}

// Build attributes (Addenda to the ABI for the Arm Architecture §3.3.2): a tag's value is a number,
// but for these two names, for odd tags above 32 (strings), and for 32 (both).
const TAG_CPU_RAW_NAME: u64 = 4;
const TAG_CPU_NAME: u64 = 5;
const TAG_CPU_ARCH: u64 = 6;
const TAG_COMPATIBILITY: u64 = 32;

/// `Tag_CPU_arch` of a list of build attributes.
fn cpu_arch(mut attributes: AttributeReader<'_>) -> object::Result<Option<u64>> {
    while let Some(tag) = attributes.read_tag()? {
        match tag {
            TAG_CPU_ARCH => return attributes.read_integer().map(Some),
            TAG_CPU_RAW_NAME | TAG_CPU_NAME => drop(attributes.read_string()?),
            TAG_COMPATIBILITY => {
                attributes.read_integer()?;
                attributes.read_string()?;
            }
            tag if tag > TAG_COMPATIBILITY && tag % 2 == 1 => drop(attributes.read_string()?),
            _ => drop(attributes.read_integer()?),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_needs_its_loader_and_libc() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = needs("/usr/bin/it", &program).unwrap();
        assert!(
            needs.iter().any(|it| matches!(it, Needed::Loader(path) if path.contains("/ld-linux"))),
            "{needs:?}"
        );
        assert!(needs.contains(&Needed::Library("libc.so.6".into())), "{needs:?}");
    }

    #[test]
    fn a_run_path_is_a_list_of_directories() {
        let file = "/usr/lib/arm-linux-gnueabi/samba/libx.so.0";
        for (text, directories) in [
            ("/usr/lib/arm-linux-gnueabi/samba", &["/usr/lib/arm-linux-gnueabi/samba"][..]),
            ("$ORIGIN/../pulseaudio:/opt/lib/", &["/usr/lib/arm-linux-gnueabi/pulseaudio", "/opt/lib"]),
            ("${ORIGIN}", &["/usr/lib/arm-linux-gnueabi/samba"]),
            ("relative:/usr/$LIB:", &[]),
        ] {
            assert_eq!(run_path(file, text), directories, "{text}");
        }
    }

    #[test]
    fn a_file_has_no_more_names_than_bytes() {
        let mut names = Names::of(&[0; 40]);
        assert_eq!(names.read(&[b'a'; 30]).unwrap().len(), 30);
        assert!(names.read(&[b'a'; 30]).is_err());
        assert!(names.read(&[b'a'; 10]).is_ok());
    }
}
