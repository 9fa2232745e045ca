//! Kernel modules: what they want besides their dependencies.

use std::fs;

use crate::checkout::Checkout;

/// A relocatable ELF file for ARM (System V ABI, ELF header and sections) with nothing but a `.modinfo`.
fn module(info: &[&str]) -> Vec<u8> {
    let mut body: Vec<u8> = info.iter().flat_map(|it| [it.as_bytes(), b"\0"].concat()).collect();
    body.extend(b"vermagic=6.1.0 mod_unload ARMv6 p2v8 \0");
    let names = b"\0.modinfo\0.shstrtab\0";
    let (body_at, names_at) = (52, 52 + body.len());
    let sections_at = names_at + names.len();
    let words = |words: &[usize]| words.iter().flat_map(|it| (*it as u32).to_le_bytes()).collect::<Vec<u8>>();
    let halves = |halves: &[u16]| halves.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>();
    // ET_REL, EM_ARM; then version, entry, program headers, section headers, EABI 5.
    let mut file = [b"\x7fELF\x01\x01\x01".as_slice(), &[0; 9], &halves(&[1, 40])].concat();
    file.extend(words(&[1, 0, 0, sections_at, 0x0500_0000]));
    file.extend(halves(&[52, 0, 0, 40, 3, 2]));
    file.extend(&body);
    file.extend(names);
    // Of each section: name, type, flags, address, offset, size, link, info, alignment, entry size.
    file.extend(words(&[0; 10]));
    file.extend(words(&[1, 1, 2, 0, body_at, body.len(), 0, 0, 1, 0]));
    file.extend(words(&[10, 3, 0, 0, names_at, names.len(), 0, 0, 1, 0]));
    file
}

/// A checkout whose recipe names these modules, of a kernel that has a few more.
fn with_modules(named: &str) -> Checkout {
    let mut checkout = Checkout::new();
    let files = [
        ("one", module(&["softdep=pre: two", "softdep=post: an-alias", "softdep=pre: not-there"])),
        // In a circle.
        ("two", module(&["softdep=pre: one"])),
        ("three", module(&["alias=an-alias"])),
        ("four", module(&[])),
        ("nic", module(&["firmware=maker/nic-1.bin", "firmware=maker/nic-2.bin"])),
    ];
    let files = files.map(|(name, file)| (format!("/lib/modules/6.1.0/kernel/{name}.ko"), file));
    let always: [(&str, &[u8]); 4] = [
        ("/boot/vmlinuz", b"kernel"),
        ("/lib/modules/6.1.0/modules.builtin", b""),
        ("/usr/share/doc/linux-image/copyright", b"This is Linux."),
        ("/usr/share/doc/busybox/copyright", b"This is busybox."),
    ];
    let files = files.iter().map(|(path, file)| (path.as_str(), file.as_slice()));
    checkout.package("linux-image", &files.chain(always).collect::<Vec<_>>());
    checkout.edit("image/recipes/base.toml", "overlay =", &format!("modules = [{named}]\noverlay ="));
    checkout
}

/// The modules of the built image's root.
fn built(checkout: &Checkout) -> Vec<String> {
    let table = fs::read_to_string(checkout.path("out/small.files.tsv")).unwrap();
    let paths = table.lines().filter_map(|line| line.split('\t').next()?.strip_suffix(".ko"));
    paths.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn what_softdeps_name_is_taken_along_by_name_or_alias() {
    let checkout = with_modules("\"one\"");
    checkout.succeeds(checkout.build_image_offline());
    assert_eq!(built(&checkout), ["one", "three", "two"]);
}

#[test]
fn firmware_that_is_not_there_is_warned_of_until_it_is_or_is_not_wanted() {
    let checkout = with_modules("\"nic\"");
    const WANTS: &str = "warning: nic (recipe base) wants firmware that the root has not: ";
    let both = format!(
        "{WANTS}maker/nic-1.bin, maker/nic-2.bin; `apt-file search maker/nic-1.bin` names the package that has it; \
         `files` of a recipe adds it, and `without-firmware` says that it is not wanted\n"
    );
    for _ in ["the first build", "the second one, which has nothing to do"] {
        let said = checkout.succeeds(checkout.build_image_offline());
        assert!(said.contains(&both), "{said}");
    }
    checkout.write("overlay/usr/lib/firmware/maker/nic-1.bin", "code");
    checkout.edit("image/recipes/base.toml", "\"etc/\"", "\"etc/\", \"usr/\"");
    let said = checkout.succeeds(checkout.build_image_offline());
    assert!(said.contains(&format!("{WANTS}maker/nic-2.bin; ")), "{said}");
    checkout.edit(
        "image/recipes/base.toml",
        "modules =",
        "without-firmware = [\"maker/nic-2.bin\"]\nmodules =",
    );
    let said = checkout.succeeds(checkout.build_image_offline());
    assert!(!said.contains("firmware"), "{said}");
}

#[test]
fn the_package_that_has_the_firmware_is_named() {
    let mut checkout = with_modules("\"nic\"");
    let firmware = [("/bin/busybox", &b"a shell"[..]), ("/lib/firmware/maker/nic-1.bin", b"code")];
    checkout.package("busybox", &firmware);
    let said = checkout.succeeds(checkout.build_image_offline());
    assert!(said.contains("; the package busybox has it; "), "{said}");
}

#[test]
fn firmware_that_no_module_asks_for_is_not_done_without() {
    let checkout = with_modules("\"four\", \"nic\"");
    let without = |list: &str| {
        checkout.edit(
            "image/recipes/base.toml",
            "modules =",
            &format!("without-firmware = [{list}]\nmodules ="),
        );
    };
    without("\"maker/nic-1.bin\", \"maker/nik-2.bin\"");
    let said = checkout.refuses(checkout.build_image_offline());
    let wanted = [
        "recipe `base` is without the firmware maker/nik-2.bin, which no module of the image asks for",
        "did you mean maker/nic-2.bin?",
        "correct `without-firmware` in image/recipes/base.toml, or take it out",
    ];
    assert!(wanted.iter().all(|it| said.contains(it)), "{said}");
    assert!(!checkout.path("out").exists());
    // The module is in the initramfs only.
    checkout.edit("image/recipes/base.toml", "nik-2", "nic-2");
    checkout.edit(
        "image/recipes/base.toml",
        "\"four\", \"nic\"]",
        "\"four\"]\ninitramfs-modules = [\"nic\"]",
    );
    checkout.succeeds(checkout.build_image_offline());
}
