//! Layers: what they add, replace and remove, and mistakes in them.

use std::{fs, process::Command};

use insta::assert_snapshot;
use sha2::{Digest, Sha256};

use crate::{checkout::Checkout, package::deb};

const LAYER: &str = "name = \"garden\"\nversion = \"2\"\nlicence = \"MIT\"\nrecipes = [\"pump\"]\n";
const PUMP: &str = "summary = \"waters\"\nbinaries = [\"pump\"]\noverlay = [\"etc/pump.conf\"]\n";

/// A checkout with a layer `garden`, which adds a program and a file.
fn with_layer() -> Checkout {
    let checkout = Checkout::new();
    write(&checkout, "garden");
    checkout
}

/// Writes the layer `garden` there.
pub fn write(checkout: &Checkout, directory: &str) {
    for (path, text) in [
        ("layer.toml", LAYER),
        ("recipes/pump.toml", PUMP),
        ("overlay/etc/pump.conf", "litres = 3\n"),
        ("programs/Cargo.toml", "[workspace]\n"),
        ("programs/Cargo.lock", "version = 4\n"),
        ("programs/src/bin/pump.rs", "fn main() {}\n"),
    ] {
        checkout.write(&format!("{directory}/{path}"), text);
    }
}

fn build(checkout: &Checkout, layers: &[&str]) -> Command {
    let mut build = checkout.build_image_offline();
    build.args(layers.iter().flat_map(|it| ["--layer", it]));
    build
}

/// The error of a build with `garden`, after a change of one of its files.
fn refused(path: &str, text: &str) -> String {
    let checkout = with_layer();
    checkout.write(path, text);
    checkout.refuses(build(&checkout, &["garden"]))
}

/// The lines of the list of files that contain one of these.
fn listed(checkout: &Checkout, words: &[&str]) -> String {
    let list = fs::read_to_string(checkout.path("out/small.files.tsv")).unwrap();
    let lines = list.lines().filter(|line| words.iter().any(|it| line.contains(it)));
    lines.map(|line| format!("{}\n", line.replace('\t', " "))).collect()
}

