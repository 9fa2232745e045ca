//! Mistakes in `overlay/`. They are found before anything is fetched or compiled: the checkouts have neither packages
//! nor a compiler.

use std::fs;

use insta::assert_snapshot;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::{
    checkout::Checkout,
    package::{ET_EXEC, PF_R, PF_W, PF_X, PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, Program, arm_program},
};

fn checkout() -> Checkout {
    let checkout = Checkout::new();
    fs::remove_dir_all(checkout.path("../downloads")).unwrap();
    fs::remove_file(checkout.path("../cargo")).unwrap();
    checkout
}

#[test]
fn an_armv7_program() {
    let checkout = checkout();
    checkout.write("overlay/etc/init.d/tool", arm_program(10));
    assert_snapshot!(checkout.error(), @r"
    error: /etc/init.d/tool would not run on a Raspberry Pi 1
      it is built for ARMv7; the Pi 1 is an ARMv6
      it comes from overlay/, recipe base
      next: replace it by a build for ARMv6 (Debian: armel), or remove it
    ");
}

#[test]
fn an_armv6_program_is_accepted() {
    let checkout = checkout();
    checkout.write("overlay/etc/init.d/tool", arm_program(6));
    let error = checkout.error();
    assert!(error.starts_with("error: offline, and 3 packages are not in "), "{error}");
}

#[test]
fn a_program_without_any_hardening() {
    let checkout = checkout();
    let weak = Program { kind: ET_EXEC, segments: vec![(PT_LOAD, PF_R | PF_W | PF_X)], ..Program::default() };
    checkout.write("overlay/etc/init.d/tool", weak.bytes());
    assert_snapshot!(checkout.error(), @r"
    error: /etc/init.d/tool would make an attack easier than need be
      it is not position-independent (ET_EXEC)
      it has no RELRO segment (PT_GNU_RELRO)
      it asks for an executable stack (PT_GNU_STACK)
      it has code that is writable (a segment with both flags, or DT_TEXTREL)
      it comes from overlay/, recipe base
      next: build it with -pie, -z relro and -z noexecstack; one that must have a fixed address is named in `fixed-address` of its recipe
    ");
}

#[test]
fn a_program_that_lacks_one_protection() {
    let good = || Program::default().segments.into_iter();
    for (segments, expected) in [
        (good().filter(|it| it.0 != PT_GNU_RELRO).collect(), "it has no RELRO segment (PT_GNU_RELRO)"),
        // Without the header the kernel makes the stack executable.
        (
            good().filter(|it| it.0 != PT_GNU_STACK).collect(),
            "it asks for an executable stack (PT_GNU_STACK)",
        ),
        (
            good()
                .map(|it| if it.0 == PT_GNU_STACK { (PT_GNU_STACK, PF_R | PF_W | PF_X) } else { it })
                .collect(),
            "it asks for an executable stack (PT_GNU_STACK)",
        ),
    ] {
        let checkout = checkout();
        checkout.write("overlay/etc/init.d/tool", Program { segments, ..Program::default() }.bytes());
        let error = checkout.error();
        assert!(error.contains(&format!("\n  {expected}\n  it comes from overlay/")), "{error}");
    }
}

#[test]
fn a_program_with_a_fixed_address_must_be_named_and_only_such_a_program_may_be() {
    let checkout = checkout();
    let fixed = Program { kind: ET_EXEC, ..Program::default() };
    checkout.write("overlay/etc/init.d/tool", fixed.bytes());
    assert!(checkout.error().contains("\n  it is not position-independent (ET_EXEC)\n"));
    checkout.edit(
        "image/recipes/base.toml",
        "overlay =",
        "fixed-address = [\"/etc/init.d/tool\"]\noverlay =",
    );
    let error = checkout.error();
    assert!(error.starts_with("error: offline, and 3 packages are not in "), "{error}");
    checkout.write("overlay/etc/init.d/tool", arm_program(6));
    let error = checkout.error();
    assert!(error.starts_with("error: /etc/init.d/tool is position-independent, though"), "{error}");
}

#[test]
fn a_program_of_this_machine() {
    let checkout = checkout();
    fs::copy("/proc/self/exe", checkout.path("overlay/etc/tool")).unwrap();
    let error = checkout.error();
    assert!(error.starts_with("error: /etc/tool would not run on a Raspberry Pi 1\n"), "{error}");
}

#[test]
fn a_dangling_link() {
    let checkout = checkout();
    checkout.link("overlay/etc/motd", "/etc/nowhere");
    assert_snapshot!(checkout.error(), @r"
    error: /etc/motd is a link to /etc/nowhere, where nothing is
      it comes from overlay/, recipe base
      next: correct the link, or add what it points to
    ");
}

#[test]
fn links_to_files_added_later_do_not_dangle() {
    let checkout = checkout();
    for (name, target) in [
        ("to-a-package", "/bin/busybox"),
        ("to-a-program", "../usr/sbin/service"),
        ("to-the-site", "ppp/options"),
        ("to-run-time", "/run/resolv.conf"),
        ("to-a-library", "/usr/lib/arm-linux-gnueabi/libc.so.6"),
        ("to-another-link", "to-a-package"),
    ] {
        checkout.link(&format!("overlay/etc/{name}"), target);
    }
    let error = checkout.error();
    assert!(error.starts_with("error: offline, and 3 packages are not in "), "{error}");
}

#[test]
fn a_file_that_collides_with_a_packages() {
    let checkout = checkout();
    checkout.edit("image/recipes/base.toml", "\"etc/\"", "\"etc/\", \"bin/\"");
    checkout.write("overlay/bin/busybox", "mine");
    assert_snapshot!(checkout.error(), @r"
    error: two files want to be /bin/busybox in the root
      one from package busybox, recipe base
      one from overlay/, recipe base
      next: take it out of one of the two
    ");
}

#[test]
fn a_file_that_no_recipe_claims() {
    let checkout = checkout();
    checkout.write("overlay/root/.profile", "");
    assert_snapshot!(checkout.error(), @r#"
    error: overlay/root/.profile belongs to no recipe
      next: add "root/.profile" to `overlay` in the recipe it serves, or remove the file
    "#);
}

#[test]
fn a_file_that_a_recipe_claims_and_that_does_not_exist() {
    let checkout = checkout();
    checkout.edit("image/recipes/base.toml", "\"etc/\"", "\"etc/\", \"root/.profile\"");
    assert_snapshot!(checkout.error(), @r"
    error: recipe `base` names overlay/root/.profile, which is not there
      next: correct `overlay` in image/recipes/base.toml, or add the file
    ");
}

#[test]
fn a_private_key() {
    let checkout = checkout();
    checkout.write("overlay/etc/dropbear/host", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    assert_snapshot!(checkout.error(), @r"
    error: /etc/dropbear/host holds a private key; every box would share it
      it comes from overlay/, recipe base
      next: remove it; keys are made on the box or belong in site.toml
    ");
}

#[test]
fn a_fifo() {
    let checkout = checkout();
    let fifo = checkout.path("overlay/etc/fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_snapshot!(checkout.error(), @r"
    error: /checkout/overlay/etc/fifo is neither a file, a symlink nor a directory
      next: remove it, and run the same command again
    ");
}
