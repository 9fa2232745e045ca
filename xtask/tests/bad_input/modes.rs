//! Permission bits and users that a recipe sets.

use std::{fs, process::Command};

use insta::assert_snapshot;

use crate::{checkout::Checkout, package::deb_with_directory};

fn with_modes(modes: &str) -> Checkout {
    let checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "[links]", &format!("[modes]\n{modes}\n\n[links]"));
    checkout
}

#[test]
fn a_recipe_sets_the_modes_of_files_and_directories() {
    let checkout = with_modes("\"/etc/inittab\" = \"0600\"\n\"/etc\" = \"1777\"");
    checkout.succeeds(checkout.build_image_offline());
    let table = fs::read_to_string(checkout.path("out/small.files.tsv")).unwrap();
    let line = table.lines().find(|line| line.starts_with("/etc/inittab\t")).unwrap();
    assert!(line.contains("\t0600\t"), "{line}");
}

#[test]
fn a_directory_has_the_mode_of_its_package_unless_a_recipe_says_otherwise() {
    let mut checkout = Checkout::new();
    checkout.edit("image/recipes/base.toml", "[\"/bin/busybox\"]", "[\"/bin/busybox\", \"/etc/keys/\"]");
    let files: &[(&str, &[u8])] = &[("/bin/busybox", b"a shell"), ("/etc/keys/one", b"a key")];
    checkout.package("busybox", files);
    checkout.succeeds(checkout.build_image_offline());
    fs::rename(checkout.path("out"), checkout.path("usual")).unwrap();
    let changed = |checkout: &Checkout| {
        checkout.succeeds(checkout.build_image_offline());
        let mut diff = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
        let said = String::from_utf8(diff.args(["diff", "usual", "out"]).output().unwrap().stdout).unwrap();
        said.lines().filter(|line| line.contains("/etc/keys")).map(str::to_owned).collect::<Vec<_>>()
    };
    checkout.package_of_bytes("busybox", deb_with_directory("/etc/keys", 0o700, files));
    assert_eq!(changed(&checkout), ["  changed /etc/keys, mode 0755 -> 0700"]);
    checkout.edit("image/recipes/base.toml", "[links]", "[modes]\n\"/etc/keys\" = \"0750\"\n\n[links]");
    assert_eq!(changed(&checkout), ["  changed /etc/keys, mode 0755 -> 0750"]);
}

