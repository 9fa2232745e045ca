//! Whatever a package calls a program or a library: every name that is reported lies in the file, and together they are
//! not longer than it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xtask::elf::{self, Elf};
use xtask::shared_library::Needed;

/// The section and the library that the builder asks for.
const SECTION: &str = ".ARM.attributes";
const LIBRARY: &str = "libsystemd.so.0";

fuzz_target!(|content: &[u8]| {
    let _ = elf::cpu(content);
    if let Ok(needs) = elf::needs("/usr/bin/it", content) {
        let names = needs.iter().map(|needed| match needed {
            Needed::Library(name) | Needed::LibraryWithPath(name, _) | Needed::Loader(name) => name.as_str(),
        });
        are_of(content, names);
    }
    let Ok(elf) = Elf::parse(content) else { return };
    let _ = elf.weaknesses();
    if let Some(section) = elf.section(SECTION) {
        assert!(content.as_ptr_range().contains(&section.as_ptr()) || section.is_empty());
    }
    for symbols in [elf.offers(), elf.wants_of(LIBRARY)].into_iter().flatten() {
        // A symbol may have an `@` of its own.
        let parts = symbols.iter().flat_map(|symbol| symbol.split('@'));
        are_of(content, parts);
    }
});

fn are_of<'a>(content: &[u8], names: impl Iterator<Item = &'a str>) {
    let mut length = 0;
    for name in names {
        // What is not UTF-8 is shown with replacement characters of three bytes each.
        let is_replaced = name.contains(char::REPLACEMENT_CHARACTER);
        length += if is_replaced { name.chars().count() } else { name.len() };
        let mut windows = content.windows(name.len().max(1));
        assert!(
            is_replaced || name.is_empty() || windows.any(|window| window == name.as_bytes()),
            "{name:?} is not in the file"
        );
    }
    assert!(length <= content.len(), "more names than bytes");
}
