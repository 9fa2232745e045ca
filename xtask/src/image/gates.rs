//! What every root must satisfy before it is written: a fault that is found in the field costs a journey. The same
//! gates check the outline, as far as it is known.

use memchr::memmem;

use super::{
    root::stub_library_path,
    tree::{Kind, Node, Origin, Tree},
};
use crate::{
    elf::{self, Cpu, Elf, Weakness},
    error::{Error, Result},
    manifest::Recipe,
};

/// Highest `Tag_CPU_arch` values that an ARM1176JZF-S runs (Addenda to the ABI for the Arm
/// Architecture §3.3.5.2): pre-v4 … v6 are 0-6, v6KZ is 7, v6K is 9; 8 is v6T2, v7 begins at 10.
fn runs_on_arm1176(arch: u64) -> bool {
    arch <= 7 || arch == 9
}

/// The names of `Tag_CPU_arch` values (same table).
fn arm_name(arch: u64) -> String {
    match arch {
        8 => "ARMv6T2".into(),
        10 => "ARMv7".into(),
        11..=13 | 16 | 17 | 21 => "a microcontroller's ARM".into(),
        14 | 15 | 18..=20 => "ARMv8".into(),
        22 => "ARMv9".into(),
        other => format!("a newer ARM (Tag_CPU_arch {other})"),
    }
}

/// The names of `e_machine` values that occur on a PC or another Pi (System V ABI, e_machine).
fn machine_name(machine: u16) -> String {
    match machine {
        3 => "a 32-bit PC (i386)".into(),
        62 => "a PC (x86-64)".into(),
        183 => "a 64-bit ARM (AArch64)".into(),
        other => format!("another processor (ELF machine {other})"),
    }
}

/// Checks a tree; the first fault is the error. `build_paths`: directories of this machine that the image must not
/// name. `may_come`: whether a package that is not unpacked yet may provide a path.
pub fn check(
    tree: &Tree,
    recipes: &[Recipe],
    build_paths: &[String],
    may_come: impl Fn(&str) -> bool,
) -> Result<()> {
    every_program_runs_on_armv6(tree, recipes)?;
    every_program_is_hardened(tree, recipes)?;
    no_private_key(tree)?;
    no_build_path(tree, build_paths)?;
    every_stub_library_will_do(tree, recipes)?;
    every_link_leads_somewhere(tree, may_come)
}

fn every_program_runs_on_armv6(tree: &Tree, recipes: &[Recipe]) -> Result<()> {
    let chooses = |path: &str| recipes.iter().any(|it| it.chooses_by_cpu.iter().any(|it| it == path));
    for (path, node, content) in tree.files().filter(|(_, _, content)| elf::is_elf(content)) {
        let verdict = match elf::cpu(content).map_err(|it| it.context(format!("{path} is broken")))? {
            Cpu::Arm(Some(arch)) if runs_on_arm1176(arch) => continue,
            // Debian's modules are built without attributes; the kernel checks their vermagic.
            Cpu::Arm(None) if path.ends_with(".ko") => continue,
            Cpu::Arm(_) if chooses(path) => continue,
            Cpu::Arm(Some(arch)) => format!("it is built for {}; the Pi 1 is an ARMv6", arm_name(arch)),
            Cpu::Arm(None) => "it does not say for which ARM it was built (no .ARM.attributes)".into(),
            Cpu::Other(machine) => format!("it is built for {}", machine_name(machine)),
        };
        return Err(Error::new(format!("{path} would not run on a Raspberry Pi 1"))
            .fact(verdict)
            .fact(format!("it comes from {}", node.origin))
            .hint("replace it by a build for ARMv6 (Debian: armel), or remove it"));
    }
    Ok(())
}

/// Nearly every program of the box parses untrusted input, or is loaded into a program that does.
fn every_program_is_hardened(tree: &Tree, recipes: &[Recipe]) -> Result<()> {
    let programs = tree.files().filter(|(path, _, content)| elf::is_elf(content) && !path.ends_with(".ko"));
    for (path, node, content) in programs {
        let excepted = recipes.iter().any(|it| it.fixed_address.iter().any(|it| it == path));
        refuse_weak(path, content, excepted)
            .map_err(|error| error.fact(format!("it comes from {}", node.origin)))?;
    }
    Ok(())
}

/// The same for the program that the kernel starts from the initramfs.
pub fn init_is_hardened(init: &[u8]) -> Result<()> {
    if elf::is_elf(init) { refuse_weak("/init", init, false) } else { Ok(()) }
}

