//! The tools of a box that calls another one: `test` makes them and passes them to the lab, or does not start the lab.

use std::{fs, io::Cursor, process::Command};

use backhand::FilesystemReader;
use insta::assert_snapshot;

use crate::{checkout::Checkout, package::arm_program};

const CALLER: &str =
    "summary = \"a caller\"\n[[package]]\nname = \"wvdial\"\nfiles = [\"/usr/bin/wvdial\"]\n";

/// A checkout with an image to test, an emulator, and this wvdial in a package. The lab is a fake that records its
/// arguments.
fn checkout(wvdial: &[u8]) -> Checkout {
    let mut checkout = Checkout::new();
    checkout.edit("image/image.toml", "[\"toolchain\"]", "[\"toolchain\", \"caller\"]");
    checkout.write("image/tools/caller.toml", CALLER);
    checkout.package("wvdial", &[("/usr/bin/wvdial", wvdial)]);
    checkout.write("small.img", "an image");
    checkout.write("../bin/qemu-system-arm", "");
    checkout.write("../cargo", "#!/bin/sh\nprintf '%s\\n' \"$@\" > ../started-with\n");
    checkout
}

fn test(checkout: &Checkout) -> Command {
    let mut xtask = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    xtask.args(["test", "--only", "a-story", "--image", "small.img", "--offline", "--downloads"]);
    xtask.arg(checkout.path("../downloads")).env("PATH", checkout.path("../bin"));
    xtask
}

/// An argument that the lab has never been started with, if it was started at all.
fn error(checkout: &Checkout) -> String {
    let error = checkout.refuses(test(checkout));
    assert!(!checkout.path("../started-with").exists(), "the lab was started");
    error
}

#[test]
fn the_lab_gets_a_file_system_with_wvdial() {
    let checkout = checkout(&arm_program(6));
    checkout.succeeds(test(&checkout));
    let arguments = fs::read_to_string(checkout.path("../started-with")).unwrap();
    let arguments: Vec<&str> = arguments.lines().collect();
    let tools = arguments.iter().position(|it| *it == "--caller-tools").unwrap();
    let squashfs =
        FilesystemReader::from_reader(Cursor::new(fs::read(arguments[tools + 1]).unwrap())).unwrap();
    let paths: Vec<String> = squashfs.files().map(|it| it.fullpath.display().to_string()).collect();
    assert_eq!(paths, ["/", "/usr", "/usr/bin", "/usr/bin/wvdial"]);
}

#[test]
fn a_wvdial_that_no_locked_package_has() {
    let checkout = checkout(b"");
    checkout.edit("image/tools/caller.toml", "/usr/bin/wvdial", "/usr/sbin/wvdial");
    assert_snapshot!(error(&checkout), @r"
    error: no locked package has /usr/sbin/wvdial
      recipe `caller` asks for it from wvdial
      next: correct the path in the recipe, then run `cargo xtask lock`
    ");
}

#[test]
fn a_wvdial_for_a_newer_processor() {
    assert_snapshot!(error(&checkout(&arm_program(10))), @r"
    error: /usr/bin/wvdial would not run on a Raspberry Pi 1
      it is built for ARMv7; the Pi 1 is an ARMv6
      it comes from package wvdial, recipe caller
      next: replace it by a build for ARMv6 (Debian: armel), or remove it
    ");
}
