//! The parts of an ELF file that the package lock, the image gates and the search for libraries use.

use std::collections::BTreeSet;

use object::{
    Endianness, FileKind,
    elf::{self, FileHeader32, FileHeader64, ProgramHeader32},
    read::elf::{AttributeReader, Dyn, ElfFile32, FileHeader, ProgramHeader, SectionHeader, Sym},
};

use crate::{
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

/// The libraries that a dynamic file needs, whatever its word size.
pub fn needs(content: &[u8]) -> Result<Vec<Needed>> {
    let needs = match FileKind::parse(content) {
        Ok(FileKind::Elf64) => parse_needs::<FileHeader64<Endianness>>(content),
        _ => parse_needs::<FileHeader32<Endianness>>(content),
    };
    needs.context(|| "its dynamic section is broken".into())
}

fn parse_needs<Header: FileHeader<Endian = Endianness>>(content: &[u8]) -> object::read::Result<Vec<Needed>> {
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    let header = Header::parse(content)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, content)?;
    let mut needs = Vec::new();
    for segment in header.program_headers(endian, content)? {
        if let Some(loader) = segment.interpreter(endian, content)? {
            needs.push(Needed::Loader(text(loader)));
        }
    }
    if let Some((dynamic, strings)) = sections.dynamic(endian, content)? {
        let strings = sections.strings(endian, content, strings)?;
        for entry in dynamic.iter().filter(|it| it.tag(endian) == elf::DT_NEEDED) {
            needs.push(Needed::Library(text(entry.string(endian, strings)?)));
        }
    }
    Ok(needs)
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
        let mut found = BTreeSet::new();
        for (index, symbol) in symbols.enumerate() {
            let version = versions.version(versions.version_index(endian, index).index()).context(broken)?;
            if let Some(version) = version
                && wanted(symbol.is_undefined(endian), version.file())
            {
                let name = symbols.symbol_name(endian, symbol).context(broken)?;
                let text = String::from_utf8_lossy;
                found.insert(format!("{}@{}", text(name), text(version.name())));
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
        let needs = needs(&program).unwrap();
        assert!(
            needs.iter().any(|it| matches!(it, Needed::Loader(path) if path.contains("/ld-linux"))),
            "{needs:?}"
        );
        assert!(needs.contains(&Needed::Library("libc.so.6".into())), "{needs:?}");
    }
}
