//! Mistakes in files that users write: `site.toml`, `image.toml`, recipes, the pinned compiler.

use std::fs;

use insta::assert_snapshot;

use crate::checkout::Checkout;

#[test]
fn a_typo_in_site_toml() {
    let checkout = Checkout::new();
    checkout.write("cabin.toml", "role = \"dialer\"\nhostnam = \"cabin\"\n");
    let mut build = checkout.build_image_offline();
    build.args(["--site", "cabin.toml"]);
    assert_snapshot!(checkout.refuses(build), @r"
    error: cabin.toml:2:1: unknown key `hostnam`; did you mean `hostname`?
        |
      2 | hostnam = ••••
        | ^^^^^^^
      next: write `hostname`
    ");
}

#[test]
fn a_missing_site() {
    let checkout = Checkout::new();
    let mut build = checkout.build_image_offline();
    build.args(["--site", "cabin.toml"]);
    assert_snapshot!(checkout.refuses(build), @r"
    error: cannot read cabin.toml
      No such file or directory (os error 2)
      next: name another file, or write one with `cargo xtask site new`
    ");
}

#[test]
fn a_site_that_an_editor_has_not_saved_as_utf_8() {
    let checkout = Checkout::new();
    let check = || {
        let mut check = checkout.build_image_offline();
        check.args(["--site", "cabin.toml"]);
        check
    };
    // Windows-1252, and UTF-16.
    fs::write(checkout.path("cabin.toml"), b"role = 'dialer'\n# cabin in Sk\xe5ne\n").unwrap();
    assert_snapshot!(checkout.refuses(check()), @r"
    error: cannot read cabin.toml
      line 2, column 14 is not in UTF-8
      next: save it again as UTF-8, which editors offer where they ask for the file's name
    ");
    fs::write(checkout.path("cabin.toml"), b"\xff\xfer\0o\0l\0e\0").unwrap();
    assert_snapshot!(checkout.refuses(check()), @r"
    error: cannot read cabin.toml
      the file is in UTF-16
      next: save it again as UTF-8, which editors offer where they ask for the file's name
    ");
}

#[test]
fn a_typo_in_image_toml() {
    let checkout = Checkout::new();
    checkout.edit("image/image.toml", "boot-mib", "boot-mb");
    assert_snapshot!(checkout.error(), @r"
    error: image/image.toml:11:1: unknown key `boot-mb`; did you mean `boot-mib`?
      boot-mb = 9
      ^
      next: correct image/image.toml and run the same command again
    ");
}

#[test]
fn a_recipe_that_image_toml_misspells() {
    let checkout = Checkout::new();
    checkout.edit("image/image.toml", "\"base\"", "\"bsae\"");
    assert_snapshot!(checkout.error(), @r"
    error: image/image.toml lists `bsae`, but there is no image/recipes/bsae.toml
      next: correct the name under `recipes` in image/image.toml, or write image/recipes/bsae.toml
    ");
}

#[test]
fn a_recipe_and_image_boot_have_one_file() {
    let checkout = Checkout::new();
    // FAT does not distinguish the two.
    checkout.edit("image/recipes/kernel.toml", "\"kernel.img\"", "\"CONFIG.TXT\"");
    assert_snapshot!(checkout.error(), @r"
    error: two files of the boot partition have the name CONFIG.TXT
      one comes from image/boot, the other one from recipe `kernel`
      next: rename or remove one of the two
    ");
}

#[test]
fn a_recipe_that_brings_a_file_of_the_builder() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/kernel.toml", "\"kernel.img\"", "\"site.toml\"");
    assert_snapshot!(checkout.error(), @r"
    error: two files of the boot partition have the name site.toml
      one comes from the builder, the other one from recipe `kernel`
      next: rename or remove one of the two
    ");
}

#[test]
fn a_directory_in_image_boot() {
    let checkout = Checkout::new();
    checkout.write("image/boot/overlays/w1-gpio.dtbo", "");
    assert_snapshot!(checkout.error(), @r"
    error: image/boot/overlays is not a file
      the boot partition has one directory
      next: remove it, or move its files up
    ");
}

#[test]
fn a_typo_in_a_recipe() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "binaries", "binarys");
    assert_snapshot!(checkout.error(), @r#"
    error: image/recipes/base.toml:2:1: unknown key `binarys`; did you mean `binaries`?
      binarys = ["init", "service"]
      ^
      next: correct image/recipes/base.toml and run the same command again
    "#);
}

#[test]
fn a_path_in_a_recipe_that_is_not_absolute() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "[\"/bin/busybox\"]", "[\"bin/busybox\"]");
    assert_snapshot!(checkout.error(), @r"
    error: image/recipes/base.toml cannot be used
      `bin/busybox` is not a plain absolute path
      next: write it from the root on, without `.` and `..`, as in /usr/sbin/pppd
    ");
}

#[test]
fn a_file_that_two_recipes_claim() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/kernel.toml", "[[package]]", "overlay = [\"etc/\"]\n\n[[package]]");
    assert_snapshot!(checkout.error(), @r"
    error: recipes `kernel` and `base` both claim etc/
      next: take it out of image/recipes/kernel.toml or image/recipes/base.toml
    ");
}

#[test]
fn a_program_without_source() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "\"service\"", "\"servcie\"");
    assert_snapshot!(checkout.error(), @r"
    error: recipe `base` names the program `servcie`, but src/bin has none of that name
      next: correct `binaries` in image/recipes/base.toml, or write src/bin/servcie.rs
    ");
}

#[test]
fn a_stub_library_without_source() {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "overlay", "stub-libraries = [\"libdbus-1.so.3\"]\noverlay");
    assert_snapshot!(checkout.error(), @r"
    error: recipe `base` names a stub library for libdbus-1.so.3, which image/stub-libraries does not have
      next: correct `stub-libraries` in image/recipes/base.toml, or write image/stub-libraries/libdbus-1.so.3/lib.rs
    ");
}

#[test]
fn a_rust_toolchain_of_another_version_than_pinned() {
    let checkout = Checkout::new();
    checkout.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.90.0\"\n");
    let error = checkout.error().replace(env!("XTASK_RUSTC_RELEASE"), "RELEASE");
    assert_snapshot!(error, @r"
    error: rustc is RELEASE, but dialbox is built by 1.90.0
      rust-toolchain.toml pins it: the image is the same on every machine because its compiler is
      next: rustup toolchain install 1.90.0, then run the same command again
    ");
}

#[test]
fn a_boot_partition_too_small_for_its_contents() {
    let mut checkout = Checkout::new();
    checkout.edit("image/image.toml", "boot-mib = 9", "boot-mib = 3");
    let modules: (&str, &[u8]) = ("/lib/modules/6.1.0/modules.builtin", b"");
    checkout.package("linux-image", &[("/boot/vmlinuz", &vec![0; 4 << 20]), modules]);
    let error = checkout.error();
    // The sizes of the example site and of the initramfs, which has hashes of all that is in the root, may change.
    let site = include_str!("../../../image/sites/dialer.toml").len();
    let initramfs =
        error.lines().find_map(|line| line.trim().strip_prefix("initramfs.gz: ")?.strip_suffix(" bytes"));
    let initramfs: usize = initramfs.unwrap().parse().unwrap();
    let needed =
        (4 << 20) + 2 * 512 + [site, initramfs].map(|it| it.next_multiple_of(512)).iter().sum::<usize>();
    let error = [site, initramfs, needed]
        .iter()
        .fold(error, |error, size| error.replace(&format!(" {size} bytes"), " N bytes"));
    assert_snapshot!(error, @r"
    error: the boot partition is too small: its files need N bytes, it has 3145728
      kernel.img: 4194304 bytes
      site.toml: N bytes
      initramfs.gz: N bytes
      next: set `boot-mib = 5` or more under [disk] in image/image.toml
    ");
}

#[test]
fn a_root_partition_too_small_for_its_contents() {
    let mut checkout = Checkout::new();
    let noise: Vec<u8> =
        (0..600_000_u32).flat_map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    checkout.package("busybox", &[("/bin/busybox", &noise)]);
    let error = checkout.error();
    assert!(error.contains("root-mib = "), "{error}");
}