fn refuse_weak(path: &str, content: &[u8], may_have_fixed_address: bool) -> Result<()> {
    let mut weaknesses = Elf::parse(content)
        .and_then(|it| it.weaknesses())
        .map_err(|error| error.context(format!("{path} is broken")))?;
    if may_have_fixed_address {
        let before = weaknesses.len();
        weaknesses.retain(|it| *it != Weakness::FixedAddress);
        if weaknesses.len() == before {
            return Err(Error::new(format!("{path} is position-independent, though its recipe excepts it"))
                .hint(format!("remove {path} from `fixed-address` of its recipe")));
        }
    }
    if weaknesses.is_empty() {
        return Ok(());
    }
    let error = Error::new(format!("{path} would make an attack easier than need be"));
    Err(weaknesses.iter().fold(error, |error, it| error.fact(in_words(*it))).hint(
        "build it with -pie, -z relro and -z noexecstack; one that must have a fixed address is named in \
         `fixed-address` of its recipe",
    ))
}

fn in_words(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::FixedAddress => "it is not position-independent (ET_EXEC)",
        Weakness::NoRelro => "it has no RELRO segment (PT_GNU_RELRO)",
        Weakness::ExecutableStack => "it asks for an executable stack (PT_GNU_STACK)",
        Weakness::WritableCode => "it has code that is writable (a segment with both flags, or DT_TEXTREL)",
    }
}

/// A program that misses a symbol would not even start.
fn every_stub_library_will_do(tree: &Tree, recipes: &[Recipe]) -> Result<()> {
    for soname in recipes.iter().flat_map(|it| &it.stub_libraries) {
        let at = stub_library_path(soname);
        let Some(Node { kind: Kind::File(library), .. }) = tree.get(&at) else { continue };
        let offers = Elf::parse(library)?.offers()?;
        let programs =
            tree.files().filter(|(path, _, content)| elf::is_elf(content) && !path.ends_with(".ko"));
        for (path, node, content) in programs {
            let wants = Elf::parse(content)?.wants_of(soname)?;
            let missing: Vec<&str> = wants.difference(&offers).map(String::as_str).collect();
            if !missing.is_empty() {
                return Err(Error::new(format!("{path} wants more of {soname} than its stub library has"))
                    .fact(missing.join(", "))
                    .fact(format!("it comes from {}", node.origin))
                    .hint(format!(
                        "write it in image/stub-libraries/{soname}, or take Debian's: take {soname} out of `stub-libraries` \
                         in the recipe, or a layer's `remove-stub-libraries` names it"
                    )));
            }
        }
    }
    Ok(())
}

fn every_link_leads_somewhere(tree: &Tree, may_come: impl Fn(&str) -> bool) -> Result<()> {
    for (path, node) in tree.iter() {
        let Kind::Symlink(target) = &node.kind else { continue };
        let Err(missing) = tree.resolve(path) else { continue };
        if is_there_at_run_time(&missing) || may_come(&missing) {
            continue;
        }
        return Err(Error::new(format!("{path} is a link to {target}, where nothing is"))
            .fact(format!("it comes from {}", node.origin))
            .hint("correct the link, or add what it points to"));
    }
    Ok(())
}

/// File systems are mounted over these at boot; their content is not in the tree.
fn is_there_at_run_time(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    ["run", "proc", "dev", "sys", "state", "tmp", "boot"].contains(&first)
}

fn no_private_key(tree: &Tree) -> Result<()> {
    for (path, node, content) in tree.files().filter(|(_, node, _)| node.origin != Origin::Site) {
        // Programs that read keys contain these words as well; a key file begins with them.
        let begins = memmem::find(&content[..content.len().min(4096)], b"-----BEGIN ");
        let key = begins.is_some_and(|at| {
            memmem::find(&content[at..content.len().min(at + 64)], b"PRIVATE KEY-----").is_some()
        });
        if key && !elf::is_elf(content) {
            return Err(Error::new(format!("{path} holds a private key; every box would share it"))
                .fact(format!("it comes from {}", node.origin))
                .hint("remove it; keys are made on the box or belong in site.toml"));
        }
    }
    Ok(())
}

fn no_build_path(tree: &Tree, build_paths: &[String]) -> Result<()> {
    for (path, node, content) in tree.files() {
        let found = build_paths.iter().find(|it| memmem::find(content, it.as_bytes()).is_some());
        if let Some(found) = found {
            return Err(Error::new(format!("{path} holds the path {found} of this machine"))
                .fact(format!("it comes from {}", node.origin))
                .hint("another machine would make another image: this is a fault of the builder"));
        }
    }
    Ok(())
}