/// Whose it is in the finished image: `diff` reads that from the squashfs.
#[test]
fn a_recipe_gives_a_file_to_a_user() {
    let checkout = Checkout::new();
    checkout.write("overlay/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    checkout.write("overlay/etc/group", "root:x:0:\n");
    checkout.write("overlay/etc/shadow", "root:*:20000:0:99999:7:::\n");
    checkout.edit("image/recipes/base.toml", "[links]", "[users]\ntcpdump = 801\n\n[links]");
    checkout.succeeds(checkout.build_image_offline());
    fs::rename(checkout.path("out"), checkout.path("before")).unwrap();
    let owner = "[owners]\n\"/etc/inittab\" = \"tcpdump\"\n\n[links]";
    checkout.edit("image/recipes/base.toml", "[links]", owner);
    checkout.succeeds(checkout.build_image_offline());
    let mut diff = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    let output = diff.args(["diff", "before", "out"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told = "changed /etc/inittab (overlay/, recipe base), owner root:root -> tcpdump:tcpdump\n";
    assert!(said.contains(told) && !said.contains("/etc/passwd"), "{said}");
    assert!(said.ends_with("not explained\n  0 bytes\n"), "{said}");
    let mut json = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    let json = json.args(["diff", "--json", "before", "out"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["image"]["files"][0]["owner"], serde_json::json!(["root:root", "tcpdump:tcpdump"]));

    let table = fs::read_to_string(checkout.path("out/small.files.tsv")).unwrap();
    let owner = |path: &str| {
        let line = table.lines().find(|line| line.split('\t').next() == Some(path)).unwrap();
        line.split('\t').nth(3).unwrap().to_owned()
    };
    assert_eq!(owner("/etc/inittab"), "tcpdump:tcpdump");
    assert!(["/etc/passwd", "boot:/kernel.img", "initramfs:/init"].iter().all(|it| owner(it) == "root:root"));
    for (bill, owned) in [
        ("small.spdx.json", "from overlay/, recipe base; it belongs to tcpdump:tcpdump"),
        ("small.cdx.json", "dialbox:owner"),
    ] {
        let bill = fs::read_to_string(checkout.path("out").join(bill)).unwrap();
        assert_eq!(bill.matches(owned).count(), 1, "{owned}");
    }
    checkout.edit("image/recipes/base.toml", "= \"tcpdump\"", "= \"tcpdmup\"");
    assert_snapshot!(checkout.refuses(checkout.build_image_offline()), @r"
    error: recipe `base` gives /etc/inittab to tcpdmup, which /etc/passwd and /etc/group of the root do not have
      next: correct `owners` in image/recipes/base.toml
    ");
}

#[test]
fn a_mode_of_nothing() {
    assert_snapshot!(with_modes("\"/etc/shadwo\" = \"0600\"").error(), @r"
    error: recipe `base` sets the mode of /etc/shadwo, where no file and no directory is
      next: correct `modes` in image/recipes/base.toml
    ");
}

#[test]
fn a_mode_that_is_none() {
    assert_snapshot!(with_modes("\"/etc/inittab\" = \"rw\"").error(), @r#"
    error: image/recipes/base.toml cannot be used
      `rw`, the mode of /etc/inittab, is not one in octal
      next: write three or four digits, as in "0600" or "1777"
    "#);
    assert_snapshot!(with_modes("\"/bin/busybox\" = \"4755\"").error(), @r"
    error: image/recipes/base.toml cannot be used
      the mode `4755` of /bin/busybox has a set-user-id or set-group-id bit
      next: no program of the box runs as its file's owner or group: leave the bit out
    ");
}

#[test]
fn a_mode_that_two_recipes_set() {
    let checkout = with_modes("\"/etc/inittab\" = \"0600\"");
    checkout.edit(
        "image/recipes/kernel.toml",
        "[[package]]",
        "[modes]\n\"/etc/inittab\" = \"0644\"\n\n[[package]]",
    );
    assert_snapshot!(checkout.error(), @r"
    error: recipes `kernel` and `base` both set the mode of /etc/inittab
      next: take it out of `modes` in image/recipes/kernel.toml or image/recipes/base.toml
    ");
    for recipe in ["kernel", "base"] {
        checkout.edit(&format!("image/recipes/{recipe}.toml"), "[modes]", "[owners]");
    }
    assert_snapshot!(checkout.error(), @r"
    error: recipes `kernel` and `base` both set the owner of /etc/inittab
      next: take it out of `owners` in image/recipes/kernel.toml or image/recipes/base.toml
    ");
}

#[test]
fn a_user_that_no_file_can_have() {
    let with_user = |user: &str| {
        let checkout = Checkout::new();
        checkout.edit("image/recipes/base.toml", "[links]", &format!("[users]\n{user}\n\n[links]"));
        checkout.error()
    };
    assert_snapshot!(with_user("Tcpdump = 801"), @r"
    error: image/recipes/base.toml cannot be used
      `Tcpdump` is not a name of a user
      next: write small letters, digits, `-` and `_`, 32 at most, a letter first
    ");
    assert_snapshot!(with_user("tcpdump = 0"), @r"
    error: image/recipes/base.toml cannot be used
      the user tcpdump has the number 0
      next: choose one from 100 to 899, as in `tcpdump = 801`: those from 900 on are of the box's own processes
    ");
    assert!(with_user("tcpdump = 901").contains("the user tcpdump has the number 901"));
    assert_snapshot!(with_user("tcpdump = 801"), @r"
    error: recipe `base` adds the user tcpdump, but the root has no /etc/passwd
      next: correct `users` in image/recipes/base.toml
    ");
}

#[test]
fn a_suite_that_takes_libraries_from_an_unknown_one() {
    let checkout = Checkout::new();
    checkout.edit(
        "image/image.toml",
        "components = [\"main\"]",
        "components = [\"main\"]\nlibraries = [\"bookwrm\"]",
    );
    assert_snapshot!(checkout.error(), @r"
    error: image/image.toml: the suite `bookworm` takes libraries from `bookwrm`, which has no [suites.bookwrm]
      next: correct the name, or add that table with its `components`
    ");
}