#[test]
fn a_layer_adds_files_and_programs_that_are_known_as_its_own() {
    let checkout = with_layer();
    checkout.succeeds(build(&checkout, &["garden"]));
    assert_snapshot!(listed(&checkout, &["pump", "service"]), @r"
    /etc/pump.conf 11 0644 root:root pump overlay/, recipe pump, layer garden garden 2
    /usr/sbin/pump 13 0755 root:root pump src/, recipe pump, layer garden garden 2
    /usr/sbin/service 13 0755 root:root base src/, recipe base dialbox 0.1.0
    ");
    let bill = fs::read_to_string(checkout.path("out/small.cdx.json")).unwrap();
    assert!(bill.contains("pkg:generic/garden@2"), "{bill}");
    let again = checkout.succeeds(build(&checkout, &["garden"]));
    assert!(again.contains("is up to date"), "{again}");
    // image.toml may name it as well.
    checkout.edit("image/image.toml", "suite =", "layers = [\"garden\"]\nsuite =");
    let with = checkout.out();
    checkout.succeeds(build(&checkout, &[]));
    assert_eq!(checkout.out(), with);
}

#[test]
fn an_image_does_not_depend_on_where_its_layer_lies() {
    let checkout = with_layer();
    checkout.succeeds(build(&checkout, &["garden"]));
    fs::rename(checkout.path("garden"), checkout.path("../elsewhere")).unwrap();
    let words = checkout.succeeds(build(&checkout, &["../elsewhere"]));
    assert!(words.contains("is up to date"), "{words}");
}

#[test]
fn a_change_of_any_file_of_a_layer_is_in_the_next_image() {
    let checkout = with_layer();
    checkout.succeeds(build(&checkout, &["garden"]));
    for (path, from, to) in [
        ("overlay/etc/pump.conf", "3", "4"),
        ("programs/src/bin/pump.rs", "main", "other"),
        ("programs/Cargo.lock", "4", "5"),
        ("recipes/pump.toml", "waters", "waters the garden"),
        ("layer.toml", "licence = \"MIT\"", "licence = \"ISC\""),
    ] {
        let before = checkout.out();
        checkout.edit(&format!("garden/{path}"), from, to);
        checkout.succeeds(build(&checkout, &["garden"]));
        // The fake compiler does not read the lock.
        assert_eq!(checkout.out() == before, path.ends_with("Cargo.lock"), "{path}");
    }
    let mut explained = build(&checkout, &["garden"]);
    checkout.edit("garden/programs/Cargo.lock", "5", "6");
    explained.arg("--explain");
    let words = checkout.succeeds(explained);
    assert!(words.contains("layer-programs/garden: layer garden: Cargo.lock changed"), "{words}");
}

#[test]
fn a_layer_replaces_and_removes_what_it_names() {
    let checkout = with_layer();
    checkout.edit("image/image.toml", "\"base\"]", "\"base\", \"extra\"]");
    checkout.edit("image/recipes/base.toml", "\"etc/\"", "\"etc/inittab\"");
    checkout.write("image/recipes/extra.toml", "summary = \"more\"\noverlay = [\"etc/extra\"]\n");
    checkout.write("overlay/etc/extra", "");
    let says = "replace-overlay = [\"etc/inittab\"]\nremove-recipes = [\"extra\"]\n";
    checkout.write("garden/layer.toml", format!("{LAYER}{says}"));
    checkout.write("garden/overlay/etc/inittab", "::sysinit:/bin/garden\n");
    checkout.succeeds(build(&checkout, &["garden"]));
    assert_snapshot!(listed(&checkout, &["inittab", "extra"]), @r"
    /etc/inittab 22 0644 root:root base overlay/, recipe base, layer garden garden 2
    ");
    // A recipe in the place of another one takes over its files.
    checkout.write("garden/layer.toml", format!("{LAYER}replace-recipes = [\"extra\"]\n"));
    fs::remove_file(checkout.path("garden/overlay/etc/inittab")).unwrap();
    checkout.write("garden/recipes/extra.toml", "summary = \"other\"\noverlay = [\"etc/extra\"]\n");
    checkout.succeeds(build(&checkout, &["garden"]));
    assert_snapshot!(listed(&checkout, &["inittab", "extra"]), @r"
    /etc/extra 0 0644 root:root extra overlay/, recipe extra dialbox 0.1.0
    /etc/inittab 20 0644 root:root base overlay/, recipe base dialbox 0.1.0
    ");
}

/// Puts a package into the download directory; returns its entry of a lock.
fn package(checkout: &Checkout, name: &str, content: &[u8]) -> String {
    let copyright = format!("/usr/share/doc/{name}/copyright");
    let bytes = deb(&[("/usr/bin/valve", content), (&copyright, b"Free.")]);
    checkout.write(&format!("../downloads/{name}.deb"), &bytes);
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "epoch = 1700000001\n[[package]]\nname = \"{name}\"\nsuite = \"bookworm\"\narchitecture = \"armel\"\n\
         version = \"2\"\npath = \"pool/{name}.deb\"\nsize = {}\nsha256 = \"{sha256}\"\nrecipes = [\"pump\"]\n",
        bytes.len()
    )
}

#[test]
fn the_lock_of_a_layer_lies_in_the_layer() {
    let checkout = with_layer();
    let ours = fs::read(checkout.path("image/packages.lock")).unwrap();
    let names = |name: &str| format!("{PUMP}[[package]]\nname = \"{name}\"\nfiles = [\"/usr/bin/valve\"]\n");
    checkout.write("garden/recipes/pump.toml", names("valve"));
    assert_snapshot!(checkout.refuses(build(&checkout, &["garden"])), @r"
    error: there is no garden/packages.lock
      next: cargo xtask lock --layer garden
    ");
    checkout.write("garden/packages.lock", package(&checkout, "other", b"a valve"));
    assert_snapshot!(checkout.refuses(build(&checkout, &["garden"])), @r"
    error: garden/packages.lock does not fit the recipes
      other (bookworm, armel) is locked, but no recipe names it
      valve (bookworm, armel) is not locked; recipe pump names it
      next: cargo xtask lock --layer garden
    ");
    checkout.write("garden/packages.lock", package(&checkout, "valve", b"a valve"));
    checkout.succeeds(build(&checkout, &["garden"]));
    assert!(listed(&checkout, &["valve"]).contains("/usr/bin/valve 7 0755 root:root pump package valve"));
    // Another version of a package that is locked below.
    checkout.write("garden/recipes/pump.toml", names("busybox"));
    checkout.write("garden/packages.lock", package(&checkout, "busybox", b"another one"));
    assert_snapshot!(checkout.refuses(build(&checkout, &["garden"])), @r"
    error: garden/packages.lock does not fit the lock below it
      busybox (bookworm, armel) is locked at 2 there, and at 1 below
      next: cargo xtask lock --layer garden
    ");
    assert_eq!(fs::read(checkout.path("image/packages.lock")).unwrap(), ours);
}

#[test]
fn a_directory_that_is_no_layer_and_keys_that_are_none() {
    let checkout = with_layer();
    assert_snapshot!(checkout.refuses(build(&checkout, &["gardne"])), @r"
    error: gardne is not a layer: there is no gardne/layer.toml
      next: name a directory that has one; docs/layers.md describes it
    ");
    assert_snapshot!(refused("garden/layer.toml", &LAYER.replace("recipes", "recipe")), @r#"
    error: garden/layer.toml:4:1: unknown key `recipe`; did you mean `recipes`?
      recipe = ["pump"]
      ^
      next: correct garden/layer.toml and run the same command again
    "#);
    assert_snapshot!(refused("garden/layer.toml", &LAYER.replace("garden", "My garden")), @r"
    error: garden/layer.toml: `My garden` is not a name for a layer
      next: use small letters, digits and hyphens; `image` is the checkout's
    ");
}

#[test]
fn a_layer_that_names_what_is_not_there() {
    let more = |line: &str| refused("garden/layer.toml", &format!("{LAYER}{line}\n"));
    assert_snapshot!(refused("garden/layer.toml", &LAYER.replace("\"pump\"", "\"pump\", \"hose\"")), @r"
    error: garden/layer.toml lists `hose`, but there is no garden/recipes/hose.toml
      next: correct the name under `recipes` in garden/layer.toml, or write garden/recipes/hose.toml
    ");
    assert_snapshot!(more("remove-recipes = [\"bsae\"]"), @r"
    error: garden/layer.toml lists `bsae` under `remove-recipes`, but nothing below it has that
      next: correct the name, or take it out
    ");
    assert_snapshot!(more("remove-stub-libraries = [\"libssl.so.3\"]"), @r"
    error: garden/layer.toml lists `libssl.so.3` under `remove-stub-libraries`, but nothing below it has that
      next: correct the name, or take it out
    ");
    assert_snapshot!(more("replace-overlay = [\"etc/pump.conf\"]"), @r"
    error: garden/layer.toml lists `etc/pump.conf` under `replace-overlay`
      nothing below it has a file of that name
      next: correct the path, which is written without overlay/, or take it out
    ");
    assert_snapshot!(more("replace-overlay = [\"etc/inittab\"]"), @r"
    error: garden/layer.toml lists `etc/inittab` under `replace-overlay`
      there is no garden/overlay/etc/inittab
      next: correct the path, which is written without overlay/, or take it out
    ");
    assert_snapshot!(more("site = \"sites/cabin.toml\""), @r"
    error: garden/layer.toml names the site garden/sites/cabin.toml, which is not there
      next: correct `site`, or write the file
    ");
    assert_snapshot!(refused("garden/recipes/pump.toml", &PUMP.replace("\"pump\"]", "\"pmup\"]")), @r"
    error: recipe `pump` names the program `pmup`, but garden/programs/src/bin has none of that name
      next: correct `binaries` in garden/recipes/pump.toml, or write garden/programs/src/bin/pmup.rs
    ");
    assert_snapshot!(refused("garden/recipes/pump.toml", &PUMP.replace("pump.conf", "pmup.conf")), @r#"
    error: garden/overlay/etc/pump.conf belongs to no recipe
      next: add "etc/pump.conf" to `overlay` in the recipe it serves, or remove the file
    "#);
}

#[test]
fn what_two_places_claim_is_an_error_that_names_both() {
    assert_snapshot!(refused("garden/overlay/etc/inittab", ""), @r#"
    error: two layers have the file overlay/etc/inittab
      overlay/etc/inittab and garden/overlay/etc/inittab
      next: list "etc/inittab" under `replace-overlay` in garden/layer.toml, or remove it there
    "#);
    let checkout = with_layer();
    checkout.write("garden/recipes/base.toml", PUMP);
    checkout.edit("garden/layer.toml", "\"pump\"", "\"pump\", \"base\"");
    assert_snapshot!(checkout.refuses(build(&checkout, &["garden"])), @r"
    error: two recipes have the name `base`
      image/recipes/base.toml and garden/recipes/base.toml
      next: rename the second, or list it under `replace-recipes` in garden/layer.toml
    ");
    assert_snapshot!(refused("garden/recipes/hose.toml", PUMP), @r"
    error: garden/recipes/hose.toml is not listed in garden/layer.toml
      next: list it under `recipes` or `replace-recipes`, or remove it
    ");
    let two = |first: &str, second: &str, path: &str| {
        let checkout = with_layer();
        checkout.write("garden/layer.toml", format!("{LAYER}{first}"));
        checkout.write("pond/layer.toml", format!("name = \"pond\"\n{second}"));
        checkout.write(path, "");
        checkout.refuses(build(&checkout, &["garden", "pond"]))
    };
    assert_snapshot!(two("", "", "pond/overlay/etc/pump.conf"), @r"
    error: two layers have the file overlay/etc/pump.conf
      garden/overlay/etc/pump.conf and pond/overlay/etc/pump.conf
      next: remove one of the two
    ");
    assert_snapshot!(two("[disk]\nroot-mib = 2\n", "[disk]\nroot-mib = 3\n", "pond/README.md"), @r"
    error: two layers set `root-mib`
      garden/layer.toml and pond/layer.toml
      next: take it out of one of the two
    ");
    assert_snapshot!(two("site = \"a\"\n", "site = \"b\"\n", "pond/README.md"), @r"
    error: two layers name a site
      garden/layer.toml and pond/layer.toml
      next: take `site` out of one of the two, or give --site
    ");
    checkout.write("pond/layer.toml", "name = \"garden\"\n");
    checkout.write("garden/layer.toml", LAYER);
    fs::remove_file(checkout.path("garden/recipes/base.toml")).unwrap();
    assert_snapshot!(checkout.refuses(build(&checkout, &["garden", "pond"])), @r"
    error: two layers have the name `garden`
      garden/layer.toml and pond/layer.toml
      next: give one of them another name, or name it once
    ");
}

#[test]
fn a_card_can_be_written_with_a_layer() {
    let checkout = with_layer();
    checkout.edit("image/image.toml", "name = \"small\"", "name = \"dialbox-rpi1\"");
    let mut flash = checkout.xtask(Command::new(env!("CARGO_BIN_EXE_xtask")));
    flash.args(["flash", "--site", "image/sites/dialer.toml", "--layer", "garden", "card"]);
    flash.args(["--offline", "--downloads"]).arg(checkout.path("../downloads"));
    checkout.succeeds(flash);
    let list = fs::read_to_string(checkout.path("out/dialbox-rpi1.files.tsv")).unwrap();
    assert!(list.contains("/etc/pump.conf\t"), "{list}");
    let image = fs::read(checkout.path("out/dialbox-rpi1.img")).unwrap();
    assert!(fs::read(checkout.path("card")).unwrap() == image);
}

/// Before the minutes in which the standard library is compiled.
#[test]
fn a_package_that_cargo_would_refuse() {
    for (file, error) in [
        ("Cargo.toml", "`programs` is a cargo package: docs/layers/example has one"),
        ("Cargo.lock", "cargo generate-lockfile --manifest-path garden/programs/Cargo.toml    makes it"),
    ] {
        let checkout = with_layer();
        fs::remove_file(checkout.path(&format!("garden/programs/{file}"))).unwrap();
        let said = checkout.refuses(build(&checkout, &["garden"]));
        assert!(said.starts_with(&format!("error: there is no garden/programs/{file}\n")), "{said}");
        assert!(said.trim_end().ends_with(&format!("  next: {error}")), "{said}");
        assert!(!checkout.path("target/dialbox/tasks/sysroot").exists());
    }
}
