//! Packages that are missing, damaged, or without the files that a recipe expects. (Faults of mirrors are
//! tested beside the code that uses them, in `src/debian/fetch/tests.rs`.)

use std::{fs, process::Command};

use insta::assert_snapshot;

use crate::{checkout::Checkout, package::deb_with_links};

#[test]
fn a_program_that_no_locked_package_has() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "[\"/bin/busybox\"]", "[\"/bin/busybox\", \"/bin/bash\"]");
    assert_snapshot!(checkout.error(), @r"
    error: no locked package has /bin/bash
      recipe `base` asks for it from busybox
      next: correct the path in the recipe, then run `cargo xtask lock`
    ");
}

#[test]
fn a_boot_file_that_no_locked_package_has() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/kernel.toml", "/boot/vmlinuz", "/boot/zImage");
    assert_snapshot!(checkout.error(), @r"
    error: no locked package has /boot/zImage
      recipe `kernel` asks for it from linux-image
      next: correct the path in the recipe, then run `cargo xtask lock`
    ");
}

#[test]
fn a_file_of_a_tool_that_no_locked_package_has() {
    let checkout = Checkout::new();
    checkout.edit("image/tools/toolchain.toml", "[\"/usr/\"]", "[\"/usr/\", \"/opt/lld\"]");
    assert_snapshot!(checkout.error(), @r"
    error: no locked package has /opt/lld
      recipe `toolchain` asks for it from rust-src
      next: correct the path in the recipe, then run `cargo xtask lock`
    ");
}

#[test]
fn a_package_with_a_wrong_hash_offline() {
    let checkout = Checkout::new();
    let deb = checkout.path("../downloads/busybox.deb");
    let mut bytes = fs::read(&deb).unwrap();
    bytes[200] ^= 1;
    fs::write(&deb, bytes).unwrap();
    assert_snapshot!(checkout.error(), @r"
    error: offline, and one package is not in ../downloads
      busybox.deb  sha256 40ec663f37e88d8ece905d979ab3171d0f4bd65341d48e94d34aec0a6a671241
        ../downloads/busybox.deb is there, but its sha256 is e4fa913014b480ad97b6b9574bec56afa3a658fca77e2b432402c29bb9d99464
      next: run it once without --offline, or put the files there
    ");
}

/// Who opens a pipe waits for who writes into it.
#[test]
fn a_pipe_or_a_loop_of_links_in_the_place_of_a_package() {
    let checkout = Checkout::new();
    let deb = checkout.path("../downloads/busybox.deb");
    fs::remove_file(&deb).unwrap();
    assert!(Command::new("mkfifo").arg(&deb).status().unwrap().success());
    assert_snapshot!(checkout.error(), @r"
    error: offline, and one package is not in ../downloads
      busybox.deb  sha256 40ec663f37e88d8ece905d979ab3171d0f4bd65341d48e94d34aec0a6a671241
        ../downloads/busybox.deb is there, but it is no file
      next: run it once without --offline, or put the files there
    ");
    fs::remove_file(&deb).unwrap();
    std::os::unix::fs::symlink("busybox.deb", &deb).unwrap();
    let error = checkout.error();
    assert!(error.contains("busybox.deb is there, but Too many levels of symbolic links"), "{error}");
}

#[test]
fn a_missing_package_offline() {
    let checkout = Checkout::new();
    fs::remove_file(checkout.path("../downloads/busybox.deb")).unwrap();
    assert_snapshot!(checkout.error(), @r"
    error: offline, and one package is not in ../downloads
      busybox.deb  sha256 40ec663f37e88d8ece905d979ab3171d0f4bd65341d48e94d34aec0a6a671241
      next: run it once without --offline, or put the files there
    ");
}

#[test]
fn a_truncated_deb_with_the_hash_in_the_lock() {
    let mut checkout = Checkout::new();
    let whole = checkout.downloads()["/pool/busybox.deb"].clone();
    checkout.package_of_bytes("busybox", whole[..whole.len() - 600].to_vec());
    assert_snapshot!(checkout.error(), @r"
    error: cannot unpack /checkout/../downloads/busybox.deb
      it is truncated: it has 1640 bytes of at least 2240
      it is busybox.deb, and has the SHA-256 of image/packages.lock
      next: if the archive has it no better, choose another `version` in the recipe, then `cargo xtask lock`
    ");
}

#[test]
fn a_tools_deb_that_is_no_package() {
    let mut checkout = Checkout::new();
    checkout.package_of_bytes("rust-src", b"<html>not found</html>".to_vec());
    assert_snapshot!(checkout.error(), @r"
    error: cannot unpack /checkout/../downloads/rust-src.deb
      it is not a Debian package, or a broken one
      Not an archive file (invalid global header)
      it is rust-src.deb, and has the SHA-256 of image/packages.lock
      next: if the archive has it no better, choose another `version` in the recipe, then `cargo xtask lock`
    ");
}

#[test]
fn a_recipe_that_the_lock_does_not_know() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "name = \"busybox\"", "name = \"toybox\"");
    assert_snapshot!(checkout.error(), @r"
    error: image/packages.lock does not fit the recipes
      busybox (bookworm, armel) is locked, but no recipe names it
      toybox (bookworm, armel) is not locked; recipe base names it
      next: cargo xtask lock
    ");
}

#[test]
fn no_lock_at_all() {
    let checkout = Checkout::new();
    fs::remove_file(checkout.path("image/packages.lock")).unwrap();
    assert_snapshot!(checkout.error(), @r"
    error: there is no image/packages.lock
      next: cargo xtask lock
    ");
}

#[test]
fn a_directory_with_a_link_to_a_later_file_of_it_is_taken() {
    let mut checkout = Checkout::new();
    let files: [(&str, &[u8]); 2] = [("/bin/busybox", b"#!"), ("/usr/share/zoneinfo/UTC", b"TZif")];
    checkout.package_of_bytes("busybox", deb_with_links(&files, &[("/usr/share/zoneinfo/GMT", "UTC")]));
    let taken = "[\"/bin/busybox\", \"/usr/share/zoneinfo/\"]";
    checkout.edit("image/recipes/base.toml", "[\"/bin/busybox\"]", taken);
    checkout.succeeds(checkout.build_image_offline());
    let table = fs::read_to_string(checkout.path("out/small.files.tsv")).unwrap();
    assert_eq!(table.matches("/usr/share/zoneinfo/UTC\t").count(), 1, "{table}");
}

/// A busybox with this link, which its recipe takes, beside it.
fn with_link(path: &str, target: &str) -> Checkout {
    let mut checkout = Checkout::new();
    let files: [(&str, &[u8]); 1] = [("/bin/busybox", b"#!")];
    checkout.package_of_bytes("busybox", deb_with_links(&files, &[(path, target)]));
    checkout.edit("image/recipes/base.toml", "[\"/bin/busybox\"]", &format!("[\"/bin/busybox\", {path:?}]"));
    checkout
}

#[test]
fn a_link_with_a_long_target_is_taken() {
    let checkout = with_link("/bin/long", &format!("{}busybox", "../bin/".repeat(35)));
    checkout.succeeds(checkout.build_image_offline());
}

#[test]
fn a_name_of_255_bytes_is_taken_and_a_longer_one_is_not() {
    let checkout = with_link(&format!("/bin/{}", "n".repeat(255)), "busybox");
    checkout.succeeds(checkout.build_image_offline());
    let error = with_link(&format!("/bin/{}", "n".repeat(256)), "busybox").error();
    assert!(error.starts_with("error: a name has 256 bytes: nnn"), "{error}");
}
